package program

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"ticketfrei/internal/report"
)

// checking plays the host of a program and says what it does well.
type checking struct {
	*Alone
	failed bool
}

// Check plays the host: it asks all that the program can, tells it what it does not know,
// kills it and ends it. It prints a line for each and tells whether all went well.
func (a *Alone) Check(ctx context.Context) bool {
	c := &checking{Alone: a}
	if a.Manifest.Run == runOnce {
		c.once(ctx)
	} else {
		c.stays(ctx)
	}
	return !c.failed
}

// say prints what came of a step.
func (c *checking) say(what string, began time.Time, err error) bool {
	took := time.Since(began).Round(time.Millisecond / 10)
	if err != nil {
		c.failed = true
		c.printf(c.Out, "FAIL  %s: %s", what, plainWords(err))
		return false
	}
	c.printf(c.Out, "ok    %s (%s)", what, took)
	return true
}

// plainWords are those of an error for who writes programs.
func plainWords(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (c *checking) once(ctx context.Context) {
	for _, s := range c.samples("U1 Plärrer \"2\" \\ Kontis") {
		c.answers(ctx, nil, s)
	}
	for _, l := range []toLine{{Type: toTick, Time: time.Now()}, {Type: "something"}} {
		began := time.Now()
		_, err := c.ask(ctx, nil, &l)
		c.say(fmt.Sprintf("a line %q ends it with exit code 0", l.Type), began, err)
	}
}

// stays checks a program that stays, with as few starts as that takes.
func (c *checking) stays(ctx context.Context) {
	began := time.Now()
	p, err := c.start(ctx)
	if !c.say("ready", began, err) {
		return
	}
	for _, s := range c.samples("U1 Plärrer \"2\" \\ Kontis") {
		if !c.answers(ctx, p, s) {
			p.stop()
			return
		}
	}
	c.ignores(ctx, p)
	if p = c.comesBack(ctx, p); p != nil {
		p = c.garbage(ctx, p)
	}
	if p != nil {
		c.ends(p)
	}
}

// answers asks one of the samples.
func (c *checking) answers(ctx context.Context, p *process, s sample) bool {
	began := time.Now()
	got, err := c.ask(ctx, p, &s.line, s.types...)
	if err == nil && got.Type == fromFailed && !s.isUnknown(got) {
		err = fmt.Errorf("the program answered failed: %s", got.Error)
	}
	if err == nil && s.can == canTask && len(got.Results) > report.MaxResults {
		err = fmt.Errorf("the results have more than %d KiB", report.MaxResults>>10)
	}
	what := s.line.Type
	if s.line.Word != "" {
		what += " /" + s.line.Word
	}
	return c.say(what, began, err)
}

// isUnknown tells whether a program rightly failed: it was sent something for a recipient
// that is made up.
func (s sample) isUnknown(got fromLine) bool {
	to := s.line.Recipient
	return to != nil && *to == madeUp && (got.Kind == "gone" || got.Kind == "permanent")
}

// ignores tells the program what it does not know, and looks whether it lives.
func (c *checking) ignores(ctx context.Context, p *process) {
	began := time.Now()
	err := p.tell(ctx, &toLine{Type: "something", ID: "1"})
	if err == nil && !c.lives(ctx, p) {
		err = cmp.Or(p.whyEnded(), errStopped)
	}
	c.say("it goes on after a line that it does not know, and reads a ping", began, err)
}

// unsaid is how long a program is waited for that need not answer a ping.
const unsaid = 100 * time.Millisecond

// lives tells whether the program goes on after what it was told. One that answers pings has
// done so with what came before.
func (c *checking) lives(ctx context.Context, p *process) bool {
	p.setPonged(false)
	if !p.pongs(ctx) {
		return false
	}
	for late := time.Now().Add(unsaid); time.Now().Before(late); {
		if within(look, p.ended) {
			return false
		}
		if p.hasPonged() {
			return true
		}
	}
	return true
}

// comesBack kills the program and starts it again; nil where that fails.
func (c *checking) comesBack(ctx context.Context, p *process) *process {
	began := time.Now()
	p.child.Kill()
	<-p.ended
	p, err := c.start(ctx)
	if !c.say("it starts again after it was killed", began, err) {
		return nil
	}
	return p
}

// garbage tells the program a line that is no JSON, and returns the one that runs after that. A
// server never does that: it is only good to know what comes of it.
func (c *checking) garbage(ctx context.Context, p *process) *process {
	began := time.Now()
	p.out <- []byte("this is no JSON\n")
	if c.lives(ctx, p) {
		c.say("it goes on after a line that is no JSON", began, nil)
		return p
	}
	p.stop()
	c.printf(c.Out, "note  a line that is no JSON ends it: %s", plainWords(p.err))
	p, err := c.start(ctx)
	if err != nil {
		c.say("it starts again", began, err)
		return nil
	}
	return p
}

// ends asks the program to end.
func (c *checking) ends(p *process) {
	began := time.Now()
	p.stop()
	var err error
	if took := time.Since(began); took >= endGrace {
		err = fmt.Errorf("it went on for %s and was killed", took.Round(time.Second/10))
	}
	c.say("it ends when it is told to", began, err)
}
