package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// The bounds of what a program says, beside those of its lines.
const (
	publishesPerSecond = 100
	maxState           = 32 << 10 // bytes

	tooMany = "too many"
)

// note writes a line of the program's log.
func (b *bot) note(level slog.Level, line string) { logWords(b.log, level, line) }

// hear handles a line of the program.
func (b *bot) hear(ctx context.Context, p *process, l fromLine) error {
	if l.wrong != "" {
		p.unknown(ctx, l, l.wrong)
		return nil
	}
	switch l.Type {
	case fromReport:
		return b.hearReport(ctx, p, l)
	case fromState:
		return b.hearState(ctx, p, l)
	case fromRecipient:
		return b.hearRecipient(ctx, p, l)
	case fromPut, fromGet, fromDelete:
		return b.hearStore(ctx, p, l)
	case fromPublish:
		b.hearPublish(ctx, p, l)
	case fromLog:
		b.hearLog(ctx, p, l)
	case fromStatus:
		if !p.logs.Allow() {
			p.unknown(ctx, l, tooMany)
			return nil
		}
		b.hearStatus(ctx, p, l)
	case fromAnswer:
		p.unknown(ctx, l, "nobody waits for an answer to "+cut(l.To, maxID))
	default:
		p.unknown(ctx, l, "this server does not know such a line")
	}
	return nil
}

// hearLog writes a line of the program's log, as those on its standard error.
func (b *bot) hearLog(ctx context.Context, p *process, l fromLine) {
	level, known := levelNames[l.Level]
	if !known {
		p.unknown(ctx, l, "level is one of error, warn, info, debug")
	}
	if !p.logs.Allow() {
		p.unknown(ctx, l, tooMany)
		return
	}
	logWords(b.log, level, l.Text)
}

// hearReport takes in a report. The program is told when it is on disk.
func (b *bot) hearReport(ctx context.Context, p *process, l fromLine) error {
	in, problem := b.incoming(l)
	if problem != "" {
		p.unknown(ctx, l, problem)
		return nil
	}
	switch err := b.emit(b.receiving, in); {
	case errors.Is(err, bots.ErrMessage):
		b.log.Warn("kit.log.left_out", "err", err)
	case errors.Is(err, db.ErrPaused):
	case err != nil && b.receiving.Err() != nil: // it is asked to end, and says it again another time
		return nil
	case err != nil:
		return fmt.Errorf("hand over a report: %w", err)
	}
	b.did()
	if !p.once {
		return ignoreEnded(p.tell(ctx, &toLine{Type: toKept, ID: l.ID}))
	}
	return nil
}

// ignoreEnded leaves out that a program has ended that was to be told something.
func ignoreEnded(err error) error {
	if errors.Is(err, errNotRunning) {
		return nil
	}
	return err
}

// incoming is the report of a line, or what is wrong with it.
func (b *bot) incoming(l fromLine) (in bots.Incoming, problem string) {
	switch {
	case !b.manifest.can(canReceive):
		return in, File + ` says nothing of "receive"`
	case l.ID == "":
		return in, "id is missing"
	case len(l.ID) > maxID || len(l.Author) > maxID || len(l.From) > maxID:
		return in, fmt.Sprintf("id, author and from have at most %d bytes", maxID)
	case l.Visibility != "" && l.Visibility != string(report.Public) && l.Visibility != string(report.Private):
		return in, "visibility is public or private"
	}
	in = bots.Incoming{ID: l.ID, Author: l.Author, Text: l.Text, Visibility: report.Private}
	if l.Visibility != "" {
		in.Visibility = report.Visibility(l.Visibility)
	}
	if l.Time != "" {
		at, err := time.Parse(time.RFC3339, l.Time)
		if err != nil {
			return in, "time is written as 2026-11-27T08:15:00+01:00"
		}
		in.Time = at
	}
	if l.From != "" && b.manifest.can(canAnswer) {
		in.Answer = func(ctx context.Context, a bots.Answer) error {
			return b.answerTo(ctx, l.From, a)
		}
	}
	return in, ""
}

// answerTo has the program answer who wrote a report that it heard.
func (b *bot) answerTo(ctx context.Context, to string, a bots.Answer) error {
	at := b.at(b.self.ID) // it may have been made again
	if at == nil {
		return errNotRunning
	}
	return at.crew.tell(ctx, &toLine{Type: toAnswer, To: to, Text: text(a.Text), Outcome: string(a.Outcome)})
}

// hearState stores where the program goes on, behind the reports that it said before.
func (b *bot) hearState(ctx context.Context, p *process, l fromLine) error {
	if len(l.Value) > maxState {
		p.unknown(ctx, l, fmt.Sprintf("a state has at most %d KiB", maxState>>10))
		return nil
	}
	return b.saveState(ctx, b.self.ID, l.Value)
}

// hearRecipient subscribes or unsubscribes somebody.
func (b *bot) hearRecipient(ctx context.Context, p *process, l fromLine) error {
	switch {
	case !b.manifest.can(canRecipients):
		p.unknown(ctx, l, File+` says nothing of "recipients"`)
		return nil
	case l.ID == "" || len(l.ID) > maxID:
		p.unknown(ctx, l, "id is missing or too long")
		return nil
	case l.On != nil && !*l.On:
		_, err := b.subscribers.Unsubscribe(ctx, b.self.ID, l.ID)
		return err
	}
	_, err := b.subscribers.Subscribe(ctx, b.self.ID, l.ID)
	if errors.Is(err, db.ErrNotFound) { // the bot is being disconnected
		return nil
	}
	return err
}

// hearPublish tells everybody who wants that event.
func (b *bot) hearPublish(ctx context.Context, p *process, l fromLine) {
	switch {
	case !bus.ValidName(l.Name):
		p.unknown(ctx, l, "name has lower case letters, digits, _ and -, in parts between dots")
	case bus.Reserved(l.Name):
		p.unknown(ctx, l, "events of that name are the server's own")
	case len(l.Payload) > bus.MaxPayload:
		p.unknown(ctx, l, fmt.Sprintf("a payload has at most %d KiB", bus.MaxPayload>>10))
	case !b.publishes.Allow():
		p.unknown(ctx, l, tooMany)
	default:
		b.host.Bus.Publish(bus.Event{CityID: b.self.CityID, Name: l.Name, Time: b.host.Now(), Payload: l.Payload})
	}
}

// hearStore reads from the store of the program, or writes to it, and says what is there now.
func (b *bot) hearStore(ctx context.Context, p *process, l fromLine) error {
	answer := toLine{Type: toValue, ID: l.ID, Key: l.Key, Value: l.Value, Revision: new(int64)}
	if *answer.Revision = math.MaxInt64; answer.fits() != nil { // before it is stored
		p.unknown(ctx, l, errLongValue.Error())
		return nil
	}
	value, revision, err := b.storeLine(ctx, l)
	switch {
	case errors.Is(err, db.ErrStoreKey), errors.Is(err, db.ErrStoreValue), errors.Is(err, db.ErrStoreFull), errors.Is(err, db.ErrRevision):
		p.unknown(ctx, l, err.Error())
		return nil
	case errors.Is(err, db.ErrNotFound):
		value = json.RawMessage("null")
	case err != nil:
		return err
	}
	if p.once { // nobody reads it
		return nil
	}
	answer.Value, answer.Revision = value, &revision
	if answer.fits() != nil { // somebody else has stored it
		p.unknown(ctx, l, errLongValue.Error())
		return nil
	}
	return ignoreEnded(p.tell(ctx, &answer))
}

func (b *bot) storeLine(ctx context.Context, l fromLine) (json.RawMessage, int64, error) {
	store, expected := b.host.DB.Store(b.host.Secrets, b.self.CityID, b.manifest.Network), int64(db.AnyRevision)
	if l.Revision != nil {
		expected = *l.Revision
	}
	switch l.Type {
	case fromGet:
		value, revision, err := store.Get(ctx, l.Key)
		return json.RawMessage(value), revision, err
	case fromPut:
		if len(l.Value) == 0 {
			l.Value = json.RawMessage("null")
		}
		revision, err := store.Put(ctx, l.Key, string(l.Value), expected)
		return l.Value, revision, err
	}
	return json.RawMessage("null"), 0, store.Delete(ctx, l.Key, expected)
}

// status is what a program said of itself.
type status struct{ Word, Job string }

// The words of a status, by what they mean.
var (
	wellWords    = map[string]bool{"SUCCESS": true, "PASSED": true, "FIXED": true}
	troubleWords = map[string]bool{"FAIL": true, "ERROR": true, "REGRESSION": true}
)

const (
	statusFixed   = "FIXED"
	statusAborted = "ABORTED"
)

// hearStatus has the bot be as the program says that it is.
func (b *bot) hearStatus(ctx context.Context, p *process, l fromLine) {
	word, _ := l.Status.(string)
	said := status{word, string(words(l.Job))}
	switch {
	case wellWords[word]:
		bots.Stand(b.receiving, nil)
		if word == statusFixed {
			b.log.Info("program.log.fixed", "job", said.Job)
		}
	case troubleWords[word]:
		bots.Stand(b.receiving, bots.Trouble(bots.Say(errors.New("the program says "+word), "program.error.status", "Status", word, "Job", said.Job)))
	case word == statusAborted:
		b.log.Warn("program.log.aborted", "job", said.Job)
		b.switchOff(ctx)
	default:
		p.unknown(ctx, l, "status is one of SUCCESS, PASSED, FIXED, FAIL, ERROR, REGRESSION, ABORTED")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status[b.self.ID] = said
}

// Says returns the word of the last status of a bot, and what it is about.
func (n *Network) Says(b report.Bot) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.TrimSpace(n.status[b.ID].Word + " " + n.status[b.ID].Job)
}

// switchOff switches the bot off, as its program asks for.
func (b *bot) switchOff(ctx context.Context) {
	if err := b.host.DB.EnableBot(ctx, b.self.ID, false); err != nil {
		b.log.Error("a bot could not be switched off", "err", err)
		return
	}
	b.host.Notices.Changed(b.self.CityID)
}
