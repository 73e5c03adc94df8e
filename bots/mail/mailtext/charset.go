package mailtext

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	htmlcharset "golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// charsetOf returns the name of the charset that a text is said to be in. Where
// its header names none, HTML may itself.
func charsetOf(p *enmime.Part) string {
	if isDeclared(p.Charset) || !strings.EqualFold(p.ContentType, "text/html") || isASCII(p.Content) {
		return p.Charset
	}
	_, name, _ := htmlcharset.DetermineEncoding(p.Content, "text/html")
	return name
}

// isDeclared says whether a charset was named. ASCII counts for none: bytes that
// are not ASCII must be in another one.
func isDeclared(name string) bool {
	switch strings.ToLower(strings.Trim(name, space)) {
	case "", "ascii", "us-ascii", "ansi_x3.4-1968", "unknown", "unknown-8bit", "x-unknown", "default", "binary":
		return false
	}
	return true
}

// decodeCharset makes UTF-8 of a text that is said to be in a charset. Many texts
// are not, or not all of them: what is UTF-8 stays.
func decodeCharset(raw []byte, name string) string {
	if isUTF7(name) && isASCII(raw) {
		return decodeUTF7(raw)
	}
	enc := findCharset(name)
	if wide := findWide(raw, enc); wide != nil {
		return decodeAll(raw, wide)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	switch {
	case enc == japanese.ISO2022JP || enc == simplifiedchinese.HZGB2312: // escapes within ASCII
		return decodeAll(raw, enc)
	case isASCII(raw):
		return string(raw)
	case enc == nil || enc == unicode.UTF8 || isWide(enc):
		return decodeText(raw)
	}
	if single, ok := enc.(*charmap.Charmap); ok {
		return decodeLines(raw, single)
	}
	return decodeDouble(raw, enc)
}

// decodeText makes text of bytes whose charset was not declared, or is UTF-8: what
// is UTF-8 stays, other bytes are taken for Windows-1252, as most such text in
// Western Europe is.
func decodeText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return decodeRuns(trimCut(raw), charmap.Windows1252, func(rune) bool { return true })
}

// trimCut removes the letter of UTF-8 that a text was cut off in.
func trimCut(raw []byte) []byte {
	text := bytes.TrimRight(raw, space)
	start := len(text) - 1
	for start > 0 && len(text)-start < utf8.UTFMax && !utf8.RuneStart(text[start]) {
		start--
	}
	if start < 0 || utf8.FullRune(text[start:]) {
		return raw
	}
	for rest := text[:start]; len(rest) > 0; {
		_, size := utf8.DecodeRune(rest)
		if size > 1 {
			return text[:start]
		}
		rest = rest[size:]
	}
	return raw // nothing else is UTF-8: a letter of another charset
}

// decodeRuns keeps the letters of UTF-8 that keep says, and decodes all other
// bytes one by one.
func decodeRuns(raw []byte, single *charmap.Charmap, keep func(rune) bool) string {
	var b strings.Builder
	b.Grow(len(raw) + len(raw)/8)
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if raw[0] >= utf8.RuneSelf && (size == 1 || !keep(r)) {
			r, size = single.DecodeByte(raw[0]), 1
		}
		b.WriteRune(r)
		raw = raw[size:]
	}
	return b.String()
}

// decodeLines decodes a charset of one byte a letter. Lines that are UTF-8 stay.
// In the charsets of Western Europe single letters stay as well that would be
// none of its words: "Ã¼".
func decodeLines(raw []byte, single *charmap.Charmap) string {
	keep := func(rune) bool { return false }
	switch single {
	case charmap.Windows1252, charmap.ISO8859_1, charmap.ISO8859_15:
		keep = func(r rune) bool { return 'À' <= r && r <= 'ÿ' || r >= 0x2000 }
	}
	var b strings.Builder
	for line := range bytes.Lines(raw) {
		if utf8.Valid(line) {
			b.Write(line)
		} else {
			b.WriteString(decodeRuns(line, single, keep))
		}
	}
	return b.String()
}

// decodeDouble decodes a charset of several bytes a letter, as those of East Asia.
// A text that is UTF-8 stays, unless its letters may be pairs of bytes by chance.
func decodeDouble(raw []byte, enc encoding.Encoding) string {
	valid := utf8.Valid(raw)
	if valid && bytes.ContainsFunc(raw, func(r rune) bool { return r >= 0x800 }) {
		return string(raw)
	}
	text := decodeAll(raw, enc)
	if valid && strings.ContainsRune(text, utf8.RuneError) {
		return string(raw)
	}
	return strings.TrimRight(text, space+string(utf8.RuneError)) // perhaps cut off
}

func decodeAll(raw []byte, enc encoding.Encoding) string {
	text, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), string(utf8.RuneError))
	}
	return string(text)
}

// findWide returns the kind of UTF-16 that a text is in, or nil: by its first two
// bytes, or as it is said to be.
func findWide(raw []byte, enc encoding.Encoding) encoding.Encoding {
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
	case !isWide(enc) || utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0:
		return nil
	case raw[0] == 0:
		order = unicode.BigEndian
	}
	return unicode.UTF16(order, unicode.UseBOM)
}

func isWide(enc encoding.Encoding) bool {
	if enc == nil {
		return false
	}
	name, err := htmlindex.Name(enc)
	return err == nil && strings.HasPrefix(name, "utf-16")
}

// findCharset returns the encoding of that name, or nil where there is none or it
// is not known.
func findCharset(name string) encoding.Encoding {
	name = strings.TrimPrefix(strings.ToLower(strings.Trim(name, space+`"'=`)), "charset=")
	if !isDeclared(name) {
		return nil
	}
	if proper := charsetAliases(name); proper != "" {
		name = proper
	}
	for _, name := range []string{name, "iso-" + strings.ReplaceAll(name, "_", "-")} {
		if enc, err := htmlindex.Get(name); err == nil && enc != encoding.Replacement {
			return enc
		}
		if enc, err := ianaindex.MIME.Encoding(name); err == nil && enc != nil {
			return enc
		}
	}
	return nil
}

// charsetAliases knows names that no list has, as database programs and Windows
// write them.
func charsetAliases(name string) string {
	switch name {
	case "cp932", "ms932":
		return "shift_jis"
	case "cp949", "ms949":
		return "euc-kr"
	case "cp950", "ms950":
		return "big5"
	case "utf8mb4", "utf_8":
		return "utf-8"
	}
	return ""
}

func isASCII(raw []byte) bool {
	for _, c := range raw {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
