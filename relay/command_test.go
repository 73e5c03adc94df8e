package relay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// commander is a network with commands.
type commander struct {
	listing
	words   []string
	command func(ctx context.Context, c bots.Command) (string, error)
}

var _ bots.Commander = commander{}

func (c commander) Commands(context.Context, report.Bot) ([]string, error) { return c.words, nil }
func (c commander) Command(ctx context.Context, _ report.Bot, cmd bots.Command) (string, error) {
	return c.command(ctx, cmd)
}

// newCommanded is newAsking for a city whose program "times" knows these words.
func newCommanded(t *testing.T, answer func(ctx context.Context, c bots.Command) (string, error), words ...string) *answering {
	t.Helper()
	times := commander{crowd(0).(listing), words, answer}
	networks := map[string]bots.Network{"crowd": crowd(34), "times": times}
	a := newAnswering(t, networks, "crowd", "times")
	places, _ := relay.NewPlaces(a.relay.DB, a.relay.Notices, a.relay.Log)
	a.relay.Places, a.hearing.Places = places, places
	a.hearing.Customs, _ = relay.NewCustoms(a.relay.DB, a.relay.Notices, builtIn(), places, a.now)
	a.hearing.Commands, _ = relay.NewCommands(relay.CommandOptions{DB: a.relay.DB, Networks: networks, Places: places, Customs: a.hearing.Customs,
		Answers: a.relay.Answers, Texts: a.relay.Texts, Log: a.relay.Log}, a.relay.Notices)
	start(t, a.relay)
	return a
}

// TestCommands has a program answer what somebody writes to another bot of its city, and
// nothing of that be a report.
func TestCommands(t *testing.T) {
	t.Parallel()
	a := newCommanded(t, func(_ context.Context, c bots.Command) (string, error) {
		switch c.Text {
		case "nothing":
			return " ", nil
		case "wrong":
			return "", errors.New("no timetable")
		case "panic":
			panic("oh")
		}
		return strings.Join([]string{c.Word, c.Text, c.Language, c.Reading.Stop}, "|"), nil
	}, "fahrplan", "wetter")
	dbtest.MustSavePlaces(t, a.relay.DB, a.city.ID, "U1: Plärrer")
	if words, err := a.hearing.Commands.Words(t.Context(), a.city.ID); err != nil || strings.Join(words, " ") != "fahrplan wetter" {
		t.Errorf("the commands are %q: %v", words, err)
	}
	english := a.message("english", "b", "/FAHRPLAN@kontis_bot\nU1 Plärrer")
	english.Language = "en-GB"
	page := a.message("page", "c", "/wetter")
	page.Unverified, page.Here = &bots.Origin{}, true
	for _, in := range []struct {
		heard bots.Incoming
		want  string
	}{
		{a.message("plain", "a", "/fahrplan U1"), "plain: question: fahrplan|U1|de|"},
		{english, "english: question: fahrplan|U1 Plärrer|en|Plärrer"},
		{page, "page: question: wetter||de|"},
		{a.message("mistyped", "d", "/fahrpaln U1"), "mistyped: question: Den Befehl /fahrpaln gibt es nicht. Meintest du /fahrplan? War es eine Meldung, schick sie noch einmal mit ! davor."},
		{a.message("wrong", "e", "/fahrplan wrong"), "wrong: question: Das hat gerade nicht geklappt. Versuch es später noch einmal."},
		{a.message("panic", "f", "/fahrplan panic"), "panic: question: Das hat gerade nicht geklappt. Versuch es später noch einmal."},
		{a.message("report", "g", "!/fahrplan U1"), "report: passed: Weitergegeben, an 34 Leute."},
		{a.message("slash", "h", "/ U1 Plärrer Kontis"), "slash: passed: Weitergegeben, an 34 Leute."},
		{a.message("other", "i", "/U1 Kontis am Plärrer"), "other: passed: Weitergegeben, an 34 Leute."},
	} {
		a.mustHear(in.heard)
		a.mustSay(in.want)
	}
	a.mustHear(a.message("nothing", "j", "/fahrplan nothing"))
	a.saysNothing()
	waits := a.message("waits", "k", "/fahrplan nothing") // whoever waits for an answer need not
	waits.Here = true
	a.mustHear(waits)
	a.mustSay("waits: question: Erledigt. Eine Antwort darauf gibt es nicht.")
	if got := a.passedTexts(); got != "U9|/U1 Kontis am Plärrer|/ U1 Plärrer Kontis|/fahrplan U1" {
		t.Errorf("passed on: %s", got)
	}
	if refused, err := a.relay.DB.Reports(t.Context(), a.city.ID, false, time.Hour, 9); err != nil || len(refused) > 0 {
		t.Errorf("stored %+v: %v", refused, err)
	}
}

// TestCommandsOfChats hears what chats take for commands: what no program knows is theirs,
// and in a group nothing is said of what may be meant for another bot.
func TestCommandsOfChats(t *testing.T) {
	t.Parallel()
	a := newCommanded(t, func(_ context.Context, c bots.Command) (string, error) { return "09:00", nil }, "fahrplan")
	command := func(id, text string, private bool) error {
		in := a.message(id, id, text)
		in.Command, in.Commands = true, private
		return a.hearing.Hear(t.Context(), a.bot, in)
	}
	for _, c := range []struct {
		id, text string
		private  bool
		want     string
	}{{"a", "/fahrplan", false, "a: question: 09:00"}, {"b", "/fahrplam", true, "b: question: Den Befehl /fahrplam gibt es nicht. Meintest du /fahrplan? War es eine Meldung, schick sie noch einmal mit ! davor."},
		{"c", "/fahrplam", false, ""}, {"d", "/weather", true, ""}} {
		err := command(c.id, c.text, c.private)
		if c.want == "" && !errors.Is(err, bots.ErrNoCommand) || c.want != "" && err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if c.want != "" {
			a.mustSay(c.want)
		}
	}
	if err := a.relay.DB.EnableBot(t.Context(), a.mustFind("times").ID, false); err != nil {
		t.Fatal(err)
	}
	a.relay.Notices.Changed(a.city.ID)
	if err := command("off", "/fahrplan", true); !errors.Is(err, bots.ErrNoCommand) {
		t.Errorf("a program that is off: %v", err)
	}
	a.saysNothing()
}

func (a *answering) mustFind(network string) report.Bot {
	a.t.Helper()
	b, err := a.relay.DB.FindBot(a.t.Context(), a.city.ID, network)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// TestCommandsAreBounded has one author give many commands, a program take its time, and
// a city be paused.
func TestCommandsAreBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	a := newCommanded(t, func(ctx context.Context, c bots.Command) (string, error) {
		<-release
		return "done", nil
	}, "slow")
	for i := range 6 {
		m := a.message("m", "a", "/slow")
		m.ID += strings.Repeat("x", i)
		a.mustHear(m)
	}
	a.mustHear(a.message("report", "b", "U1 Kontis"))
	a.mustSay("report: passed: Weitergegeben, an 34 Leute.")
	close(release)
	for range 4 {
		a.mustSay("m: question: done")
	}
	a.saysNothing()
	if _, err := a.relay.Pause(t.Context(), a.city.ID); err != nil {
		t.Fatal(err)
	}
	a.relay.Notices.Changed(a.city.ID)
	if err := a.hearing.Hear(t.Context(), a.bot, a.message("paused", "c", "/slow")); !errors.Is(err, db.ErrPaused) {
		t.Errorf("while the city is paused: %v", err)
	}
}
