package mail

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// everyDigest stands among the recipients of a report for all who get one mail an hour
// in place of each: no subscriber has that id. What is sent to it waits for their mails.
const everyDigest = math.MaxInt64

const (
	// digestEvery is how often somebody gets a mail, at most.
	digestEvery = time.Hour
	// How many reports stand in a mail, and how many are counted, at most.
	maxDigest        = 50
	maxDigestReports = 500
	// How many mails of a bot are begun together, how many of them are sent at the
	// same time, and for how many bots: most connections are for reports that go at once.
	digestsAtOnce = 8
	digestSenders = 2
	digestBots    = 4
	// digestClaim is after how long a mail is sent again whose process was killed:
	// longer than all mails that are begun together take.
	digestClaim = 10 * time.Minute
	// digestKeep is after how long a report is not mailed any more.
	digestKeep = 24 * time.Hour
	// digestRetry is when a mail is tried again, digestPause when a bot is whose mails the
	// relay does not take, or that may not send now.
	digestRetry = 5 * time.Minute
	digestPause = time.Minute
	// farthestDigest is longer than any wait.
	farthestDigest = 2 * digestEvery
	// digestLook is how often the times are looked at, which stand in memory: a clock
	// may jump.
	digestLook = time.Second
)

// digests knows for which bots reports wait that are mailed once an hour.
type digests struct {
	wake chan struct{}
	mu   sync.Mutex
	next map[int64]time.Time // when the next mail of a bot is due
	busy map[int64]bool      // bots whose mails are being sent
	// unwanted are reports that some server has refused. They are mailed by themselves.
	unwanted map[int64]bool
}

func newDigests() *digests {
	return &digests{wake: make(chan struct{}, 1), next: make(map[int64]time.Time), busy: make(map[int64]bool), unwanted: make(map[int64]bool)}
}

// add notes that a bot has mails to send at that time, or looks whether it has.
func (d *digests) add(botID int64, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before, ok := d.next[botID]; !ok || at.Before(before) {
		d.next[botID] = at
	}
	d.look()
}

// look has the times be looked at now.
func (d *digests) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// take returns bots whose mails are to be sent now. Each is busy until done.
func (d *digests) take(now time.Time) (ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, at := range d.next {
		if len(d.busy) >= digestBots {
			break
		}
		if wait := at.Sub(now); d.busy[id] || wait > 0 && wait <= farthestDigest {
			continue
		}
		delete(d.next, id)
		d.busy[id] = true
		ids = append(ids, id)
	}
	return ids
}

// done ends the turn of a bot. next is when it has more to send; zero where it has none.
func (d *digests) done(botID int64, next time.Time) {
	d.mu.Lock()
	delete(d.busy, botID)
	d.mu.Unlock()
	if !next.IsZero() {
		d.add(botID, next)
	}
	d.look()
}

// startDigests mails those who get one mail an hour until stop, which waits for the
// mails under way.
func (n *Network) startDigests(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { n.runDigests(ctx) })
	return func() {
		cancel()
		group.Wait()
	}
}

func (n *Network) runDigests(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	tick := time.NewTicker(digestLook)
	defer tick.Stop()
	for {
		for _, id := range n.digests.take(n.host.Now()) {
			group.Go(func() { n.digests.done(id, n.turnOf(ctx, id)) })
		}
		select {
		case <-ctx.Done():
			return
		case <-n.digests.wake:
		case <-tick.C:
		}
	}
}

// goOn has a bot be looked at that begins to work here: reports may have been waiting when the
// program started, or when the process that worked for its city ended.
func (n *Network) goOn(ctx context.Context, botID int64) error {
	some, err := n.hasDigests(ctx, botID)
	if err == nil && some {
		n.digests.add(botID, n.host.Now())
	}
	return err
}

// turnOf sends a few mails of a bot and returns when it has more to send; zero where it
// has none.
func (n *Network) turnOf(ctx context.Context, botID int64) (next time.Time) {
	work, cancel := withGrace(ctx)
	defer cancel()
	err := bots.Guard(func() (err error) {
		next, err = n.sendDigests(work, botID)
		return err
	})
	if err != nil && ctx.Err() == nil {
		n.host.Log.Error("mail: mails with the reports of an hour could not be sent, trying again", "bot", botID, "err", err)
		return n.host.Now().Add(digestPause)
	}
	return next
}

// withGrace returns a context that ends stopTimeout after ctx: a mail that is just being
// sent is not sent again after a restart.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cancel) })
	return work, func() {
		stop()
		cancel()
	}
}

// hour is what mails of a bot with the reports of an hour are made of.
type hour struct {
	city    report.City
	bot     report.Bot
	reports []digestReport // in the order in which they wait
	newest  int64          // of those that wait
	lines   []string       // of the city
}

// sendDigests sends the first few mails of a bot that are due, and returns when the next
// are; zero where there are none, or it is not ours to send them.
func (n *Network) sendDigests(ctx context.Context, botID int64) (next time.Time, err error) {
	b, err := n.host.DB.Bot(ctx, botID)
	if errors.Is(err, db.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	on, err := n.isOn(ctx, b)
	switch holds := n.host.DB.Claim(b.CityID).Epoch >= 0; {
	case err != nil:
		return time.Time{}, err
	case !on || !holds:
		return time.Time{}, nil // goOn is called when it begins again, by whoever works for it
	case !n.host.DB.Owns(b.CityID): // for a moment, or because it is being given up
		return n.host.Now().Add(digestPause), nil
	}
	list, err := n.claimDigests(ctx, botID)
	if err != nil {
		return time.Time{}, err
	}
	if len(list) == 0 {
		return n.nextDigest(ctx, botID)
	}
	h, err := n.readHour(ctx, b, list)
	if err != nil {
		return time.Time{}, err
	}
	next = n.host.Now()
	if err := n.sendHour(ctx, h, list); bots.OutageOf(err).All {
		next = next.Add(digestPause)
	}
	return next, nil
}

// isOn tells whether a bot is switched on, and its city is not off as a whole.
func (n *Network) isOn(ctx context.Context, b report.Bot) (bool, error) {
	if !b.Enabled {
		return false, nil
	}
	c, err := n.host.DB.BriefCity(ctx, b.CityID)
	return err == nil && !c.Off(), err
}

func (n *Network) readHour(ctx context.Context, b report.Bot, list []digest) (h hour, err error) {
	h.bot = b
	if h.city, err = n.host.DB.BriefCity(ctx, b.CityID); err != nil {
		return h, err
	}
	if h.lines, err = n.host.Places.Lines(ctx, b.CityID); err != nil {
		return h, err
	}
	after := list[0].Last
	for _, d := range list {
		after = min(after, d.Last)
	}
	h.reports, h.newest, err = n.digestReports(ctx, b.ID, after)
	return h, err
}

// sendHour sends mails. The error is that of one that was not sent.
func (n *Network) sendHour(ctx context.Context, h hour, list []digest) error {
	var group sync.WaitGroup
	errs := make([]error, len(list))
	turns := make(chan struct{}, digestSenders)
	for i, d := range list {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			errs[i] = bots.Guard(func() error { return n.sendDigest(ctx, h, d) })
		})
	}
	group.Wait()
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	if kind, _ := bots.KindOf(errs[0]); kind != bots.KindAway { // of which the mailer tells
		n.host.Log.Warn("mail: some mails with the reports of an hour could not be sent, trying again", "city", h.city.Slug, "mails", len(errs), "err", errs[0])
	}
	return errs[0]
}

// sendDigest sends somebody the reports of an hour. After an error it is tried again.
func (n *Network) sendDigest(ctx context.Context, h hour, d digest) error {
	s, err := n.subscribers.Get(ctx, h.bot.ID, d.Recipient)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil // who has unsubscribed in the meantime
	case errors.Is(err, recipients.ErrSealed), err == nil && !s.Suspended.IsZero():
		return n.endDigest(ctx, d, h.newest, time.UnixMilli(d.Due))
	case err != nil:
		return err
	}
	reports := n.digestOf(h, d, s)
	if len(reports) == 0 {
		return n.endDigest(ctx, d, h.newest, time.UnixMilli(d.Due))
	}
	p := parts{n: n, hour: h, to: s}
	if err = p.mail(ctx, reports); err != nil {
		err = n.notSent(ctx, s, err)
	} else if p.taken {
		err = n.delivered(ctx, s.ID)
	}
	if kind, _ := bots.KindOf(err); err == nil || kind == bots.KindPermanent {
		return n.endDigest(ctx, d, h.newest, n.host.Now().Add(digestEvery))
	}
	return errors.Join(err, n.putDigestOff(ctx, d, p.last))
}

// digestOf returns the reports that a subscriber is mailed: not the own ones, nor those of
// lines that were not chosen.
func (n *Network) digestOf(h hour, d digest, s recipients.Recipient) (list []digestReport) {
	key := n.host.Secrets.Author(h.city.ID, Name, s.Address)
	for _, r := range h.reports {
		own := r.Network == Name && (r.Author == key || r.LeftOut == key)
		if d.has(r.id) && !own && wants(s.Lines, r.Report) {
			list = append(list, r)
		}
	}
	return list
}
