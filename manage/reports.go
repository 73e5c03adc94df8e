package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// ErrNoAuthor is the answer to muting the author of a report that does not say whose it
// is.
var ErrNoAuthor = errors.New("the report does not say who wrote it")

// Wanted says which reports are wanted.
type Wanted struct {
	Passed, Refused, Held bool
	Since                 time.Time // none that are as old; zero: all that are kept
	Line                  string    // only those about this line; empty: all. What was refused is kept without
	Limit                 int       // at most so many, the newest
}

// Reports returns reports of a city, newest first.
func (m *Cities) Reports(ctx context.Context, cityID int64, w Wanted) ([]db.Judged, error) {
	line, err := m.lineOf(ctx, cityID, w.Line)
	if err != nil {
		return nil, err
	}
	return m.DB.FindReports(ctx, cityID, db.Search{Passed: w.Passed, Refused: w.Refused, Held: w.Held, Since: w.Since, Within: m.Keep, Line: line, Limit: w.Limit})
}

// lineOf returns the name of a line as the city writes it.
func (m *Cities) lineOf(ctx context.Context, cityID int64, typed string) (string, error) {
	if typed == "" {
		return "", nil
	}
	places, err := m.PlacesOf(ctx, cityID)
	for _, l := range places.Lines() {
		if strings.EqualFold(l.Name, typed) {
			return l.Name, err
		}
	}
	return typed, err
}

// TakeBack takes a report of the city that passed back, wherever it was posted. One that
// was taken back before is no error; one that never passed is db.ErrNotFound.
func (m *Cities) TakeBack(ctx context.Context, cityID int64, reportID string) error {
	j, err := m.DB.Report(ctx, cityID, reportID)
	switch {
	case err != nil:
		return err
	case j.Verdict.Reason == report.ReasonTakenBack:
		return nil // a second click: it has been done already
	case !j.Verdict.Passed:
		return fmt.Errorf("the report had not passed: %w", db.ErrNotFound)
	}
	err = m.Relay.TakeBack(ctx, cityID, reportID)
	if errors.Is(err, db.ErrNotFound) { // somebody else has taken it back a moment ago
		return nil
	}
	if err != nil {
		return fmt.Errorf("take back report: %w", err)
	}
	m.acted(ctx, cityID, "report.taken_back", "")
	return nil
}

// LetThrough sends on what is chosen of the reports that are held; one that is chosen by
// its id may also have been refused as a question. passed is how many there were, late
// how many were too old.
func (m *Cities) LetThrough(ctx context.Context, cityID int64, c db.Choice) (passed, late int, err error) {
	passed, late, err = m.Relay.LetThrough(ctx, cityID, c)
	m.decided(ctx, cityID, "report.let_through", passed)
	return passed, late, err
}

// ThrowAway deletes what is chosen of the reports that are held, and returns how many
// there were.
func (m *Cities) ThrowAway(ctx context.Context, cityID int64, c db.Choice) (int, error) {
	n, err := m.DB.ThrowAway(ctx, cityID, c)
	m.decided(ctx, cityID, "report.thrown_away", n)
	return n, err
}

// Mute has what the author of a report writes held from now on. The error is ErrNoAuthor
// where the report does not say whose it is.
func (m *Cities) Mute(ctx context.Context, cityID int64, reportID string) error {
	j, err := m.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	if j.Report.Author == "" {
		return ErrNoAuthor
	}
	return m.did(ctx, cityID, "report.muted", "", m.DB.Mute(ctx, cityID, j.Report.Author))
}

// Unmute ends that.
func (m *Cities) Unmute(ctx context.Context, cityID int64, reportID string) error {
	j, err := m.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	return m.did(ctx, cityID, "report.unmuted", "", m.DB.Unmute(ctx, cityID, j.Report.Author))
}
