package chat

import (
	"context"
	"errors"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Sign is what is shown below a message in place of an answer.
type Sign string

// The signs that answer a report.
const (
	SignDone   Sign = "👍" // passed on, or already known
	SignUnsure Sign = "🤔" // not passed on: something is missing
)

// Reacter is a Conn that can show a sign below a message. Where a chat does not allow
// that, it is no error.
type Reacter interface {
	React(ctx context.Context, chat, message string, sign Sign) error
}

// Replier is a Conn that can answer a message so that everybody in its chat sees which
// one. Where that is gone, the text is posted all the same. Errors are those of Post.
type Replier interface {
	Reply(ctx context.Context, chat, message, text string) (report.Receipt, error)
}

// errSilent is that a bot which is not at work any more was to answer.
var errSilent = errors.New("the bot is not at work any more")

// answering returns what answers a message: see bots.Incoming. What it keeps is no more
// than where to.
func (b *bot) answering(m Message) func(context.Context, bots.Answer) error {
	n, own := b.network, b.bot
	to, private := answer{chat: m.Chat, to: m.ID, sure: true, heard: true}, m.Private
	_, reacts := b.conn.(Reacter)
	return func(_ context.Context, a bots.Answer) error {
		next := to
		switch formOf(own.Answers, private, reacts, a) {
		case silence:
			return nil
		case sign:
			next.sign = signOf(a.Outcome)
		case words:
			next.text = a.Text
		}
		if private && next.sign == "" {
			next.to = ""
		}
		// The bot may have begun again since.
		at, ok := n.answering.Load(own.ID)
		if !ok {
			return errSilent
		}
		at.(*answers).add(next)
		return nil
	}
}

// form is how somebody is answered.
type form int

const (
	silence form = iota
	sign
	words
)

// formOf is how the author of a message is answered. In a group a sign is enough, as
// everybody there reads what the bot writes: only what was asked is answered in words,
// and where its moderators wish it what is missing.
func formOf(wanted report.Answers, private, reacts bool, a bots.Answer) form {
	switch {
	case a.Always():
		return words
	case wanted == report.AnswersOff:
		return silence
	case a.Outcome == bots.OutcomeReceived && !private: // no sign says so
		return silence
	case a.Outcome == bots.OutcomeReceived:
		return words
	case private && (wanted != report.AnswersReaction || !reacts):
		return words
	case wanted == report.AnswersWords && a.Outcome == bots.OutcomeHeld:
		return words
	case reacts:
		return sign
	default:
		return silence
	}
}

func signOf(o bots.Outcome) Sign {
	if o == bots.OutcomeHeld {
		return SignUnsure
	}
	return SignDone
}

// react shows the sign of an answer when its turn has come.
func (b *bot) react(ctx context.Context, a answer) error {
	reacter, ok := b.conn.(Reacter)
	if !ok {
		return nil
	}
	if err := b.pace.Wait(ctx, b.groupOf(a.chat), b.isGroup(a.chat)); err != nil {
		return err
	}
	return b.slowDown(a.chat, reacter.React(ctx, a.chat, a.to, a.sign))
}

// reply says a part of an answer, below the message that it answers where it names one.
func (b *bot) reply(ctx context.Context, a answer, part string) error {
	send := sending(b.conn.Post)
	if r, ok := b.conn.(Replier); ok && a.to != "" {
		send = func(ctx context.Context, chat, words string) (report.Receipt, error) {
			return r.Reply(ctx, chat, a.to, words)
		}
	}
	_, err := b.post(ctx, a.chat, part, b.pace.Wait, send)
	return err
}
