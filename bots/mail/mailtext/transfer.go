package mailtext

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// decodeParts decodes the parts of a mail whose content is read: their transfer
// encodings, and texts into UTF-8. Pictures and other files stay as they are.
func decodeParts(p *enmime.Part) {
	for ; p != nil; p = p.NextSibling {
		kind, _, _ := strings.Cut(strings.ToLower(p.ContentType), "/")
		switch kind {
		case "image", "audio", "video":
			continue
		}
		p.Content = decodeTransfer(p.Header.Get("Content-Transfer-Encoding"), p.Content)
		if kind == "text" || kind == "" || kind == "multipart" {
			p.Content = []byte(decodeCharset(p.Content, charsetOf(p)))
		}
		decodeParts(p.FirstChild)
	}
}

// decodeTransfer decodes a Content-Transfer-Encoding. What is in an encoding that
// nobody knows is returned as it is.
func decodeTransfer(encoding string, raw []byte) []byte {
	encoding, _, _ = strings.Cut(encoding, ";")
	switch strings.ToLower(strings.Trim(encoding, space+`"'`)) {
	case "quoted-printable", "quoted_printable":
		return decodeQuotedPrintable(raw)
	case "base64", "base-64":
		return decodeBase64(raw)
	}
	return raw
}

// decodeQuotedPrintable decodes RFC 2045 §6.7. What is no escape stands for
// itself, but for the beginning of one at the end.
func decodeQuotedPrintable(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for line := range bytes.Lines(raw) {
		text := bytes.TrimRight(line, space)
		soft := bytes.HasSuffix(text, []byte("="))
		out = appendUnescaped(out, bytes.TrimSuffix(text, []byte("=")), len(line) == len(text))
		if !soft && len(line) > len(text) {
			out = append(out, bytes.TrimLeft(line[len(text):], " \t")...)
		}
	}
	return out
}

// appendUnescaped appends a line of quoted-printable; the last one may be cut off.
func appendUnescaped(out, line []byte, last bool) []byte {
	for i := 0; i < len(line); i++ {
		if line[i] != '=' {
			out = append(out, line[i])
			continue
		}
		high, low := hexAt(line, i+1), hexAt(line, i+2)
		switch {
		case high >= 0 && low >= 0:
			out = append(out, byte(high<<4|low))
			i += 2
		case last && high >= 0 && i+2 == len(line):
			return out
		default:
			out = append(out, '=')
		}
	}
	return out
}

// hexAt returns the value of the hexadecimal digit at an index, or -1.
func hexAt(line []byte, i int) int {
	if i >= len(line) {
		return -1
	}
	return strings.IndexByte("0123456789abcdef", line[i]|0x20)
}

// decodeBase64 decodes what can be decoded. Characters that do not belong are
// skipped. Programs that know nothing of MIME append a footer: what follows the
// end of the data and does not look like more of it is dropped. A text that is
// none of base64 at all is returned as it is.
func decodeBase64(raw []byte) []byte {
	if !startsBase64(raw) {
		return raw
	}
	d := base64Reader{out: make([]byte, 0, len(raw)*3/4)}
	for line := range bytes.Lines(raw) {
		if !d.read(bytes.Trim(line, space)) {
			break
		}
	}
	d.flush()
	return d.out
}

// startsBase64 says whether the first line that is not empty may be base64: ASCII,
// and one word, or words as long as whole groups of base64 are.
func startsBase64(raw []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(raw, space), []byte("\n"))
	words := bytes.Fields(line)
	for i, word := range words {
		if len(word)%4 != 0 && i < len(words)-1 || !isASCII(word) {
			return false
		}
	}
	good, stray := countBase64(line)
	return good > stray || good == 0
}

func countBase64(line []byte) (good, stray int) {
	for _, c := range line {
		switch {
		case isBase64(c) || c == '=':
			good++
		case !strings.ContainsRune(space, rune(c)):
			stray++
		}
	}
	return good, stray
}

// base64Reader decodes base64 line by line.
type base64Reader struct {
	out   []byte
	block []byte // characters not decoded yet
	ended bool   // padding or an empty line was seen
}

// read takes a line and says whether more may follow.
func (d *base64Reader) read(line []byte) bool {
	if len(line) == 0 {
		d.ended = d.ended || len(d.block) > 0 || len(d.out) > 0
		return true
	}
	good, stray := countBase64(line)
	if stray > good || d.ended && (stray > 0 || len(line)%4 != 0 || bytes.ContainsAny(line, " \t")) {
		return false
	}
	for _, c := range line {
		switch {
		case isBase64(c):
			d.block = append(d.block, c)
		case c == '=':
			d.flush()
			d.ended = true
		}
	}
	return true
}

// flush decodes the characters so far. One that is left over holds no whole byte.
func (d *base64Reader) flush() {
	if len(d.block)%4 == 1 {
		d.block = d.block[:len(d.block)-1]
	}
	// Nothing but characters of base64 is in a block: there can be no error.
	d.out, _ = base64.RawStdEncoding.AppendDecode(d.out, d.block)
	d.block = d.block[:0]
}
