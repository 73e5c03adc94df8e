package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// fanOut measures how fast one report gets to many subscribers.
type fanOut struct {
	Subscribers int `default:"10000" help:"Subscribers of the city."`
	Rounds      int `default:"6" help:"How often ours and Postfix take turns."`
}

// wantFanOut is the target: how many times as fast as Postfix, which signs nothing. Our
// mails have a signature with RSA each (docs/decisions/dkim-costs.md).
const wantFanOut = 1.5

func (*fanOut) name() string { return "fan-out" }
func (*fanOut) what() string { return "one report to all mail subscribers of a city, through a relay" }

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
	if err != nil && !r.skips(err) {
		return err
	}
	defer p.stop()
	ours, theirs, err := f.turns(ctx, w, p)
	if err != nil {
		return err
	}
	f.report(r, ours, theirs)
	return nil
}

// fannedOut is one report's way to all subscribers.
type fannedOut struct {
	began time.Time // for ours: when the report's mail ended
	list  []arrival
	peak  float64 // highest memory of the program in MB; only of ours
}

// rate is the mails a second up to the last of them.
func (o fannedOut) rate() float64 {
	return float64(len(o.list)) / o.list[len(o.list)-1].at.Sub(o.began).Seconds()
}

// turns lets the program and Postfix take turns. p may be nil.
func (f *fanOut) turns(ctx context.Context, w *world, p *postfix) (ours, theirs []fannedOut, err error) {
	for range f.Rounds {
		o, err := f.ours(ctx, w)
		if err != nil {
			return nil, nil, err
		}
		ours = append(ours, o)
		if p == nil {
			continue
		}
		if o, err = f.postfix(ctx, w, p); err != nil {
			return nil, nil, err
		}
		theirs = append(theirs, o)
	}
	return ours, theirs, nil
}

func (f *fanOut) report(r *Result, ours, theirs []fannedOut) {
	rate := medianRate(ours)
	var first, peaks []float64
	for _, o := range ours {
		first, peaks = append(first, float64(o.list[0].at.Sub(o.began))), append(peaks, o.peak)
	}
	r.Axes = Axes{Title: "One report to all subscribers", X: "seconds", Y: "mails at the relay"}
	r.Series = []Series{progress("Ticketfrei", ours[0])}
	r.add("Ticketfrei", rate, "mails/s").note("from the end of the report's mail; each of %d subscribers got it once", f.Subscribers)
	r.add("first subscriber after", milliseconds(median(first)), "ms")
	if len(theirs) > 0 {
		r.Series = append(r.Series, progress("Postfix", theirs[0]))
		r.add("Postfix", medianRate(theirs), "mails/s").note("single-recipient mails, from the first connection")
		r.add("ratio", rate/medianRate(theirs), "×").atLeast(wantFanOut).note("%.0f to Postfix's %.0f mails/s", rate, medianRate(theirs))
	}
	r.add("highest memory, first report", peaks[0], "MB")
	if half := len(peaks) / 2; half > 0 {
		// A single peak depends on when the garbage collector runs.
		early, late := median(peaks[:half]), median(peaks[half:])
		r.add("highest memory, first half of the reports", early, "MB").note("median")
		r.add("highest memory, second half", late, "MB").note("median")
		r.add("memory, second half to first", late/early, "×").atMost(1.1).note("%.1f to %.1f MB", late, early)
	}
}

func medianRate(list []fannedOut) float64 {
	var rates []float64
	for _, o := range list {
		rates = append(rates, o.rate())
	}
	return median(rates)
}

// fanOutTimeout bounds one fan-out.
const fanOutTimeout = 3 * time.Minute

// ours sends one report and waits until every subscriber has got it once.
func (f *fanOut) ours(ctx context.Context, w *world) (fannedOut, error) {
	if err := w.program.resetPeak(); err != nil {
		return fannedOut{}, err
	}
	w.relay.forget()
	riders := newRiders(1, w.program.smtp)
	defer riders.close()
	s, err := riders.send(ctx, w.next, 0, w.slugs[0])
	w.next++
	if err != nil {
		return fannedOut{}, err
	}
	if err := w.waitFannedOut(ctx, f.Subscribers); err != nil {
		return fannedOut{}, err
	}
	list := w.relay.list()
	if err := w.program.waitIdle(ctx); err != nil {
		return fannedOut{}, err
	}
	if mails, _ := w.relay.count(); mails != f.Subscribers {
		return fannedOut{}, fmt.Errorf("%d mails for %d subscribers", mails, f.Subscribers)
	}
	_, peak, err := w.program.memory()
	return fannedOut{s.at, list, peak}, err
}

// waitFannedOut waits until that many subscribers have got the report.
func (w *world) waitFannedOut(ctx context.Context, subscribers int) error {
	ctx, cancel := context.WithTimeout(ctx, fanOutTimeout)
	defer cancel()
	err := until(ctx, 5*time.Millisecond, func() (bool, error) {
		_, different := w.relay.count()
		return different >= subscribers, nil
	})
	if err != nil {
		_, different := w.relay.count()
		return fmt.Errorf("%d of %d subscribers got the report: %w", different, subscribers, err)
	}
	return nil
}

// postfix hands as many mails to Postfix and waits until all have arrived.
func (f *fanOut) postfix(ctx context.Context, w *world, p *postfix) (fannedOut, error) {
	w.relay.forget()
	began := time.Now()
	s := source{addr: p.addr, to: "s@subscribers.example", mails: f.Subscribers, connections: mailInConnections, keep: true, numbered: true, text: 1024}
	if _, err := s.run(ctx); err != nil {
		return fannedOut{}, err
	}
	if err := p.waitEmpty(ctx); err != nil {
		return fannedOut{}, err
	}
	if mails, _ := w.relay.count(); mails != f.Subscribers {
		return fannedOut{}, fmt.Errorf("%d of %d mails came through Postfix", mails, f.Subscribers)
	}
	return fannedOut{began: began, list: w.relay.list()}, nil
}

// progress is how many mails had arrived when.
func progress(name string, o fannedOut) Series {
	s := Series{Name: name, Points: []Point{{}}}
	for i := 0; i < len(o.list); i += max(1, len(o.list)/100) {
		s.Points = append(s.Points, Point{o.list[i].at.Sub(o.began).Seconds(), float64(i + 1)})
	}
	return s
}
