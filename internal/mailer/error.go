package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
	"github.com/emersion/go-smtp"
)

// Stage is the step of the dialogue at which a server refused.
type Stage string

// The stages of a dialogue. Before StageRcpt we are refused, whoever the recipient is.
const (
	StageConnect Stage = "connect" // greeting and EHLO
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data"
)

// Error is a server's answer, or what it would be: some things are known
// without asking, such as that a domain takes no mail. Error does not say the
// server's own words, since they often repeat the recipient's address.
type Error struct {
	Code     int    // reply code (RFC 5321 §4.2), such as 550
	Enhanced string // enhanced status code (RFC 3463), such as "5.1.1"; may be empty
	Stage    Stage
	// Said is what the server said, without addresses and links: for the operator, and
	// not to be shown or stored beside a recipient.
	Said string
}

var stages = map[Stage]string{
	StageConnect: "the mail server refused the connection",
	StageAuth:    "the mail server refused the login",
	StageMail:    "the mail server refused the sender",
	StageRcpt:    "the mail server refused the recipient",
	StageData:    "the mail server refused the mail",
}

// subjects say what the second number of an enhanced code is about (RFC 3463 §4).
var subjects = map[string]string{
	"1": " (because of an address)",
	"2": " (because of the mailbox)",
	"3": " (because of its own state)",
	"4": " (because of the network or its routes)",
	"5": " (because of the protocol)",
	"6": " (because of what the mail holds)",
	"7": " (because of its policy: is this server on a block list, are SPF, DKIM and PTR set?)",
}

func (e *Error) Error() string {
	_, detail, _ := strings.Cut(e.Enhanced, ".")
	subject, _, _ := strings.Cut(detail, ".")
	return stages[e.Stage] + ": " + e.Answer() + subjects[subject]
}

// Answer is the server's answer as codes: "550 5.1.1".
func (e *Error) Answer() string {
	return strings.TrimSpace(strconv.Itoa(e.Code) + " " + e.Enhanced)
}

// Permanent reports whether trying again is useless (5xx).
func (e *Error) Permanent() bool { return e.Code >= 500 && e.Code < 600 }

// staged turns an error of the client library into an *Error if it is a
// server's answer, and puts any other into our own words.
func staged(stage Stage, err error) error {
	answer, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		return fmt.Errorf("smtp %s: %w", stage, reason(err))
	}
	e := &Error{Code: answer.Code, Stage: stage, Said: words(answer.Message)}
	if c := answer.EnhancedCode; c[0] > 0 {
		e.Enhanced = enhanced(fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2]))
	}
	return e
}

var enhancedPattern = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// enhanced returns the enhanced status code that an answer begins with.
func enhanced(words string) string { return enhancedPattern.FindString(words) }

// reasons are our own words for what can go wrong with a connection.
var reasons = []struct {
	is    error
	words string
}{
	{syscall.ECONNREFUSED, "the connection was refused"},
	{syscall.ENETUNREACH, "there is no route to the server"},
	{syscall.EHOSTUNREACH, "there is no route to the server"},
	{syscall.ECONNRESET, "the connection was cut"},
	{syscall.EPIPE, "the connection was cut"},
	{net.ErrClosed, "the connection was cut"},
	{io.EOF, "the connection was cut"},
	{io.ErrUnexpectedEOF, "the connection was cut"},
	{ssrf.ErrProhibitedIP, "the server has a private address (setting network.allow_private)"},
	{ssrf.ErrProhibitedNetwork, "the server has a private address (setting network.allow_private)"},
}

// reason says in our own words why an exchange failed. Those of the system name the
// server, which may be somebody's own, and those of a server may hold an address.
func reason(err error) error {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return ended
		}
	}
	for _, r := range reasons {
		if errors.Is(err, r.is) {
			return errors.New(r.words)
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("its certificate is not valid")
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return errors.New("it is not in the DNS")
	} else if ok {
		return errors.New("the DNS does not answer")
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return errors.New("no answer in time")
	}
	return fmt.Errorf("an answer that cannot be understood (%T)", err)
}
