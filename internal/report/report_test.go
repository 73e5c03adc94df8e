package report_test

import (
	"regexp"
	"testing"

	"ticketfrei/internal/report"
)

// TestIDs pins the ids. Those in the queue and the database of a running server
// must mean the same after an upgrade.
func TestIDs(t *testing.T) {
	ids := map[string]string{
		"report":                  report.ID("mail", 1, "a"),
		"of another network":      report.ID("mastodon", 1, "a"),
		"of another bot":          report.ID("mail", 2, "a"),
		"parts not run together":  report.ID("mail", 1, "") + report.ID("mail1", 1, ""),
		"delivery":                report.DeliveryID("r", 1, "one@example.org"),
		"to another recipient":    report.DeliveryID("r", 1, "two@example.org"),
		"to everybody":            report.DeliveryID("r", 1, ""),
		"of the bot that is next": report.DeliveryID("r", 2, ""),
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
	if got := report.ID("mail", 1, "a"); got != "buMm3L7oXiIRP1T1xv71NA" {
		t.Errorf("report id = %s, not as before", got)
	}
	if got := report.DeliveryID("r", 1, "one@example.org"); got != "7V7qX3EP90DOmPlF27P13g" {
		t.Errorf("delivery id = %s, not as before", got)
	}
}

func TestNewDelivery(t *testing.T) {
	r := report.Report{ID: "r", CityID: 3, BotID: 1, Text: "U1"}
	d := report.NewDelivery(r, report.Bot{ID: 7, CityID: 3, Network: "mail"}, "one@example.org")
	if d.ID != report.DeliveryID("r", 7, "one@example.org") || d.BotID != 7 || d.Network != "mail" || d.Report != r || d.Retract != nil {
		t.Errorf("delivery = %+v", d)
	}
}
