package bus_test

import (
	"strings"
	"testing"

	"ticketfrei/internal/bus"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		fits          bool
	}{
		{"report.passed", "report.passed", true}, {"report.*", "report.taken_back", true}, {"report.*", "report", false},
		{"report.*", "report.a.b", false}, {"report.>", "report.a.b", true}, {"report.>", "report", false}, {">", "bot.off", true},
		{"bat-signal-*", "bat-signal-main", true}, {"bat-signal-*", "bat-signal.main", false}, {"*.passed", "report.passed", true},
		{"bot.?ff", "bot.off", true}, {"bot", "bot.off", false},
	} {
		if err := bus.Pattern(c.pattern).Check(); err != nil {
			t.Error(err)
		}
		if got := bus.Pattern(c.pattern).Matches(c.name); got != c.fits {
			t.Errorf("%q fits %q: %t", c.pattern, c.name, got)
		}
	}
	for _, wrong := range []string{"", "a..b", ">.a", "A", "a b", "[a", "a.>b", strings.Repeat("a", 101)} {
		if bus.Pattern(wrong).Check() == nil {
			t.Errorf("%q is taken for a pattern", wrong)
		}
	}
}

func TestBus(t *testing.T) {
	var b bus.Bus
	b.Publish(bus.Event{CityID: 1, Name: "nobody.listens"})
	one := b.Subscribe(1, 1, "report.*")
	all := b.Subscribe(0, 9, ">")
	if !b.Wanted(2, "x") || !b.Wanted(1, bus.ReportPassed) {
		t.Error("not wanted")
	}
	for _, e := range []bus.Event{{CityID: 1, Name: bus.ReportPassed}, {CityID: 1, Name: bus.ReportRefused}, {CityID: 2, Name: bus.ReportPassed}, {CityID: 1, Name: "bot.off"}} {
		b.Publish(e)
	}
	if len(one.C) != 1 || len(all.C) != 4 {
		t.Errorf("got %d and %d events", len(one.C), len(all.C))
	}
	all.Close()
	one.Close()
	b.Publish(bus.Event{CityID: 1, Name: bus.ReportPassed})
	if len(all.C) != 4 || b.Wanted(1, bus.ReportPassed) {
		t.Error("told after the end")
	}
}
