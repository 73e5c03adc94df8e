package manage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

const (
	// judgedWithin is how long a test report may wait for its verdict, and testSent how long
	// a network may take to send it.
	judgedWithin = 10 * time.Second
	testSent     = 10 * time.Second
	testLook     = 50 * time.Millisecond
)

// Trial is what test reports need.
type Trial struct {
	Hearer  bots.Hearer
	Secrets *secret.Box // keys the ids of reports
	Now     func() time.Time
}

// ErrNoWay is the answer to a test report of a city that has no bot which could hear it.
var ErrNoWay = errors.New("no bot of the city is switched on")

// Tested is the way that a test report went.
type Tested struct {
	Network string // that heard it
	Text    string // as it was heard
	Heard   time.Time
	Judged  time.Time // zero: it was not judged in time
	Verdict report.Verdict
	Sent    []TestSent  // to whoever tests
	Others  []TestReach // who would have got it
}

// TestSent is what became of the report that a network sent to whoever tests.
type TestSent struct {
	Network string
	At      time.Time
	Err     error // nil: it was sent
}

// TestReach is how many a bot would have sent it to; -1: it would have posted it.
type TestReach struct {
	Network string
	People  int
}

// Test has a report of a moderator with that mail address go the way of all reports: it is
// heard, stored, read and judged, and what passes is sent to them alone. The error is
// ErrNoWay, db.ErrPaused, or what is wrong with the text.
func (m *Cities) Test(ctx context.Context, c report.City, text, email string) (Tested, error) {
	list, err := m.DB.CityBots(ctx, c.ID)
	if err != nil {
		return Tested{}, err
	}
	hears, ok := m.hears(list)
	if !ok || m.Trial == nil {
		return Tested{}, ErrNoWay
	}
	id := rand.Text()
	t := Tested{Network: hears.Network, Heard: m.Trial.Now()}
	if err := m.Trial.Hearer.Hear(ctx, hears, bots.Incoming{ID: id, Text: text, Visibility: report.Test}); err != nil {
		return t, err
	}
	m.acted(ctx, c.ID, "test.sent", "")
	j, err := m.judged(ctx, c.ID, m.Trial.Secrets.ReportID(hears.Network, hears.ID, id))
	if errors.Is(err, context.DeadlineExceeded) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	t.Text, t.Judged, t.Verdict = j.Report.Text, m.Trial.Now(), j.Verdict.Tested()
	if t.Verdict.Passed {
		err = m.sendTest(ctx, c, list, j.Report, email, &t)
	}
	return t, err
}

// hears returns the bot that hears a test report: that of the city's page, or else any.
func (m *Cities) hears(list []report.Bot) (found report.Bot, ok bool) {
	for _, b := range list {
		n, err := m.Network(b.Network)
		if err != nil || !b.Enabled {
			continue
		}
		if _, page := n.Network.(bots.OnCityPage); page {
			return b, true
		}
		if !ok {
			found, ok = b, true
		}
	}
	return found, ok
}

// judged waits for the verdict on a report that was heard, by whichever process.
func (m *Cities) judged(ctx context.Context, cityID int64, id string) (db.Judged, error) {
	ctx, cancel := context.WithTimeout(ctx, judgedWithin)
	defer cancel()
	look := time.NewTicker(testLook)
	defer look.Stop()
	for {
		j, err := m.DB.Report(ctx, cityID, id)
		if !errors.Is(err, db.ErrNotFound) {
			return j, err
		}
		select {
		case <-ctx.Done():
			return db.Judged{}, ctx.Err()
		case <-look.C:
		}
	}
}

// sendTest sends a report that would pass to whoever tests, and counts who else would get it.
func (m *Cities) sendTest(ctx context.Context, c report.City, list []report.Bot, r report.Report, email string, t *Tested) error {
	places, err := m.PlacesOf(ctx, c.ID)
	if err != nil {
		return err
	}
	r.Reading, r.Ruled = places.Read(r.Text), t.Verdict
	for _, b := range list {
		n, err := m.Network(b.Network)
		if err != nil || !b.Enabled {
			continue
		}
		if tester, ok := n.Network.(bots.Tester); ok {
			err := m.within(ctx, func(ctx context.Context) error { return tester.SendTest(ctx, c, b, r, email) })
			t.Sent = append(t.Sent, TestSent{b.Network, m.Trial.Now(), err})
		}
		if one, ok := n.Network.(bots.OneWay); ok && !one.Sends() {
			continue
		}
		people, err := m.reach(ctx, n, b, r)
		if err != nil {
			return fmt.Errorf("list recipients of bot %d: %w", b.ID, err)
		}
		t.Others = append(t.Others, TestReach{b.Network, people})
	}
	return nil
}

func (m *Cities) reach(ctx context.Context, n Network, b report.Bot, r report.Report) (people int, err error) {
	err = bots.Guard(func() error {
		switch network := n.Network.(type) {
		case bots.Gatherer:
			people, err = network.People(ctx, b, r)
		case bots.Recipients:
			var ids []int64
			ids, err = network.Recipients(ctx, b, r)
			people = len(ids)
		default:
			people = -1
		}
		return err
	})
	return people, err
}

// within calls f with a ctx of testSent. A panic is an error.
func (m *Cities) within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, testSent)
	defer cancel()
	return bots.Guard(func() error { return f(ctx) })
}
