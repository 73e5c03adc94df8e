package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// bot is a program at work for a city.
type bot struct {
	*Network
	self     report.Bot
	city     report.City
	log      *slog.Logger
	settings map[string]string
	crew     crew

	opened    chan struct{} // closed when Receive runs
	closed    chan struct{} // closed when it has ended
	emit      func(context.Context, bots.Incoming) error
	receiving context.Context //nolint:containedctx // of Receive, for what is said within it
	publishes *rate.Limiter
	requests  chan struct{} // room for those that it has in hand
	asked     atomic.Int64  // for ids
	blamed    atomic.Bool   // a process has ended with a delivery in hand
}

var (
	_ bots.Bot        = (*bot)(nil)
	_ bots.Concurrent = (*bot)(nil)
	_ bots.Retracter  = (*retracting)(nil)
	_ hearer          = (*bot)(nil)
)

// crew are the processes of a bot.
type crew interface {
	// run keeps them until ctx ends or something fails. over tells that all have ended as
	// those who have nothing more to do.
	run(ctx context.Context) (over bool, err error)
	// ask has one of them answer a line by a line of one of the types. What is suspect is
	// told when nothing else waits, to one that has nothing else in hand. p is nil where
	// none was asked.
	ask(ctx context.Context, l *toLine, s *suspicion, types ...string) (got fromLine, p *process, err error)
	// tell has one of them be told a line.
	tell(ctx context.Context, l *toLine) error
}

// Concurrency is how many deliveries a program may have in hand: so few that it answers all
// of them within SendTimeout, also where it takes its time for each.
func (b *bot) Concurrency() int {
	if b.manifest.Start == startLazy || b.manifest.Run == runOnce {
		return b.manifest.Workers
	}
	return b.manifest.Workers * min(max(int((bots.SendTimeout-readyWait)/b.manifest.Answer), 1), 4)
}

// Receive runs the program until ctx ends or it does.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b.emit, b.receiving = emit, ctx
	b.publishes = rate.NewLimiter(publishesPerSecond, publishesPerSecond)
	defer b.enter(b)()
	close(b.opened)
	defer close(b.closed)
	clocks, ctx := errgroup.WithContext(ctx)
	b.startClocks(ctx, clocks)
	over, err := b.crew.run(ctx)
	cancel()
	if failed := clocks.Wait(); err == nil {
		err = failed
	}
	if over && err == nil {
		bots.Stand(ctx, errOver)
	}
	return b.restart(err)
}

// longLife is how long a program lives that has got over what ended it before.
const longLife = 20 * time.Second

// The waits before a program that has ended is started again.
const (
	firstRestart = 100 * time.Millisecond
	lastRestart  = 20 * time.Second
	// lastBlamed bounds them where it ended with a delivery in hand, which is given up after
	// some times: what comes after that is not to wait for long.
	lastBlamed = 2 * time.Second
)

// restart has the program start again after a while, which is longer each time it ends
// before it has done anything.
func (b *bot) restart(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary {
		return err
	}
	times, last := b.failed[b.self.ID], lastRestart
	b.failed[b.self.ID]++
	if b.blamed.Load() {
		last = lastBlamed
	}
	return bots.RetryAfter(backoff.Wait(firstRestart, times, last), err)
}

// did notes that the program has done something.
func (b *bot) did() {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failed, b.self.ID)
}

// begun is what a process is told at its beginning.
func (b *bot) begun(ctx context.Context, worker int) (*begun, error) {
	state, err := b.state(ctx, b.self.ID)
	if err != nil {
		return nil, err
	}
	told := &begun{Protocol: protocol, Settings: b.settings, State: state, Worker: worker, City: cityForm{b.city.Slug, b.city.Name, b.city.Language, ""}}
	if where := zone.Of(b.city, b.host.Config.Reports.Zone); where != time.Local {
		told.City.Zone = where.String()
	}
	if b.host.Places == nil {
		return told, nil
	}
	places, err := b.host.Places.Of(ctx, b.self.CityID)
	if err != nil || places == nil {
		return told, err
	}
	bare, err := (&toLine{Type: toBegin, begun: told}).encode()
	if err != nil {
		return nil, err
	}
	room := maxLine - len(bare) - roomLeft
	for _, l := range places.Lines() {
		told.Lines = append(told.Lines, l.Name)
	}
	told.Lines = fitting(told.Lines, &room)
	told.Stops = fitting(places.Stops(), &room)
	return told, nil
}

// roomLeft is how much of a line is left for what stands in it beside what begins a process,
// in bytes.
const roomLeft = 8 << 10

// fitting returns the first of the names that have room in a line, in bytes.
func fitting(names []string, room *int) []string {
	for i, name := range names {
		raw, err := json.Marshal(name)
		if *room -= len(raw) + 1; err != nil || *room < 0 {
			return names[:i]
		}
	}
	return names
}

// nextID makes an id for what a program is asked.
func (b *bot) nextID(what string) string { return what + "-" + strconv.FormatInt(b.asked.Add(1), 10) }

// readyWait is how long a delivery waits for the program to be ready.
const readyWait = 10 * time.Second

// again is how soon a delivery is tried again that was in hand when the program ended: it
// is started meanwhile.
const again = 300 * time.Millisecond

// Send has the program send a delivery. What it had in hand when it ended is suspect, and is
// sent alone, behind everything else; when it has ended with it several times, it is given up. What a program
// without recipients has said itself stands where it sends to, and is not sent.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	if d.Recipient == 0 && d.Report.BotID == b.self.ID {
		return report.Receipt{}, nil
	}
	l := &toLine{Type: toSend, ID: d.ID, Text: text(d.Report.Text), Time: d.Report.Time.UTC().Truncate(time.Second)}
	if d.Recipient != 0 {
		r, err := b.subscribers.Get(ctx, b.self.ID, d.Recipient)
		if errors.Is(err, db.ErrNotFound) {
			return report.Receipt{}, bots.Gone(err)
		}
		if err != nil {
			return report.Receipt{}, bots.Say(err, "program.error.sealed")
		}
		l.Recipient = &r.Address
	}
	got, err := b.deliver(ctx, l)
	return got.receipt(), err
}

// deliver asks what is done for a delivery.
func (b *bot) deliver(ctx context.Context, l *toLine) (fromLine, error) {
	suspect := b.deaths.of(l.ID)
	if suspect.deaths >= maxDeaths {
		return fromLine{}, b.poison(l.ID, suspect.deaths)
	}
	if err := b.isOpen(ctx); err != nil {
		return fromLine{}, err
	}
	got, p, err := b.crew.ask(ctx, l, &suspect, fromSent, fromFailed)
	if err != nil {
		return fromLine{}, b.undelivered(l.ID, suspect, p, err)
	}
	b.deaths.forget(l.ID)
	b.did()
	if got.Type == fromFailed {
		return fromLine{}, failure(got)
	}
	return got, nil
}

// isOpen waits until the program runs.
func (b *bot) isOpen(ctx context.Context) error {
	select {
	case <-b.closed:
		return bots.Later(again, errNotRunning)
	case <-b.opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(readyWait):
		return bots.Later(time.Second, errNotRunning)
	}
}

// undelivered says what becomes of a delivery that was not answered.
func (b *bot) undelivered(id string, suspect suspicion, p *process, err error) error {
	switch {
	case p != nil && p.died():
		if n := b.deaths.add(id, suspect); n >= maxDeaths {
			return b.poison(id, n)
		}
		if p.once {
			return err
		}
		return bots.Later(again, err)
	case errors.Is(err, errNotRunning), errors.Is(err, errNotReady):
		return bots.Later(again, err)
	case errors.Is(err, errOver), errors.Is(err, errLongLine):
		return bots.Permanent(err)
	}
	return err
}

// poison gives up what a program has ended with again and again.
func (b *bot) poison(id string, n int) error {
	b.deaths.forget(id)
	return bots.Permanent(errPoison(n))
}

// maxWait bounds how long a program may have a delivery wait.
const maxWait = time.Hour

// failure is what a line failed says.
func failure(l fromLine) error {
	var err error = words(l.Error)
	if l.Error == "" {
		err = bots.Say(errors.New("the program failed and does not say why"), "program.error.failed")
	}
	switch l.Kind {
	case "permanent":
		return bots.Permanent(err)
	case "gone":
		return bots.Gone(err)
	case "refused":
		return bots.Refused(err)
	}
	if l.After > 0 {
		return bots.Later(time.Duration(min(l.After, maxWait.Seconds())*float64(time.Second)), err)
	}
	return err
}

// retracting is a bot that takes back.
type retracting struct{ *bot }

// Retract has the program take back what it has sent.
func (b *retracting) Retract(ctx context.Context, d report.Delivery) error {
	l := &toLine{Type: toRetract, ID: d.ID, Receipt: &receiptForm{d.Retract.ID, d.Retract.URL}}
	if d.Recipient != 0 {
		r, err := b.subscribers.Get(ctx, b.self.ID, d.Recipient)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return bots.Say(err, "program.error.sealed")
		}
		l.Recipient = &r.Address
	}
	_, err := b.deliver(ctx, l)
	if kind, _ := bots.KindOf(err); kind == bots.KindPermanent || kind == bots.KindGone {
		return fmt.Errorf("%w: %w", bots.ErrCannotRetract, err)
	}
	return err
}
