package mailer

import (
	"bytes"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode"
)

// Message is a plain-text mail to be built. Its parts may come from strangers:
// line breaks and control characters are removed from headers.
type Message struct {
	FromName, From string
	To             string
	ReplyTo        string // empty for none
	Subject        string
	Text           string // UTF-8, lines ending in "\n" or CRLF
	MessageID      string // without angle brackets; empty for none
	Date           time.Time
	Headers        [][2]string // more headers: name and value
}

// Bytes returns the message (RFC 5322, RFC 2045). Lines end in CRLF and the
// text is UTF-8 in quoted-printable. Everything is ASCII, except for an address
// that is not.
func (m Message) Bytes() []byte {
	var b bytes.Buffer
	header(&b, "Date", m.Date.Format(time.RFC1123Z))
	header(&b, "From", address(m.FromName, m.From))
	header(&b, "To", address("", asciiDomain(m.To)))
	if m.ReplyTo != "" {
		header(&b, "Reply-To", address("", m.ReplyTo))
	}
	header(&b, "Subject", encodeWords(m.Subject))
	if m.MessageID != "" {
		header(&b, "Message-ID", "<"+m.MessageID+">")
	}
	header(&b, "MIME-Version", "1.0")
	header(&b, "Content-Type", "text/plain; charset=utf-8")
	header(&b, "Content-Transfer-Encoding", "quoted-printable")
	for _, h := range m.Headers {
		if token(h[0]) {
			header(&b, h[0], encodeWords(h[1]))
		}
	}
	b.WriteString("\r\n")
	body(&b, m.Text)
	return b.Bytes()
}

// body writes text in quoted-printable. Writing to a buffer cannot fail.
func body(b *bytes.Buffer, text string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.TrimRight(text, "\n") + "\n"
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write([]byte(strings.ToValidUTF8(strings.ReplaceAll(text, "\n", "\r\n"), "\uFFFD")))
	_ = w.Close()
}

// address formats a mailbox. It does not encode the address itself: there is no
// encoding for it (RFC 6532).
func address(name, addr string) string {
	return (&mail.Address{Name: clean(name), Address: clean(addr)}).String()
}

// encodeWords returns value, as encoded words (RFC 2047) if it is not ASCII.
func encodeWords(value string) string {
	return mime.QEncoding.Encode("utf-8", clean(value))
}

// clean turns s into one line of valid UTF-8 without control characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// foldAt is the length at which a header line is broken. RFC 5322 §2.1.1 asks
// for at most 78 characters.
const foldAt = 76

// header writes one header line. A long one is broken at spaces.
func header(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	width := len(name) + 1
	for word := range strings.SplitSeq(clean(value), " ") {
		if word == "" {
			continue
		}
		if width+1+len(word) > foldAt && width > len(name)+1 {
			b.WriteString("\r\n")
			width = 0
		}
		b.WriteString(" " + word)
		width += 1 + len(word)
	}
	b.WriteString("\r\n")
}

// token reports whether name may be the name of a header (RFC 5322 §2.2).
func token(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 127 || name[i] == ':' {
			return false
		}
	}
	return name != ""
}
