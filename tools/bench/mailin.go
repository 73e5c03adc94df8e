package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// mailIn measures how fast mail is taken in.
type mailIn struct {
	Mails  int `default:"6000" help:"Mails of each run."`
	Rounds int `default:"5" help:"How often ours and Postfix take turns."`
	Old    int `placeholder:"N" help:"Old reports in the database at the start."`

	want float64 // the target of the ratio
}

func (m *mailIn) name() string { return variant("mail-in", m.Old, false) }
func (*mailIn) what() string {
	return "mails of 1 KB over 10 connections that are on disk when they are answered 250"
}

// wantMailIn is the target: how many times as fast as Postfix, in both ways.
const wantMailIn = 3.0

// mailInConnections is how many connections send at the same time.
const mailInConnections = 10

func (m *mailIn) run(ctx context.Context, b *bench, r *Result) error {
	m.want = wantMailIn
	if b.Quick {
		m.Mails, m.Rounds = 600, 1
	}
	w, err := newWorld(ctx, b, "mail-in", b.binary, 1, nil)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.writeOld(ctx, oldReports{count: m.Old}); err != nil {
		return err
	}
	if _, err := w.start(ctx, 3); err != nil {
		return err
	}
	if err := m.measure(ctx, b, r, w); err != nil {
		return err
	}
	return m.limits(ctx, b, r)
}

// measure lets the world's program and the others take turns in both ways.
func (m *mailIn) measure(ctx context.Context, b *bench, r *Result, w *world) error {
	p, err := startPostfix(ctx, b, "default_transport = discard:")
	if err != nil && !r.skips(err) {
		return err
	}
	defer p.stop()
	bare, err := startBareSMTP()
	if err != nil {
		return err
	}
	defer bare.close()
	r.Axes = Axes{Title: "Mails taken in, each on disk when it is answered", Y: "mails a second"}
	for _, keep := range []bool{false, true} {
		list := m.contenders(w, p, bare, source{to: w.slugs[0] + "@" + mailDomain, mails: m.Mails, connections: mailInConnections, keep: keep, text: 1024})
		if err := m.turns(ctx, b, list); err != nil {
			return err
		}
		m.report(r, list, keep)
	}
	return nil
}

// contender is a mail server that is measured.
type contender struct {
	name string
	take func(ctx context.Context) (time.Duration, error)
	rate []float64 // of each round
}

// contenders are the mail servers that s sends to. p may be nil.
func (m *mailIn) contenders(w *world, p *postfix, bare *bareSMTP, s source) []*contender {
	list := []*contender{{name: "Ticketfrei", take: func(ctx context.Context) (time.Duration, error) {
		return m.ours(ctx, w, s.at(w.program.smtp))
	}}}
	if p != nil {
		list = append(list, &contender{name: "Postfix", take: func(ctx context.Context) (time.Duration, error) {
			took, err := s.at(p.addr).run(ctx)
			if err != nil {
				return 0, err
			}
			return took, p.waitEmpty(ctx)
		}})
	}
	return append(list, &contender{name: "bare go-smtp", take: s.at(bare.addr).run})
}

// turns lets all servers take turns. The first round is a warm-up that does not
// count, except in a quick run.
func (m *mailIn) turns(ctx context.Context, b *bench, list []*contender) error {
	for round := range m.Rounds + 1 {
		for _, c := range list {
			took, err := c.take(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 || b.Quick {
				c.rate = append(c.rate, float64(m.Mails)/took.Seconds())
			}
		}
	}
	return nil
}

// report adds the figures of all servers, with one mail a connection or, if the
// connections were kept, with many.
func (m *mailIn) report(r *Result, list []*contender, kept bool) {
	label := "one mail a connection"
	if kept {
		label = "many mails a connection"
	}
	r.Axes.Labels = append(r.Axes.Labels, label)
	rates := map[string]float64{}
	for i, c := range list {
		rate := median(c.rate)
		rates[c.name] = rate
		r.add(c.name+", "+label, rate, "mails/s")
		if len(r.Series) <= i {
			r.Series = append(r.Series, Series{Name: c.name})
		}
		r.Series[i].Bars = append(r.Series[i].Bars, rate)
	}
	if theirs, ok := rates["Postfix"]; ok {
		ours := rates["Ticketfrei"]
		r.add("ratio, "+label, ours/theirs, "×").atLeast(m.want).note("%.0f to Postfix's %.0f mails/s", ours, theirs)
	}
}

// judged is how many reports were judged since the program was started: of those that
// are refused, the database keeps few.
func (p *program) judged(ctx context.Context) (int, error) {
	metrics, err := p.metrics(ctx)
	n := 0
	for name, value := range metrics {
		if strings.HasPrefix(name, "ticketfrei_reports_total{") {
			n += int(value)
		}
	}
	return n, err
}

// ours sends mails to the program and checks that each has become a report. The
// time ends with the last 250; the check comes after it.
func (m *mailIn) ours(ctx context.Context, w *world, s source) (time.Duration, error) {
	before, err := w.program.judged(ctx)
	if err != nil {
		return 0, err
	}
	took, err := s.run(ctx)
	if err != nil {
		return 0, err
	}
	if err := w.program.waitIdle(ctx); err != nil {
		return 0, err
	}
	after, err := w.program.judged(ctx)
	if err != nil {
		return 0, err
	}
	if after-before != s.mails {
		return 0, fmt.Errorf("%d mails were answered with 250, %d reports were judged", s.mails, after-before)
	}
	return took, nil
}

// limits are the most that the parts the program is made of can do.
func (m *mailIn) limits(ctx context.Context, b *bench, r *Result) error {
	for _, producers := range []int{1, mailInConnections} {
		rate, err := bareStore(ctx, b, producers, time.Second)
		if err != nil {
			return err
		}
		r.add(fmt.Sprintf("bare SQLite, %d producers", producers), rate, "rows/s").note("1 KB, on disk when they are answered")
	}
	rate, err := fsyncRate(b.dir, time.Second)
	if err != nil {
		return err
	}
	r.add("bare fsync, one writer", rate, "writes/s").note("1 KB appended")
	return nil
}
