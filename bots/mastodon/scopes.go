package mastodon

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
)

// What the program may do with an account (docs.joinmastodon.org/api/oauth-scopes): know
// who it is, read its mentions and its own posts, post, and set the notification policy;
// and where instances call, have the account's calls.
const (
	granularScopes = "read:accounts read:notifications read:statuses write:notifications write:statuses"
	// GoToSocial opens its stream only to those who may read everything.
	streamingScopes = "read write:notifications write:statuses"
	// What other software knows for certain.
	wholeScopes = "read write"
	pushScope   = "push"
	writeScope  = "write:statuses"
)

// scopes are those to ask an instance for.
func (d *driver) scopes(i instance) string {
	if d.mode == modePush {
		return i.scopes + " " + pushScope
	}
	return i.scopes
}

// scopes are those that the software of the instance knows and needs. Software that only
// speaks as Mastodon does says so in its version: "2.7.2 (compatible; Pleroma 2.9.0)".
// GoToSocial has its own versions, all of which begin with 0.
func (info instanceInfo) scopes() string {
	version := strings.ToLower(info.Version)
	switch {
	case strings.Contains(strings.ToLower(info.SourceURL), "gotosocial"), strings.Contains(version, "gotosocial"), strings.HasPrefix(version, "0."):
		return streamingScopes
	case strings.Contains(version, "compatible"):
		return wholeScopes
	}
	return granularScopes
}

// covers tells whether a list of scopes, as it stands in a token's answer, holds scope.
func covers(list, scope string) bool {
	whole, _, _ := strings.Cut(scope, ":")
	given := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' || r == '+' })
	return slices.Contains(given, scope) || slices.Contains(given, whole)
}

// codeScopes is the code of an answer that says that the token does not allow what was
// asked (RFC 6750, 3.1).
const codeScopes = "insufficient_scope"

// parseAnswer reads an answer that is no success. What a token lacks servers say in words:
// "This action is outside the authorized scopes", "Insufficient permissions: write:statuses",
// "token has insufficient scope permission".
func parseAnswer(status int, h http.Header, body []byte) (code string, after time.Duration, ok bool) {
	code, after, ok = parse(status, h, body)
	words := bytes.ToLower(body)
	if ok && (status == http.StatusUnauthorized || status == http.StatusForbidden) &&
		(bytes.Contains(words, []byte("scope")) || bytes.Contains(words, []byte("insufficient permission"))) {
		code = codeScopes
	}
	return code, after, ok
}

// lacksScopes tells whether an instance answered that the token does not allow what was
// asked.
func lacksScopes(err error) bool {
	e := remote.As(err)
	return e != nil && e.Code == codeScopes
}

// said puts a refusal for what the token lacks into words of its own.
func said(err error) error {
	if e := remote.As(err); lacksScopes(err) && e.Trouble == remote.Refused {
		return bots.Say(err, "mastodon.error.scopes", "Scope", writeScope)
	}
	return err
}

// mayPost makes sure that the token, which is known to hold, may post. It asks to delete a
// status that there is not: whether it may is looked at first.
func (c client) mayPost(ctx context.Context) error {
	err := c.Do(ctx, http.MethodDelete, "/api/v1/statuses/0", nil, nil)
	if e := remote.As(err); e != nil && (e.Code == codeScopes || e.Status == http.StatusUnauthorized && e.Trouble == remote.Refused) {
		return said(err)
	}
	return ctx.Err()
}
