package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Since                 time.Time       // none that are as old; zero: all that are kept
	Until                 time.Time       // none from then on; zero: all
	Line                  string          // only those about this line; empty: all. What was refused is kept without
	Network               string          // only those heard there; empty: all
	Reasons               []report.Reason // only those with one of these; none: all
	// Words must all stand in the report, whole or as a part of a word. How they are spelt
	// makes no difference: see fold. Empty: all.
	Words string
	After db.Place // only those after it, as Found.Next; zero: from the newest
	Limit int      // at most so many, the newest
}

// Found is what was found of reports.
type Found struct {
	Reports []db.Judged // newest first
	More    bool        // there may be more after Next
	Next    db.Place
	// Bounded is how many reports were looked into for words, where there are more that
	// were not; 0: all were.
	Bounded int
}

// MaxSearched is how many reports are looked into for words, at most: only the program can
// read them, where they are sealed.
const MaxSearched = 5000

// searchedAtOnce is how many of them are in memory at the same time.
const searchedAtOnce = 250

// Reports returns reports of a city, newest first.
func (m *Cities) Reports(ctx context.Context, cityID int64, w Wanted) ([]db.Judged, error) {
	found, err := m.Search(ctx, cityID, w)
	return found.Reports, err
}

// Search finds reports of a city.
func (m *Cities) Search(ctx context.Context, cityID int64, w Wanted) (Found, error) {
	line, err := m.lineOf(ctx, cityID, w.Line)
	if err != nil {
		return Found{}, err
	}
	s := db.Search{Passed: w.Passed, Refused: w.Refused, Held: w.Held, Since: w.Since, Until: w.Until, Within: m.Keep,
		Line: line, Network: w.Network, Reasons: w.Reasons, After: w.After, Limit: w.Limit + 1}
	words := strings.Fields(fold(w.Words))
	if len(words) > 0 {
		s.Limit = searchedAtOnce
	}
	var found Found
	for looked := 0; ; {
		list, err := m.DB.FindReports(ctx, cityID, s)
		if err != nil {
			return Found{}, err
		}
		for _, j := range list {
			if len(found.Reports) == w.Limit {
				found.More = true
				return found, nil
			}
			s.After = j.Place()
			if found.Next = s.After; holdsAll(fold(j.Report.Text), words) {
				found.Reports = append(found.Reports, j)
			}
		}
		looked += len(list)
		switch {
		case len(list) < s.Limit:
			return found, nil
		case looked >= MaxSearched:
			found.More, found.Bounded = true, looked
			return found, nil
		}
	}
}

func holdsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// CountReports counts the reports of a city that are kept, by what became of them.
func (m *Cities) CountReports(ctx context.Context, cityID int64) ([]db.ReasonCount, error) {
	return m.DB.CountReports(ctx, cityID, m.Keep)
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
// its id may also have been refused: see db.Judged.Overrulable. passed is how many there were, late
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
	muted, err := m.DB.Mutes(ctx, cityID)
	if err != nil || muted[j.Report.Author] {
		return err
	}
	return m.did(ctx, cityID, "report.muted", "", m.DB.Mute(ctx, cityID, j.Report.Author))
}

// Unmute ends that.
func (m *Cities) Unmute(ctx context.Context, cityID int64, reportID string) error {
	j, err := m.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	return m.UnmuteAuthor(ctx, cityID, j.Report.Author)
}

// Muted returns the authors that a city has muted, the last muted first.
func (m *Cities) Muted(ctx context.Context, cityID int64) ([]db.Muted, error) {
	return m.DB.MutedAuthors(ctx, cityID)
}

// UnmuteAuthor is Unmute of an author as Muted names them.
func (m *Cities) UnmuteAuthor(ctx context.Context, cityID int64, author string) error {
	muted, err := m.DB.Mutes(ctx, cityID)
	if err != nil || !muted[author] {
		return err
	}
	return m.did(ctx, cityID, "report.unmuted", "", m.DB.Unmute(ctx, cityID, author))
}
