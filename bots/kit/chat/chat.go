// Package chat makes a network of a chat service: people write to a city's bot,
// in a chat of their own or in a group, and it sends every report to the chats
// that have subscribed. A network brings only its way to the service, a Driver;
// commands, subscriptions, answers, pacing and the settings are written here
// once.
package chat

import (
	"context"
	"io/fs"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// Network is what a chat network says of itself.
type Network struct {
	// Name, Files, Settings and Migrations are those of bots.Definition. The
	// migrations make Tables, and what is the network's own.
	Name       string
	Files      fs.FS
	Settings   *config.Section
	Migrations func(*secret.Box) []*gormigrate.Migration
	// Fields are what the form asks for that connects an account.
	Fields []account.Field
	// Pace is how fast an account may write.
	Pace pace.Limits
	// Length is how long a message may be.
	Length text.Limit
	// Concurrency is how many messages an account has on their way at a time; 0
	// means 1.
	Concurrency int
	// New makes the driver. The error ends the program's start.
	New func(bots.Host) (Driver, error)
}

// Tables returns the statements that make the tables of a chat network:
// accounts, logins, recipients, the welcome texts, groups and profiles.
func Tables(network string) []string {
	return slices.Concat(account.Tables(network), recipients.Tables(network), WelcomeTables(network), GroupTables(network))
}

// WelcomeTables returns the statements that make the table of the welcome texts.
func WelcomeTables(network string) []string {
	return []string{`CREATE TABLE ` + network + `_welcomes (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			text TEXT NOT NULL)`}
}

// GroupTables returns the statements that make the tables of the groups among the
// recipients, and of the profiles that were set.
func GroupTables(network string) []string {
	return []string{
		`CREATE TABLE ` + network + `_groups (
			recipient_id INTEGER PRIMARY KEY REFERENCES ` + network + `_recipients(id) ON DELETE CASCADE,
			bot_id INTEGER NOT NULL,
			chat TEXT NOT NULL,
			kind TEXT NOT NULL,
			title TEXT NOT NULL,
			joined INTEGER NOT NULL DEFAULT FALSE)`,
		`CREATE INDEX ` + network + `_groups_chat ON ` + network + `_groups(bot_id, chat)`,
		`CREATE INDEX ` + network + `_recipients_suspended ON ` + network + `_recipients(bot_id) WHERE suspended > 0`,
		`CREATE TABLE ` + network + `_profiles (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			shown TEXT NOT NULL)`,
	}
}

// Migrations is the list of a chat network: Tables, and then more. More only
// grows at its end; what was released is never changed. Tables, and the ids of
// migrations, begin with the network's name.
func Migrations(network string, more ...*gormigrate.Migration) func(*secret.Box) []*gormigrate.Migration {
	return account.Migrations(network, Tables(network), more)
}

// Driver is the way to a chat service. Its methods are called from many
// goroutines. One that is an io.Closer is closed when the server ends; one that
// is an account.Connecter is asked before an account is connected.
type Driver interface {
	account.Checker
	// Open returns the account at work. It does not talk to the service.
	Open(a account.Account, log Log) (Conn, error)
}

// Router is a Driver with pages of its own beside the kit's. Guard it where it is
// implemented.
type Router interface {
	// SettingsRoutes adds to what is served below /settings/<name>/, where a
	// moderator is logged in and the city is known.
	SettingsRoutes(r chi.Router, site bots.Site, p *account.Pages)
	// PublicRoutes adds to what is served below /city/{slug}/<name>/.
	PublicRoutes(r chi.Router, site bots.Site)
}

// Forgetter is a Driver that has something to do when an account is disconnected. It is
// called after the kit has forgotten the account.
type Forgetter interface {
	Forget(ctx context.Context, a account.Account) error
}

// Log is a bot's log, as its moderators read it.
type Log = account.Log

// Conn is one account at work. Receive runs once at a time, the other methods
// beside it and beside each other. Errors that are no remote.Error and have no
// kind are tried again later.
type Conn interface {
	// Receive hands over what happens after cursor until ctx ends or something
	// fails; an empty cursor means from now on. hear returns nil when all of it
	// is on disk. One that waits to be called returns a bots.Rest.
	Receive(ctx context.Context, cursor string, hear Hear) error
	// Post sends a text, which is no longer than Network.Length, to a chat. The id
	// of the receipt is that of the message within its chat: receipts must not lead
	// to a chat. The error is a *Moved where the chat has another id now, and a *Closed
	// where nobody may write there.
	Post(ctx context.Context, chat, text string) (report.Receipt, error)
}

// Hear takes events in the order they happened. When it returns nil, Receive is
// begun after cursor the next time; an empty cursor changes nothing. Who calls
// it with no events only moves on.
type Hear func(ctx context.Context, cursor string, events ...Event) error

// What only some services can do. Guard each where it is implemented.

// Checker is a Conn that can tell whether its login is still accepted. Check
// runs before Receive and returns what the service calls the account now.
type Checker interface {
	Check(ctx context.Context) (account.Account, error)
}

// Deleter is a Conn that can take a message back. One that is gone already is no
// error; nor is a remote.Error that says Gone. For one that the service does not
// delete any more the error is bots.ErrCannotRetract.
type Deleter interface {
	Delete(ctx context.Context, chat, message string) error
}

// Grouper is a Conn that can tell by its id whether a chat is a group: groups
// have a pace of their own.
type Grouper interface {
	IsGroup(chat string) bool
}

// Topical is a Conn whose groups may have topics. Topics are chats of their own; all of
// a group have its pace, and go with it.
type Topical interface {
	// GroupOf returns the group that a topic is of, and other chats as they are.
	GroupOf(chat string) string
}

// Introducer is a Conn that can set what its service shows of an account. Introduce is
// called beside Receive, when p has changed.
type Introducer interface {
	Introduce(ctx context.Context, p Profile) error
}

// Namer is a Conn that can ask what a group is called. What it does not know of it is
// empty.
type Namer interface {
	Name(ctx context.Context, chat string) (Group, error)
}

// Event is a Message, or something that happened to a chat: Joined, Left, Renamed,
// *Moved, *Closed or Opened.
type Event interface {
	ids() []string // of the network
}

// Message is what somebody wrote.
type Message struct {
	ID     string // unique within its chat; a report without one is not taken in
	Chat   string
	Author string // empty where it was no person
	Text   string // plain, mentions of the account removed
	// Private tells that the chat is one of the author alone. Elsewhere only
	// what is Addressed to the account counts: a mention, or an answer to it.
	Private   bool
	Addressed bool
	Reply     bool      // it is Addressed only in that it answers what the account has posted
	Edited    bool      // the author has changed it: this is what it says now
	Deleted   bool      // the author has deleted it: nothing but ID and Chat counts
	Group     Group     // what the chat is called, where it is not Private
	Command   string    // lower case, without the slash; empty where it is none
	Media     bool      // a picture, a recording or the like: Text below it does not count
	Location  bool      // of Media: a point on the map
	Album     string    // what several of them were sent as; may be empty
	Language  string    // of the author's client, as "de"; empty where not known
	Time      time.Time // zero where not known
}

// Joined is the account having been added to a group. Groups that were there already
// are not Joined again, whatever they let the account do.
type Joined struct {
	Chat  string
	Group Group
}

// Left is the account having been thrown out of a chat, or blocked.
type Left struct{ Chat string }

// Renamed is a group having another name.
type Renamed struct {
	Chat  string
	Group Group
}

// Opened is that one may write again to a chat that was *Closed for this reason.
type Opened struct {
	Chat string
	Why  Why
}

// Moved is a chat having another id now. It is an Event and an error of Post.
type Moved struct{ From, To string }

// Closed is a chat to which the account may not write until somebody there lets it. It
// is an Event and an error of Post.
type Closed struct {
	Chat string
	Why  Why
}

func (m Message) ids() []string { return []string{m.ID, m.Chat, m.Author} }
func (j Joined) ids() []string  { return []string{j.Chat} }
func (l Left) ids() []string    { return []string{l.Chat} }
func (r Renamed) ids() []string { return []string{r.Chat} }
func (o Opened) ids() []string  { return []string{o.Chat} }
func (m *Moved) ids() []string  { return []string{m.From, m.To} }
func (c *Closed) ids() []string { return []string{c.Chat} }

func (m *Moved) Error() string  { return "the chat has another id now" }
func (c *Closed) Error() string { return "the chat is closed: " + string(c.Why) }

// Say is for the moderators.
func (c *Closed) Say(t bots.T) string { return t("kit.chat.closed." + string(c.Why)) }

// Say is for the moderators, where the chat could not be followed.
func (m *Moved) Say(t bots.T) string { return t("kit.chat.moved") }

var (
	_ bots.Sayer = (*Moved)(nil)
	_ bots.Sayer = (*Closed)(nil)
)

// Definition returns the network as the program lists it.
func (n Network) Definition() bots.Definition {
	return bots.Definition{
		Name: n.Name, Migrations: n.Migrations, Files: n.Files, Settings: n.Settings,
		New: func(h bots.Host) (bots.Network, error) { return newNetwork(n, h) },
	}
}
