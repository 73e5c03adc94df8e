package manage

import (
	"context"
	"slices"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Way is the way of the reports of a city as it is now: the bots that hear, what became of
// what they heard, and the bots that send.
type Way struct {
	Bots []WayBot
	// Judged is what became of the reports since the day began, however it came. Tests of
	// moderators are none.
	Judged []db.Judgement
	// Waiting is what is held, also from before.
	Waiting []db.HeldGroup
}

// WayBot is a bot on the way.
type WayBot struct {
	Bot
	Hears, Sends bool
	// LastHour is how many reports it heard in the last hour.
	LastHour int
	// Branches are those of its recipients that have names; see bots.Branched.
	Branches []bots.Branch
}

// Way returns the way of the reports of a city. Reports are counted from day.
func (m *Cities) Way(ctx context.Context, c report.City, day time.Time) (w Way, err error) {
	if w.Judged, err = m.DB.Judgements(ctx, c.ID, day); err != nil {
		return w, err
	}
	if w.Waiting, err = m.DB.HeldGroups(ctx, c.ID); err != nil {
		return w, err
	}
	w.Judged = slices.DeleteFunc(w.Judged, func(j db.Judgement) bool { return j.Reason == report.ReasonTest })
	list, err := m.Bots(ctx, c)
	if err != nil {
		return w, err
	}
	for _, b := range list {
		on := WayBot{Bot: b, Hears: true, Sends: true}
		if n, err := m.Network(b.Network); err == nil {
			if one, ok := n.Network.(bots.OneWay); ok {
				on.Hears, on.Sends = one.Hears(), one.Sends()
			}
			on.Branches = m.branches(ctx, n, c)
		}
		for _, j := range w.Judged {
			if j.BotID == b.ID {
				on.LastHour += j.LastHour
			}
		}
		w.Bots = append(w.Bots, on)
	}
	return w, nil
}

// branches returns those of a network's recipients that have names; none where it cannot
// say at the moment.
func (m *Cities) branches(ctx context.Context, n Network, c report.City) []bots.Branch {
	branched, ok := n.Network.(bots.Branched)
	if !ok {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	var list []bots.Branch
	err := bots.Guard(func() (err error) {
		list, err = branched.Branches(ctx, c)
		return err
	})
	if err != nil {
		m.Log.Warn("a network cannot say whom it sends to", "network", n.Name, "city", c.Slug, "err", err)
		return nil
	}
	return list
}

// Passed is how many reports passed, and were not taken back.
func (w Way) Passed() int {
	return w.count(func(j db.Judgement) bool { return j.Passed })
}

// TakenBack is how many passed and were taken back.
func (w Way) TakenBack() int {
	return w.count(func(j db.Judgement) bool { return !j.Passed && j.Reason == report.ReasonTakenBack })
}

// NotPassed is how many were refused or are held.
func (w Way) NotPassed() int {
	return w.count(func(j db.Judgement) bool { return !j.Passed && j.Reason != report.ReasonTakenBack })
}

func (w Way) count(which func(db.Judgement) bool) (n int) {
	for _, j := range w.Judged {
		if which(j) {
			n += j.Day
		}
	}
	return n
}

// Held is how many reports wait for a moderator.
func (w Way) Held() (n int) {
	for _, g := range w.Waiting {
		n += g.Count
	}
	return n
}
