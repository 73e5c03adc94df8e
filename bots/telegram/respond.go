package telegram

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/mymmrac/telego"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/internal/report"
)

var (
	_ chat.Reacter = (*conn)(nil)
	_ chat.Replier = (*conn)(nil)
)

// React shows a sign below a message. Groups may allow none, or only others; a message
// may be gone, and a server of one's own too old to know signs: then nothing is shown.
func (c *conn) React(ctx context.Context, in, message string, sign chat.Sign) error {
	id, err := parseMessage(message)
	if err == nil {
		err = c.client.react(ctx, in, id, string(sign))
	}
	if e := remote.As(err); e != nil && e.Trouble != remote.Gone && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound) {
		return nil
	}
	return err
}

// Reply answers a message. Where that is gone, the text stands by itself.
func (c *conn) Reply(ctx context.Context, to, message, text string) (report.Receipt, error) {
	id, err := parseMessage(message)
	if err != nil {
		return report.Receipt{}, err
	}
	return c.post(ctx, to, text, &telego.ReplyParameters{MessageID: id, AllowSendingWithoutReply: true})
}

// react puts a sign below a message, in place of the one that the bot has put there
// before.
func (c *client) react(ctx context.Context, in string, message int, sign string) error {
	chat, _, err := parsePlace(in)
	if err != nil {
		return err
	}
	return c.call(ctx, func(ctx context.Context, api *telego.Bot) error {
		return api.SetMessageReaction(ctx, &telego.SetMessageReactionParams{ChatID: chat, MessageID: message,
			Reaction: []telego.ReactionType{&telego.ReactionTypeEmoji{Type: telego.ReactionEmoji, Emoji: sign}}})
	})
}

func parseMessage(id string) (int, error) {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0, bots.Permanent(bots.Say(errors.New("a message without an id"), "telegram.error.bad_id"))
	}
	return n, nil
}
