package bots_test

import (
	"testing"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestForgedIDIsAnotherReport has somebody send what has the id of another's message
// before that comes: the other's is a report of its own, by an author of its own.
func TestForgedIDIsAnotherReport(t *testing.T) {
	box := dbtest.MustMakeBox(t)
	key := func(in bots.Incoming) report.Report {
		r := report.Report{CityID: 1, BotID: 2, Network: "mail"}
		bots.KeyReport(box, &r, in)
		return r
	}
	in := bots.Incoming{ID: "4711@riders.example", Author: "anna@riders.example", KeepID: true}
	true1, true2 := key(in), key(in)
	in.Unverified = &bots.Origin{Client: "192.0.2.7/32", Domain: "elsewhere.example"}
	forged := key(in)
	if true1.ID != true2.ID || true1.ID == forged.ID {
		t.Errorf("the ids are %s, again %s, forged %s", true1.ID, true2.ID, forged.ID)
	}
	if true1.Author == forged.Author || forged.LeftOut != true1.Author {
		t.Errorf("the author is %s, forged %s without %s", true1.Author, forged.Author, forged.LeftOut)
	}
	if forged.Client == "" || forged.Domain == "" || true1.Client+true1.Domain != "" {
		t.Errorf("it came from %q %q, forged %q %q", true1.Client, true1.Domain, forged.Client, forged.Domain)
	}
	for _, r := range []report.Report{true1, forged} {
		if id, err := bots.MessageID(box, r); id != in.ID || err != nil || r.NetworkID == in.ID {
			t.Errorf("the id that is kept is %q, %v", id, err)
		}
	}
}
