package relay

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/nearest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

const (
	// commandTimeout is how long a program has to answer a command: there must be time
	// left to send the answer.
	commandTimeout = bots.SendTimeout * 3 / 4
	// maxCommandAnswer is how much of an answer is sent, in characters, and maxWord how
	// long a command may be, in bytes.
	maxCommandAnswer = 2000
	maxWord          = 32
	// maxMistyped is how many letters of a command may be wrong, at most, that is taken for
	// a known one.
	maxMistyped = 2
)

// CommandOptions are what Commands need.
type CommandOptions struct {
	DB       *db.DB
	Networks map[string]bots.Network // by name; it may be filled later
	Places   *Places
	Customs  *Customs // bounds how often somebody is answered
	Answers  *Answers
	Texts    *i18n.Catalogue
	Log      *slog.Logger
}

// Commands has outside programs answer the commands that people write to the bots of
// their city.
type Commands struct {
	CommandOptions
	cities *cache.Cache[int64, *commanded]
}

// commanded is a city with the commands of its programs.
type commanded struct {
	language string
	paused   bool
	words    []string // in the order of the bots
	known    map[string]answerer
}

// answerer is the bot that answers a command.
type answerer struct {
	bot       report.Bot
	commander bots.Commander
}

// NewCommands returns the commands of the cities in a database. It listens to notices
// until stop.
func NewCommands(o CommandOptions, notices *notice.Board) (c *Commands, stop func()) {
	c = &Commands{CommandOptions: o, cities: cache.New[int64, *commanded](math.MaxInt, o.DB.KeptFor())}
	return c, notices.OnChanged(func(cityID int64) {
		c.cities.Forget(func(id int64, _ *commanded) bool { return notice.Concerns(cityID, id) })
	})
}

var _ bots.Commands = (*Commands)(nil)

// Words returns the words of a city's commands: see bots.Commands.
func (c *Commands) Words(ctx context.Context, cityID int64) ([]string, error) {
	city, err := c.city(ctx, cityID)
	if err != nil || city == nil {
		return nil, err
	}
	return city.words, nil
}

// city returns a city with its commands; nil where there can be none.
func (c *Commands) city(ctx context.Context, cityID int64) (*commanded, error) {
	if c == nil || !c.some() {
		return nil, nil
	}
	city, err := c.cities.Get(cityID, func() (*commanded, error) { return c.load(ctx, cityID) })
	if errors.Is(err, db.ErrNotFound) || err == nil && len(city.known) == 0 {
		return nil, nil
	}
	return city, err
}

// take has a message answered that is a command, and tells whether it was one. Of a
// message that the network takes for a command the error is bots.ErrNoCommand otherwise.
func (c *Commands) take(ctx context.Context, b report.Bot, in bots.Incoming, r *report.Report) (taken bool, err error) {
	if taken, err = c.answer(ctx, b, in, r); err == nil && !taken && in.Command {
		err = bots.ErrNoCommand
	}
	return taken, err
}

func (c *Commands) answer(ctx context.Context, b report.Bot, in bots.Incoming, r *report.Report) (taken bool, err error) {
	word, rest := commandOf(r.Text)
	if word == "" || in.Answer == nil || in.Unverified != nil && !in.Here {
		return false, nil
	}
	city, err := c.city(ctx, b.CityID)
	if err != nil || city == nil {
		return false, err
	}
	by, known := city.known[word]
	nearest := ""
	if !known && (!in.Command || in.Commands) { // in a group it may be meant for another bot
		nearest = nearestOf(word, city.words)
	}
	switch {
	case !known && nearest == "":
		return false, nil
	case city.paused:
		return true, db.ErrPaused
	}
	language := c.Texts.MatchOr(in.Language, city.language)
	say := func(id string, data ...any) {
		c.Answers.Say(b, in, bots.Answer{Outcome: bots.OutcomeQuestion, Text: c.Texts.T(language, id, data...)})
	}
	switch {
	case !c.Customs.mayAnswer(r.Author):
		if in.Here { // where somebody waits
			say("command.failed")
		}
		return true, nil
	case !known:
		say("command.unknown", "Word", word, "Nearest", nearest)
		return true, nil
	}
	about, err := c.Places.readIn(ctx, b.CityID, rest)
	if err != nil {
		return false, err
	}
	c.ask(by, in, bots.Command{Word: word, Text: rest, Reading: about, Language: language})
	return true, nil
}

// commandOf returns the word that a text begins with behind a "/", in lower case and
// without the name of a bot, and what follows it; an empty word where it is no command.
func commandOf(text string) (word, rest string) {
	said, ok := strings.CutPrefix(text, "/")
	if !ok {
		return "", ""
	}
	if at := strings.IndexFunc(said, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }); at >= 0 {
		said, rest = said[:at], strings.TrimSpace(said[at:])
	}
	word, _, _ = strings.Cut(said, "@")
	if len(word) > maxWord || strings.ContainsAny(word, "/") {
		return "", ""
	}
	return strings.ToLower(word), rest
}

// some tells whether there is a network that answers commands.
func (c *Commands) some() bool {
	for _, n := range c.Networks {
		if _, ok := n.(bots.Commander); ok {
			return true
		}
	}
	return false
}

// load finds out which commands the programs of a city have. Of two with the same word
// the bot answers that was made first.
func (c *Commands) load(ctx context.Context, cityID int64) (*commanded, error) {
	row, err := c.DB.BriefCity(ctx, cityID)
	if err != nil {
		return nil, err
	}
	list, err := c.DB.CityBots(ctx, cityID)
	if err != nil {
		return nil, err
	}
	city := &commanded{language: row.Language, paused: !row.Paused.IsZero(), known: make(map[string]answerer)}
	for _, b := range list {
		commander, ok := c.Networks[b.Network].(bots.Commander)
		if !ok || !b.Enabled {
			continue
		}
		words, err := commander.Commands(ctx, b)
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			if _, taken := city.known[w]; !taken {
				city.known[w], city.words = answerer{b, commander}, append(city.words, w)
			}
		}
	}
	return city, nil
}

// nearestOf returns the word that was meant by a mistyped one; empty where there is none.
func nearestOf(word string, known []string) (meant string) {
	least := min(maxMistyped, len([]rune(word))/2) + 1
	for _, k := range known {
		if d := nearest.Edits(word, k); d < least {
			least, meant = d, k
		}
	}
	return meant
}

// ask has a program answer a command, beside everything else.
func (c *Commands) ask(by answerer, in bots.Incoming, cmd bots.Command) {
	c.Answers.sayOf(c.Answers.programs, by.bot.ID, func(ctx context.Context) error {
		words, err := command(ctx, by, cmd)
		if err != nil {
			c.Log.Warn("a program could not answer a command", "bot", by.bot.ID, "network", by.bot.Network, "city", c.DB.Slug(ctx, by.bot.CityID), "command", cmd.Word, "err", err)
			words = c.Texts.T(cmd.Language, "command.failed")
		}
		if words = printable(strings.TrimSpace(words)); words == "" && in.Here { // where somebody waits
			words = c.Texts.T(cmd.Language, "command.done")
		}
		if words == "" {
			return nil
		}
		return in.Answer(ctx, bots.Answer{Outcome: bots.OutcomeQuestion, Text: shortened(words, maxCommandAnswer)})
	})
}

// command asks a program. A panic is an error: it is that of one command.
func command(ctx context.Context, by answerer, cmd bots.Command) (words string, err error) {
	ctx, done := context.WithTimeout(ctx, commandTimeout)
	defer done()
	defer recovered(&err)
	return by.commander.Command(ctx, by.bot, cmd)
}

// shortened returns the beginning of a text that is longer than so many characters.
func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
