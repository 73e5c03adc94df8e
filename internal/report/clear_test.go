package report_test

import (
	"testing"
	"time"

	"ticketfrei/internal/report"
)

func TestHeading(t *testing.T) {
	for want, r := range map[string]report.Reading{
		"":                   {People: 2},
		"U1 Plärrer → Fürth": {Line: "U1", Stop: "Plärrer", Toward: "Fürth", Lines: "|U1|"},
		"Plärrer":            {Stop: "Plärrer", Lines: "|U1|U2|"},
		"U1":                 {Line: "U1", Lines: "|U1|U2|"},
		"→ Fürth":            {Toward: "Fürth"},
		"✓ Plärrer":          {Stop: "Plärrer", Clear: true},
		"✓":                  {Clear: true},
	} {
		if got := r.Heading(); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

func TestAllClearAnswersWhatCameBefore(t *testing.T) {
	u1 := report.Reading{Line: "U1", Lines: "|U1|"}
	plaerrer := report.Reading{Stop: "Plärrer", Lines: "|U1|U2|"}
	u1Plaerrer := report.Reading{Line: "U1", Stop: "Plärrer", Lines: "|U1|"}
	both := report.Reading{Line: "U1", Lines: "|U1|U2|"}
	toward := func(r report.Reading, to string) report.Reading { r.Toward = to; return r }
	for name, c := range map[string]struct {
		clear, of report.Reading
		want      bool
	}{
		"the same stop":                        {plaerrer, plaerrer, true},
		"a line at the stop":                   {plaerrer, u1Plaerrer, true},
		"the stop, where the line is clear":    {u1Plaerrer, plaerrer, true},
		"another line at the same stop":        {u1Plaerrer, report.Reading{Line: "U2", Stop: "Plärrer", Lines: "|U2|"}, false},
		"another stop":                         {plaerrer, report.Reading{Stop: "Opernhaus", Lines: "|U1|"}, false},
		"the line, where a stop is clear":      {u1Plaerrer, u1, false},
		"the same line":                        {u1, u1, true},
		"a stop of the line":                   {u1, u1Plaerrer, true},
		"a stop that other lines have too":     {u1, plaerrer, false},
		"two lines, where one is clear":        {u1, both, false},
		"one of two lines that are clear":      {both, u1, true},
		"the other direction":                  {toward(u1, "Fürth"), toward(u1, "Langwasser"), false},
		"the direction, where all are clear":   {u1, toward(u1, "Fürth"), true},
		"nothing that was read":                {u1, report.Reading{}, false},
		"an all-clear of nothing that is read": {report.Reading{}, u1, false},
		"nothing, where nothing was read":      {report.Reading{}, report.Reading{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.clear.Clear = true
			list := []report.Report{{ID: "clear", Time: noon, Reading: c.clear}, {ID: "r", Time: noon.Add(-time.Minute), Reading: c.of}}
			if got := report.Answered(list); got["r"] != c.want || got["clear"] {
				t.Errorf("answered: %v", got)
			}
		})
	}
}

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func TestAllClearAnswersNothingNewerOrOld(t *testing.T) {
	at := func(id string, minutes int, isClear bool) report.Report {
		return report.Report{ID: id, Time: noon.Add(time.Duration(minutes) * time.Minute),
			Reading: report.Reading{Stop: "Plärrer", Clear: isClear}}
	}
	got := report.Answered([]report.Report{at("new", 1, false), at("clear", 0, true), at("clear too", -1, true),
		at("hour", -60, false), at("old", -62, false)})
	if len(got) != 1 || !got["hour"] {
		t.Errorf("answered: %v", got)
	}
}
