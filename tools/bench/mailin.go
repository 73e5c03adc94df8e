package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// mailIn measures how fast mail is taken in.
type mailIn struct {
	Mails  int `default:"6000" help:"Mails of each run."`
	Rounds int `default:"5" help:"How often ours and Postfix take turns."`
}

func (*mailIn) name() string { return "mail-in" }
func (*mailIn) what() string {
	return "mails of 1 KB over 10 connections that are on disk when they are answered 250"
}

func (m *mailIn) defaults() { *m = mailIn{Mails: 6000, Rounds: 5} }

// mailInConnections is how many connections send at the same time.
const mailInConnections = 10

func (m *mailIn) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		m.Mails, m.Rounds = 600, 1
	}
	w, err := newWorld(ctx, b, "mail-in", b.binary, 1, nil)
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.start(ctx, 3); err != nil {
		return err
	}
	p, err := startPostfix(ctx, b, "default_transport = discard:")
	if err != nil && !errors.Is(err, errSkipped) {
		return err
	}
	if p != nil {
		defer p.stop()
	} else {
		r.add("Postfix", 0, "").Note = err.Error()
	}
	r.Axes = Axes{Title: "Mails taken in, each on disk when it is answered", Y: "mails a second"}
	series := map[string]*Series{}
	for _, keep := range []bool{false, true} {
		if err := m.mode(ctx, b, r, w, p, keep, series); err != nil {
			return err
		}
	}
	for _, name := range []string{"Ticketfrei", "Postfix", "bare go-smtp"} {
		if s := series[name]; s != nil {
			r.Series = append(r.Series, *s)
		}
	}
	return m.limits(ctx, b, r)
}

// contender is a mail server that is measured.
type contender struct {
	name string
	take func(ctx context.Context) (time.Duration, error)
	rate []float64 // of each round
}

// mode lets all servers take turns with one mail on each connection, or many.
func (m *mailIn) mode(ctx context.Context, b *bench, r *Result, w *world, p *postfix, keep bool, series map[string]*Series) error {
	label := "one mail a connection"
	if keep {
		label = "many mails a connection"
	}
	s := source{to: w.slugs[0] + "@" + mailDomain, mails: m.Mails, connections: mailInConnections, keep: keep, text: 1024}
	bare, stopBare, err := startBareSMTP()
	if err != nil {
		return err
	}
	defer stopBare()
	list := []*contender{{name: "Ticketfrei", take: func(ctx context.Context) (time.Duration, error) { return m.ours(ctx, w, s) }}}
	if p != nil {
		list = append(list, &contender{name: "Postfix", take: func(ctx context.Context) (time.Duration, error) {
			s.addr = p.addr
			took, err := s.run(ctx)
			if err != nil {
				return 0, err
			}
			return took, p.waitEmpty(ctx)
		}})
	}
	list = append(list, &contender{name: "bare go-smtp", take: func(ctx context.Context) (time.Duration, error) {
		s.addr = bare.addr
		return s.run(ctx)
	}})
	for round := range m.Rounds + 1 {
		for _, c := range list {
			took, err := c.take(ctx)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, label, err)
			}
			if round > 0 || b.Quick { // the first is to warm up
				c.rate = append(c.rate, float64(m.Mails)/took.Seconds())
			}
		}
	}
	for _, c := range list {
		rate := median(c.rate)
		r.add(c.name+", "+label, rate, "mails/s")
		if series[c.name] == nil {
			series[c.name] = &Series{Name: c.name}
		}
		series[c.name].Bars = append(series[c.name].Bars, rate)
	}
	r.Axes.Labels = append(r.Axes.Labels, label)
	if p != nil {
		r.add("ratio, "+label, median(list[0].rate)/median(list[1].rate), "×").Target = atLeast(2)
	}
	return nil
}

// ours sends mails to the program and checks that each has become a report.
// What is measured ends with the last 250; the checking comes after.
func (m *mailIn) ours(ctx context.Context, w *world, s source) (time.Duration, error) {
	before, err := w.reports(ctx)
	if err != nil {
		return 0, err
	}
	s.addr = w.program.smtp
	took, err := s.run(ctx)
	if err != nil {
		return 0, err
	}
	if err := w.program.waitIdle(ctx); err != nil {
		return 0, err
	}
	after, err := w.reports(ctx)
	if err != nil {
		return 0, err
	}
	if after-before != s.mails {
		return 0, fmt.Errorf("%d mails were answered with 250, %d reports are in the database", s.mails, after-before)
	}
	return took, nil
}

// limits are what the parts that the program is made of can do at most.
func (m *mailIn) limits(ctx context.Context, b *bench, r *Result) error {
	for _, publishers := range []int{1, mailInConnections} {
		rate, err := barePublish(ctx, b, publishers, time.Second)
		if err != nil {
			return err
		}
		r.add(fmt.Sprintf("bare JetStream, %d publishers", publishers), rate, "messages/s").Note = "1 KB, each synced"
	}
	rate, err := fsyncRate(b.dir, time.Second)
	if err != nil {
		return err
	}
	r.add("bare fsync, one writer", rate, "writes/s").Note = "1 KB appended"
	return nil
}
