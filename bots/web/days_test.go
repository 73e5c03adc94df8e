package web

import (
	"net/netip"
	"testing"
	"time"
)

// TestWhoReportsIsForgottenWithTheDay has what stands for a client be the same all day,
// and another the next day, in another process, and behind a gateway.
func TestWhoReportsIsForgottenWithTheDay(t *testing.T) {
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	client := netip.MustParsePrefix("198.51.100.7/32")
	var d, restarted days
	first, origin := d.writer(day, client, "U1")
	if origin.Client != first {
		t.Error("the brakes count something else")
	}
	if again, _ := d.writer(day.Add(24*time.Hour-1), client, "U2"); again != first {
		t.Error("on the same day it is somebody else")
	}
	if other, _ := d.writer(day, netip.MustParsePrefix("198.51.100.8/32"), "U1"); other == first {
		t.Error("two clients are one")
	}
	hidden, origin := d.writer(day, netip.Prefix{}, "U1")
	if origin.Client != "" || hidden == first {
		t.Errorf("behind a gateway: %q, %q", hidden, origin.Client)
	}
	if other, _ := d.writer(day, netip.Prefix{}, "U2"); other == hidden {
		t.Error("behind a gateway everybody is one")
	}
	if next, _ := d.writer(day.Add(24*time.Hour), client, "U1"); next == first {
		t.Error("the next day it is still seen who it was")
	}
	if back, _ := d.writer(day, client, "U1"); back == first {
		t.Error("the key of a day that is over is there still")
	}
	if other, _ := restarted.writer(day, client, "U1"); other == first {
		t.Error("the key does not end with the process")
	}
}
