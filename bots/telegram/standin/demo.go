package standin

import (
	"strconv"
	"time"

	"ticketfrei/bots/kit/account"
	kit "ticketfrei/bots/kit/standin"
)

// shown is a stand-in as the demo shows it: a bot, and two people who have
// started it.
type shown struct {
	*Server
	bot    *Bot
	people []*User // the one who looks at it first
}

// Show starts a stand-in for the demo, with a bot for the city of that name.
func Show(city string, now func() time.Time) (kit.Shown, error) {
	s, err := Start(Options{Now: now})
	if err != nil {
		return nil, err
	}
	d := &shown{Server: s, bot: s.AddBot("ticketfrei_demo_bot", "Ticketfrei "+city)}
	for _, name := range []string{"Rider", "Other"} {
		u := s.AddUser(name, "") // written to in the language of the city
		u.Open(d.bot)
		d.people = append(d.people, u)
	}
	return d, nil
}

// Account is the bot.
func (d *shown) Account() account.Account {
	return account.Account{Server: d.URL, Remote: strconv.FormatInt(d.bot.ID(), 10), Handle: "@" + d.bot.Username(),
		Name: d.bot.name, URL: "https://t.me/" + d.bot.Username(), Token: d.bot.Token()}
}

// Chats are the chats of the people.
func (d *shown) Chats() []string {
	var chats []string
	for _, u := range d.people {
		chats = append(chats, strconv.FormatInt(u.ID(), 10))
	}
	return chats
}

// Write writes to the bot as the one who looks at it.
func (d *shown) Write(text string, _ bool) { d.people[0].Write(d.bot, text) }

// Lines are what stands in the chats.
func (d *shown) Lines() []kit.Line {
	var lines []kit.Line
	for i, chat := range d.Chats() {
		for _, m := range d.bot.Chat(d.people[i]) {
			if !m.Deleted {
				lines = append(lines, kit.Line{Chat: chat, Own: m.FromBot, Author: m.From, Text: m.Text, Time: m.At})
			}
		}
	}
	return lines
}
