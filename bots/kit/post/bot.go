package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// bot is one city's account at work. Receive runs in one goroutine, Send in
// another; they share nothing that changes. What looks again at what was heard runs
// beside both.
type bot struct {
	network *network
	bot     report.Bot
	cursor  string // of the account when it was made
	conn    Conn
	log     *slog.Logger

	// Of Receive alone.
	at      *attendance // nil while it does not receive
	seen    recent
	reviews *reviews // nil where nothing is looked at again
}

var (
	_ bots.Bot       = (*bot)(nil)
	_ bots.Checker   = (*bot)(nil)
	_ bots.Retracter = (*bot)(nil)
)

// Check asks whether the login is still accepted.
func (b *bot) Check(ctx context.Context) error {
	if c, ok := b.conn.(Checker); ok {
		return explain(c.Check(ctx))
	}
	return nil
}

// explain gives an error the kind that decides what happens next.
func explain(err error) error {
	if p, ok := errors.AsType[*pace.PausedError](err); ok {
		return bots.RetryAfter(p.Left, bots.Say(err, "kit.post.paused"))
	}
	if errors.Is(err, pace.ErrBusy) {
		return bots.Say(err, "kit.post.busy")
	}
	return remote.Kind(err)
}

// attendance is what a bot that receives has, also while it rests.
type attendance struct {
	cursor string
	claim  db.Claim
}

// attend begins to receive.
func (b *bot) attend(ctx context.Context, e emit) (err error) {
	if b.reviews, err = b.startReviews(ctx, e); err != nil {
		return err
	}
	b.at = &attendance{b.cursor, b.network.host.DB.Claim(b.bot.CityID)}
	return nil
}

// leave ends what attend began.
func (b *bot) leave() {
	b.at = nil
	b.reviews.stop()
}

// Receive hears what people write until ctx ends or something fails.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	r, ok := b.conn.(Receiver)
	if !ok {
		return nil
	}
	if b.at == nil {
		if err := b.attend(ctx, emit); err != nil {
			return err
		}
	}
	rests := false
	defer func() {
		if !rests {
			b.leave()
		}
	}()
	at := b.at
	err := r.Receive(ctx, at.cursor, func(ctx context.Context, cursor string, messages ...Message) error {
		for _, m := range messages {
			if err := b.hear(ctx, m, emit); err != nil {
				return err
			}
		}
		if cursor == "" {
			return nil
		}
		if err := b.network.accounts.SaveCursor(ctx, at.claim, b.bot.ID, cursor); err != nil {
			return err
		}
		at.cursor = cursor
		return nil
	})
	if rests = bots.Rests(err); rests {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

// Hears tells whether the account hears what people write.
func (b *bot) Hears() bool {
	_, ok := b.conn.(Receiver)
	return ok
}

// hear hands over one message, unless it was heard before. One without an id could
// come twice, one without an author could not be braked: neither is taken in.
func (b *bot) hear(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error) error {
	if m.ID == "" || m.Author == "" && !m.Deleted || !account.Fits(m.ID, m.Author) {
		b.log.Warn("kit.log.misfit")
		return nil
	}
	if m.Edited || m.Deleted {
		return b.follow(ctx, m, emit)
	}
	if b.seen.has(m.ID) {
		return nil
	}
	if err := b.takeIn(ctx, m, emit); err != nil {
		return err
	}
	b.seen.add(m.ID)
	b.reviews.add(m.ID, m.Time)
	return nil
}

func (b *bot) takeIn(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error) error {
	if m.Text == "" && m.Picture {
		return b.refusePicture(ctx, m)
	}
	err := account.HandOver(ctx, b.log, emit, b.incoming(m))
	if errors.Is(err, db.ErrPaused) {
		return nil // the city's page says so
	}
	return err
}

// courtesy bounds an answer to a message: what is heard after it waits.
const courtesy = 10 * time.Second

// refusePicture answers a picture without text: why it is not passed on. Each
// author is told once a day, so that nobody can make the account write without
// end. The answer is a courtesy: where it fails or would take long, the reports
// go on.
func (b *bot) refusePicture(ctx context.Context, m Message) error {
	host := b.network.host
	if m.Automatic || !m.Time.IsZero() && host.Now().Sub(m.Time) > host.Config.Reports.Expire {
		return nil
	}
	city, err := host.DB.BriefCity(ctx, b.bot.CityID)
	if err != nil {
		return fmt.Errorf("explain about pictures: %w", err)
	}
	day := m.Time.UTC().Format("2006-01-02")
	bounded, done := context.WithTimeout(ctx, courtesy)
	defer done()
	_, err = b.publish(bounded, Post{
		Key:  host.Secrets.Hash("picture", strconv.FormatInt(b.bot.ID, 10), m.Author, day),
		Text: host.Texts.T(city.Language, "kit.post.picture"), To: m.Author, ReplyTo: m.ID,
	})
	err = explain(err)
	if kind, _ := bots.KindOf(err); ctx.Err() != nil || kind == bots.KindRefused {
		return err
	}
	if err != nil {
		b.log.Warn("kit.log.not_answered", "err", err)
	}
	return nil
}

// Send boosts what the account heard in public, where the service can do so and the
// message may be boosted, and posts everything else: the text alone.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	booster, message, err := b.booster(d)
	if err != nil {
		return report.Receipt{}, bots.Permanent(err)
	}
	if booster != nil {
		id, err := booster.Boost(ctx, message, d.Report.Text)
		switch {
		case err == nil:
			return report.Receipt{ID: report.BoostReceipt + id}, nil
		case errors.Is(err, ErrDeleted):
			return report.Receipt{}, bots.Permanent(bots.Say(err, "kit.post.deleted"))
		case !errors.Is(err, ErrChanged) && !errors.Is(err, ErrNotBoosted):
			return report.Receipt{}, explain(err)
		}
	}
	receipt, err := b.publish(ctx, Post{Key: d.ID, Text: text.Calm(d.Report.Text)})
	return receipt, explain(err)
}

// booster returns the connection that can boost the message of a delivery, and the
// message's id; nil where the text is to be posted. An id is stored only of what this
// account heard in public and can boost.
func (b *bot) booster(d report.Delivery) (booster Booster, message string, err error) {
	booster, ok := b.conn.(Booster)
	if !ok || d.Report.BotID != b.bot.ID || d.Report.Visibility != report.Public || d.Report.NetworkID == "" {
		return nil, "", nil
	}
	message, err = bots.MessageID(b.network.host.Secrets, d.Report)
	return booster, message, err
}

// publish posts once, also where the service does not know idempotency keys:
// the attempt is recorded before, the result right after, for who comes after a
// killed process. Where the machine loses power in the milliseconds before the
// attempt is on disk, the key alone has to do.
func (b *bot) publish(ctx context.Context, p Post) (report.Receipt, error) {
	p.Text = b.network.Length.Fit(p.Text)
	known, err := b.network.posts.find(ctx, p.Key)
	switch {
	case errors.Is(err, db.ErrNotFound):
		err = b.network.posts.save(ctx, p.Key, b.bot.ID, report.Receipt{})
	case err == nil && known.receipt.ID != "":
		return known.receipt, nil
	case err == nil:
		// It was tried before, and nobody knows what became of it.
		if found, err := b.find(ctx, p, known); err != nil || found.ID != "" {
			return found, err
		}
	}
	if err != nil {
		return report.Receipt{}, err
	}
	return b.postNow(ctx, p)
}

// postNow posts when its turn has come, and records the result: nothing is
// acknowledged before that.
func (b *bot) postNow(ctx context.Context, p Post) (report.Receipt, error) {
	receipt, err := b.inTurn(ctx, p)
	if err != nil {
		return report.Receipt{}, err
	}
	return receipt, b.network.posts.save(ctx, p.Key, b.bot.ID, receipt)
}

// inTurn posts as fast as the network's pace allows.
func (b *bot) inTurn(ctx context.Context, p Post) (report.Receipt, error) {
	if b.network.Pace == (pace.Limits{}) {
		return b.conn.Publish(ctx, p)
	}
	pacer := b.network.pacers.Of(b.bot.ID)
	if err := pacer.Wait(ctx, "", false); err != nil {
		return report.Receipt{}, err
	}
	receipt, err := b.conn.Publish(ctx, p)
	if e := remote.As(err); e != nil && e.Trouble == remote.Limited {
		pacer.Pause(e.After)
	}
	return receipt, err
}

// find looks for p among what the account posted since the attempt.
func (b *bot) find(ctx context.Context, p Post, attempt record) (report.Receipt, error) {
	finder, ok := b.conn.(Finder)
	if !ok {
		return report.Receipt{}, nil
	}
	list, err := finder.Find(ctx, p, attempt.at)
	if err != nil {
		return report.Receipt{}, err
	}
	for _, receipt := range list {
		// Two reports may have the same text: this post may be the other's.
		others, err := b.network.posts.isKnown(ctx, b.bot.ID, receipt.ID)
		if err != nil {
			return report.Receipt{}, err
		}
		if !others {
			return receipt, b.network.posts.save(ctx, p.Key, b.bot.ID, receipt)
		}
	}
	return report.Receipt{}, nil
}

// Retract deletes what was posted, or takes a boost back; bots.ErrCannotRetract
// where the service cannot.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	if d.Retract == nil || d.Retract.ID == "" {
		return bots.ErrCannotRetract
	}
	if strings.HasPrefix(d.Retract.ID, report.BoostReceipt) {
		return b.unboost(ctx, d)
	}
	c, ok := b.conn.(Deleter)
	if !ok {
		return bots.ErrCannotRetract
	}
	err := c.Delete(ctx, *d.Retract)
	if e := remote.As(err); e != nil && e.Trouble == remote.Gone {
		return nil
	}
	return explain(err)
}

func (b *bot) unboost(ctx context.Context, d report.Delivery) error {
	booster, message, err := b.booster(d)
	if booster == nil || err != nil {
		return bots.ErrCannotRetract // which message it was cannot be told any more
	}
	return explain(booster.Unboost(ctx, message))
}
