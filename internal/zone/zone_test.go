package zone_test

import (
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name, own, language, other, want string
	}{
		{"its own", "Asia/Kolkata", "de", "America/St_Johns", "Asia/Kolkata"},
		{"that of German", "", "de", "America/St_Johns", "Europe/Berlin"},
		{"that of Turkish", "", "tr", "", "Europe/Istanbul"},
		{"that of Ukrainian", "", "uk", "", "Europe/Kyiv"},
		{"that of French", "", "fr", "", "Europe/Paris"},
		{"English is spoken everywhere", "", "en", "America/St_Johns", "America/St_Johns"},
		{"Arabic too", "", "ar", "Africa/Cairo", "Africa/Cairo"},
		{"the machine's", "", "en", "", time.Local.String()},
		{"one that is gone", "Europe/Atlantis", "en", "Africa/Cairo", "Africa/Cairo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := zone.Of(report.City{Zone: tt.own, Language: tt.language}, tt.other).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSummerTime(t *testing.T) {
	berlin := zone.Of(report.City{Language: "de"}, "")
	for at, want := range map[string]string{
		"2026-03-29T00:59:00Z": "01:59 CET",
		"2026-03-29T01:00:00Z": "03:00 CEST",
		"2026-10-25T00:59:00Z": "02:59 CEST",
		"2026-10-25T01:00:00Z": "02:00 CET",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := instant.In(berlin).Format("15:04 MST"); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}

func TestOfBrowser(t *testing.T) {
	for _, tt := range []struct{ name, language, want string }{
		{"Asia/Kolkata", "en", "Asia/Kolkata"},
		{"America/St_Johns", "de", "America/St_Johns"},
		{"UTC", "de", ""}, // the Tor Browser, wherever it is
		{"Atlantic/Reykjavik", "fr", ""},
		{"Atlantic/Reykjavik", "en", "Atlantic/Reykjavik"},
		{"<script>", "en", ""},
	} {
		if got := zone.OfBrowser(tt.name, tt.language); got != tt.want {
			t.Errorf("%s for %s is %q, want %q", tt.name, tt.language, got, tt.want)
		}
	}
}

func TestKnown(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Berlin":             "Europe/Berlin",
		" Asia/Calcutta ":           "Asia/Calcutta", // as some browsers still call it
		"America/Argentina/Ushuaia": "America/Argentina/Ushuaia",
		"UTC":                       "UTC",
		"":                          "",
		"Local":                     "",
		"Nürnberg":                  "",
		"../../etc/passwd":          "",
		"/etc/localtime":            "",
		"Europe/./Berlin":           "", // one zone has one name: each that is found is kept
		"Europe//Berlin":            "",
		strings.Repeat("A/", 500):   "",
	} {
		if got := zone.Known(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
