// Package mailtext reads mails: what somebody wrote, without everything that
// programs put around it, and whether it is a report at all. It has one door,
// Read.
//
// parse.go reads MIME, transfer.go and charset.go decode it, body.go finds the texts
// in it, formats.go reads those that are neither plain nor HTML. html.go and blocks.go
// make lines of them, quote.go takes out what nobody wrote for this mail (attribution.go
// and headerblock.go know what programs put above it), signature.go what stands below
// it, people.go who wrote it; subject.go judges the subject, text.go makes a report of
// the rest. automatic.go, absence.go and recall.go tell the mails that no person wrote;
// skip.go has the words for them.
package mailtext

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// The reasons why a mail is not taken. Whoever wrote it should hear of them.
var (
	ErrComplicated = errors.New("too many parts")
	ErrUnreadable  = errors.New("unreadable")
	ErrEncrypted   = errors.New("encrypted")
	ErrOnlyFiles   = errors.New("nothing but files")       // pictures are never relayed
	ErrWinmail     = errors.New("nothing but winmail.dat") // no kept library reads it
	ErrNothing     = errors.New("no words of its own")
	ErrAbsence     = errors.New("what programs write for somebody who is away") // by its subject alone
	ErrEmpty       = errors.New("no words at all")
)

// Envelope is what is known of a mail before it is read. Addresses are in lower case.
type Envelope struct {
	From string   // empty for what mail servers write
	To   []string // addresses of ours that it was sent to
	// Domains are those of our addresses, in lower case; the first also of our Message-IDs. None:
	// they are not known.
	Domains []string
}

// Message is a mail as it was read.
type Message struct {
	// ID names the mail: the same one, sent again, has the same ID.
	ID string
	// MessageID is that of its header, in brackets, for who answers the mail; empty where
	// it has none of the usual form. Nothing of it is stored.
	MessageID string
	// Language is that of the text, as its header says, as "de"; empty where it does not.
	Language string
	// Author is the address in From, in lower case; the envelope's sender
	// where there is none.
	Author string
	// Text is the report, at most 10,000 characters of valid UTF-8: Subject, where
	// the text does not begin with it, and Body.
	Text string
	// Subject and Body are what was written in each; empty where nothing was.
	Subject, Body string
	// Files is set where pictures or other files were left out.
	Files bool
	// Skip says why the mail is no report, as one of Skips. It is empty where the
	// mail is one; then Text is not.
	Skip string
	// Gone is set where a delivery report says that its mailbox does not exist.
	Gone bool
	// Complaint is what a complaint (RFC 5965) names of the mail that it is about:
	// addresses and links. Whoever wrote it may have made them up.
	Complaint []string
}

// Read reads a mail. The error is one of the above, perhaps wrapped, and says
// nothing of what stands in the mail; a mail without a sender gives none, as nobody
// would hear of it.
func Read(raw []byte, e Envelope) (Message, error) {
	m, err := parseSafely(raw, e)
	if err != nil && e.From != "" {
		return Message{}, err
	}
	if m.Author == "" {
		m.Author = e.From
	}
	if m.Skip == "" && (e.From == "" || isMachine(e.From)) {
		m.Skip = SkipBounce
	}
	m.ID = m.id()
	return m.Message, nil
}

// message is a Message that is being read.
type message struct {
	Message
	header   header
	named    bool // the text named who wrote it
	envelope Envelope
}

// parseSafely is parse, where a mail that the reader stumbles over is one that
// cannot be read.
func parseSafely(raw []byte, e Envelope) (m message, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = message{}, fmt.Errorf("%w: panic: %T\n%s", ErrUnreadable, p, debug.Stack())
		}
	}()
	return parse(raw, e)
}

// parse reads a mail as its author made it. A header of a delivery report or
// an auto-reply is enough to skip a mail: the rest of it is not looked at.
func parse(raw []byte, e Envelope) (message, error) {
	root, err := readParts(raw)
	if err != nil {
		return message{}, err
	}
	m := message{header: newHeader(root), envelope: e}
	m.Author = m.header.address("From")
	m.Skip = automatic(m.header, root, e.Domains)
	if m.Skip != "" || e.From == "" {
		m.Gone, m.Complaint = isGone(m.header, root), complaint(root)
	}
	if m.Skip != "" {
		return m, nil
	}
	err = m.readText(root)
	switch {
	case err == nil && m.isRecall():
		m.Skip, m.Text = SkipAutomatic, ""
	case err == nil && isAbsenceSubject(m.header.text("Subject")):
		return message{}, ErrAbsence
	}
	return m, err
}

// readText finds what was written; a mail in which nothing is, is refused.
func (m *message) readText(root *enmime.Part) error {
	b := readBody(root)
	b.quoting = m.quoting()
	m.MessageID, m.Language = usualID.FindString(m.header.get("Message-ID")), m.language()
	m.Subject, m.Body = m.written(b)
	m.Files = b.files
	m.Text = cut(strings.TrimSpace(m.Subject+"\n"+m.Body), maxText)
	switch {
	case m.Body == "" && b.winmail:
		return ErrWinmail // whatever the subject says: it is not all
	case m.Text != "":
		return nil
	case b.encrypted:
		return ErrEncrypted
	case b.files:
		return ErrOnlyFiles
	case b.isBlank():
		return ErrEmpty
	}
	return ErrNothing
}

// usualID is a Message-ID that can be repeated as it is.
var usualID = regexp.MustCompile(`^<[!-;=?-~]{1,250}>`)

// language is what Content-Language begins with (RFC 3282).
func (m message) language() string {
	first, _, _ := strings.Cut(m.header.get("Content-Language"), ",")
	return cut(strings.TrimSpace(first), 35)
}

// id is a hash, since a Message-ID often tells more of its author than they
// know. Some programs give every mail the same one, or none.
func (m message) id() string {
	name := []string{strings.Trim(m.header.get("Message-ID"), "<> \t"), m.header.get("Date"), m.Author, m.Text}
	sum := sha256.Sum256([]byte(strings.Join(name, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
