package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"
)

// What a mail may consist of. Ordinary ones have a handful of parts; reading
// more costs more time than the whole rest.
const (
	maxParts      = 200 // lines that may begin a part
	maxMultiparts = 12  // parts with parts in them
	// maxWork bounds the product of multiparts and size, in bytes: each byte is
	// read once on every level.
	maxWork   = 6 << 20
	maxHeader = 256 << 10
	maxDepth  = 10
	maxText   = 10_000 // characters of a report handed on; the censor takes fewer
)

// The reasons why a mail is not taken. Their texts are sent to the server that
// brought the mail, which puts them into its message to the sender.
var (
	errComplicated = errors.New("this mail has too many parts")
	errUnreadable  = errors.New("this mail could not be read")
	errEncrypted   = errors.New("encrypted mails cannot be read here: please write without encryption")
	errOnlyFiles   = errors.New("pictures and files are not relayed, for the safety of everybody in them: please write what you see")
)

// incoming is a mail as it was read.
type incoming struct {
	header   header
	from     string // address in From, lower case; empty where there is none
	text     string // the report; empty where nobody wrote anything
	skip     string // why it is no report, for the log; empty where it is one
	failures int    // recipients that a delivery report gives up, see bounced
}

// parser reads MIME leniently. What it would do beyond that is switched off:
// guessing charsets takes seconds for a large mail, and is worse at umlauts
// than the declaration.
var parser = enmime.NewParser(
	enmime.SkipMalformedParts(true),
	enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.DisableCharacterDetection(true),
	enmime.DisableTextConversion(true),
	enmime.MaxStoredPartErrors(10),
	enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy),
	enmime.SetCustomParseMediaType(parseMediaType),
)

// undeclared stands for a charset that was not named. The library would guess
// one; decodeText does.
const undeclared = "x-undeclared"

// parseMediaType reads a Content-Type. ASCII is taken for undeclared: what is
// not ASCII in it is something else.
func parseMediaType(value string) (string, map[string]string, []string, error) {
	kind, params, invalid, err := mediatype.ParseWithOptions(value, mediatype.ParseOptions{StripMediaTypeInvalidCharacters: true})
	if err != nil {
		// One broken header is no reason to lose the whole mail.
		kind, params, err = "text/plain", map[string]string{}, nil
	}
	if strings.HasPrefix(kind, "text/") {
		switch strings.ToLower(strings.TrimSpace(params["charset"])) {
		case "", "ascii", "us-ascii", "ansi_x3.4-1968", "unknown", "unknown-8bit", "x-unknown":
			if params == nil {
				params = map[string]string{}
			}
			params["charset"] = undeclared
		}
	}
	return kind, params, invalid, err
}

// parse reads a mail. The error is one of those above, perhaps wrapped. A
// header of a delivery report or an auto-reply is enough to skip a mail: the
// rest of it is not looked at.
func parse(raw []byte) (incoming, error) {
	if err := checkSize(raw); err != nil {
		return incoming{}, err
	}
	root, err := parser.ReadParts(bytes.NewReader(trimStart(raw)))
	if err != nil {
		return incoming{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	m := incoming{header: newHeader(root.Header)}
	m.from = m.header.address("From")
	if m.skip = automatic(m.header, root); m.skip != "" {
		m.failures = failures(root)
		return m, nil
	}
	b := readBody(root)
	m.text = b.report(m.header.text("Subject"))
	switch {
	case m.text != "":
		return m, nil
	case b.encrypted:
		return m, errEncrypted
	case b.files:
		return m, errOnlyFiles
	}
	m.skip = "empty"
	return m, nil
}

// trimStart removes what some programs put before the header: white space, and
// the line that separates mails in a mailbox file ("From …").
func trimStart(raw []byte) []byte {
	raw = bytes.TrimLeft(raw, " \t")
	for _, mbox := range []string{"From ", ">From "} {
		if bytes.HasPrefix(raw, []byte(mbox)) {
			_, raw, _ = bytes.Cut(raw, []byte("\n"))
		}
	}
	return raw
}

// checkSize refuses what the MIME reader takes long for: its time grows with
// the depth of the nesting and with the square of the number of parts.
func checkSize(raw []byte) error {
	end := len(raw)
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(blank)); i >= 0 {
			end = min(end, i)
		}
	}
	if end > maxHeader {
		return errComplicated
	}
	lower := bytes.ToLower(raw)
	multiparts := max(bytes.Count(lower, []byte("boundary")), bytes.Count(lower, []byte("multipart/")))
	if multiparts > maxMultiparts || multiparts*len(raw) > maxWork || bytes.Count(raw, []byte("\n--")) > maxParts {
		return errComplicated
	}
	return nil
}
