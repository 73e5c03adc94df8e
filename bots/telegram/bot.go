package telegram

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// concurrency is how many messages a bot has on their way at a time: at 30 a
// second that allows for answers that take half a second.
const concurrency = 16

// bot is one city's bot at work. Receive runs in one goroutine, Send in others;
// what changes is of Receive alone.
type bot struct {
	network  *network
	bot      report.Bot
	client   *client
	pace     *pacer
	log      *slog.Logger
	city     string // name
	language string // of the city
	id       int64  // of the bot at Telegram
	username string

	// Of Receive alone:
	next   int       // id of the update after the last one
	nextAt time.Time // when that was found out
	album  string    // the last one that was refused
}

var (
	_ bots.Bot        = (*bot)(nil)
	_ bots.Checker    = (*bot)(nil)
	_ bots.Concurrent = (*bot)(nil)
	_ bots.Retracter  = (*bot)(nil)
)

// say is a text in the language of the city.
func (b *bot) say(id string, data ...any) string {
	return b.network.host.Texts.T(b.language, id, data...)
}

// Concurrency is how many messages are on their way at the same time.
func (b *bot) Concurrency() int { return concurrency }

// Check asks whether the token still holds, and takes note of a new name.
func (b *bot) Check(ctx context.Context) error {
	me, err := b.client.me(ctx)
	if err != nil {
		return b.explain(ctx, err)
	}
	if me.Username == b.username {
		return nil
	}
	b.username = me.Username
	return b.network.store.rename(ctx, b.bot.ID, b.id, me.Username)
}

// Send sends the report to one chat. A chat that has unsubscribed since is not
// written to any more.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	recipient, err := parseID(d.Recipient)
	if err != nil {
		return report.Receipt{}, bots.Permanent(err)
	}
	chat, err := b.network.store.findChat(ctx, b.bot.ID, recipient)
	if errors.Is(err, db.ErrNotFound) {
		return report.Receipt{}, bots.Gone(errors.New(b.say("telegram.error.unsubscribed")))
	}
	if err != nil {
		return report.Receipt{}, err
	}
	chat, id, err := b.post(ctx, chat, d.Report.Text)
	if err != nil {
		return report.Receipt{}, b.explainSend(ctx, err)
	}
	return report.Receipt{ID: networkID(chat, id)}, nil
}

// post sends a text when its turn has come, cut where it is too long. A group
// that has become a supergroup is followed. It returns where the message is.
func (b *bot) post(ctx context.Context, chat int64, text string) (int64, int, error) {
	text = cut(text, maxText)
	for moved := false; ; moved = true {
		if err := b.pace.wait(ctx, chat); err != nil {
			return 0, 0, err
		}
		id, err := b.client.send(ctx, chat, text)
		if err == nil {
			return chat, id, nil
		}
		if d, ok := retryAfter(err); ok {
			b.pace.pause(d)
		}
		to := migratedTo(err)
		if to == 0 || moved {
			return 0, 0, err
		}
		if err := b.network.store.moveChat(ctx, b.bot.ID, chat, to); err != nil {
			return 0, 0, err
		}
		chat = to
	}
}

// Retract deletes the message. One that Telegram does not let the bot delete
// any more (after 48 hours), or that is gone, stays as it is.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	chat, id := parseNetworkID(d.Retract.ID)
	if id == 0 {
		return bots.Permanent(fmt.Errorf("a message without an id: %q", d.Retract.ID))
	}
	if err := b.pace.wait(ctx, chat); err != nil {
		return b.explain(ctx, err)
	}
	err := b.client.remove(ctx, chat, id)
	if d, ok := retryAfter(err); ok {
		b.pace.pause(d)
	}
	if e := refusal(err); e != nil && (e.ErrorCode == http.StatusForbidden ||
		e.ErrorCode == http.StatusBadRequest && strings.Contains(e.Description, "message")) {
		return nil
	}
	if isGone(err) {
		return nil
	}
	return b.explainSend(ctx, err)
}
