package program

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// Alone runs a program without a server: for who writes one.
type Alone struct {
	Manifest *Manifest
	Config   *config.Config
	Settings map[string]string // beside the defaults
	Out      io.Writer         // what it says
	Log      io.Writer         // what it logs

	mu    sync.Mutex
	named chan string // holds a recipient that the program has named
}

var _ hearer = (*Alone)(nil)

// printf writes a line; several processes may do so.
func (a *Alone) printf(w io.Writer, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintf(w, format+"\n", args...)
}

// note prints a line of the program's log.
func (a *Alone) note(level slog.Level, line string) { a.printf(a.Log, "%s %s", level, line) }

// hear prints a line that is no answer, and does what a server does for the next one.
func (a *Alone) hear(ctx context.Context, p *process, l fromLine) error {
	if l.wrong != "" {
		a.printf(a.Out, "%s, which a server does not understand: %s", l.Type, l.wrong)
		p.unknown(ctx, l, l.wrong)
		return nil
	}
	switch l.Type {
	case fromReport:
		a.printf(a.Out, "report %s: %s", l.ID, l.Text)
		if !p.once {
			return ignoreEnded(p.tell(ctx, &toLine{Type: toKept, ID: l.ID}))
		}
	case fromLog:
		a.printf(a.Log, "%s %s", levelNames[l.Level], l.Text)
	case fromStatus:
		a.printf(a.Out, "status: %v %s", l.Status, l.Job)
	case fromState:
		a.printf(a.Out, "state: %s", l.Value)
	case fromRecipient:
		on := l.On == nil || *l.On
		a.printf(a.Out, "recipient %s: %v", l.ID, on)
		if on {
			a.name(l.ID)
		}
	case fromPublish:
		a.printf(a.Out, "publish %s: %s", l.Name, l.Payload)
	case fromPut, fromGet, fromDelete:
		a.printf(a.Out, "%s", strings.TrimSpace(fmt.Sprintf("%s %s %s", l.Type, l.Key, l.Value)))
		if !p.once {
			none := int64(0)
			return ignoreEnded(p.tell(ctx, &toLine{Type: toValue, ID: l.ID, Key: l.Key, Value: json.RawMessage("null"), Revision: &none}))
		}
	default:
		a.printf(a.Out, "%s, which a server does not know", l.Type)
		p.unknown(ctx, l, "this server does not know such a line")
	}
	return nil
}

// begun is what the program is told of a city that there is not.
func (a *Alone) begun() *begun {
	return &begun{Protocol: protocol, City: cityForm{"example", "Example", "en", "Europe/Berlin"}, Settings: a.Manifest.withDefaults(a.Settings)}
}

// CheckSettings says which of the settings that are given the program does not have, and
// notes which of its own are missing.
func (a *Alone) CheckSettings() error {
	var names []string
	for _, s := range a.Manifest.Settings {
		names = append(names, s.Name)
	}
	for name := range a.Settings {
		if !slices.Contains(names, name) {
			return fmt.Errorf("program %s has no setting %s: it has %s", a.Manifest.Network, name, cmp.Or(strings.Join(names, ", "), "none"))
		}
	}
	if missing := a.Manifest.missing(a.Manifest.withDefaults(a.Settings)); missing != "" {
		a.printf(a.Log, "The setting %s is empty: give it as --set %s=VALUE", missing, missing)
	}
	return nil
}

// madeUp is a recipient that no program has named.
const madeUp = "recipient-1"

// recipient returns one that the program names, soon, or one that is made up.
func (a *Alone) recipient() string {
	select {
	case id := <-a.named:
		a.name(id)
		return id
	case <-time.After(time.Second / 2):
		return madeUp
	}
}

// name notes a recipient, where none is.
func (a *Alone) name(id string) {
	select {
	case a.named <- id:
	default:
	}
}

// start starts a process that stays, and waits until it is ready.
func (a *Alone) start(ctx context.Context) (*process, error) {
	if a.named == nil {
		a.named = make(chan string, 1)
	}
	p, err := launch(ctx, a.Manifest, a.Config, a)
	if err == nil {
		err = p.begin(ctx, a.begun())
	}
	return p, err
}

// ask asks a process that stays, or one of its own.
func (a *Alone) ask(ctx context.Context, p *process, l *toLine, types ...string) (fromLine, error) {
	if a.Manifest.Run == runStays {
		return p.ask(ctx, l, types...)
	}
	single, err := launch(ctx, a.Manifest, a.Config, a)
	if err != nil {
		return fromLine{}, err
	}
	with := *l
	with.begun = a.begun()
	got, err := single.ask(ctx, &with, types...)
	if err == nil && !within(a.Manifest.Answer, single.ended) {
		err = errHangs(a.Manifest.Answer)
	}
	single.stop()
	if err == nil {
		err = single.err
	}
	return got, err
}

// sample is something that a program is asked.
type sample struct {
	can   string
	line  toLine
	types []string
}

// samples are what a program is asked that can do these things, about a text.
func (a *Alone) samples(said string) []sample {
	m := a.Manifest
	now := time.Now().UTC().Truncate(time.Second)
	form := report.Form{ID: "report-1", City: "example", Time: now, Text: said}
	empty := ""
	list := []sample{
		{canSend, toLine{Type: toSend, ID: "send-1", Text: &said, Time: now}, []string{fromSent, fromFailed}},
		{canTask, toLine{Type: toTask, ID: "task-1", Report: &form}, []string{fromResult, fromFailed}},
	}
	if m.can(canRecipients) {
		list[0].line.Recipient = text(a.recipient())
	}
	for _, w := range m.Words {
		list = append(list, sample{canCommand, toLine{Type: toCommand, ID: "command-" + w.Word, From: "command-" + w.Word, Word: w.Word, Text: &empty, Language: "en"}, []string{fromAnswer, fromFailed}})
	}
	for _, path := range m.Routes {
		list = append(list, sample{canRoute, toLine{Type: toRequest, ID: "request-" + path, Method: "GET", Path: &path}, []string{fromAnswer, fromFailed}})
	}
	var can []sample
	for _, s := range list {
		if m.can(s.can) {
			can = append(can, s)
		}
	}
	return can
}

// Run runs the program until ctx ends or it does, and prints what it says. With a report it
// is asked what it does with that, and ends.
func (a *Alone) Run(ctx context.Context, said string) error {
	var p *process
	if a.Manifest.Run == runStays {
		var err error
		if p, err = a.start(ctx); err != nil {
			return err
		}
		defer p.stop()
		a.printf(a.Log, "ready")
	}
	if said == "" {
		return a.stay(ctx, p)
	}
	asked := false
	for _, s := range a.samples(said) {
		if s.can != canSend && s.can != canTask {
			continue
		}
		asked = true
		got, err := a.ask(ctx, p, &s.line, s.types...)
		if err != nil {
			return err
		}
		a.printf(a.Out, "%s", got.summary())
	}
	if !asked {
		return fmt.Errorf("the program takes no reports: it can %s", list(a.Manifest.Can))
	}
	return nil
}

// stay waits until the program ends.
func (a *Alone) stay(ctx context.Context, p *process) error {
	if p == nil {
		return fmt.Errorf("the program runs once for each message: give it one with --report")
	}
	select {
	case <-ctx.Done():
		return nil
	case <-p.ended:
		return p.err
	}
}

// summary is an answer in words.
func (l *fromLine) summary() string {
	switch l.Type {
	case fromSent:
		r := l.receipt()
		if r.ID == "" {
			return "sent"
		}
		return "sent, receipt " + r.ID + " " + r.URL
	case fromFailed:
		return fmt.Sprintf("failed (%s): %s", l.Kind, l.Error)
	case fromResult:
		if l.Verdict != nil && l.Verdict.Refuse {
			return "refused: " + l.Verdict.Reason
		}
		return "results: " + string(l.Results)
	case fromAnswer:
		return "answer: " + l.Text
	}
	return "done"
}
