// Package post makes a network of a service with one public account a city:
// people mention the account or write to it, and it posts every report for
// everybody to see. A network brings only its way to the service, a Driver.
package post

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// Network is what a posting network says of itself.
type Network struct {
	// Name, Files, Settings and Migrations are those of bots.Definition. The
	// migrations make Tables, and what is the network's own.
	Name       string
	Files      fs.FS
	Settings   *config.Section
	Migrations func(*secret.Box) []*gormigrate.Migration
	// Fields are what the form asks for that connects an account.
	Fields []account.Field
	// Pace is how fast an account may post; the zero value leaves that to what
	// the service answers.
	Pace pace.Limits
	// ReviewEvery is how often a Reviewer looks at messages again; 0 means every minute.
	ReviewEvery time.Duration
	// Length is how long a post may be; the zero value leaves that to the
	// driver, where it differs from account to account.
	Length text.Limit
	// New makes the driver. The error ends the program's start.
	New func(bots.Host) (Driver, error)
}

// Tables returns the statements that make the tables of a posting network:
// accounts, logins, and <network>_posts, what was posted or is about to be.
func Tables(network string) []string {
	return append(account.Tables(network), PostsTable(network)...)
}

// Migrations is the list of a posting network: Tables, and then more. More only
// grows at its end; what was released is never changed. Tables, and the ids of
// migrations, begin with the network's name.
func Migrations(network string, more ...*gormigrate.Migration) func(*secret.Box) []*gormigrate.Migration {
	return account.Migrations(network, Tables(network), more)
}

// Driver is the way to a service. Its methods are called from many goroutines.
// One that is an io.Closer is closed when the server ends; one that is an
// account.Connecter is asked before an account is connected.
type Driver interface {
	account.Checker
	// Open returns the account at work. It does not talk to the service.
	Open(a account.Account, log Log) (Conn, error)
}

// What only some drivers can do. Guard each where it is implemented.

// Router is a Driver with forms of its own beside those of the kit.
type Router interface {
	SettingsRoutes(r chi.Router, site bots.Site, p *account.Pages)
}

// Forgetter is a Driver that has something to do when an account is
// disconnected: to delete what it stores of it, to tell the service. It is
// called after the kit has forgotten the account.
type Forgetter interface {
	Forget(ctx context.Context, a account.Account) error
}

// Log is a bot's log, as its moderators read it.
type Log = account.Log

// Conn is one account at work. Its methods are called beside each other. Errors
// that are no remote.Error and have no kind are tried again later.
type Conn interface {
	// Publish posts p and returns what the service answered.
	Publish(ctx context.Context, p Post) (report.Receipt, error)
}

// Post is a text on its way out.
type Post struct {
	// Key names it for ever: sent again, it is the same post. A service that
	// knows idempotency keys is given it.
	Key  string
	Text string
	// To is the author whom it answers in private, ReplyTo the message that it
	// answers; both are empty where everybody may see it.
	To, ReplyTo string
}

// What only some connections can do. Guard each where it is implemented.

// Receiver is a Conn that hears what people write. One that is none only sends.
type Receiver interface {
	// Receive hands over what people write after cursor until ctx ends or
	// something fails; an empty cursor means from now on. hear returns nil when
	// all of it is on disk. Receive runs once at a time. One that waits to be called
	// returns a bots.Rest.
	Receive(ctx context.Context, cursor string, hear Hear) error
}

// Hear takes messages in the order they were written. When it returns nil,
// Receive is begun after cursor the next time; an empty cursor changes nothing.
// The same message again is harmless.
type Hear func(ctx context.Context, cursor string, messages ...Message) error

// Message is what somebody wrote to the account.
type Message struct {
	ID     string // the service's own, by which it can be boosted or answered; never empty
	Author string // in the one spelling that the service uses for it; never empty
	Text   string // plain, mentions of the account removed
	// Visibility is public where everybody could read it and the service shows it
	// to everybody: what is unlisted, for followers or unknown is private.
	Visibility report.Visibility
	Unlisted   bool   // private, though everybody can read it who knows where
	Automatic  bool   // a program wrote it: it is not answered
	Language   string // of the author, as "de"; empty where not known
	Picture    bool   // there is a picture or the like
	// More tells that people would see more of it than Text, as a poll, a quotation
	// or the names of others. Its text is posted then, as that of a picture is.
	More bool
	Time time.Time
	// Reply is set where it answers a post of the account. What answers somebody else is
	// said to them, and no message to the account.
	Reply bool
	// Edited is set where its author has changed it, and it says this now; Deleted where
	// it is not there any more, and nothing but ID counts. Those that the account never
	// heard are harmless.
	Edited, Deleted bool
}

// Checker is a Conn that can tell whether its login is still accepted. Check
// runs before Receive.
type Checker interface {
	Check(ctx context.Context) error
}

// Booster is a Conn that can show a message of somebody else to its followers.
// What the account heard in public is boosted rather than posted, where it is text
// alone. Doing either twice is doing it once.
type Booster interface {
	// Boost returns the id of the boost itself, which is the account's own. words are
	// what the message is to say. Nothing is boosted where the error is one of the
	// following.
	Boost(ctx context.Context, messageID, words string) (id string, err error)
	Unboost(ctx context.Context, messageID string) error
}

// Why a message is not boosted. Its words are posted instead, unless it was deleted.
var (
	ErrChanged    = errors.New("the message was changed after it was heard")
	ErrNotBoosted = errors.New("the message may not be boosted")
	ErrDeleted    = errors.New("the message is not there any more")
)

// Reviewer is a Receiver that can look at messages again: a service does not tell of
// all that their authors do with them, and of nothing while nobody listens.
type Reviewer interface {
	// Review returns messages that are Edited or Deleted now, of those with the ids and
	// of others; the same ones as often as it is asked.
	Review(ctx context.Context, ids []string) ([]Message, error)
}

// Deleter is a Conn that can take a post back. One that is gone is no error; nor
// is a remote.Error that says Gone. For one that stays as it is the error is
// bots.ErrCannotRetract.
type Deleter interface {
	Delete(ctx context.Context, r report.Receipt) error
}

// Finder is a Conn that can look for a post of which nobody knows whether it
// went out: services that ignore idempotency keys need one.
type Finder interface {
	// Find returns the account's own posts since a time that may be p, the
	// newest first.
	Find(ctx context.Context, p Post, since time.Time) ([]report.Receipt, error)
}

// Definition returns the network as the program lists it.
func (n Network) Definition() bots.Definition {
	return bots.Definition{
		Name: n.Name, Migrations: n.Migrations, Files: n.Files, Settings: n.Settings,
		New: func(h bots.Host) (bots.Network, error) { return newNetwork(n, h) },
	}
}
