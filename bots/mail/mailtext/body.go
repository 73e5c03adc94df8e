package mailtext

import (
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/net/html/charset"
)

// body is what was found in the parts of a mail.
type body struct {
	texts      []string // what was written, in order
	encrypted  bool     // something is encrypted
	files      bool     // something is a picture or another file
	names      []string // names of the files, lower case
	boundaries []string // of all multiparts
	quoting    quoting
}

// readBody collects the texts of a mail.
func readBody(root *enmime.Part) *body {
	b := &body{}
	b.read(root, 0)
	return b
}

func (b *body) read(p *enmime.Part, depth int) {
	if p == nil || depth > maxDepth {
		return
	}
	if p.Boundary != "" {
		b.boundaries = append(b.boundaries, "--"+p.Boundary)
	}
	kind := strings.ToLower(p.ContentType)
	switch {
	case kind == "multipart/encrypted" || isSMIME(kind):
		b.encrypted = b.encrypted || kind != "application/pkcs7-signature" && kind != "application/x-pkcs7-signature"
	case p.FirstChild != nil && kind == "multipart/alternative":
		b.readAlternatives(p, depth)
	case p.FirstChild != nil && kind == "multipart/related":
		// The first part is the text, the others are its pictures (RFC 2387).
		b.read(p.FirstChild, depth+1)
		for c := p.FirstChild.NextSibling; c != nil; c = c.NextSibling {
			b.file(c)
		}
	case p.FirstChild != nil:
		for c := p.FirstChild; c != nil; c = c.NextSibling {
			b.read(c, depth+1)
		}
	default:
		b.leaf(p, kind)
	}
}

// isSMIME says whether a part belongs to S/MIME (RFC 8551 §3.2).
func isSMIME(kind string) bool {
	switch kind {
	case "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pkcs7-signature", "application/x-pkcs7-signature":
		return true
	}
	return false
}

// readAlternatives takes one version of the text: the plain one, or, where that
// is empty, the first that is not.
func (b *body) readAlternatives(p *enmime.Part, depth int) {
	var best *body
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		version := &body{}
		version.read(c, depth+1)
		b.encrypted = b.encrypted || version.encrypted
		b.files = b.files || version.files
		b.names = append(b.names, version.names...)
		b.boundaries = append(b.boundaries, version.boundaries...)
		if len(version.texts) > 0 && (best == nil || c.ContentType == "text/plain") && strings.TrimSpace(strings.Join(version.texts, "")) != "" {
			best = version
		}
		if best != nil && c.ContentType == "text/plain" {
			break
		}
	}
	if best != nil {
		b.texts = append(b.texts, best.texts...)
	}
}

func (b *body) leaf(p *enmime.Part, kind string) {
	attached := strings.EqualFold(p.Disposition, "attachment") || p.FileName != ""
	text := kind == "" || kind == "text/plain" || kind == "text/html" || kind == "text/enriched"
	switch {
	case strings.HasPrefix(kind, "application/pgp"):
		b.encrypted = b.encrypted || kind == "application/pgp-encrypted"
	case attached || !text:
		// A multipart whose parts could not be told apart is one text.
		if strings.HasPrefix(kind, "multipart/") && p.Parent == nil {
			b.texts = append(b.texts, decodeText(p.Content))
			return
		}
		b.file(p)
	case !decodable(p) || isBinary(p.Content):
		b.files = true
	case kind == "text/html" || kind == "text/enriched":
		b.texts = append(b.texts, htmlText(decodeHTML(p)))
	default:
		b.texts = append(b.texts, unflow(decodeText(p.Content), p))
	}
}

// decodable says whether the transfer encoding of a part is one that was
// decoded. In others a text cannot be read.
func decodable(p *enmime.Part) bool {
	switch strings.ToLower(strings.TrimSpace(p.Header.Get("Content-Transfer-Encoding"))) {
	case "x-uuencode", "x-uue", "uuencode", "x-yencode", "x-binhex", "x-gzip64":
		return false
	}
	return true
}

// isBinary says whether what should be text is none: more than one byte in
// twenty is a control character. A wrong transfer encoding gives such "text".
func isBinary(content []byte) bool {
	controls := 0
	for _, c := range content {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
			controls++
		}
	}
	return controls > 3 && controls > len(content)/20
}

// file notes a part that is no text.
func (b *body) file(p *enmime.Part) {
	b.files = true
	if p.FileName != "" {
		b.names = append(b.names, strings.ToLower(strings.TrimSpace(p.FileName)))
	}
}

// decodeHTML returns the HTML of a part in UTF-8. Where the header names no
// charset, the HTML itself may.
func decodeHTML(p *enmime.Part) string {
	if p.Charset != undeclared || utf8.Valid(p.Content) && !isASCII(p.Content) {
		return decodeText(p.Content)
	}
	encoding, _, _ := charset.DetermineEncoding(p.Content, "text/html")
	text, err := encoding.NewDecoder().Bytes(p.Content)
	if err != nil {
		return decodeText(p.Content)
	}
	return string(text)
}

func isASCII(raw []byte) bool {
	for _, c := range raw {
		if c > 127 {
			return false
		}
	}
	return true
}

// unflow joins lines that the sender's program broke (RFC 3676): all that end in
// a space.
func unflow(text string, p *enmime.Part) string {
	if !strings.Contains(strings.ToLower(p.Header.Get("Content-Type")), "flowed") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		quoted := strings.HasPrefix(line, ">")
		line = strings.TrimPrefix(line, " ") // space-stuffing
		b.WriteString(line)
		if !strings.HasSuffix(line, " ") || line == "-- " || quoted {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
