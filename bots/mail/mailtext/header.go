package mailtext

import (
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
)

// header is the header of a mail. Its names are in lower case.
type header map[string][]string

// newHeader reads the header of a mail. What it has of letters beyond ASCII is
// taken to be in the charset of the mail's text, where it is no UTF-8.
func newHeader(root *enmime.Part) header {
	lower := header{}
	charset := textCharset(root)
	for name, values := range root.Header {
		name = strings.ToLower(name)
		for _, value := range values {
			if !utf8.ValidString(value) || strings.Contains(value, "\x1b") {
				value = decodeCharset([]byte(value), charset)
			}
			lower[name] = append(lower[name], value)
		}
	}
	return lower
}

// textCharset is the charset that the first text of a mail is said to be in.
func textCharset(root *enmime.Part) string {
	p := root.BreadthMatchFirst(func(p *enmime.Part) bool { return strings.HasPrefix(strings.ToLower(p.ContentType), "text/") })
	if p == nil {
		return ""
	}
	return p.Charset
}

// get returns the first value of a header as it stands there, or "".
func (h header) get(name string) string {
	if values := h[strings.ToLower(name)]; len(values) > 0 {
		return strings.TrimSpace(values[0])
	}
	return ""
}

func (h header) has(name string) bool { return len(h[strings.ToLower(name)]) > 0 }

// maxHeaderValue bounds what is decoded of one header, in bytes.
const maxHeaderValue = 4 << 10

// text returns a header as a person reads it: on one line, with encoded words
// (RFC 2047) decoded.
func (h header) text(name string) string {
	value := h.get(name)
	if len(value) > maxHeaderValue {
		value = value[:maxHeaderValue]
	}
	decoder := mime.WordDecoder{CharsetReader: readCharset}
	if decoded, err := decoder.DecodeHeader(value); err == nil {
		value = decoded
	}
	return strings.Join(strings.Fields(decodeText([]byte(value))), " ")
}

// readCharset decodes text in a charset.
func readCharset(name string, r io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(r)
	return strings.NewReader(decodeCharset(raw, name)), err
}

// addressLike finds an address in a header that breaks the rules.
var addressLike = regexp.MustCompile(`[^\s<>"',;:()\[\]@]+@[^\s<>"',;:()\[\]@]+`)

// address returns the first address in a header, in lower case, or "".
func (h header) address(name string) string {
	value := h.get(name)
	if len(value) > maxHeaderValue {
		value = value[:maxHeaderValue]
	}
	if list, err := enmime.ParseAddressList(value); err == nil && len(list) > 0 {
		return strings.ToLower(list[0].Address)
	}
	return strings.ToLower(addressLike.FindString(value))
}
