// Package report holds the words of the program as types: city, bot, report,
// verdict, delivery and receipt. It imports nothing of ours and knows no
// transport and no database.
package report

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// City is a community with its own bots, rules, page and mail address.
type City struct {
	ID       int64
	Slug     string // lower case ASCII, the local part of its mail address
	Name     string
	Language string // language of its page and its mails, as i18n.Catalogue.Languages has them
	Triggers string // trigger patterns, one a line; see package censor
	Blocked  string // blocked words, one per line
	Page     string // markdown of the city page, written by the moderator
	Zone     string // its time zone, as "Europe/Berlin"; empty: that of its language
	Poster   string // what its poster says, written by the moderator; empty: the default
	NoIndex  bool   // search engines are asked to leave its page out
	Created  time.Time
	// Paused is since when the city takes no reports; zero: it takes them.
	Paused time.Time
	// Questions tells that questions are answered instead of being passed on.
	Questions bool
	// Replies tells that answers to what a bot has posted are reports.
	Replies bool
	// Tasks are the outside programs that look at a report before the censor does, in
	// their order: names of networks, one a line.
	Tasks string
	// Suspended is since when the operator has the city switched off, for the reason
	// SuspendedFor; zero: they have not.
	Suspended    time.Time
	SuspendedFor string
	// Deleted is when its moderators have deleted it; zero: they have not. Until it is
	// deleted for good they can bring it back.
	Deleted time.Time
	// Waiting tells that the operator has not yet let it begin.
	Waiting bool
	// Approval says whose reports wait for a moderator before they are passed on.
	Approval Approval
	// NoLinks refuses reports with links, Short those of more than ShortChars characters.
	NoLinks, Short bool
	// NoContact takes the form to write to its moderators off its page.
	NoContact bool
	// Answers are the moderators' texts of what its bots answer, as JSON: the text by the
	// id of the one whose place it takes.
	Answers string
	// Defaults is what new subscriptions begin with, as JSON.
	Defaults string
}

// Off reports whether the city is switched off as a whole: its bots do not run, its page
// and its address say that it is not there.
func (c City) Off() bool { return c.Waiting || !c.Suspended.IsZero() || !c.Deleted.IsZero() }

// CityState says how a city is doing as a whole.
type CityState string

// The states of a city.
const (
	CityOn        CityState = "on"
	CityPaused    CityState = "paused"    // its moderators have it take no reports
	CityWaiting   CityState = "waiting"   // for the operator to let it begin
	CitySuspended CityState = "suspended" // the operator has switched it off
	CityDeleted   CityState = "deleted"   // its moderators have deleted it, and can bring it back
)

// State says how the city is doing: the weightiest where several hold.
func (c City) State() CityState {
	switch {
	case !c.Deleted.IsZero():
		return CityDeleted
	case !c.Suspended.IsZero():
		return CitySuspended
	case c.Waiting:
		return CityWaiting
	case !c.Paused.IsZero():
		return CityPaused
	}
	return CityOn
}

// ShortChars is how many characters a report may have where City.Short is set.
const ShortChars = 250

// Approval says whose reports wait for a moderator.
type Approval string

// Whose reports wait.
const (
	ApproveNone Approval = ""    // nobody's
	ApproveNew  Approval = "new" // those of who had no report passed yet, and of who is not verified
	ApproveAll  Approval = "all" // all
)

// Approvals are all of them.
func Approvals() []Approval { return []Approval{ApproveNone, ApproveNew, ApproveAll} }

// Role is what a moderator may do in a city.
type Role string

// The roles, each with what the one after it may do.
const (
	Owner     Role = "owner"     // decides who the others are, and whether the city is deleted
	Moderator Role = "moderator" // changes everything else
	Helper    Role = "helper"    // sees the reports, takes them back and decides about held ones
)

// Roles are all of them, in that order.
func Roles() []Role { return []Role{Owner, Moderator, Helper} }

// May reports whether who has the role r may do what needs the role needed.
func (r Role) May(needed Role) bool {
	return slices.Index(Roles(), r) >= 0 && slices.Index(Roles(), r) <= slices.Index(Roles(), needed)
}

// BotState says how a bot is doing.
type BotState string

// The states of a bot.
const (
	BotStarting  BotState = "starting"  // no news of it yet
	BotRunning   BotState = "running"   // working
	BotTrouble   BotState = "trouble"   // failed, will be restarted
	BotAttention BotState = "attention" // it is refused; only a moderator can help
	BotOff       BotState = "off"       // switched off by a moderator
)

// Bot is one city's account on one network.
type Bot struct {
	ID        int64
	CityID    int64
	Network   string // name of its directory under bots/
	Enabled   bool   // switched on by the moderator
	State     BotState
	LastError string    // in plain words; empty if there was none
	ErrorAt   time.Time // when LastError happened; zero where that is no error, see Limit
	Since     time.Time // when its state became what it is; zero where that is not known
	Restarts  int       // how often it was restarted after an error
	Updated   time.Time // when a moderator last changed it
	Version   int64     // another one where it was changed so that it is made again
	Answers   Answers   // how it answers who reports
}

// Limit returns what the bot works without, as a live connection, in plain words; empty
// where it works with all it can, or does not work.
func (b Bot) Limit() string {
	if b.State != BotRunning || !b.ErrorAt.IsZero() {
		return ""
	}
	return b.LastError
}

// Answers says how a bot tells those who report what became of it.
type Answers string

// The ways to answer. A network may know only some of them.
const (
	AnswersUsual    Answers = ""         // as the network usually does
	AnswersOff      Answers = "off"      // not at all
	AnswersReaction Answers = "reaction" // with a sign below the message
	AnswersWords    Answers = "words"    // with a line of text
)

// Visibility says who could read a report where it was written.
type Visibility string

// The visibilities of a report. A private report is relayed as a new post and
// never boosted.
const (
	Public  Visibility = "public"
	Private Visibility = "private"
	// Test is a moderator's, to see the way of a report: it is judged as any other, and
	// passed on to nobody.
	Test Visibility = "test"
)

// MaxResults is how much one task may make of a report, in bytes of JSON.
const MaxResults = 4 << 10

// Report is what a person wrote, once.
type Report struct {
	ID         string // see secret.Box.ReportID
	CityID     int64
	BotID      int64  // the bot that heard it
	Network    string // the network of that bot
	NetworkID  string // the network's own id of the message, sealed; empty unless Send needs it: see bots.MessageID
	Author     string // keyed hash of the author's address or handle, never the name: see secret.Box.Author
	LeftOut    string // key of a recipient who is not sent it, beside the author: see secret.Box.Author
	Text       string // plain text as written, trimmed, mentions of the bot removed
	Visibility Visibility
	Time       time.Time // when it was written; what reports.expire counts from
	Received   time.Time // when our process took it in
	// Unverified is set where anybody can write in the name of the author. What
	// brakes count then are keyed hashes of the network of the client that brought
	// it, and of the domain of its envelope; empty where that is not known.
	Unverified     bool
	Client, Domain string
	// Question is set where it was taken for a question, for thanks or the like: it is
	// not passed on.
	Question bool
	// Results are what the city's tasks made of it: a JSON object with what each of the
	// programs said, by its name, each at most MaxResults long; empty: nothing.
	Results string
	// Ruled is what the rules of its city say of it. It is set where it is asked whom it is
	// sent to, and not stored with it.
	Ruled Verdict
	Reading
}

// MessagePlace is what the sealing of a report's NetworkID is bound to.
func MessagePlace(reportID string) string { return "reports.network_id:" + reportID }

// Reason says why a report passed, was refused or is held.
type Reason string

// The reasons of a verdict.
const (
	ReasonTrigger     Reason = "trigger"      // passed: a trigger pattern matches
	ReasonPlace       Reason = "place"        // passed: it names a line or a stop of the city
	ReasonClear       Reason = "clear"        // passed: an all-clear
	ReasonLetThrough  Reason = "let_through"  // passed: held first, then let through by a moderator
	ReasonEmpty       Reason = "empty"        // refused: no text
	ReasonTooLong     Reason = "too_long"     // refused: longer than censor.MaxLength
	ReasonNoTrigger   Reason = "no_trigger"   // refused: no trigger pattern matches
	ReasonBlocked     Reason = "blocked"      // refused: a blocked word of the city
	ReasonSlur        Reason = "slur"         // refused: a word of the fixed list
	ReasonLink        Reason = "link"         // refused: it has a link, and its city wants none
	ReasonLong        Reason = "long"         // refused: longer than ShortChars, and its city wants none
	ReasonRepeated    Reason = "repeated"     // refused: same author, same text, a moment ago
	ReasonMuted       Reason = "muted"        // refused: a moderator muted the author
	ReasonExpired     Reason = "expired"      // refused: older than reports.expire when judged
	ReasonTask        Reason = "task"         // refused: by an outside program that looks at reports
	ReasonTrouble     Reason = "trouble"      // refused: it could not be judged
	ReasonTakenBack   Reason = "taken_back"   // passed first, then taken back: by a moderator, or see DetailDeleted
	ReasonQuestion    Reason = "question"     // refused: a question or thanks, which was answered
	ReasonTest        Reason = "test"         // refused: see Test; the detail is what the rules say: see Verdict.Tested
	ReasonApproval    Reason = "approval"     // held: see City.Approval
	ReasonFlood       Reason = "flood"        // held: too many by one author
	ReasonFloodClient Reason = "flood_client" // held: too many that nobody vouches for, from one client network
	ReasonFloodDomain Reason = "flood_domain" // held: the same, from one domain
	ReasonFloodCity   Reason = "flood_city"   // held: the same, in the whole city
)

// Reasons are all of them.
func Reasons() []Reason {
	return []Reason{ReasonTrigger, ReasonPlace, ReasonClear, ReasonLetThrough, ReasonEmpty, ReasonTooLong, ReasonNoTrigger, ReasonBlocked, ReasonSlur,
		ReasonRepeated, ReasonMuted, ReasonExpired, ReasonTask, ReasonTrouble, ReasonTakenBack, ReasonQuestion, ReasonFlood, ReasonFloodClient,
		ReasonFloodDomain, ReasonFloodCity, ReasonLink, ReasonLong, ReasonTest, ReasonApproval}
}

// The details of ReasonTakenBack where it was its author who did it; otherwise it was a
// moderator.
const (
	DetailDeleted = "deleted by its author"
	DetailChanged = "changed by its author" // so that it does not pass any more
)

// Held tells whether a report with that reason waits for a moderator's decision:
// it is over a brake, or its city has its moderators look first.
func (r Reason) Held() bool {
	switch r {
	case ReasonApproval, ReasonFlood, ReasonFloodClient, ReasonFloodDomain, ReasonFloodCity:
		return true
	default:
		return false
	}
}

// Verdict is what the censor said of a report, and why.
type Verdict struct {
	Passed bool // false: it was refused or is held
	Reason Reason
	Detail string // the pattern or word that decided; empty if none did
}

// Test returns the verdict on a Test of which the rules say v.
func (v Verdict) Test() Verdict {
	said := "-"
	if v.Passed {
		said = "+"
	}
	return Verdict{Reason: ReasonTest, Detail: said + string(v.Reason) + " " + v.Detail}
}

// Tested returns what the rules said of a Test.
func (v Verdict) Tested() Verdict {
	reason, detail, _ := strings.Cut(v.Detail, " ")
	passed := strings.HasPrefix(reason, "+")
	return Verdict{Passed: passed, Reason: Reason(strings.TrimLeft(reason, "+-")), Detail: detail}
}

// Delivery is one report on its way out through one bot to one recipient.
type Delivery struct {
	ID        string // see DeliveryID
	BotID     int64
	CityID    int64
	Network   string
	Recipient int64 // 0 if the bot posts publicly
	Report    Report
	Retract   *Receipt // set if the report is to be taken back: the network's answer to the delivery
}

// DeliveryID derives the id of a delivery from its report, its bot and its
// recipient. The same three always give the same id, and the recipient cannot
// be read from it.
func DeliveryID(reportID string, botID, recipient int64) string {
	to := ""
	if recipient != 0 { // "#" and the number, as always: ids stay the same
		to = "#" + strconv.FormatInt(recipient, 10)
	}
	return digest(reportID, strconv.FormatInt(botID, 10), to)
}

// NewDelivery makes the delivery of r through b to recipient.
func NewDelivery(r Report, b Bot, recipient int64) Delivery {
	return Delivery{
		ID:        DeliveryID(r.ID, b.ID, recipient),
		BotID:     b.ID,
		CityID:    b.CityID,
		Network:   b.Network,
		Recipient: recipient,
		Report:    r,
	}
}

// BoostReceipt begins the id of the receipt of a boost: what shows the message itself,
// as its author leaves it. What stands behind it is the bot's own: nothing of the message,
// or of who wrote it.
const BoostReceipt = "boost:"

// Receipt is the network's answer to a delivery.
type Receipt struct {
	ID  string // the network's id of what was posted or sent
	URL string // where it can be seen; empty if nowhere
}

// digest hashes parts, each with its length, so that different lists never give
// the same input.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p))))
		h.Write([]byte{':'})
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
