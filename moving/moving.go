// Package moving reads what other programs of this kind have stored, and says it in the words
// of this one, so that whoever ran Ticketfrei 2 or Kibicara goes on here. It stores nothing.
package moving

import (
	"encoding/json"
	"strings"
	"time"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
)

// Program is the name of another program, as the command line has it.
type Program string

// The programs whose databases can be read.
const (
	Ticketfrei2 Program = "ticketfrei2"
	Kibicara    Program = "kibicara"
)

// Options are what a reader needs besides the database.
type Options struct {
	// Settings is the file of the other program's settings; empty: there is none.
	Settings string
	// Ours is the domain of this server's mail: whoever writes from there is no subscriber.
	Ours string
	Now  time.Time
}

// Source is what one installation of another program holds.
type Source struct {
	Program Program
	// Key tells the installation from others of the program, and is the same each time it is
	// read.
	Key string
	// Secret opens the links in its old mails; nil: none of them can be known.
	Secret []byte
	Cities []City // in the order in which they were made there
	// Domain is where mail to its cities went, where that is known.
	Domain string
	Notes  []Note // about what belongs to no city that comes
}

// City is a city as the installation has it.
type City struct {
	ID   int64  // its number there
	Name string // as it was typed there; links in old mails may have it
	// Names are further names that lead to it: the local parts of its old addresses.
	Names []string
	Off   bool // nothing of it worked there: none of its bots is on here
	// Copy is the city without bots and moderators. Its slug is the one that its name gives,
	// which may be no slug, or that of another one: who stores it finds one that is free.
	Copy   db.CityCopy
	Admins []Admin
	Bots   []Bot // those of mail first
	Notes  []Note
}

// Admin is somebody who logs in. ID is the number of what says so there.
type Admin struct {
	ID int64
	db.ModeratorCopy
}

// Bot is an account of a city. Its numbers are those of the other program: ID of the account
// among those of its network, 0 where a city has one without a number, and that of each
// recipient.
type Bot struct {
	ID      int64
	Network string
	Enabled bool
	// Account is its login; nil where the network has none, as mail. Without a Remote nobody
	// knows yet whose it is: the network is asked.
	Account    *account.Moved
	Recipients []recipients.Moved
	Page       string // of mail: the text of the page where one subscribes
	Welcome    string // of chats
}

// Stored is what the network's bots.Movable.Import takes.
func (b Bot) Stored() (json.RawMessage, error) {
	stored := map[string]any{}
	if b.Account != nil {
		stored["account"] = b.Account
	}
	if b.Network == "mail" {
		stored["subscribers"], stored["page"], stored["digest"] = b.Recipients, b.Page, true
	} else {
		stored["chats"], stored["welcome"], stored["groups"] = b.Recipients, b.Welcome, b.groups()
	}
	return json.Marshal(stored)
}

// group is a chat that is no person's, as networks of chats import it: nobody knows yet what it
// is called.
type group struct {
	Chat  int64  `json:"chat"`
	Kind  string `json:"kind"`
	Whole string `json:"whole"`
}

// groups are those among the chats: Telegram counts them from -1 downwards.
func (b Bot) groups() (list []group) {
	for _, r := range b.Recipients {
		if strings.HasPrefix(r.Address, "-") {
			list = append(list, group{r.ID, "group", r.Address})
		}
	}
	return list
}

// Called is what the account of a bot is known by before its network was asked.
func (b Bot) Called() string {
	if b.Account == nil {
		return ""
	}
	if b.Account.Handle != "" {
		return b.Account.Handle
	}
	_, host, found := strings.Cut(b.Account.Server, "://")
	if !found {
		return b.Account.Remote
	}
	return host
}

// After returns the bot with those recipients alone whose number is higher.
func (b Bot) After(last int64) Bot {
	var list []recipients.Moved
	for _, r := range b.Recipients {
		if r.ID > last {
			list = append(list, r)
		}
	}
	b.Recipients = list
	return b
}

// Last is the highest number of a recipient, or that before where none is higher.
func (b Bot) Last(before int64) int64 {
	for _, r := range b.Recipients {
		before = max(before, r.ID)
	}
	return before
}

// Note is a line of the protocol: what could not come as it was, or has another meaning here.
// It never has the address of a rider.
type Note struct {
	Key  string   // of the texts, below "moving."
	Args []string // what it is about: {{.A}}, {{.B}} and {{.C}} of the text
}

// Data is what the text is made with: names and values.
func (n Note) Data() []any {
	var data []any
	for i, arg := range n.Args {
		data = append(data, string(rune('A'+i)), arg)
	}
	return data
}
