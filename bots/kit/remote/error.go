package remote

import (
	"embed"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
)

// Texts are the sentences for people, in every language.
//
//go:embed en.toml de.toml
var Texts embed.FS

// Trouble is what went wrong. Its value is the last part of the id of the text
// that says so.
type Trouble string

// What can go wrong. All but Refused, Gone and Rejected may be over the next
// time.
const (
	UnknownHost    Trouble = "unknown_host"
	PrivateHost    Trouble = "private_host" // an address that this server does not talk to
	NoAnswer       Trouble = "no_answer"    // none in time
	Unreachable    Trouble = "unreachable"
	BadCertificate Trouble = "bad_certificate"
	NotTheAPI      Trouble = "not_the_api" // what answered is not what it should be: a proxy, a firewall, another program
	Refused        Trouble = "refused"     // the account's login
	Limited        Trouble = "limited"     // too many requests
	Broken         Trouble = "broken"      // the server itself
	Gone           Trouble = "gone"        // the recipient
	Rejected       Trouble = "rejected"    // this one request
)

// inEnglish is what each trouble is called in a log, after the server's name.
var inEnglish = map[Trouble]string{
	UnknownHost:    "cannot be found",
	PrivateHost:    "is a private address",
	NoAnswer:       "does not answer",
	Unreachable:    "cannot be reached",
	BadCertificate: "has no valid certificate",
	NotTheAPI:      "does not answer as its API does",
	Refused:        "refuses the account's login",
	Limited:        "asks to slow down",
	Broken:         "is having trouble",
	Gone:           "says that the recipient is gone",
	Rejected:       "does not accept the request",
}

// Error is why an exchange with a server failed.
type Error struct {
	Name    string // what people call the server
	Status  int    // of the answer; 0 where none came
	Code    string // the API's own code, where it gave one
	Words   string // the server's own words, one line of at most 300 characters
	Trouble Trouble
	After   time.Duration // of Limited: how long to wait
	Cause   error         // nil where the answer itself is the cause
}

// Error says in English, for the operator's log, what happened. It holds no URL:
// tokens stand in URLs.
func (e *Error) Error() string {
	said := e.Name + " " + inEnglish[e.Trouble]
	if e.Words != "" {
		said = e.Name + " says: " + e.Words
	}
	if e.Status != 0 {
		said += " (" + strings.TrimSpace(fmt.Sprint(e.Status, " ", http.StatusText(e.Status))) + ")"
	}
	if e.Cause != nil && e.Words == "" {
		said += ": " + oneLine(e.Cause.Error())
	}
	return said
}

func (e *Error) Unwrap() error { return e.Cause }

var _ bots.Sayer = (*Error)(nil)

// Say puts the error into a sentence for people, with the server's own words after
// it: they may be in any language. Words about trouble of the server itself say
// nothing that the sentence does not. t gives a text in the language of people.
func (e *Error) Say(t bots.T) string {
	said := t("kit.remote."+string(e.Trouble), "Name", e.Name)
	if e.Words == "" || e.Trouble == Broken || e.Trouble == NotTheAPI {
		return said
	}
	return said + " " + t("kit.remote.says", "Words", e.Words)
}

// Kind gives an error that is or wraps an *Error the kind that decides what the
// program does about it. Other errors, and those that have a kind already, stay
// as they are.
func Kind(err error) error {
	e := As(err)
	if kind, _ := bots.KindOf(err); e == nil || kind != bots.KindTemporary {
		return err
	}
	switch e.Trouble {
	case Refused:
		return bots.Refused(err)
	case Limited:
		return bots.RetryAfter(e.After, err)
	case Gone:
		return bots.Gone(err)
	case Rejected:
		return bots.Permanent(err)
	}
	return err
}

// Without returns err without the server's own words where they hold one of the
// names, in any case: whom an exchange was about is nobody's business.
func Without(err error, names ...string) error {
	e := As(err)
	if e == nil {
		return err
	}
	said := strings.ToLower(e.Error() + e.Words)
	for _, name := range names {
		if name != "" && strings.Contains(said, strings.ToLower(name)) {
			silent := *e
			silent.Words, silent.Cause = "", nil
			return &silent
		}
	}
	return err
}

// hidden is what may hold a token, or name somebody: URLs, addresses and handles.
var hidden = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]*|[^\s"'<>@]*@[^\s"'<>]+`)

// oneLine bounds what came from elsewhere, and takes out of it what nobody may read.
func oneLine(s string) string {
	s = hidden.ReplaceAllString(strings.ReplaceAll(text.Tidy(s), "\n", " "), "…")
	return text.Runes(300).Fit(s)
}
