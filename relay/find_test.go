package relay_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// TestReportsComeOutOfOrder has another process store a report whose place is before those
// that were judged: it is judged as well.
func TestReportsComeOutOfOrder(t *testing.T) {
	t.Parallel()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	one, other := dbtest.MustOpenTwo(t, time.Now, nil)
	rl, to := newRelayOn(one, time.Now(), nil)
	c := dbtest.MustCreateCity(t, one, "nuernberg", "telegram")
	err := other.Write(t.Context(), func(tx *gorm.DB) error {
		_, err := db.Exec(tx, "SELECT setval('reports_seq', 100)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, rl)
	mustHear(t, rl, c, "first")
	to.mustWait(t, 1)
	second := map[string]any{"id": "second", "text": "U1 again"}
	other.SealReport(second)
	err = other.Write(t.Context(), func(tx *gorm.DB) error {
		_, err := db.Exec(tx, `INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state)
			SELECT 50, ?, city_id, bot_id, network, network_id, 'somebody', ?, visibility, time, received, 'heard' FROM reports`, second["id"], second["text"])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := to.mustWait(t, 2); list[1].Report.ID != "second" {
		t.Errorf("%+v was sent", list)
	}
}
