package report_test

import (
	"regexp"
	"testing"

	"ticketfrei/internal/report"
)

// TestIDs pins the ids. Those in the database of a running server
// must mean the same after an upgrade.
func TestIDs(t *testing.T) {
	ids := map[string]string{
		"delivery":                report.DeliveryID("r", 1, 17),
		"to another recipient":    report.DeliveryID("r", 1, 18),
		"to everybody":            report.DeliveryID("r", 1, 0),
		"of the bot that is next": report.DeliveryID("r", 2, 0),
	}
	seen := make(map[string]string)
	for name, id := range ids {
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have the same id", name, other)
		}
		seen[id] = name
		if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(id) {
			t.Errorf("%s: %q cannot stand in a subject or an address", name, id)
		}
	}
	for recipient, want := range map[int64]string{0: "ExlFVbX3QV2flecOCaatLA", 17: "7yLt9eFG3MVy9rBbdFK-YA"} {
		if got := report.DeliveryID("r", 1, recipient); got != want {
			t.Errorf("delivery id to %d = %s, not as before", recipient, got)
		}
	}
}

func TestNewDelivery(t *testing.T) {
	r := report.Report{ID: "r", CityID: 3, BotID: 1, Text: "U1"}
	d := report.NewDelivery(r, report.Bot{ID: 7, CityID: 3, Network: "mail"}, 17)
	if d.ID != report.DeliveryID("r", 7, 17) || d.BotID != 7 || d.Recipient != 17 || d.Network != "mail" || d.Report != r || d.Retract != nil {
		t.Errorf("delivery = %+v", d)
	}
}
