package web

import (
	"net/netip"
	"testing"
	"time"

	"ticketfrei/bots"
)

// TestWhoReportsIsForgottenWithTheDay has what stands for a client be the same all day,
// and another the next day, in another process, and behind a gateway.
func TestWhoReportsIsForgottenWithTheDay(t *testing.T) {
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	client := netip.MustParsePrefix("198.51.100.7/32")
	var d, restarted days
	writer := func(d *days, now time.Time, client netip.Prefix, text string) (string, *bots.Origin) {
		t.Helper()
		author, origin, err := d.writer(t.Context(), now, client, text)
		if err != nil {
			t.Fatal(err)
		}
		return author, origin
	}
	first, origin := writer(&d, day, client, "U1")
	if origin.Client != first {
		t.Error("the brakes count something else")
	}
	if again, _ := writer(&d, day.Add(24*time.Hour-1), client, "U2"); again != first {
		t.Error("on the same day it is somebody else")
	}
	if other, _ := writer(&d, day, netip.MustParsePrefix("198.51.100.8/32"), "U1"); other == first {
		t.Error("two clients are one")
	}
	hidden, origin := writer(&d, day, netip.Prefix{}, "U1")
	if origin.Client != "" || hidden == first {
		t.Errorf("behind a gateway: %q, %q", hidden, origin.Client)
	}
	if other, _ := writer(&d, day, netip.Prefix{}, "U2"); other == hidden {
		t.Error("behind a gateway everybody is one")
	}
	if next, _ := writer(&d, day.Add(24*time.Hour), client, "U1"); next == first {
		t.Error("the next day it is still seen who it was")
	}
	if back, _ := writer(&d, day, client, "U1"); back == first {
		t.Error("the key of a day that is over is there still")
	}
	if other, _ := writer(&restarted, day, client, "U1"); other == first {
		t.Error("the key does not end with the process")
	}
}
