package chat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"ticketfrei/bots/kit/lines"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// maxUnknown is how much of what is no line is said back, in characters.
var maxUnknown = text.Runes(60)

// lines has a chat get the reports of some lines alone, and returns the answer: what
// comes here now, and which lines there are.
func (b *bot) lines(ctx context.Context, m Message, language string) (string, error) {
	city, err := b.network.host.Places.Lines(ctx, b.bot.CityID)
	if err != nil {
		return "", err
	}
	r, err := b.network.groups.find(ctx, b.bot.ID, m.Chat)
	if errors.Is(err, db.ErrNotFound) {
		return b.say(language, "kit.chat.not_subscribed"), nil
	}
	if err != nil {
		return "", err
	}
	typed := lines.Read(argument(m.Text), slices.Concat(city, lines.Gone(r.Lines, city)))
	said := ""
	switch {
	case len(city) == 0 && r.Lines == "":
		return b.say(language, "kit.lines.none", "City", b.city), nil
	case len(typed.Unknown) > 0:
		said = b.say(language, "kit.lines.unknown", "Lines", text.Calm(maxUnknown.Fit(lines.List(typed.Unknown)))) + "\n\n"
	case !typed.Empty():
		r.Lines = report.NewLines(typed.Lines...)
		if err := b.network.chats.SetLines(ctx, b.bot.ID, r.ID, r.Lines); err != nil {
			return "", err
		}
	}
	return said + b.chosen(language, r.Lines, city) + "\n\n" + b.choose(language, city), nil
}

// chosen says which reports come into a chat.
func (b *bot) chosen(language string, of report.Lines, city []string) string {
	if of == "" {
		return b.say(language, "kit.lines.all", "City", b.city)
	}
	said := b.say(language, "kit.lines.only", "Lines", lines.List(of.List()))
	if gone := lines.Gone(of, city); len(gone) > 0 {
		said += " " + b.say(language, "kit.lines.gone", "Lines", lines.List(gone))
	}
	return said
}

// choose says how to choose; nothing where a city has no lines.
func (b *bot) choose(language string, city []string) string {
	if len(city) == 0 {
		return ""
	}
	return b.say(language, "kit.lines.choose", "Lines", lines.List(city), "Example", strings.Join(city[:min(2, len(city))], " "))
}

// argument is what follows a command in a text.
func argument(said string) string {
	at := strings.IndexFunc(said, unicode.IsSpace)
	if at < 0 || !strings.HasPrefix(said, "/") {
		return ""
	}
	return said[at:]
}
