package chat

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// bot is one city's account at work. Receive runs in one goroutine, Send in
// others; what changes is of Receive alone.
type bot struct {
	network *network
	bot     report.Bot
	account account.Account // without its token
	conn    Conn
	pace    *pace.Pacer
	log     *slog.Logger
	// The name and language of the city; the rest of it is not kept: there is a
	// bot for each of thousands of accounts.
	city, language string

	at     *attendance          // of Receive: nil while it does not receive
	album  string               // of Receive: the last one that was refused
	points map[string]time.Time // of Receive: when authors of locations were answered
}

var (
	_ bots.Bot        = (*bot)(nil)
	_ bots.Checker    = (*bot)(nil)
	_ bots.Concurrent = (*bot)(nil)
	_ bots.Retracter  = (*bot)(nil)
)

// Concurrency is how many messages are on their way at the same time.
func (b *bot) Concurrency() int { return max(1, b.network.Concurrency) }

// Check asks whether the login is still accepted, and takes note of a new name.
func (b *bot) Check(ctx context.Context) error {
	c, ok := b.conn.(Checker)
	if !ok {
		return nil
	}
	a, err := c.Check(ctx)
	if err != nil {
		return explain(err)
	}
	if a.Handle == b.account.Handle && a.Name == b.account.Name && a.URL == b.account.URL {
		return nil
	}
	b.account.Handle, b.account.Name, b.account.URL = a.Handle, a.Name, a.URL
	return b.network.accounts.Rename(ctx, b.account)
}

// attendance is what a bot that receives has, also while it rests.
type attendance struct {
	answers      *answers
	claim        db.Claim
	introduction *introduction
}

// attend begins to receive.
func (b *bot) attend(ctx context.Context) {
	answers := newAnswers(ctx, b)
	b.network.answering.Store(b.bot.ID, answers)
	b.at = &attendance{answers, b.network.host.DB.Claim(b.bot.CityID), b.introduce(ctx)}
}

// leave ends what attend began.
func (b *bot) leave() {
	a := b.at
	b.at = nil
	a.introduction.stop()
	b.network.answering.CompareAndDelete(b.bot.ID, a.answers)
	a.answers.stop()
}

// Receive hears what happens until ctx ends or something fails.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	if b.at == nil {
		b.attend(ctx)
	}
	rests := false
	defer func() {
		if !rests {
			b.leave()
		}
	}()
	at := b.at
	err := b.conn.Receive(ctx, b.account.Cursor, func(ctx context.Context, cursor string, events ...Event) error {
		for _, e := range events {
			if err := b.handle(ctx, e, emit, at.answers); err != nil {
				return err
			}
		}
		if cursor == "" {
			return nil
		}
		b.account.Cursor = cursor
		return b.network.accounts.SaveCursor(ctx, at.claim, b.bot.ID, cursor)
	})
	if rests = bots.Rests(err); rests {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

// explain gives an error the kind that decides what happens next. What the
// service refuses it will refuse again.
func explain(err error) error {
	if p, ok := errors.AsType[*pace.PausedError](err); ok && p.Chat {
		return bots.Later(p.Left, bots.Say(err, "kit.chat.full"))
	} else if ok {
		return bots.RetryAfter(p.Left, bots.Say(err, "kit.chat.paused"))
	}
	if late, ok := errors.AsType[*pace.LateError](err); ok {
		return bots.Later(late.In, bots.Say(err, "kit.chat.full"))
	}
	if errors.Is(err, pace.ErrBusy) {
		return bots.Say(err, "kit.chat.busy")
	}
	return remote.Kind(err)
}

// Send sends the report to one chat. A chat that has unsubscribed since is not
// written to any more.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	to, err := b.network.chats.Get(ctx, b.bot.ID, d.Recipient)
	if errors.Is(err, db.ErrNotFound) {
		return report.Receipt{}, bots.Gone(bots.Say(err, "kit.chat.unsubscribed"))
	}
	if errors.Is(err, recipients.ErrSealed) {
		// Not gone: with its key it can be read again.
		return report.Receipt{}, bots.Permanent(bots.Say(err, "kit.chat.sealed"))
	}
	if err != nil {
		return report.Receipt{}, err
	}
	if to.Reason != standsOn && !isTriable(to, b.network.host.Now()) {
		return report.Receipt{}, bots.Permanent(bots.Say(errNotWanted, "kit.chat.not_wanted"))
	}
	receipt, err := b.post(ctx, to.Address, text.Calm(d.Report.Text), b.pace.Soon, b.conn.Post)
	if c, ok := errors.AsType[*Closed](err); ok {
		return report.Receipt{}, errors.Join(bots.Permanent(err), b.closeOne(ctx, to.ID, c.Why))
	}
	if err == nil && to.Reason != standsOn {
		err = b.openOne(ctx, to.ID, to.Reason)
	}
	return receipt, explain(err)
}

// errNotWanted is that a group is not sent to.
var errNotWanted = errors.New("nothing is sent to this group")

// What waits for the turn of a chat, and what sends to it.
type (
	turn    func(ctx context.Context, chat string, group bool) error
	sending func(ctx context.Context, chat, words string) (report.Receipt, error)
)

// post sends a text when its turn has come, cut where it is too long. A chat
// that has another id now is followed.
func (b *bot) post(ctx context.Context, chat, words string, wait turn, send sending) (report.Receipt, error) {
	words = b.network.Length.Fit(words)
	for followed := false; ; followed = true {
		if err := wait(ctx, b.groupOf(chat), b.isGroup(chat)); err != nil {
			return report.Receipt{}, err
		}
		receipt, err := send(ctx, chat, words)
		err = b.slowDown(chat, err)
		moved, ok := errors.AsType[*Moved](err)
		if !ok || followed || moved.To == "" || moved.From != chat {
			return receipt, err
		}
		if err := b.follow(ctx, chat, moved.To); err != nil {
			return report.Receipt{}, err
		}
		chat = moved.To
	}
}

func (b *bot) isGroup(chat string) bool {
	g, ok := b.conn.(Grouper)
	return ok && g.IsGroup(chat)
}

// groupOf is the group that a topic is of; other chats are as they are.
func (b *bot) groupOf(chat string) string {
	if t, ok := b.conn.(Topical); ok {
		return t.GroupOf(chat)
	}
	return chat
}

// slowDown makes what goes to a chat wait where the service asks for that, and returns
// the error that says so.
func (b *bot) slowDown(chat string, err error) error {
	if e := remote.As(err); e != nil && e.Trouble == remote.Limited {
		return bots.Later(b.pace.Limited(b.groupOf(chat), b.isGroup(chat), e.After), err)
	}
	return err
}

// Retract deletes the message; bots.ErrCannotRetract where the service cannot. In a
// chat that has unsubscribed since, nothing is left to do: its address is forgotten.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	c, ok := b.conn.(Deleter)
	if !ok || d.Retract == nil || d.Retract.ID == "" {
		return bots.ErrCannotRetract
	}
	in, err := b.network.chats.Get(ctx, b.bot.ID, d.Recipient)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil
	case errors.Is(err, recipients.ErrSealed):
		return bots.ErrCannotRetract
	case err != nil:
		return err
	}
	if err := b.pace.Soon(ctx, b.groupOf(in.Address), b.isGroup(in.Address)); err != nil {
		return explain(err)
	}
	err = b.slowDown(in.Address, c.Delete(ctx, in.Address, d.Retract.ID))
	if e := remote.As(err); e != nil && e.Trouble == remote.Gone {
		return nil
	}
	return explain(err)
}

// handle does what an event asks for. When it returns nil, that is on disk. What has
// an id that no service has is left out.
func (b *bot) handle(ctx context.Context, e Event, emit func(context.Context, bots.Incoming) error, answers *answers) error {
	if !account.Fits(e.ids()...) {
		b.log.Warn("kit.log.misfit")
		return nil
	}
	switch e := e.(type) {
	case Message:
		return b.handleMessage(ctx, e, emit, answers)
	case Joined:
		return b.join(ctx, e, answers)
	case Left:
		return b.network.groups.leave(ctx, b.bot.ID, e.Chat)
	case Renamed:
		return b.rename(ctx, e)
	case Opened:
		return b.open(ctx, e.Chat, e.Why)
	case *Closed:
		return b.close(ctx, e.Chat, e.Why)
	case *Moved:
		return b.follow(ctx, e.From, e.To)
	}
	return nil
}

func (b *bot) handleMessage(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error, answers *answers) error {
	switch {
	case m.Deleted:
		return b.handleDeleted(ctx, m, emit)
	case m.Author == "" || m.Edited && !m.isReport():
		return nil
	case m.Command != "":
		return b.handleCommand(ctx, m, emit, answers)
	case !m.Private && !m.Addressed:
		return nil
	}
	if !m.Private {
		if err := b.network.groups.note(ctx, b.bot.ID, m.Chat, b.groupOf(m.Chat), m.Group); err != nil {
			return err
		}
	}
	switch {
	case m.Text == "" || m.Media:
		b.refuseMedia(m, answers)
		return nil
	case m.ID == "": // it could come twice
		b.log.Warn("kit.log.misfit")
		return nil
	}
	err := account.HandOver(ctx, b.log, emit, b.incoming(m))
	if errors.Is(err, db.ErrPaused) {
		if !m.Edited {
			answers.add(answer{chat: m.Chat, text: b.say(b.languageOf(m), "kit.chat.city_paused", "City", b.city)})
		}
		return nil
	}
	return err
}

// handleDeleted has a report taken back that its author has deleted. What was none is
// left alone.
func (b *bot) handleDeleted(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error) error {
	if m.ID == "" {
		b.log.Warn("kit.log.misfit")
		return nil
	}
	return account.HandOver(ctx, b.log, emit, bots.Incoming{ID: NetworkID(b.groupOf(m.Chat), m.ID), Time: m.Time, Deleted: true})
}

// isReport tells whether a message may be one.
func (m Message) isReport() bool {
	return (m.Private || m.Addressed) && m.Command == "" && m.Text != "" && !m.Media && m.ID != ""
}

// incoming is a message as the program hears it.
func (b *bot) incoming(m Message) bots.Incoming {
	in := bots.Incoming{ID: NetworkID(b.groupOf(m.Chat), m.ID), Author: m.Author, Text: m.Text, Visibility: report.Private,
		Time: m.Time, Language: m.Language, Reply: m.Reply, Edited: m.Edited, Answer: b.answering(m), Commands: m.Private}
	if !m.Private {
		in.Chat = m.Chat
	}
	return in
}

// refuseMedia says why pictures and the like are not passed on: once for an
// album, of which every picture is a message. A point on the map tells people where
// somebody is, and not what is there.
func (b *bot) refuseMedia(m Message, answers *answers) {
	switch {
	case !m.Media || m.Album != "" && m.Album == b.album:
	case m.Location:
		b.refuseLocation(m, answers)
	default:
		b.album = m.Album
		answers.add(answer{chat: m.Chat, text: b.say(b.languageOf(m), "kit.chat.media")})
	}
}

// The bounds of what is remembered of those who have sent locations.
const (
	locationsFor = time.Hour
	maxLocations = 1000
)

// refuseLocation asks for the name of the stop, once an hour.
func (b *bot) refuseLocation(m Message, answers *answers) {
	now := b.network.host.Now()
	if now.Sub(b.points[m.Author]) < locationsFor {
		return
	}
	if b.points == nil || len(b.points) >= maxLocations {
		b.points = map[string]time.Time{}
	}
	b.points[m.Author] = now
	answers.add(answer{chat: m.Chat, text: b.say(b.languageOf(m), "kit.chat.location")})
}

// languageOf is the language to answer a message in: that of the author's
// client, or the city's where we do not have it.
func (b *bot) languageOf(m Message) string {
	return b.network.host.Texts.MatchOr(m.Language, b.language)
}

func (b *bot) say(language, id string, data ...any) string {
	return b.network.host.Texts.T(language, id, data...)
}

// NetworkID names a message on its network, whose ids may count in each chat.
func NetworkID(chat, message string) string {
	return chat + ":" + strings.NewReplacer("%", "%25", ":", "%3A").Replace(message)
}
