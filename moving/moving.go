// Package moving reads what other programs of this kind have stored, and says it in the words
// of this one, so that whoever ran Ticketfrei 2 or Kibicara goes on here. It stores nothing.
package moving

import "ticketfrei/db"

// Program is the name of another program, as the command line has it.
type Program string

// The programs whose databases can be read.
const (
	Ticketfrei2 Program = "ticketfrei2"
	Kibicara    Program = "kibicara"
)

// Source is what one installation of another program holds.
type Source struct {
	Program Program
	// Key tells the installation from others of the program, and is the same each time it is
	// read.
	Key string
	// Secret opens the links in its old mails; nil: none of them can be known.
	Secret []byte
	Cities []City
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
	// MailOff tells that no mail was taken or sent there.
	Copy   db.CityCopy // without bots and moderators
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
// among those of its network, 0 where a city has one without a number, and the ID of each
// recipient in Stored.
type Bot struct {
	ID      int64
	Network string
	Enabled bool
	Stored  any // what the network's bots.Movable.Import takes, before it is JSON
}

// Note is a line of the protocol: what could not come as it was, or has another meaning here.
// It never has the address of a rider.
type Note struct {
	Key  string   // of the texts, below "moving."
	Args []string // what it is about, in the order of the text's places
}
