package program

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/calls"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

// Network is the network that an outside program is.
type Network struct {
	host        bots.Host
	manifest    *Manifest
	subscribers *recipients.Store
	calls       *calls.Calls // from other processes
	deaths      deaths
	counts      *counts
	connecting  sync.Mutex

	mu      sync.Mutex
	working map[int64]*bot   // by id: the bots whose Receive runs
	failed  map[int64]int    // how often they ended in a row
	status  map[int64]status // what they said of themselves last
}

var (
	_ bots.Network   = (*Network)(nil)
	_ bots.Commander = (*Network)(nil)
	_ bots.Connector = (*Network)(nil)
	_ bots.Speaker   = (*Network)(nil)
	_ bots.OneWay    = (*Network)(nil)
	_ io.Closer      = (*Network)(nil)
)

func made(m *Manifest, h bots.Host) *Network {
	return &Network{host: h, manifest: m, subscribers: recipients.NewStore(m.Network, h), counts: newCounts(m.Network),
		working: map[int64]*bot{}, failed: map[int64]int{}, status: map[int64]status{}}
}

// newNetwork returns the network of a program, which is a bots.Recipients and a bots.Tasker
// where the program can do that.
func newNetwork(m *Manifest, h bots.Host) bots.Network {
	n := made(m, h)
	n.calls = calls.New(m.Network, h)
	switch several, task := m.can(canRecipients) || !m.can(canSend), m.can(canTask); {
	case several && task:
		return struct {
			*Network
			addressed
			tasked
		}{n, addressed{n}, tasked{n}}
	case several:
		return struct {
			*Network
			addressed
		}{n, addressed{n}}
	case task:
		return struct {
			*Network
			tasked
		}{n, tasked{n}}
	}
	return n
}

// Close listens for calls no more.
func (n *Network) Close() error {
	n.calls.Close()
	return nil
}

// Bot returns the bot with its settings.
func (n *Network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	s, err := n.stored(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	if missing := n.manifest.missing(s); missing != "" {
		return nil, bots.Refused(errIncomplete)
	}
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
	made := &bot{Network: n, self: b, city: city, log: log, settings: s, opened: make(chan struct{}), closed: make(chan struct{}),
		requests: make(chan struct{}, requestsAtOnce)}
	if n.manifest.Run == runOnce {
		made.crew = newSingles(made)
	} else {
		made.crew = newStaying(made)
	}
	if n.manifest.can(canRetract) {
		return &retracting{made}, nil
	}
	return made, nil
}

// missing returns the first setting that has no value and needs one; empty where none does.
func (m *Manifest) missing(values map[string]string) string {
	for _, s := range m.Settings {
		if values[s.Name] == "" && !s.Optional {
			return s.Name
		}
	}
	return ""
}

// at returns the bot whose Receive runs; nil where none does.
func (n *Network) at(botID int64) *bot {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.working[botID]
}

// enter notes that the Receive of a bot runs, until leave is called.
func (n *Network) enter(b *bot) (leave func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.working[b.self.ID] = b
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.working[b.self.ID] == b {
			delete(n.working, b.self.ID)
		}
	}
}

// addressed is the part of a network whose bots send to recipients one by one. One that
// sends nothing has none.
type addressed struct{ network *Network }

var _ bots.Recipients = addressed{}

// Recipients returns whom bot b sends r to.
func (a addressed) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	if !a.network.manifest.can(canRecipients) {
		return nil, nil
	}
	return a.network.subscribers.List(ctx, b.ID, r)
}

// RemoveRecipient forgets a recipient.
func (a addressed) RemoveRecipient(ctx context.Context, b report.Bot, recipient int64) error {
	return a.network.subscribers.Remove(ctx, b.ID, recipient)
}

// CountRecipients is how many there are; below 0 where the program has none.
func (a addressed) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	if !a.network.manifest.can(canRecipients) {
		return -1, nil
	}
	return a.network.subscribers.Count(ctx, b.ID)
}

// tasked is the part of a network whose bots look at reports before the censor does.
type tasked struct{ network *Network }

var _ bots.Tasker = tasked{}

// Task has the program look at a report.
func (t tasked) Task(ctx context.Context, b report.Bot, r report.Report) (bots.TaskResult, error) {
	at := t.network.at(b.ID)
	if at == nil {
		return bots.TaskResult{}, errNotRunning
	}
	form := r.Form(at.city.Slug, report.Verdict{})
	form.Results = nil
	got, _, err := at.crew.ask(ctx, &toLine{Type: toTask, ID: r.ID, Report: &form, Results: json.RawMessage(r.Results)}, nil, fromResult, fromFailed)
	if err != nil {
		return bots.TaskResult{}, err
	}
	if got.Type == fromFailed {
		return bots.TaskResult{}, words(got.Error)
	}
	result := bots.TaskResult{Results: got.Results, Answer: string(words(got.said))}
	if string(got.Results) == "null" {
		result.Results = nil
	}
	if v := got.Verdict; v != nil && v.Refuse {
		result.Refuse = string(words(v.Reason))
		if result.Refuse == "" {
			result.Refuse = t.network.manifest.title()
		}
	}
	return result, nil
}

// Commands returns the words of the program's commands.
func (n *Network) Commands(context.Context, report.Bot) ([]string, error) {
	var list []string
	for _, w := range n.manifest.Words {
		list = append(list, w.Word)
	}
	return list, nil
}

// Command has the program answer a command.
func (n *Network) Command(ctx context.Context, b report.Bot, c bots.Command) (string, error) {
	l := &toLine{Type: toCommand, Word: c.Word, Text: text(c.Text), Language: c.Language}
	for _, w := range n.manifest.Words {
		if w.Word == c.Word {
			l.Entities = w.given(c.Reading)
		}
	}
	got, err := n.ask(ctx, b.ID, l)
	if err == nil && got.Type == fromFailed {
		err = words(got.Error)
	}
	return got.Text, err
}

// given are the entities of a command that were read.
func (w Word) given(r report.Reading) map[string]string {
	given := map[string]string{}
	for name, read := range map[string]string{"line": r.Line, "stop": r.Stop, "toward": r.Toward} {
		for _, wanted := range w.Entities {
			if wanted == name && read != "" {
				given[name] = read
			}
		}
	}
	return given
}

// Hears tells whether the program hears reports.
func (n *Network) Hears() bool { return n.manifest.can(canReceive) }

// Sends tells whether the program sends them.
func (n *Network) Sends() bool { return n.manifest.can(canSend) }
