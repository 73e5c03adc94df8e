package web

import (
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
)

// TestWhoSleepsIsFoundByAnIndex: whoever judges a report asks for it, and a city may have
// tens of thousands of subscriptions, each a row with sealed keys.
func TestWhoSleepsIsFoundByAnIndex(t *testing.T) {
	dbtest.OnlyFile(t, "how it finds rows")
	p := newPocket(t)
	var plan struct{ Detail string }
	if err := p.DB.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+sleepers, p.bot.ID, 23).Scan(&plan).Error; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.Detail, "COVERING INDEX web_wishes_quiet (bot_id=? AND quiet_from>?)") {
		t.Error(plan.Detail)
	}
}
