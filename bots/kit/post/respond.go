package post

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// How often somebody is answered, at most: so that no two programs talk to each other
// without end.
const (
	maxAnswers    = 10
	answersWithin = 10 * time.Minute
)

// answering returns what answers a message in private: see bots.Incoming. It is nil for
// what a program wrote. What it keeps is no more than whom and which message.
func (b *bot) answering(m Message) func(context.Context, bots.Answer) error {
	if m.Automatic {
		return nil
	}
	who, message, private := m.Author, m.ID, m.Visibility == report.Private && !m.Unlisted
	return func(ctx context.Context, a bots.Answer) error {
		if !b.isAnswered(private, a) || !b.network.mayAnswer(b.bot.ID, who) {
			return nil
		}
		// Nothing of it is stored: it is tried once.
		_, err := b.inTurn(ctx, Post{Key: b.keyOf("answer", message), To: who, ReplyTo: message, Text: b.network.Length.Fit(text.Calm(a.Text))})
		if err != nil && ctx.Err() == nil {
			b.log.Warn("kit.log.not_answered", "err", explain(err))
		}
		return nil
	}
}

// isAnswered tells whether the author of a message is told of an outcome. What was
// written for all to see is answered where the moderators wish it; what was asked always.
func (b *bot) isAnswered(private bool, a bots.Answer) bool {
	switch {
	case a.Always():
		return true
	case b.bot.Answers == report.AnswersOff:
		return false
	default:
		return private || b.bot.Answers == report.AnswersWords
	}
}

// keyOf names what is said about a message by this account.
func (b *bot) keyOf(purpose, message string) string {
	return b.network.host.Secrets.Hash(purpose, strconv.FormatInt(b.bot.ID, 10), message)
}

// mayAnswer tells whether somebody has not been answered too often, and counts it.
func (n *network) mayAnswer(botID int64, author string) bool {
	who := n.host.Secrets.Hash("answered", strconv.FormatInt(botID, 10), author)
	return n.answered.Take(who, n.host.Now(), maxAnswers, answersWithin)
}

// Section leaves the choice of answers out of the card where nobody is heard.
func (n *network) Section(ctx context.Context, _ report.City, own []report.Bot, c *account.Card) (any, error) {
	for _, b := range own {
		a, err := n.accounts.Account(ctx, b.ID)
		if err == nil && !n.hears(a) {
			c.Answering = nil
		}
	}
	return c, nil
}

// hears tells whether people can write to an account.
func (n *network) hears(a account.Account) bool {
	conn, err := n.driver.Open(a, account.NewLog(slog.New(slog.DiscardHandler)))
	_, ok := conn.(Receiver)
	return ok || err != nil
}
