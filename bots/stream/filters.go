package stream

import (
	"context"
	"errors"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/filter"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// Filter is the filter of the stream.
func (s Stream) Filter() filter.Spec {
	return filter.Spec{Include: s.Include, Exclude: s.Exclude, When: s.When}
}

// World is what the filters of a city may speak of.
func (n *Network) World(ctx context.Context, city report.City) (filter.World, error) {
	w := filter.World{City: city.Slug, Networks: n.host.Networks, Zone: zone.Of(city, n.host.Config.Reports.Zone), Now: n.host.Now}
	if tasks := strings.Fields(city.Tasks); len(tasks) > 0 { // without, they may be named before they are there
		w.Tasks = tasks
	}
	var err error
	if n.host.Places != nil {
		w.Places, err = n.host.Places.Of(ctx, city.ID)
	}
	return w, err
}

// checkFilter notes what is wrong with the filter of a stream.
func (n *Network) checkFilter(ctx context.Context, cityID int64, s *Stream, wrong *Invalid) error {
	city, err := n.host.DB.BriefCity(ctx, cityID)
	if err != nil {
		return err
	}
	w, err := n.World(ctx, city)
	if err != nil {
		return err
	}
	_, err = filter.Compile(s.Filter(), w)
	if e, ok := errors.AsType[*filter.Error](err); ok {
		wrong.add(e.Field, badSpec{e})
		return nil
	}
	return err
}

// badSpec is what is wrong with a filter, as people can read it.
type badSpec struct{ cause *filter.Error }

func (b badSpec) Error() string { return b.cause.Error() }

// Say says it in the language of t, without the place.
func (b badSpec) Say(t bots.T) string {
	id, data := b.cause.Message()
	return t(id, data...)
}

// Unwrap returns the error that tells the place.
func (b badSpec) Unwrap() error { return b.cause }

// subject is a report as filters see it.
func (n *Network) subject(ctx context.Context, r report.Report, v report.Verdict) filter.Subject {
	return filter.Subject{Report: r, Verdict: v, Author: func() (a filter.Author, err error) {
		if r.Author == "" {
			return a, nil
		}
		a.Passed, a.Refused, err = n.host.DB.AuthorCounts(ctx, r.CityID, r.Author, r.ID)
		return a, err
	}}
}

// tried is how many of the last reports a filter is tried on.
const tried = 50

// Tried is a report, and whether a filter lets it out.
type Tried struct {
	report.Form
	Out bool `json:"out"`
}

// Try returns the last 50 reports that passed, newest first, and which of them a filter
// would have let out. An Invalid says what is wrong with the filter.
func (s Streams) Try(ctx context.Context, cityID int64, spec filter.Spec) ([]Tried, error) {
	city, err := s.n.host.DB.BriefCity(ctx, cityID)
	if err != nil {
		return nil, err
	}
	w, err := s.n.World(ctx, city)
	if err != nil {
		return nil, err
	}
	f, err := filter.Compile(spec, w)
	if e, ok := errors.AsType[*filter.Error](err); ok {
		return nil, Invalid{{Field: e.Field, Err: badSpec{e}}}
	}
	if err != nil {
		return nil, err
	}
	last, err := s.n.host.DB.Reports(ctx, cityID, true, s.n.host.Config.Reports.Keep, tried)
	if err != nil {
		return nil, err
	}
	list := make([]Tried, len(last))
	for i, r := range last {
		out, err := f.Matches(s.n.subject(ctx, r.Report, r.Verdict))
		if err != nil {
			return nil, err
		}
		list[i] = Tried{Form: r.Report.Form(city.Slug, r.Verdict), Out: out}
	}
	return list, nil
}
