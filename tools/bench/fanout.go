package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// fanOut measures how fast one report gets to many subscribers.
type fanOut struct {
	Subscribers int `default:"10000" help:"Subscribers of the city."`
	Rounds      int `default:"6" help:"How often ours and Postfix take turns."`
}

func (*fanOut) name() string { return "fan-out" }
func (*fanOut) what() string { return "one report to all mail subscribers of a city, through a relay" }

func (f *fanOut) defaults() { *f = fanOut{Subscribers: 10000, Rounds: 6} }

func (f *fanOut) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		f.Subscribers, f.Rounds = 1000, 1
	}
	w, err := newWorld(ctx, b, "fan-out", b.binary, 1, func(w *world) {
		t := &w.towns[0]
		t.mastodon, t.telegram, t.subscribers = nil, nil, nil
		for i := range f.Subscribers {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%05d@subscribers.example", i))
		}
	})
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.start(ctx, 1); err != nil {
		return err
	}
	p, err := startPostfix(ctx, b, "default_transport = smtp:"+strings.Replace(w.relay.addr, "127.0.0.1", "[127.0.0.1]", 1))
	if err != nil && !errors.Is(err, errSkipped) {
		return err
	}
	if p == nil {
		r.add("Postfix", 0, "").Note = err.Error()
	} else {
		defer p.stop()
	}
	return f.turns(ctx, b, r, w, p)
}

// turns lets the program and Postfix take turns.
func (f *fanOut) turns(ctx context.Context, b *bench, r *Result, w *world, p *postfix) error {
	var ours, first, theirs, peaks []float64
	r.Axes = Axes{Title: "One report to all subscribers", X: "seconds", Y: "mails at the relay"}
	for round := range f.Rounds {
		if err := w.program.resetPeak(); err != nil {
			return err
		}
		began, list, err := f.ours(ctx, w)
		if err != nil {
			return err
		}
		_, peak, err := w.program.memory()
		if err != nil {
			return err
		}
		ours, peaks = append(ours, rateOf(began, list)), append(peaks, peak)
		first = append(first, float64(list[0].at.Sub(began)))
		if round == 0 {
			r.Series = append(r.Series, progress("Ticketfrei", began, list))
		}
		if p == nil {
			continue
		}
		began, list, err = f.postfix(ctx, w, p)
		if err != nil {
			return err
		}
		theirs = append(theirs, rateOf(began, list))
		if round == 0 {
			r.Series = append(r.Series, progress("Postfix", began, list))
		}
	}
	r.add("Ticketfrei", median(ours), "mails/s").Note = fmt.Sprintf("from the end of the report's mail; each of %d subscribers got it once", f.Subscribers)
	r.add("first subscriber after", milliseconds(median(first)), "ms")
	if p != nil {
		r.add("Postfix", median(theirs), "mails/s").Note = "single-recipient mails, from the first connection"
		r.add("ratio", median(ours)/median(theirs), "×").Target = atLeast(2)
	}
	r.add("highest memory, first report", peaks[0], "MB")
	if half := len(peaks) / 2; half > 0 {
		// One peak by itself depends on when the collector runs.
		early, late := median(peaks[:half]), median(peaks[half:])
		r.add("highest memory, first half of the reports", early, "MB").Note = "median"
		r.add("highest memory, second half", late, "MB").Note = "median"
		r.add("memory, second half to first", late/early, "×").Target = atMost(1.1)
	}
	return nil
}

// fanOutTimeout bounds one fan-out.
const fanOutTimeout = 3 * time.Minute

// ours sends one report and returns when its mail ended and what arrived.
func (f *fanOut) ours(ctx context.Context, w *world) (time.Time, []arrival, error) {
	w.relay.forget()
	riders := newRiders(w.program.smtp, 1)
	defer riders.close()
	s, err := riders.send(ctx, w.next, 0, w.slugs[0])
	w.next++
	if err != nil {
		return time.Time{}, nil, err
	}
	list, err := f.wait(ctx, w)
	if err != nil {
		return time.Time{}, nil, err
	}
	if err := w.program.waitIdle(ctx); err != nil {
		return time.Time{}, nil, err
	}
	if mails, _ := w.relay.count(); mails != f.Subscribers {
		return time.Time{}, nil, fmt.Errorf("%d mails for %d subscribers", mails, f.Subscribers)
	}
	return s.at, list, nil
}

// wait waits until every subscriber has got the report.
func (f *fanOut) wait(ctx context.Context, w *world) ([]arrival, error) {
	ctx, cancel := context.WithTimeout(ctx, fanOutTimeout)
	defer cancel()
	err := until(ctx, 5*time.Millisecond, func() (bool, error) {
		_, different := w.relay.count()
		return different >= f.Subscribers, nil
	})
	if err != nil {
		_, different := w.relay.count()
		return nil, fmt.Errorf("%d of %d subscribers got the report: %w", different, f.Subscribers, err)
	}
	return w.relay.list(), nil
}

// postfix hands as many mails to Postfix and returns when that began and what
// arrived.
func (f *fanOut) postfix(ctx context.Context, w *world, p *postfix) (time.Time, []arrival, error) {
	w.relay.forget()
	began := time.Now()
	s := source{addr: p.addr, to: "s@subscribers.example", mails: f.Subscribers, connections: mailInConnections, keep: true, numbered: true, text: 1024}
	if _, err := s.run(ctx); err != nil {
		return began, nil, err
	}
	if err := p.waitEmpty(ctx); err != nil {
		return began, nil, err
	}
	if mails, _ := w.relay.count(); mails != f.Subscribers {
		return began, nil, fmt.Errorf("%d of %d mails came through Postfix", mails, f.Subscribers)
	}
	return began, w.relay.list(), nil
}

// rateOf is the mails a second from began to the last of them.
func rateOf(began time.Time, list []arrival) float64 {
	return float64(len(list)) / list[len(list)-1].at.Sub(began).Seconds()
}

// progress is how many mails had arrived when.
func progress(name string, began time.Time, list []arrival) Series {
	s := Series{Name: name, Points: []Point{{}}}
	for i := 0; i < len(list); i += max(1, len(list)/100) {
		s.Points = append(s.Points, Point{list[i].at.Sub(began).Seconds(), float64(i + 1)})
	}
	return s
}
