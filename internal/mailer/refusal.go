package mailer

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

// subject is whom or what an error of sending is about.
type subject int

const (
	aboutNothing subject = iota // of nothing but this moment
	aboutServer                 // it cannot be reached, or does not let us in
	aboutUs                     // it does not take what comes from here, or nothing now
	aboutMailbox                // it is gone
	aboutMail                   // this one, or this one now
)

// about says what an error of sending is about. The server has taken us and our
// sender where it is about a mailbox or a mail.
func about(err error) subject {
	answer, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errUnsigned):
		return aboutNothing
	case !ok, answer.Stage == StageConnect, answer.Stage == StageAuth:
		return aboutServer
	case answer.Gone():
		return aboutMailbox
	case answer.aboutUs():
		return aboutUs
	}
	return aboutMail
}

// goneCodes say that a mailbox does not exist (any more), and nothing else
// (RFC 3463 §3, RFC 7505).
var goneCodes = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}

// IsGone tells whether an enhanced status code says that a mailbox does not exist.
func IsGone(enhanced string) bool { return slices.Contains(goneCodes, enhanced) }

// Gone reports whether the answer says that the mailbox does not exist. Without such
// a code it never does: it may be about us, or about now.
func (e *Error) Gone() bool {
	return e.Permanent() && IsGone(e.Enhanced) && (e.Stage == StageRcpt || e.Stage == StageData)
}

// noUTF8 says that a server takes no addresses with letters beyond ASCII (RFC 6531 §3.5).
const noUTF8 = "5.6.7"

// Content reports whether this mail is refused for what it holds, how large it is, or the
// letters of its address, so that it is never taken.
func (e *Error) Content() bool {
	return e.Permanent() && (e.Stage != StageRcpt || e.Enhanced == noUTF8) &&
		(strings.HasPrefix(e.Enhanced, "5.6.") || e.Enhanced == "5.3.4" || e.Enhanced == "5.2.3")
}

// aboutUs reports whether others are refused alike: for good and for nothing that is
// the mailbox's or the mail's, or for now because of the server's state. Other answers
// for now are those of greylisting, which asks everybody to come again.
func (e *Error) aboutUs() bool {
	if e.Permanent() {
		return !e.Content()
	}
	return e.Stage == StageMail || e.Code == 421 || strings.HasPrefix(e.Enhanced, "4.3.")
}

// maxSaid bounds what is kept of a server's words, in bytes.
const maxSaid = 300

var (
	// links are what words hold of links, and of addresses that scrub leaves.
	links = regexp.MustCompile(`(?i)\S*://\S*|\bwww\.\S+|\S*@\S*|<[^<>]*>`)
	// spaces are also the ends of lines.
	spaces = regexp.MustCompile(`[\s\p{Cc}]+`)
)

// words returns what a server said, on one line, bounded and without addresses and
// links.
func words(said string) string {
	said = strings.ToValidUTF8(said[:min(len(said), 10*maxSaid)], "")
	said = links.ReplaceAllString(scrub.People(said), "…")
	said = strings.TrimSpace(spaces.ReplaceAllString(said, " "))
	if len(said) > maxSaid {
		end := maxSaid
		for !utf8.RuneStart(said[end]) {
			end--
		}
		said = said[:end] + "…"
	}
	return said
}

// withoutRecipient takes the local part of the recipient's address out of what a
// server said, and where the server is the recipient's own, all names of servers.
func (e *Error) withoutRecipient(to string, own bool) {
	local := strings.ToValidUTF8(to[:max(strings.LastIndexByte(to, '@'), 0)], "") // as patterns must be
	if len(local) > 0 {
		e.Said = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(local)).ReplaceAllString(e.Said, "…")
	}
	if own {
		e.Said = hostNames.ReplaceAllString(e.Said, "…")
	}
}

// hostNames are names with a dot.
var hostNames = regexp.MustCompile(`[\pL\pN-]+(\.[\pL\pN-]+)*\.\pL[\pL\pN-]+`)

// Words returns what a server said where err is its answer, for the operator.
func Words(err error) string {
	if answer, ok := errors.AsType[*Error](err); ok {
		return answer.Said
	}
	return ""
}
