package telegram

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
)

// fields are what the form asks for.
func fields() []account.Field { return []account.Field{{Name: "token", Secret: true}} }

// tokenPattern is a token within whatever was copied of @BotFather's message.
var tokenPattern = regexp.MustCompile(`\b(\d{5,20}:[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)`)

// findToken returns the token in what was typed; empty where there is none.
func findToken(typed string) string {
	if found := tokenPattern.FindStringSubmatch(typed); found != nil {
		return found[1]
	}
	return ""
}

// Check asks Telegram whose token was typed.
func (d *driver) Check(ctx context.Context, typed account.Typed) (account.Account, error) {
	token := findToken(strings.TrimSpace(typed["token"]))
	c, err := d.client("", token)
	if err != nil {
		return account.Account{}, err
	}
	a, err := c.me(ctx)
	a.Token = token
	return a, ofTyped(err)
}

// Identify asks Telegram whose a stored token is, and what waits. Where nobody knows what was
// handled, all that waits was: it is left alone, and what comes next is the first that is heard.
func (d *driver) Identify(ctx context.Context, a account.Account) (account.Account, error) {
	c, err := d.client(a.Server, a.Token)
	if err != nil {
		return account.Account{}, bots.Refused(err)
	}
	found, err := c.me(ctx)
	found.Server, found.Token = a.Server, a.Token
	if err != nil || a.Cursor == allIsNew {
		return found, err
	}
	ids, known, err := c.waiting(ctx)
	if !known {
		return found, err
	}
	found.Cursor = cursorBehind(a.Cursor, ids)
	return found, nil
}

// allIsNew is the cursor where nothing that waits was handled.
const allIsNew = "0"

// cursorBehind returns where to begin when another program had come to a cursor, which may be
// empty, and those ids wait. What it had handled last still waits where it did not come to say so.
// Else nothing of what waits was handled, though its ids may be lower than the cursor: after a
// week without updates they go on from a random number.
func cursorBehind(cursor string, ids []int) string {
	next, err := strconv.Atoi(cursor)
	switch {
	case cursor == "" && len(ids) > 0:
		return strconv.Itoa(slices.Max(ids) + 1)
	case cursor == "" || err != nil || slices.Contains(ids, next-1):
		return cursor
	}
	return allIsNew
}

// ofTyped is an error of a token that was typed, and never held before.
func ofTyped(err error) error {
	if e := remote.As(err); e != nil && e.Trouble == remote.Refused {
		return bots.Say(err, "telegram.error.token_refused")
	}
	return err
}

// Connect takes the bot over from whatever else has used it.
func (d *driver) Connect(ctx context.Context, a account.Account) error {
	c, err := d.client(a.Server, a.Token)
	if err != nil {
		return err
	}
	return ofTyped(c.takeOver(ctx))
}
