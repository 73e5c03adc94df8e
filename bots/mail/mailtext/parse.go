package mailtext

import (
	"bytes"

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
	// maxParameter is how far behind its name the "=" of a parameter is looked for.
	maxParameter = 1 << 10
)

// parser finds the parts of a mail, leniently, and does nothing else: it gives a
// text up that is cut off, and believes what is said of charsets. decodeParts does
// the rest.
var parser = enmime.NewParser(
	enmime.RawContent(true),
	enmime.SkipMalformedParts(true),
	enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.MaxStoredPartErrors(10),
	enmime.SetCustomParseMediaType(parseMediaType),
)

// parseMediaType reads a Content-Type. One that is broken is no reason to lose the
// whole mail.
func parseMediaType(value string) (string, map[string]string, []string, error) {
	kind, params, invalid, err := mediatype.ParseWithOptions(value, mediatype.ParseOptions{StripMediaTypeInvalidCharacters: true})
	if err != nil {
		return "text/plain", map[string]string{}, nil, nil
	}
	return kind, params, invalid, nil
}

// readParts reads the parts of a mail and decodes them. The error is ErrComplicated or
// ErrUnreadable.
func readParts(raw []byte) (*enmime.Part, error) {
	if err := checkSize(raw); err != nil {
		return nil, err
	}
	root, err := parser.ReadParts(bytes.NewReader(trimStart(raw)))
	if err != nil {
		return nil, ErrUnreadable // the library's words quote the mail
	}
	decodeParts(root)
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
	multiparts := max(countBoundaries(lower), bytes.Count(lower, []byte("multipart/")))
	if multiparts > maxMultiparts || multiparts*len(raw) > maxWork || bytes.Count(raw, []byte("\n--")) > maxParts {
		return ErrComplicated
	}
	return nil
}

// countBoundaries counts the parameters that name a boundary; somebody may write
// the word as well.
func countBoundaries(lower []byte) (n int) {
	for {
		_, rest, ok := bytes.Cut(lower, []byte("boundary"))
		if !ok {
			return n
		}
		lower = rest
		// "boundary*0*=" (RFC 2231)
		if bytes.HasPrefix(bytes.TrimLeft(rest[:min(len(rest), maxParameter)], space+"*0123456789"), []byte("=")) {
			n++
		}
	}
}
