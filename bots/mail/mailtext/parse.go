package mailtext

import (
	"bytes"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"
)

// The bounds of a mail. Ordinary ones have a handful of parts; made with many, a
// small mail takes long to read.
const (
	maxParts      = 200 // lines that may begin a part
	maxMultiparts = 12  // parts with parts in them
	// maxWork bounds the product of multiparts and size, in bytes: each byte is
	// read once on every level.
	maxWork   = 6 << 20
	maxHeader = 256 << 10 // bytes
	maxDepth  = 10
)

// parser reads MIME leniently and does nothing else: to guess charsets would take
// seconds for a large mail, and get umlauts wrong where the declaration is right.
var parser = enmime.NewParser(
	enmime.SkipMalformedParts(true),
	enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.DisableCharacterDetection(true),
	enmime.DisableTextConversion(true),
	enmime.MaxStoredPartErrors(10),
	enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy),
	enmime.SetCustomParseMediaType(parseMediaType),
)

// undeclared stands for a charset that was not named, so that the library leaves
// the text to decodeText.
const undeclared = "x-undeclared"

// parseMediaType reads a Content-Type. ASCII counts as undeclared: bytes that
// are not ASCII must be in another charset.
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

// readParts reads the parts of a mail. The error is ErrComplicated or
// ErrUnreadable.
func readParts(raw []byte) (*enmime.Part, error) {
	if err := checkSize(raw); err != nil {
		return nil, err
	}
	root, err := parser.ReadParts(bytes.NewReader(trimStart(raw)))
	if err != nil {
		return nil, ErrUnreadable // the library's words quote the mail
	}
	return root, nil
}

// trimStart removes what some programs put before the header: white space, and
// the "From …" line that separates mails in a mailbox file.
func trimStart(raw []byte) []byte {
	raw = bytes.TrimLeft(raw, " \t")
	for _, mbox := range []string{"From ", ">From "} {
		if bytes.HasPrefix(raw, []byte(mbox)) {
			_, raw, _ = bytes.Cut(raw, []byte("\n"))
		}
	}
	return raw
}

// checkSize refuses a mail that would take long to read: the time grows with the
// depth of the nesting and with the square of the number of parts.
func checkSize(raw []byte) error {
	end := len(raw)
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(blank)); i >= 0 {
			end = min(end, i)
		}
	}
	if end > maxHeader {
		return ErrComplicated
	}
	lower := bytes.ToLower(raw)
	multiparts := max(bytes.Count(lower, []byte("boundary")), bytes.Count(lower, []byte("multipart/")))
	if multiparts > maxMultiparts || multiparts*len(raw) > maxWork || bytes.Count(raw, []byte("\n--")) > maxParts {
		return ErrComplicated
	}
	return nil
}
