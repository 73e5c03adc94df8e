package telegram

import (
	"context"

	"github.com/mymmrac/telego"

	"ticketfrei/bots/kit/chat"
)

// Introduce sets the menu of commands, what stands in the bot's profile, and what is
// shown before somebody writes to it: in each language, and for all others in the
// city's.
func (c *conn) Introduce(ctx context.Context, p chat.Profile) error {
	if err := c.client.introduce(ctx, "", p.Words[p.Language]); err != nil {
		return err
	}
	for language, words := range p.Words {
		if err := c.client.introduce(ctx, language, words); err != nil {
			return err
		}
	}
	return nil
}

// introduce sets them for clients of a language; "" is for all others.
func (c *client) introduce(ctx context.Context, language string, w chat.ProfileWords) error {
	var menu []telego.BotCommand
	for _, command := range w.Commands {
		menu = append(menu, telego.BotCommand{Command: command.Command, Description: command.Words})
	}
	for _, set := range []func(context.Context, *telego.Bot) error{
		func(ctx context.Context, api *telego.Bot) error {
			return api.SetMyCommands(ctx, &telego.SetMyCommandsParams{Commands: menu, LanguageCode: language})
		},
		func(ctx context.Context, api *telego.Bot) error {
			return api.SetMyDescription(ctx, &telego.SetMyDescriptionParams{Description: w.Description, LanguageCode: language})
		},
		func(ctx context.Context, api *telego.Bot) error {
			return api.SetMyShortDescription(ctx, &telego.SetMyShortDescriptionParams{ShortDescription: w.About, LanguageCode: language})
		},
	} {
		if err := c.call(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// Name asks what a group or channel is called. Of topics Telegram does not tell.
func (c *conn) Name(ctx context.Context, address string) (chat.Group, error) {
	id, thread, err := parsePlace(address)
	if err != nil {
		return chat.Group{}, err
	}
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	var r room
	if err := c.client.get(ctx, "getChat?chat_id="+formatID(id.ID), nil, &r); err != nil {
		return chat.Group{}, err
	}
	g := r.group()
	if thread != 0 {
		g.Kind = chat.KindTopic
	}
	return g, nil
}
