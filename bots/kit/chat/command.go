package chat

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
)

const (
	// lastWithin is how far back /last looks, lastShown how many reports it
	// shows.
	lastWithin = time.Hour
	lastShown  = 20
)

// Commands are what a bot understands, in the order of menus. Their
// descriptions are the texts kit.chat.menu.<command>.
var Commands = []string{"start", "stop", "last", "lines", "help", "ping"}

// Command returns the command that a text begins with, without the slash and in
// lower case, as "start" of "/start@kontis_bot now"; empty where it is none.
// other tells that it is meant for another bot than name.
func Command(text, name string) (command string, other bool) {
	word, ok := strings.CutPrefix(text, "/")
	if !ok {
		return "", false
	}
	word, _, _ = strings.Cut(word, " ")
	word, _, _ = strings.Cut(word, "\n")
	command, bot, named := strings.Cut(word, "@")
	return strings.ToLower(command), named && !strings.EqualFold(bot, strings.TrimPrefix(name, "@"))
}

// Mention returns a text without the mentions of handle, as "@kontis", and tells
// whether there were any. It is for services that do not say so themselves.
func Mention(text, handle string) (rest string, mentioned bool) {
	// What follows must not go on with the name: "@kontis.example" is another's.
	mention := regexp.MustCompile(`(?i)(^|[\s(])` + regexp.QuoteMeta(handle) + `($|[\s,;:!?)]|\.(?:\s|$))`)
	for mention.MatchString(text) { // of two in a row the matches overlap
		text, mentioned = mention.ReplaceAllString(text, "$1$2"), true
	}
	if !mentioned {
		return text, false
	}
	return strings.TrimSpace(strings.TrimLeft(text, " \t\n,;:")), true
}

// handleCommand does what a command asks for, and answers in the language of
// who gave it.
func (b *bot) handleCommand(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error, answers *answers) error {
	language := b.languageOf(m)
	answer, err := answer{chat: m.Chat}, error(nil)
	switch m.Command {
	case "start":
		answer.sure = true
		answer.text, answer.kept, err = b.start(ctx, m, language)
	case "stop":
		answer.sure = true
		answer.text, err = b.stop(ctx, m, language)
	case "last", "wo", "where": // as people ask
		answer.text, err = b.last(ctx, language)
	case "lines", "linien", "hatlar", "lignes":
		answer.text, err = b.lines(ctx, m, language)
	case "help":
		answer.text, err = b.help(ctx, language)
	case "ping":
		answer.text = b.pong(m, language)
	default:
		err = b.handOverCommand(ctx, m, emit)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, db.ErrPaused):
			answer.text, err = b.say(language, "kit.chat.city_paused", "City", b.city), nil
		case !errors.Is(err, bots.ErrNoCommand):
			return err
		case !m.Private:
			return nil // it may be meant for another bot
		default:
			answer.text, err = b.help(ctx, language)
			answer.text = b.say(language, "kit.chat.unknown_command") + "\n\n" + answer.text
		}
	}
	if err == nil {
		answers.add(answer)
	}
	return err
}

// handOverCommand has an outside program of the city answer a command; bots.ErrNoCommand
// where there is none that knows it.
func (b *bot) handOverCommand(ctx context.Context, m Message, emit func(context.Context, bots.Incoming) error) error {
	if m.ID == "" || m.Media {
		return bots.ErrNoCommand
	}
	in := b.incoming(m)
	in.Command = true
	return account.HandOver(ctx, b.log, emit, in)
}

// help says how it works, where the city has lines that one may choose, and where it
// answers questions that one may ask.
func (b *bot) help(ctx context.Context, language string) (string, error) {
	city, err := b.network.host.DB.BriefCity(ctx, b.bot.CityID)
	if err != nil {
		return "", err
	}
	words := b.say(language, "kit.chat.help", "City", b.city)
	names, err := b.network.host.Places.Lines(ctx, b.bot.CityID)
	if len(names) > 0 {
		words += "\n" + b.say(language, "kit.lines.help")
	}
	if city.Questions {
		words += "\n\n" + b.say(language, "kit.chat.help_ask")
	}
	if err != nil || b.network.host.Commands == nil {
		return words, err
	}
	more, err := b.network.host.Commands.Words(ctx, b.bot.CityID)
	if len(more) > 0 {
		words += "\n\n" + b.say(language, "kit.chat.help_commands", "Commands", "/"+strings.Join(more, ", /"))
	}
	return words, err
}

// pong tells how long the message took, where the service says when it was
// written.
func (b *bot) pong(m Message, language string) string {
	if m.Time.IsZero() {
		return b.say(language, "kit.chat.pong_plain")
	}
	lag := max(0, b.network.host.Now().Sub(m.Time).Milliseconds())
	return b.say(language, "kit.chat.pong", "Milliseconds", lag)
}

// start subscribes a chat and returns the answer, and what is said below it
// whatever the moderators write: what is stored.
func (b *bot) start(ctx context.Context, m Message, language string) (welcome, stored string, err error) {
	if !m.Private {
		return b.startTogether(ctx, m, language)
	}
	added, err := b.network.chats.Subscribe(ctx, b.bot.ID, m.Chat)
	if err != nil {
		return "", "", err
	}
	if !added {
		again, err := b.again(ctx, m.Chat, "kit.chat.again", language)
		return again, "", err
	}
	welcome, err = b.network.welcome(ctx, b.bot.ID)
	if err != nil {
		return "", "", err
	}
	if welcome == "" {
		welcome = b.say(language, "kit.chat.welcome", "City", b.city)
	}
	return welcome, b.say(language, "kit.chat.stored"), nil
}

// startTogether is start in a group or topic. There plain text is no report, and
// everybody sees who has written one: the moderators' own words are for people alone.
func (b *bot) startTogether(ctx context.Context, m Message, language string) (welcome, stored string, err error) {
	added, stood, err := b.startGroup(ctx, m)
	switch {
	case err != nil:
		return "", "", err
	case stood == standsOff || stood == standsOffStopped:
		return b.say(language, "kit.chat.switched_off", "City", b.city), "", nil
	case !added && stood != standsStopped:
		again, err := b.again(ctx, m.Chat, "kit.chat.again_group", language)
		return again, "", err
	}
	welcome, stored = b.greeting(m.Group, language)
	return welcome, stored, nil
}

// again says that a chat gets the reports already, or which it has chosen.
func (b *bot) again(ctx context.Context, chat, id, language string) (string, error) {
	r, err := b.network.groups.find(ctx, b.bot.ID, chat)
	if err != nil || r.Lines == "" {
		return b.say(language, id), err
	}
	names, err := b.network.host.Places.Lines(ctx, b.bot.CityID)
	return b.chosen(language, r.Lines, names) + "\n\n" + b.choose(language, names), err
}

// stop unsubscribes a chat and returns the answer.
func (b *bot) stop(ctx context.Context, m Message, language string) (string, error) {
	removed, stopped, err := false, "kit.chat.stopped", error(nil)
	if m.Private {
		removed, err = b.network.chats.Unsubscribe(ctx, b.bot.ID, m.Chat)
	} else {
		stopped = "kit.chat.stopped_group"
		removed, err = b.stopGroup(ctx, m)
	}
	if err != nil {
		return "", err
	}
	if !removed {
		return b.say(language, "kit.chat.not_subscribed"), nil
	}
	return b.say(language, stopped), nil
}

// last returns the reports that passed within the last hour, the newest first: as
// many as one message holds.
func (b *bot) last(ctx context.Context, language string) (string, error) {
	host := b.network.host
	list, err := host.DB.Reports(ctx, b.bot.CityID, true, lastWithin, lastShown)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return b.say(language, "kit.chat.last.none"), nil
	}
	lines := []string{b.say(language, "kit.chat.last.title")}
	for _, judged := range list {
		id, minutes := "kit.chat.last.line", int(host.Now().Sub(judged.Report.Time).Minutes())
		if minutes < 1 {
			id = "kit.chat.last.line_now"
		}
		words := strings.Join(strings.Fields(judged.Report.Text), " ")
		lines = append(lines, b.say(language, id, "Minutes", minutes, "Text", text.Calm(words)))
	}
	return b.network.Length.Fit(strings.Join(lines, "\n")), nil
}

func (n *network) welcomes() string { return n.Name + "_welcomes" }

// welcome returns what the moderators wrote to welcome people; empty means the
// default.
func (n *network) welcome(ctx context.Context, botID int64) (string, error) {
	var welcome string
	err := n.host.DB.ReadRow(ctx, "SELECT text FROM "+n.welcomes()+" WHERE bot_id = ?", botID).Scan(&welcome)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return "", fmt.Errorf("%s welcome: %w", n.Name, err)
	}
	return welcome, nil
}

func (n *network) saveWelcome(ctx context.Context, botID int64, welcome string) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO "+n.welcomes()+" (bot_id, text) VALUES (?, ?) ON CONFLICT (bot_id) DO UPDATE SET text = excluded.text",
			botID, welcome).Error
	})
	if err != nil {
		return fmt.Errorf("save %s welcome: %w", n.Name, err)
	}
	return nil
}
