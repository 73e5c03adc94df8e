package relay

import (
	"context"
	"maps"
	"slices"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Those who follow a city are told of its newest reports, and of none that are older.
const (
	followedWithin = time.Hour
	followedMost   = 200
	// followedFresh is how old a report is, at most, of which those are told who follow all
	// cities, where its city was not looked at before.
	followedFresh = 10 * time.Second
)

// told is what the bus was told last of each report of a city, by its id: the name of the
// event.
type told map[string]string

// eventOf is the event that tells of a report as it stands.
func eventOf(v report.Verdict) string {
	switch {
	case v.Passed:
		return bus.ReportPassed
	case v.Reason == report.ReasonTakenBack:
		return bus.ReportTakenBack
	default:
		return bus.ReportRefused
	}
}

// tellBus tells the bus what other processes did in those of the cities that somebody
// follows here.
func (e *elsewhere) tellBus(ctx context.Context, cities map[int64]bool) error {
	followed := e.relay.Bus.Followed()
	all := slices.Contains(followed, notice.All)
	look := maps.Clone(cities)
	if cities[notice.All] {
		for _, cityID := range append(followed, e.known()...) {
			look[cityID] = true
		}
	}
	delete(look, notice.All)
	if !all {
		e.forget(followed)
	}
	for cityID := range look {
		if !all && !slices.Contains(followed, cityID) {
			continue
		}
		if err := e.tell(ctx, cityID, all); err != nil {
			return err
		}
		delete(cities, cityID)
	}
	return nil
}

// tell tells the bus what other processes did with the reports of a city. What was done
// before somebody began to follow it is not told; those who follow all cities are told what
// is fresh.
func (e *elsewhere) tell(ctx context.Context, cityID int64, all bool) error {
	list, err := e.relay.DB.FindReports(ctx, cityID, db.Search{Passed: true, Refused: true, Held: true, Within: followedWithin, Limit: followedMost})
	if err != nil {
		return err
	}
	slices.Reverse(list) // the oldest is told first
	fresh := e.relay.Now()
	if all && !e.relay.DB.Owns(cityID) { // what this process judges it tells itself
		fresh = fresh.Add(-followedFresh)
	}
	for _, j := range e.news(cityID, list, fresh) {
		r := j.Report
		if j.Verdict.Reason == report.ReasonTakenBack && r.Text == "" {
			r.Results = "" // its author does not want it to stand anywhere
		}
		e.relay.tellBus(eventOf(j.Verdict), &r, j.Verdict)
	}
	return nil
}

// news notes how reports of a city stand, and returns those of which the bus was not told.
// Where the city was not looked at before, those are new that were heard after fresh.
func (e *elsewhere) news(cityID int64, list []db.Judged, fresh time.Time) (news []db.Judged) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, known := e.told[cityID]
	now := make(told, len(list))
	for _, j := range list {
		event := eventOf(j.Verdict)
		now[j.Report.ID] = event
		last := before[j.Report.ID]
		switch {
		case last == event || !known && j.Report.Received.Before(fresh):
		case event == bus.ReportTakenBack && last != bus.ReportPassed: // nobody has seen it
		default:
			news = append(news, j)
		}
	}
	// What others of this process have told meanwhile may be newer than the list.
	if known && len(before) <= 2*followedMost {
		maps.Copy(before, now)
	} else {
		e.told[cityID] = now
	}
	return news
}

// isNew notes what this process is about to tell the bus of a report. It is false where the
// bus was told so already.
func (e *elsewhere) isNew(cityID int64, id, event string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, known := e.told[cityID]
	if !known {
		return true
	}
	if before[id] == event {
		return false
	}
	before[id] = event
	return true
}

// known returns the cities that were looked at.
func (e *elsewhere) known() []int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.told))
}

// forget forgets the cities that nobody follows any more.
func (e *elsewhere) forget(followed []int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.told, func(cityID int64, _ told) bool { return !slices.Contains(followed, cityID) })
}
