package remote

import (
	"cmp"
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"ticketfrei/bots"
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

// Error is why an exchange with a server failed. It does not hold the server's own
// words: they may name people.
type Error struct {
	Name    string // what people call the server
	Status  int    // of the answer; 0 where none came
	Code    string // the API's own code, where it gave one that is no sentence
	Trouble Trouble
	After   time.Duration // of Limited: how long to wait
	Cause   error         // nil where the answer itself is the cause
}

// Error says in English, for the operator's log, what happened. It holds no URL,
// as tokens stand in URLs, and nothing that the server has said but codes.
func (e *Error) Error() string {
	said := e.Name + " " + inEnglish[e.Trouble]
	if e.Status != 0 || e.Code != "" {
		answer := e.Code
		if e.Status != 0 {
			answer = strings.TrimSpace(fmt.Sprint(e.Status, " ", http.StatusText(e.Status), " ", e.Code))
		}
		said += " (" + answer + ")"
	}
	if e.Cause == nil {
		return said
	}
	words := cause(e.Cause)
	if words == "" && e.Status/100 > 2 {
		return said // the status says it
	}
	return said + ": " + cmp.Or(words, fmt.Sprintf("%T", e.Cause))
}

// cause returns the words of an error where these are those of the system; empty
// where they may be those of a server.
func cause(err error) string {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("%T", e.Err)
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded, context.Canceled,
		ssrf.ErrProhibitedIP, ssrf.ErrProhibitedNetwork, ssrf.ErrProhibitedPort, errNoURL} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

func (e *Error) Unwrap() error { return e.Cause }

var _ bots.Sayer = (*Error)(nil)

// Say puts the error into a sentence for people, with the code of what was refused. t
// gives a text in their language.
func (e *Error) Say(t bots.T) string {
	said := t("kit.remote."+string(e.Trouble), "Name", e.Name)
	if e.Status == 0 || e.Trouble != Refused && e.Trouble != Rejected {
		return said
	}
	return said + " " + t("kit.remote.code", "Code", strings.TrimSpace(fmt.Sprint("HTTP ", e.Status, " ", e.Code)))
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

// aCode is what an API calls a code: no sentence, no address, no id.
var aCode = regexp.MustCompile(`^([A-Za-z][A-Za-z_.-]{0,63}|[0-9]{1,5})$`)

// onlyCode returns code where it is one.
func onlyCode(code string) string { return aCode.FindString(code) }
