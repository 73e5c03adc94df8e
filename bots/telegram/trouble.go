package telegram

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mymmrac/telego"
	"github.com/mymmrac/telego/telegoapi"

	"ticketfrei/bots"
)

// refusal returns what the Bot API answered instead of a result; nil where err
// is something else.
func refusal(err error) *telegoapi.Error {
	e, _ := errors.AsType[*telegoapi.Error](err)
	return e
}

// codeOf is the code of a refusal; 0 where err is none.
func codeOf(err error) int {
	if e := refusal(err); e != nil {
		return e.ErrorCode
	}
	return 0
}

// migratedTo is the id of the supergroup that a group has become; 0 where err
// does not say so.
func migratedTo(err error) int64 {
	if e := refusal(err); e != nil && e.Parameters != nil {
		return e.Parameters.MigrateToChatID
	}
	return 0
}

// retryAfter is how long to wait after a refusal for too many calls.
func retryAfter(err error) (time.Duration, bool) {
	e := refusal(err)
	if e == nil || e.ErrorCode != http.StatusTooManyRequests {
		return 0, false
	}
	if e.Parameters == nil || e.Parameters.RetryAfter <= 0 {
		return time.Second, true // it should say how long
	}
	return time.Duration(e.Parameters.RetryAfter) * time.Second, true
}

// isGone tells whether a refused message means that the chat is not there for
// the bot any more. Codes alone do not say so: 400 is also what a message that
// is wrong gets. The descriptions are those of Telegram's own server.
func isGone(err error) bool {
	e := refusal(err)
	if e == nil {
		return false
	}
	if e.ErrorCode == http.StatusForbidden {
		return true // blocked, kicked, deactivated, never started
	}
	description := strings.ToLower(e.Description)
	for _, words := range []string{"chat not found", "user not found", "group chat was deactivated", "peer_id_invalid"} {
		if e.ErrorCode == http.StatusBadRequest && strings.Contains(description, words) {
			return true
		}
	}
	return false
}

// troubleOf is the text id that says why a call failed.
func troubleOf(err error) string {
	if errors.Is(err, telego.ErrInvalidToken) {
		return "telegram.error.no_token"
	}
	if e := refusal(err); e != nil {
		return troubleOfCode(e)
	}
	if _, ok := errors.AsType[*answerError](err); ok {
		return "telegram.error.broken"
	}
	if e, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && e.Timeout() {
		return "telegram.error.no_answer"
	}
	return "telegram.error.unreachable"
}

func troubleOfCode(e *telegoapi.Error) string {
	switch e.ErrorCode {
	case http.StatusUnauthorized, http.StatusNotFound: // 404 is what a token gets that never was one
		return "telegram.error.refused"
	case http.StatusConflict:
		if strings.Contains(e.Description, "webhook") {
			return "telegram.error.webhook"
		}
		return "telegram.error.conflict"
	case http.StatusForbidden:
		return "telegram.error.gone"
	case http.StatusTooManyRequests:
		return "telegram.error.limited"
	}
	return "telegram.error.says"
}

// explain gives an error of a call the kind that decides what happens next, and
// words that a moderator understands.
func (b *bot) explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	if e, ok := errors.AsType[*pausedError](err); ok {
		return bots.RetryAfter(e.left, errors.New(b.say("telegram.error.limited")))
	}
	if errors.Is(err, errBusy) {
		return errors.New(b.say("telegram.error.busy"))
	}
	words := ""
	if e := refusal(err); e != nil {
		words = e.Description
	}
	said := errors.New(b.say(troubleOf(err), "Words", words))
	if d, ok := retryAfter(err); ok {
		return bots.RetryAfter(d, said)
	}
	if code := codeOf(err); code == http.StatusUnauthorized || code == http.StatusNotFound {
		return bots.Refused(said)
	}
	return said
}

// explainSend is explain for a message that was not sent: what the server
// refuses it will refuse again.
func (b *bot) explainSend(ctx context.Context, err error) error {
	said := b.explain(ctx, err)
	if kind, _ := bots.KindOf(said); kind != bots.KindTemporary || refusal(err) == nil {
		return said
	}
	switch {
	case isGone(err):
		return bots.Gone(errors.New(b.say("telegram.error.gone")))
	case codeOf(err) < http.StatusInternalServerError:
		return bots.Permanent(said)
	}
	return said
}
