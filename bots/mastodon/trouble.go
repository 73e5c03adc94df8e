package mastodon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"code.dny.dev/ssrf"
	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
)

// trouble says why talking to an instance failed. Its value is the text id of
// what to tell a moderator who is connecting an account.
type trouble string

const (
	unknownHost  trouble = "mastodon.error.unknown_host"
	privateHost  trouble = "mastodon.error.private_host"
	noAnswer     trouble = "mastodon.error.no_answer"
	unreachable  trouble = "mastodon.error.unreachable"
	badCert      trouble = "mastodon.error.certificate"
	notMastodon  trouble = "mastodon.error.not_mastodon"
	loginRefused trouble = "mastodon.error.refused"
	tooMany      trouble = "mastodon.error.too_many"
	brokenServer trouble = "mastodon.error.broken"
)

// plain is what each trouble is called in a bot's log, after the host's name.
var plain = map[trouble]string{
	unknownHost:  "cannot be found: is the name right?",
	privateHost:  "is a private address, which this server does not talk to",
	noAnswer:     "does not answer",
	unreachable:  "cannot be reached",
	badCert:      "has no valid certificate",
	notMastodon:  "does not answer as Mastodon does",
	loginRefused: "refuses the account's login",
	tooMany:      "asks to slow down",
	brokenServer: "is having trouble",
}

// troubleOf finds out what kind of failure err is.
func troubleOf(err error) trouble {
	switch {
	case isLimited(err):
		return tooMany
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return privateHost
	case isTimeout(err):
		return noAnswer
	case isDecoding(err):
		return notMastodon
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return unknownHost
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return badCert
	}
	return troubleOfStatus(statusOf(err))
}

func troubleOfStatus(status int) trouble {
	switch {
	case status == 0:
		return unreachable
	case status >= http.StatusInternalServerError:
		return brokenServer
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusGone:
		return loginRefused
	}
	return notMastodon
}

func isLimited(err error) bool {
	_, ok := errors.AsType[*limited](err)
	return ok
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isDecoding tells whether the answer was a success that could not be read.
func isDecoding(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || kind
}

// wordsOf are the instance's own words about err, empty where it gave none.
func wordsOf(err error) string {
	e, ok := errors.AsType[*gomastodon.APIError](err)
	if !ok {
		return ""
	}
	const long = 300
	if words := []rune(e.Message); len(words) > long {
		return string(words[:long]) + "…"
	}
	return e.Message
}

// explain turns an error of a request into one of the contract's kinds, in
// plain words and without the URL, which may hold a token. Any 4xx but 401 and
// 410 counts as temporary here: only the caller knows what it is about.
func (c *client) explain(ctx context.Context, err error) error {
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary {
		return err
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	if l, ok := errors.AsType[*limited](err); ok {
		return bots.RetryAfter(l.after, c.says(err))
	}
	if s := statusOf(err); s == http.StatusUnauthorized || s == http.StatusGone {
		return bots.Refused(c.says(err))
	}
	return c.says(err)
}

// says puts err in plain words.
func (c *client) says(err error) error {
	if words := wordsOf(err); words != "" {
		return &spoken{text: fmt.Sprintf("%s says: %s", c.host(), words), cause: withoutURL(err)}
	}
	text := c.host() + " " + plain[troubleOf(err)]
	if s := statusOf(err); s != 0 {
		text += fmt.Sprintf(" (%d %s)", s, http.StatusText(s))
	}
	return &spoken{text: text, cause: withoutURL(err)}
}

// spoken is an error in words for a moderator, with its cause.
type spoken struct {
	text  string
	cause error
}

func (s *spoken) Error() string { return s.text }
func (s *spoken) Unwrap() error { return s.cause }

// withoutURL drops the URL of the request from an error of net/http: that of a
// stream holds the access token.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
