package telegram

import (
	"context"
	"strings"
	"time"

	"github.com/mymmrac/telego"
)

const (
	// lastWithin is how far back /last looks, lastShown how many reports it
	// shows.
	lastWithin = time.Hour
	lastShown  = 20
)

// menu are the commands that clients offer, in this order. Their descriptions
// are the texts telegram.menu.<command>.
var menu = []string{"start", "stop", "last", "help", "ping"}

// menuIn is the menu in a language.
func (n *network) menuIn(language string) []telego.BotCommand {
	var list []telego.BotCommand
	for _, command := range menu {
		list = append(list, telego.BotCommand{Command: command, Description: n.host.Texts.T(language, "telegram.menu."+command)})
	}
	return list
}

// handleCommand does what a command asks for, and answers in the language of
// who gave it.
func (b *bot) handleCommand(ctx context.Context, command string, m *message, answers *replier) error {
	texts, language := b.network.host.Texts, b.languageOf(m)
	text, err := "", error(nil)
	switch command {
	case "start":
		text, err = b.start(ctx, m.Chat.ID, language)
	case "stop":
		text, err = b.stop(ctx, m.Chat.ID, language)
	case "last":
		text, err = b.last(ctx, language)
	case "help":
		text = texts.T(language, "telegram.help", "City", b.city)
	case "ping":
		lag := max(0, b.network.host.Now().Sub(m.time()).Milliseconds())
		text = texts.T(language, "telegram.pong", "Milliseconds", lag)
	default:
		if m.inGroup() {
			return nil // it may be meant for another bot
		}
		text = texts.T(language, "telegram.unknown_command") + "\n\n" + texts.T(language, "telegram.help", "City", b.city)
	}
	if err == nil {
		answers.add(m.Chat.ID, text)
	}
	return err
}

// start subscribes a chat and returns the answer.
func (b *bot) start(ctx context.Context, chat int64, language string) (string, error) {
	texts := b.network.host.Texts
	added, err := b.network.store.subscribe(ctx, b.bot.ID, chat)
	if err != nil {
		return "", err
	}
	if !added {
		return texts.T(language, "telegram.again"), nil
	}
	welcome, err := b.network.store.welcome(ctx, b.bot.ID)
	if err != nil {
		return "", err
	}
	if welcome == "" {
		welcome = texts.T(language, "telegram.welcome", "City", b.city)
	}
	// What is stored is said whatever the moderators write.
	return welcome + "\n\n" + texts.T(language, "telegram.stored"), nil
}

// stop unsubscribes a chat and returns the answer.
func (b *bot) stop(ctx context.Context, chat int64, language string) (string, error) {
	removed, err := b.network.store.unsubscribe(ctx, b.bot.ID, chat)
	if err != nil {
		return "", err
	}
	if !removed {
		return b.network.host.Texts.T(language, "telegram.not_subscribed"), nil
	}
	return b.network.host.Texts.T(language, "telegram.stopped"), nil
}

// last returns the reports that passed within the last hour, the newest first:
// as many as fit.
func (b *bot) last(ctx context.Context, language string) (string, error) {
	host := b.network.host
	list, err := host.DB.Reports(ctx, b.bot.CityID, true, lastWithin, lastShown)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return host.Texts.T(language, "telegram.last.none"), nil
	}
	lines := []string{host.Texts.T(language, "telegram.last.title")}
	for _, judged := range list {
		minutes := int(max(0, host.Now().Sub(judged.Report.Time).Minutes()))
		lines = append(lines, host.Texts.T(language, "telegram.last.line", "Minutes", minutes, "Text", judged.Report.Text))
	}
	return strings.Join(lines, "\n\n"), nil
}
