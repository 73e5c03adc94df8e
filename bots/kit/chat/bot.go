package chat

import (
	"context"
	"errors"
	"log/slog"
	"strings"

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

	album string // of Receive: the last one that was refused
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

// Receive hears what happens until ctx ends or something fails.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	answers := newAnswers(ctx, b)
	defer answers.stop()
	b.network.answering.Store(b.bot.ID, answers)
	defer b.network.answering.CompareAndDelete(b.bot.ID, answers)
	err := b.conn.Receive(ctx, b.account.Cursor, func(ctx context.Context, cursor string, events ...Event) error {
		for _, e := range events {
			if err := b.handle(ctx, e, emit, answers); err != nil {
				return err
			}
		}
		if cursor == "" {
			return nil
		}
		b.account.Cursor = cursor
		return b.network.accounts.SaveCursor(ctx, b.bot.ID, cursor)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

// explain gives an error the kind that decides what happens next. What the
// service refuses it will refuse again.
func explain(err error) error {
	if p, ok := errors.AsType[*pace.PausedError](err); ok {
		return bots.RetryAfter(p.Left, bots.Say(err, "kit.chat.paused"))
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
	receipt, err := b.post(ctx, to.Address, text.Calm(d.Report.Text))
	return receipt, explain(err)
}

// post sends a text when its turn has come, cut where it is too long. A chat
// that has another id now is followed.
func (b *bot) post(ctx context.Context, chat, words string) (report.Receipt, error) {
	return b.postWith(ctx, chat, words, b.conn.Post)
}

func (b *bot) postWith(ctx context.Context, chat, words string,
	send func(ctx context.Context, chat, words string) (report.Receipt, error)) (report.Receipt, error) {
	words = b.network.Length.Fit(words)
	for followed := false; ; followed = true {
		if err := b.pace.Wait(ctx, chat, b.isGroup(chat)); err != nil {
			return report.Receipt{}, err
		}
		receipt, err := send(ctx, chat, words)
		b.slowDown(err)
		moved, ok := errors.AsType[*Moved](err)
		if !ok || followed || moved.To == "" {
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

// slowDown makes everything wait where the service asks for that.
func (b *bot) slowDown(err error) {
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Trouble == remote.Limited {
		b.pace.Pause(e.After)
	}
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
	if err := b.pace.Wait(ctx, in.Address, b.isGroup(in.Address)); err != nil {
		return explain(err)
	}
	err = c.Delete(ctx, in.Address, d.Retract.ID)
	b.slowDown(err)
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
	chats := b.network.chats
	switch e := e.(type) {
	case Message:
		return b.handleMessage(ctx, e, emit, answers)
	case Joined:
		added, err := chats.Subscribe(ctx, b.bot.ID, e.Chat)
		if err == nil && added {
			answers.add(answer{chat: e.Chat, text: b.say(b.language, "kit.chat.group_welcome", "City", b.city, "Bot", b.account.Handle)})
		}
		return err
	case Left:
		_, err := chats.Unsubscribe(ctx, b.bot.ID, e.Chat)
		return err
	case *Moved:
		return b.follow(ctx, e.From, e.To)
	}
	return nil
}

// follow follows a chat that has another id now. What was written in it before cannot
// be taken back any more: there its ids may be those of other messages.
func (b *bot) follow(ctx context.Context, from, to string) error {
	moved, err := b.network.chats.Find(ctx, b.bot.ID, from)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil
	case err != nil && !errors.Is(err, recipients.ErrSealed):
		return err
	}
	if err := b.network.host.DB.ForgetReceipts(ctx, b.bot.ID, moved.ID); err != nil {
		return err
	}
	return b.network.chats.Move(ctx, b.bot.ID, from, to)
}

func (b *bot) handleMessage(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error, answers *answers) error {
	switch {
	case m.Author == "":
		return nil
	case m.Command != "":
		return b.handleCommand(ctx, m, answers)
	case !m.Private && !m.Addressed:
		return nil
	case m.Text == "" || m.Media:
		b.refuseMedia(m, answers)
		return nil
	case m.ID == "": // it could come twice
		b.log.Warn("kit.log.misfit")
		return nil
	}
	in := bots.Incoming{ID: NetworkID(m.Chat, m.ID), Author: m.Author, Text: m.Text, Visibility: report.Private, Time: m.Time,
		Language: m.Language, Answer: b.answering(m), Commands: m.Private}
	if !m.Private {
		in.Chat = m.Chat
	}
	err := account.HandOver(ctx, b.log, emit, in)
	if errors.Is(err, db.ErrPaused) {
		answers.add(answer{chat: m.Chat, text: b.say(b.languageOf(m), "kit.chat.city_paused", "City", b.city)})
		return nil
	}
	return err
}

// refuseMedia says why pictures and the like are not passed on: once for an
// album, of which every picture is a message.
func (b *bot) refuseMedia(m Message, answers *answers) {
	if !m.Media || m.Album != "" && m.Album == b.album {
		return
	}
	b.album = m.Album
	answers.add(answer{chat: m.Chat, text: b.say(b.languageOf(m), "kit.chat.media")})
}

// languageOf is the language to answer a message in: that of the author's
// client, or the city's where it is not known.
func (b *bot) languageOf(m Message) string {
	if m.Language != "" {
		return b.network.host.Texts.Match(m.Language)
	}
	return b.language
}

func (b *bot) say(language, id string, data ...any) string {
	return b.network.host.Texts.T(language, id, data...)
}

// NetworkID names a message on its network, whose ids may count in each chat.
func NetworkID(chat, message string) string {
	return chat + ":" + strings.NewReplacer("%", "%25", ":", "%3A").Replace(message)
}
