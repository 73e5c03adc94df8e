package manage

import (
	"context"
	"errors"
	"strings"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// ErrNoRule is the answer to always letting a report through that no rule of its city has
// kept from passing.
var ErrNoRule = errors.New("no rule of the city has kept the report")

// Always is what may be changed of the rules so that such a report passes from now on.
type Always struct {
	Report db.Judged
	// Unblock is the line of the blocked words that would go; empty: none.
	Unblock string
	// NeedsWord tells whether a word is to be added to the triggers.
	NeedsWord bool
	Words     []string // of the report that may be added, the most telling first
}

// AlwaysOf says what would be changed for a report. The error is ErrNoRule where its reason
// is none of the rules, or db.ErrNotFound.
func (m *Cities) AlwaysOf(ctx context.Context, c report.City, reportID string) (Always, error) {
	j, err := m.DB.Report(ctx, c.ID, reportID)
	if err != nil {
		return Always{}, err
	}
	a := Always{Report: j}
	switch j.Verdict.Reason {
	case report.ReasonBlocked:
		a.Unblock = j.Verdict.Detail
		c.Blocked = strings.Join(withoutLine(strings.Split(c.Blocked, "\n"), a.Unblock), "\n")
	case report.ReasonNoTrigger:
	default:
		return a, ErrNoRule
	}
	l, err := m.learning(ctx, c)
	if err != nil {
		return a, err
	}
	if a.NeedsWord = a.Unblock == "" || l.judge(j.Report.Text).Reason == report.ReasonNoTrigger; a.NeedsWord {
		a.Words = l.telling(j.Report.Text)
	}
	return a, nil
}

// AlwaysLetThrough changes the rules so that such a report passes from now on, and lets it
// through. word becomes a trigger where AlwaysOf says that one is needed, and must stand in the report. passed
// is whether it was sent; it is not where it is too old, or somebody else was faster.
func (m *Cities) AlwaysLetThrough(ctx context.Context, c report.City, reportID, word string) (passed bool, err error) {
	a, err := m.AlwaysOf(ctx, c, reportID)
	if err != nil {
		return false, err
	}
	if a.NeedsWord {
		if err := finds(word, a.Report.Report.Text); err != nil {
			return false, err
		}
		if _, err := m.AddTrigger(ctx, c.ID, word); err != nil {
			return false, err
		}
	}
	if a.Unblock != "" {
		if err := m.Unblock(ctx, c.ID, a.Unblock); err != nil {
			return false, err
		}
	}
	n, _, err := m.LetThrough(ctx, c.ID, db.Choice{ReportID: reportID})
	return n > 0, err
}

// finds says what is wrong with a word that is to let a text pass.
func finds(word, text string) error {
	t := TriggerOf(word)
	if err := t.check(); err != nil {
		return err
	}
	rules, err := censor.Compile(t.Line, "")
	if err != nil {
		return Wrong("word", "settings.pattern.other")
	}
	if !rules.Judge(text).Passed {
		return Wrong("word", "settings.always.misses")
	}
	return nil
}
