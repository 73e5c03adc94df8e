package telegram

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/mymmrac/telego"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/remote"
)

// fields are what the form asks for.
func fields() []account.Field { return []account.Field{{Name: "token"}} }

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

// ofTyped is an error of a token that was typed, and never held before.
func ofTyped(err error) error {
	if e := remote.As(err); e != nil && e.Trouble == remote.Refused {
		return bots.Say(err, "telegram.error.token_refused")
	}
	return err
}

// Connect takes the bot over from whatever else has used it, and sets its menus.
func (d *driver) Connect(ctx context.Context, a account.Account) error {
	c, err := d.client(a.Server, a.Token)
	if err != nil {
		return err
	}
	if err := c.takeOver(ctx); err != nil {
		return ofTyped(err)
	}
	d.setMenus(ctx, c)
	return nil
}

// menuTimeout bounds how long the menus may hold up a login.
const menuTimeout = 5 * time.Second

// setMenus makes clients offer the bot's commands, in their own language. The
// bot works without.
func (d *driver) setMenus(ctx context.Context, c *client) {
	ctx, done := context.WithTimeout(ctx, menuTimeout)
	defer done()
	for i, language := range d.host.Texts.Languages() {
		code := language
		if i == 0 {
			code = "" // what clients of all other languages show
		}
		if err := c.setMenu(ctx, code, d.menu(language)); err != nil {
			d.host.Log.Warn("the menu of a Telegram bot could not be set", "err", err)
			return
		}
	}
}

// menu are the commands in a language.
func (d *driver) menu(language string) []telego.BotCommand {
	var list []telego.BotCommand
	for _, command := range chat.Commands {
		list = append(list, telego.BotCommand{Command: command, Description: d.host.Texts.T(language, "kit.chat.menu."+command)})
	}
	return list
}
