package mailer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-smtp"
)

// Stage is the step of the dialogue at which a server refused.
type Stage string

// The stages of a dialogue. At StageRcpt the recipient is refused; at any other
// stage it is us or the mail.
const (
	StageConnect Stage = "connect" // greeting and EHLO
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data"
)

// Error is a server's answer, or what it would be: some things are known
// without asking, such as that a domain takes no mail.
type Error struct {
	Code     int    // reply code (RFC 5321 §4.2), such as 550
	Enhanced string // enhanced status code (RFC 3463), such as "5.1.1"; may be empty
	Stage    Stage
	Msg      string // the server's own words, one line
}

func (e *Error) Error() string {
	where := map[Stage]string{
		StageConnect: "the mail server refused the connection",
		StageAuth:    "the mail server refused the login",
		StageMail:    "the mail server refused the sender",
		StageRcpt:    "the mail server refused the recipient",
		StageData:    "the mail server refused the mail",
	}[e.Stage]
	return strings.TrimSpace(fmt.Sprintf("%s: %d %s", where, e.Code, strings.TrimSpace(e.Enhanced+" "+e.Msg)))
}

// Permanent reports whether trying again is useless (5xx).
func (e *Error) Permanent() bool { return e.Code >= 500 && e.Code < 600 }

// Recipient reports whether it was the recipient that was refused.
func (e *Error) Recipient() bool { return e.Stage == StageRcpt }

// staged turns an error of the client library into an *Error if it is a
// server's answer, and wraps any other.
func staged(stage Stage, err error) error {
	answer, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		return fmt.Errorf("smtp %s: %w", stage, err)
	}
	e := &Error{Code: answer.Code, Stage: stage, Msg: oneLine(answer.Message)}
	if c := answer.EnhancedCode; c[0] > 0 {
		e.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return e
}

// oneLine joins the lines of an answer and bounds their length, since people
// read it.
func oneLine(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "\uFFFD")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
