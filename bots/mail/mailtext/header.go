package mailtext

import (
	"io"
	"mime"
	"net/textproto"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/text/encoding/charmap"
)

// header is the header of a mail; names in lower case.
type header map[string][]string

func newHeader(h textproto.MIMEHeader) header {
	lower := header{}
	for name, values := range h {
		name = strings.ToLower(name)
		lower[name] = append(lower[name], values...)
	}
	return lower
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

// text returns a header as a person wrote it: encoded words (RFC 2047)
// decoded, one line.
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

// readCharset decodes text in a charset; one that is not known is taken for
// undeclared.
func readCharset(name string, r io.Reader) (io.Reader, error) {
	if decoded, err := charset.Reader(name, r); err == nil {
		return decoded, nil
	}
	raw, err := io.ReadAll(r)
	return strings.NewReader(decodeText(raw)), err
}

// addressLike finds an address in a header that follows no rule.
var addressLike = regexp.MustCompile(`[^\s<>"',;:()\[\]@]+@[^\s<>"',;:()\[\]@]+`)

// address returns the first address in a header, lower case, or "".
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

// decodeText makes text of bytes whose charset nobody declared, or declared
// wrongly: UTF-8 where it can be that, Windows-1252 otherwise, which is what
// undeclared text in Western Europe is.
func decodeText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	// This charset has a character for every byte but five, which become U+FFFD.
	text, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return string(text)
}
