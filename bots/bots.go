// Package bots is the contract between the program and a network.
//
// A network is one directory below this one. Everything about it stands there:
// its bot, its tables, its pages and its texts. Its package has a
// function
//
//	func Definition() bots.Definition
//
// which the generated list of networks calls.
package bots

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/place"
)

// Definition is what stands in a network's directory before the program runs.
// Every network's package has a function of this name that returns it.
type Definition struct {
	// Name is the name of the directory: lower case letters and digits.
	Name string
	// Migrations of the network's tables, made with the box that seals what
	// they hold. Ids and tables begin with "<name>_".
	Migrations func(*secret.Box) []*gormigrate.Migration
	// Files holds settings.tmpl (the network's section of the settings page),
	// every other *.tmpl page of the network, and its texts en.toml and
	// de.toml, or riders.*.toml for those that riders read. Text ids begin with
	// "<name>."; these have a meaning: title and blurb (heading and line below it
	// on the settings page) and, optionally, public_page (label of a button on the
	// city page that leads to /city/{slug}/<name>), visible (a sentence of the
	// city page that says where the network shows who wrote), recipients (how many it
	// sends to, where these are no subscribers) and state_hint.<state> (what that state of a
	// bot means, where the usual words do not hold).
	Files fs.FS
	// Settings is the network's section of the configuration; nil where it
	// has none.
	Settings *config.Section
	// Everywhere makes a bot of this network for every city when the city is
	// made; a moderator can switch it off but not disconnect it.
	Everywhere bool
	// NoSubscribers is set where a Recipients sends to no people, as to channels and
	// programs: they are not counted among a city's subscribers.
	NoSubscribers bool
	// New makes the network.
	New func(Host) (Network, error)
}

// Host is what the program gives a network.
type Host struct {
	Config       *config.Config
	DB           *db.DB
	Secrets      *secret.Box
	Texts        *i18n.Catalogue
	Mailer       *mailer.Mailer
	AccountMails AccountMails
	// HTTP is the client for talking to hosts that a user named: it refuses
	// private addresses (unless network.allow_private is set) and has a
	// timeout of 30 s for a whole exchange. Its Transport may be taken for
	// clients with another timeout.
	HTTP *http.Client
	// Outgoing is for transports of a network's own: HTTP is within it.
	Outgoing Outgoing
	// DNS answers what is asked of names; nil is the machine's own resolver.
	DNS *net.Resolver
	// Connections is how many connections a Server may have open; 0: as many as it
	// likes.
	Connections int
	Hearer      Hearer
	Rehearser   Rehearser
	Places      Places
	// Networks are the names of all networks of the program.
	Networks []string
	// Commands are those of outside programs; nil: there are none.
	Commands Commands
	Notices  *notice.Board
	Bus      *bus.Bus
	// Certificates are for servers that networks run; nil where there are none.
	Certificates Certificates
	Log          *slog.Logger
	Now          func() time.Time
}

// Connect is Site.Connect, without a page.
func (h Host) Connect(ctx context.Context, city report.City, network string, botID int64, save func(tx *gorm.DB, b report.Bot) error) (report.Bot, error) {
	b, err := h.DB.CreateBot(ctx, city.ID, network, botID, save)
	if err != nil {
		return report.Bot{}, err
	}
	h.Notices.Changed(city.ID)
	return b, nil
}

// Certificates has the program's certificates for TLS.
type Certificates interface {
	// GetCertificate is for tls.Config.GetCertificate.
	GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Hearer takes in what bots hear.
type Hearer interface {
	// Hear takes in a report that bot b heard. When it returns nil, the report
	// is on disk and the network may be told so. The same Incoming twice is
	// harmless. An ErrMessage is about this report alone. Where the error is
	// db.ErrPaused, the city's moderators have stopped it: the message is not heard
	// later either, and whoever wrote is told so where that is possible.
	Hear(ctx context.Context, b report.Bot, in Incoming) error
}

// Rehearser says what would become of a report.
type Rehearser interface {
	// Rehearse returns what would be passed on of a text in a city, and what the
	// city's rules say of it. How often and how alike reports come is not looked at.
	// Nothing is stored.
	Rehearse(ctx context.Context, cityID int64, text string) (said string, v report.Verdict, err error)
}

// Commands knows the commands of cities that outside programs answer.
type Commands interface {
	// Words returns the words of a city's commands, as "fahrplan"; none where it has none.
	Words(ctx context.Context, cityID int64) ([]string, error)
}

// Previewer is a Network whose messages have a form of their own that people can paste, as
// the source of a mail.
type Previewer interface {
	// Preview returns what would be heard of a message: nothing where nothing would. notes
	// say in the words of t why, or what else there is to say. ok is false where source is no
	// message of the network. Nothing is stored.
	Preview(ctx context.Context, city report.City, source []byte, t T) (text string, notes []string, ok bool, err error)
}

// Places has the lines and stops of cities.
type Places interface {
	// Lines returns the names of a city's lines, which people may choose, in its order; none
	// where it has none.
	Lines(ctx context.Context, cityID int64) ([]string, error)
	// Of returns those of a city as they are stored now; nil where it has none, or
	// where they cannot be read, as another version has written them.
	Of(ctx context.Context, cityID int64) (*place.Places, error)
}

// AccountMails sends account mails: confirmations and notices.
type AccountMails interface {
	// StoreMail stores a mail. When it returns nil, the mail is on disk and will
	// be sent, and tried again where that fails.
	StoreMail(ctx context.Context, m mailer.Mail) error
	// StoreAsked is StoreMail for a mail that somebody who is not logged in has
	// caused by typing an address into a form: an address gets few of them a day,
	// from all pages together. Where it has had them, nothing is sent, the error is
	// nil all the same, and nobody must be told. The error is ErrTooManyMails where
	// the client has caused too many.
	StoreAsked(ctx context.Context, m mailer.Mail, a Asked) error
	// Delayed tells whether no mail leaves at the moment. It does not depend on whom
	// a mail is for.
	Delayed() bool
}

// Asked says how a mail was caused.
type Asked struct {
	// Client is the network of the client that asked; empty where it cannot be
	// seen.
	Client string
	// WayIn is set for the mail by which somebody who is locked out gets in again:
	// one of the day's mails is kept for it, whatever strangers have caused.
	WayIn bool
	// Nobody is set where there is nobody to write to. Nothing is sent, after the
	// same work, so that the time of the answer does not tell.
	Nobody bool
}

// Incoming is a report as a network heard it. The program adds the rest.
type Incoming struct {
	// ID is the network's own id of the message: the same message always has
	// the same one.
	ID string
	// Author is the address or handle of who wrote it, in the one spelling the
	// network uses for it. It is hashed before it is stored or passed on.
	Author     string
	Text       string // plain text, mentions of the bot and markup removed
	Visibility report.Visibility
	Time       time.Time // when it was written; the zero time means now
	// Chat is the recipient's address of the chat that it was written in; empty
	// where that is the author's own. That chat is not sent the report. It is
	// hashed as Author is.
	Chat string
	// KeepID has the ID stored with the report, sealed, because Send needs it, as
	// for a boost: see report.Report.NetworkID. Otherwise it is only hashed.
	KeepID bool
	// Language is that of whoever wrote it, as "de" or "pt-BR"; empty where it is not
	// known. Answers are in it, or in that of the city.
	Language string
	// Answer sends a word back to whoever wrote it; nil where that is not possible. It
	// is called at most once, within minutes, from any goroutine and beside Receive,
	// with a ctx of at most SendTimeout. It is kept in memory alone. A question is only
	// taken for one where there is an Answer.
	Answer func(ctx context.Context, a Answer) error
	// Commands is set where whoever wrote it is alone with the bot, and can write /start,
	// /stop and /help to it.
	Commands bool
	// Command is set where the network takes the text for a command to the bot, as one
	// that begins with "/": it is no report. Where no outside program of the city knows it,
	// the error is ErrNoCommand.
	Command bool
	// Here is set where the Answer goes to whoever wrote it and to nobody else, though
	// they are not known, as in what answers their request: a question may then be one of
	// an Unverified too.
	Here bool
	// Reply is set where it answers something that the bot itself has posted. The city
	// says whether such answers are reports.
	Reply bool
	// Edited is set where the author has changed the message ID that was heard before,
	// and Text is what it says now; Deleted where the author has deleted it, and nothing
	// but ID and Time counts. What was never heard is left alone.
	Edited, Deleted bool
	// Unverified is set where anybody can write in the name of Author, or be many of
	// them: what the brakes count instead. nil: the network knows that Author wrote it.
	Unverified *Origin
}

// Origin says where a report came from when its author is not proven.
type Origin struct {
	// Client is the network of the client that brought it, as "192.0.2.7/32" or
	// "2001:db8:1:2::/64"; empty where it cannot be seen, as behind a gateway.
	Client string
	// Domain is the domain of the envelope sender; empty where there is none.
	Domain string
}

// Network is one kind of place that reports come from and go to. Its methods
// are called from many goroutines. One that is an io.Closer is closed when the
// server ends.
type Network interface {
	// Bot returns the bot b, ready to run, with its credentials read from the
	// network's tables. It is called again when the bot, or
	// its city's name or language, was changed, and after an error. Errors of kind
	// Refused and temporary ones are treated as those of Receive.
	Bot(ctx context.Context, b report.Bot, log *slog.Logger) (Bot, error)
	// Settings returns what settings.tmpl shows of the city as .Data. own are
	// the city's bots of this network, the first one made first.
	Settings(ctx context.Context, city report.City, own []report.Bot) (any, error)
	// SettingsRoutes adds the routes of the settings section, served below
	// /settings/<name>/. A moderator is logged in and the city known.
	SettingsRoutes(r chi.Router, s Site)
	// PublicRoutes adds the public routes, served below /city/{slug}/<name>/.
	PublicRoutes(r chi.Router, s Site)
	// Forget deletes everything the network stores of the bot: credentials,
	// recipients, cursors. It is called when the bot is disconnected and when
	// its city is deleted.
	Forget(ctx context.Context, b report.Bot) error
}

// Bot is one city's account on one network, at work. Receive and Send run at
// the same time; Send is not called twice at a time unless the bot is a
// Concurrent.
type Bot interface {
	// Receive hears reports and emits each until ctx ends or something fails.
	// An error or a panic makes the program start it again, within half a minute. ctx
	// also ends where Send was refused: then Check is asked, and Receive begins again.
	// nil before ctx ends means that there is nothing to receive here (the
	// reports come some other way), and Receive is not called again. A bot that waits to
	// be called returns a Rest.
	// What the network handed over is only confirmed to the network (cursor,
	// offset) when emit has returned nil, or an ErrMessage or db.ErrPaused: then it is
	// left out.
	Receive(ctx context.Context, emit func(context.Context, Incoming) error) error
	// Send sends d and returns what the network answered; a receipt without an
	// id is never taken back. The kind of error
	// decides what happens next: see Permanent, RetryAfter, Later, Gone and Refused;
	// any other error means "try again later". ctx ends after SendTimeout.
	// Send may be called again for a delivery that was sent in the moment the
	// process was killed.
	Send(ctx context.Context, d report.Delivery) (report.Receipt, error)
}

// SendTimeout bounds one call of Send.
const SendTimeout = 60 * time.Second

// What only some networks or bots can do is an interface of its own. Guard
// each where it is implemented:
//
//	var _ bots.Recipients = (*Network)(nil)

// Server is a Network with one server for all its bots, as the SMTP listener.
type Server interface {
	// Listen opens what Serve needs and returns the address it listens at.
	// Called once, before Serve; an error ends the program's start.
	Listen(ctx context.Context) (addr string, err error)
	// Serve runs until ctx ends, then stops within 5 s. An error or panic
	// makes the program call it again.
	Serve(ctx context.Context) error
}

// Recipients is a Network whose bots send to recipients one by one. Each has an
// id above 0 that is never used again, as those of kit/recipients: a delivery may
// wait while its recipient goes and somebody else comes. The bots of other
// networks post publicly and are sent one delivery with the recipient 0.
type Recipients interface {
	// Recipients returns the ids of those to whom bot b sends r. Those whose keys
	// are r.Author and r.LeftOut are not among them: see secret.Box.Author.
	Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error)
	// RemoveRecipient forgets a recipient after an error of kind Gone. One
	// that is not there is no error.
	RemoveRecipient(ctx context.Context, b report.Bot, recipient int64) error
	// CountRecipients is the number shown on the settings page.
	CountRecipients(ctx context.Context, b report.Bot) (int, error)
}

// SubscriberLister is a Recipients whose subscribers the operator can look at, without their
// addresses.
type SubscriberLister interface {
	// Subscribers returns the subscribers of a bot, the first one first; suspended: only
	// those to whom nothing is sent.
	Subscribers(ctx context.Context, b report.Bot, suspended bool) ([]Subscriber, error)
	// ResumeSubscriber has a subscriber be sent to again that is suspended, and tells
	// whether there was one.
	ResumeSubscriber(ctx context.Context, b report.Bot, id int64) (bool, error)
	// CountSuspended returns to how many subscribers of all bots nothing is sent.
	CountSuspended(ctx context.Context) (int, error)
}

// Subscriber is one of a SubscriberLister.
type Subscriber struct {
	ID        int64
	Address   string // empty where it cannot be read, or is none that people know
	Created   time.Time
	Suspended time.Time // since when nothing is sent; zero: it is
	Reason    string    // why nothing is sent
	Lines     report.Lines
}

// Spreader is a Recipients whose large reports several processes may send at the same time,
// where some share the cities: nothing bounds what a bot may send in all, and a bot that is
// made in each of them needs to know nothing of the others. What somebody writes reaches
// a recipient in the order it was written only as far as one process sends it.
type Spreader interface {
	// Spread does nothing: it marks the network.
	Spread()
}

// Spreads tells whether a network is a Spreader.
func Spreads(n Network) bool {
	_, ok := n.(Spreader)
	return ok
}

// Gatherer is a Network that sends some people several reports together, later. What
// is gathered counts as one delivery of the report.
type Gatherer interface {
	// Waiting is how many people a report, by its Seq, still waits for.
	Waiting(ctx context.Context, seq int64) (int, error)
	// People is how many people bot b sends r to, now or later.
	People(ctx context.Context, b report.Bot, r report.Report) (int, error)
}

// Grouped is a Recipients some of whose recipients are no persons: groups and the like.
type Grouped interface {
	// Groups is how many of these recipients of bot b that are.
	Groups(ctx context.Context, b report.Bot, recipients []int64) (int, error)
}

// OneWay is a Network whose bots only hear, or only send.
type OneWay interface {
	Hears() bool
	Sends() bool
}

// Branched is a Recipients whose recipients have names, which moderators have given them.
type Branched interface {
	// Branches returns those of a city.
	Branches(ctx context.Context, city report.City) ([]Branch, error)
}

// Branch is a recipient with a name.
type Branch struct {
	Name string
	Path string // where moderators change it
	Off  bool   // a moderator has switched it off
	// Stopped is why it has stopped by itself; nil: it has not.
	Stopped Sayer
}

// Tester is a Network that can show a moderator what its recipients get.
type Tester interface {
	// SendTest sends r to a moderator with that mail address as bot b sends it to its
	// recipients, and says that it is a test. ctx bounds it.
	SendTest(ctx context.Context, city report.City, b report.Bot, r report.Report, email string) error
}

// Hooked is a Network that services call.
type Hooked interface {
	// HookRoutes adds the routes that are served below /hook/<name>/, to whoever asks:
	// each finds out by itself who calls, and bounds what it reads. A path may hold what
	// only the service knows: of a request below it nothing but the network's name is
	// logged.
	HookRoutes(r chi.Router)
}

// HookPath is what the routes of Hooked are below.
func HookPath(network string) string { return "/hook/" + network }

// CityHooked is a Network that services call below the page of a city. It answers them as it
// answers those of Hooked: nothing of a browser is asked for, and no page is shown.
type CityHooked interface {
	// CityHookRoutes adds the routes that are served below /city/{slug}/<name>/in/: InPath.
	CityHookRoutes(r chi.Router, s Site)
}

// InPath is what the routes of CityHooked have before them, below those of the network.
const InPath = "in"

// Leaving is a Network whose subscribers have a page where their subscription ends, which is
// there also while their city is off.
type Leaving interface {
	// LeavingPath is the part of its address after /city/{slug}/<name>/, to which more may
	// be added after a "/".
	LeavingPath() string
}

// LeavingByLink is a Network whose subscribers have addresses, and links to where their
// subscription ends.
type LeavingByLink interface {
	// LeavingLink is the path of the page where the subscription of an address ends, if there is
	// one.
	LeavingLink(city report.City, address string) (path string)
}

// Addressed is a Network whose bots have an address to be shown on the city
// page: the mail address, a handle, a link.
type Addressed interface {
	// Address returns where a rider writes to. text is what is shown; url is
	// where it links to.
	Address(ctx context.Context, city report.City, b report.Bot) (text, url string, err error)
}

// Concurrent is a Bot whose Send may run several times at once.
type Concurrent interface {
	// Concurrency is how many, at least 1. It is asked once.
	Concurrency() int
}

// Checker is a Bot that can tell whether its credentials are still accepted. Check
// runs before Receive.
type Checker interface {
	Check(ctx context.Context) error
}

// Movable is a Network whose bots can go on on another server, which has another secret key.
type Movable interface {
	// Export returns what the network stores of bot b, as JSON that needs no key: addresses
	// and tokens can be read in it.
	Export(ctx context.Context, b report.Bot) (json.RawMessage, error)
	// Import stores within tx what Export has returned elsewhere, for bot b that was just
	// made. Whoever was subscribed is; what was heard is not heard again. The error is
	// ErrAccountTaken where an account is another bot's here.
	Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error
}

// Identifier is a Movable whose bots can come from another program, which knows no more of
// their accounts than the login.
type Identifier interface {
	// Identify returns what Import takes with what the service says of the account in it: who
	// it is, and where to begin, so that what was written before is not heard. The error is of
	// kind Refused where it does not take the login; others may mend themselves: then Import
	// takes the account as it is, and the bot asks at its first start.
	Identify(ctx context.Context, stored json.RawMessage) (json.RawMessage, error)
}

// Growing is a Movable whose bots can be given more recipients.
type Growing interface {
	// Grow adds within tx the recipients in what Import takes, and nothing else of it, to those
	// of bot b. Who is one already stays as they are. It returns how many it has added.
	Grow(tx *gorm.DB, b report.Bot, stored json.RawMessage) (added int, err error)
}

// ErrAccountTaken is the account of a bot being that of another one on this server.
var ErrAccountTaken = errors.New("the account is the bot of another city")

// Retracter is a Bot that can take back what it has posted.
type Retracter interface {
	// Retract takes back what was answered with d.Retract. What is gone
	// already is no error; what stays as it is is ErrCannotRetract.
	Retract(ctx context.Context, d report.Delivery) error
}

// Demo is a Network that can show itself without the real one.
type Demo interface {
	// StartDemo starts a stand-in of the network on loopback, connects a bot
	// of city to it, and returns the page that shows the stand-in, served at
	// /demo/<name>. The stand-in stops when ctx ends.
	StartDemo(ctx context.Context, s Site, city report.City) (http.Handler, error)
}
