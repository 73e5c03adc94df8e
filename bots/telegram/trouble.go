package telegram

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/mymmrac/telego/telegoapi"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/remote"
)

// service names Telegram in errors. It makes no exchange.
func service() *remote.Client { return &remote.Client{Name: "Telegram"} }

// notTheAPI is an answer that is none of the Bot API: one of a broken gateway.
func notTheAPI(status int) error {
	return &remote.Error{Name: "Telegram", Status: status, Trouble: remote.Broken}
}

// explain puts an error of a call into words, and says what it means.
func explain(ctx context.Context, err error) error {
	if answer := refusal(err); answer != nil {
		return explainRefusal(answer)
	}
	err = service().Explain(ctx, err)
	if e := remote.As(err); e != nil && e.Trouble == remote.UnknownHost {
		e.Trouble = remote.Unreachable // nobody has typed its name
	}
	return err
}

// What Telegram answers with 409 means that another program gets what is written. It
// stays so until somebody ends that.
var (
	errWebhook  = errors.New("a webhook gets what is written to the bot (409 Conflict)")
	errConflict = errors.New("another program asks Telegram for what is written (409 Conflict)")
)

// explainRefusal says what it means that the server has refused a call.
func explainRefusal(answer *telegoapi.Error) error {
	e := service().Answered(answer.ErrorCode, "", 0)
	e.Cause = answer // never shown: its words may name the chat
	switch {
	case answer.ErrorCode == http.StatusNotFound && strings.Contains(answer.Description, "method"):
		// An old server of one's own does not know the method.
	case answer.ErrorCode == http.StatusUnauthorized, answer.ErrorCode == http.StatusNotFound:
		e.Trouble = remote.Refused // 404 is what a token gets that never was one
		return bots.Say(e, "telegram.error.refused")
	case answer.ErrorCode == http.StatusConflict && strings.Contains(answer.Description, "webhook"):
		return bots.Refused(bots.Say(errWebhook, "telegram.error.webhook"))
	case answer.ErrorCode == http.StatusConflict:
		return bots.Refused(bots.Say(errConflict, "telegram.error.conflict"))
	case answer.ErrorCode == http.StatusTooManyRequests:
		// Who comes before that is told to wait longer still.
		e.After = retryAfter(answer)
	case isGone(answer):
		e.Trouble = remote.Gone
	}
	return e
}

// refusal returns what the Bot API answered instead of a result; nil where err
// is something else.
func refusal(err error) *telegoapi.Error {
	e, _ := errors.AsType[*telegoapi.Error](err)
	return e
}

// retryAfter is how long to wait after a refusal for too many calls.
func retryAfter(answer *telegoapi.Error) time.Duration {
	if answer.Parameters == nil || answer.Parameters.RetryAfter <= 0 {
		return time.Second // it should say how long
	}
	return time.Duration(answer.Parameters.RetryAfter) * time.Second
}

// migratedTo is the id of the supergroup that a group has become; 0 where err
// does not say so.
func migratedTo(err error) int64 {
	if e := refusal(err); e != nil && e.Parameters != nil {
		return e.Parameters.MigrateToChatID
	}
	return 0
}

// isGone tells whether a refused message means that the chat is not there for
// the bot any more. Codes alone do not say so: 400 is also what a message that
// is wrong gets. The descriptions are those of Telegram's own server.
func isGone(answer *telegoapi.Error) bool {
	if answer.ErrorCode == http.StatusForbidden {
		return true // blocked, kicked, deactivated, never started
	}
	description := strings.ToLower(answer.Description)
	for _, words := range []string{"chat not found", "user not found", "group chat was deactivated", "peer_id_invalid"} {
		if answer.ErrorCode == http.StatusBadRequest && strings.Contains(description, words) {
			return true
		}
	}
	return false
}

// closures are what refused messages say of a chat that is there and takes none. The
// words are those of Telegram's own server, in lower case.
var closures = []struct {
	words string
	why   chat.Why
}{
	{"topic_closed", chat.WhyTopicClosed},
	{"topic_deleted", chat.WhyTopicGone},
	{"topic_id_invalid", chat.WhyTopicGone},
	{"message thread not found", chat.WhyTopicGone},
	{"not enough rights", chat.WhyRights},
	{"have no rights to send", chat.WhyRights},
	{"need administrator rights", chat.WhyRights},
	{"chat_write_forbidden", chat.WhyRights},
	{"chat_send_plain_forbidden", chat.WhyRights},
	{"chat_restricted", chat.WhyRights},
	{"chat_admin_required", chat.WhyRights},
	{"user_banned_in_channel", chat.WhyRights},
}

// closedFor returns why the chat of a refused message takes none; empty where it does.
func closedFor(err error) chat.Why {
	e := refusal(err)
	if e == nil || e.ErrorCode != http.StatusBadRequest && e.ErrorCode != http.StatusForbidden {
		return ""
	}
	description := strings.ToLower(e.Description)
	for _, c := range closures {
		if strings.Contains(description, c.words) {
			return c.why
		}
	}
	return ""
}

// isDeleted tells whether a message was not deleted because it is gone already.
func isDeleted(err error) bool {
	e := refusal(err)
	return e != nil && e.ErrorCode == http.StatusBadRequest && strings.Contains(e.Description, "message to delete not found")
}

// staysAsItIs tells whether a message cannot be deleted: it is too old, or its
// chat is not there for the bot any more.
func staysAsItIs(err error) bool {
	e := refusal(err)
	return e != nil && (isGone(e) || e.ErrorCode == http.StatusBadRequest && strings.Contains(e.Description, "message"))
}
