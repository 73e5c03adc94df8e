package mailtext

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/jhillyerd/enmime/v2"
)

// body is what was found in the parts of a mail.
type body struct {
	texts      []string // what was written, in order
	attached   []string // text in files, in order
	encrypted  bool     // something is encrypted
	winmail    bool     // something is in Outlook's own format
	files      bool     // something is a picture or another file
	names      []string // names of the files, lower case
	boundaries []string // of all multiparts
	quoting    quoting
}

// readBody collects the texts of a mail.
func readBody(root *enmime.Part) *body {
	b := &body{}
	b.read(root, 0)
	switch {
	case len(b.attached) == 0:
	case b.isBlank():
		b.texts = b.attached
	default:
		b.files = true
	}
	return b
}

func (b *body) isBlank() bool { return strings.TrimSpace(strings.Join(b.texts, "")) == "" }

func (b *body) read(p *enmime.Part, depth int) {
	if p == nil || depth > maxDepth {
		return
	}
	if p.Boundary != "" {
		b.boundaries = append(b.boundaries, "--"+p.Boundary)
	}
	kind := strings.ToLower(p.ContentType)
	switch {
	case kind == "multipart/encrypted":
		b.encrypted = true
	case isSMIME(kind, fileName(p)):
		b.readSMIME(p, depth)
	case p.FirstChild != nil && kind == "multipart/alternative":
		b.readAlternatives(p, depth)
	case p.FirstChild != nil && kind == "multipart/related" && !strings.EqualFold(p.FirstChild.ContentType, "application/smil"):
		b.readRelated(p, depth)
	case p.FirstChild != nil:
		for c := p.FirstChild; c != nil; c = c.NextSibling {
			b.read(c, depth+1)
		}
	default:
		b.leaf(p, kind)
	}
}

// readRelated reads the text, which is mostly the first part; the others are its
// pictures (RFC 2387).
func (b *body) readRelated(p *enmime.Part, depth int) {
	found := false
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		kind := strings.ToLower(c.ContentType)
		named := isText(kind) && fileName(c) != "" // as gateways send what was written
		if !named && (found || !isText(kind) && !strings.HasPrefix(kind, "multipart/")) {
			b.file(c)
			continue
		}
		found = true
		b.read(c, depth+1)
	}
}

// readSMIME reads the mail within a signed one.
func (b *body) readSMIME(p *enmime.Part, depth int) {
	content, ok := signedContent(p.Content)
	if !ok {
		b.encrypted = true
		return
	}
	if inner, err := readParts(content); err == nil {
		b.read(inner, depth+1)
	}
}

// readAlternatives takes one version of the text: the plain one, or, where that
// is empty or says nothing but that there is another, the first other one.
func (b *body) readAlternatives(p *enmime.Part, depth int) {
	var plain, other *body
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		version := &body{}
		version.read(c, depth+1)
		b.encrypted = b.encrypted || version.encrypted
		b.winmail = b.winmail || version.winmail
		b.files = b.files || version.files
		b.names = append(b.names, version.names...)
		b.attached = append(b.attached, version.attached...)
		b.boundaries = append(b.boundaries, version.boundaries...)
		switch {
		case version.isBlank():
		case strings.EqualFold(c.ContentType, "text/plain") && plain == nil:
			plain = version
		case other == nil:
			other = version
		}
	}
	switch {
	case plain != nil && (other == nil || !plain.isPlaceholderOf(other)):
		b.texts = append(b.texts, plain.texts...)
	case other != nil:
		b.texts = append(b.texts, other.texts...)
	}
}

// maxPlaceholder bounds, in bytes, what may stand in place of a text that a
// program cannot show.
const maxPlaceholder = 500

// isPlaceholderOf says whether the text stands in place of another one: it is
// short, and most words of either are not in the other.
func (b *body) isPlaceholderOf(other *body) bool {
	text := strings.Join(b.texts, "\n")
	if len(text) > maxPlaceholder {
		return false
	}
	mine, theirs := wordsOf(text), wordsOf(cut(strings.Join(other.texts, "\n"), maxText))
	common := 0
	for word := range mine {
		if theirs[word] {
			common++
		}
	}
	return 2*common < len(mine) && 2*common < len(theirs)
}

func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		words[word] = true
	}
	return words
}

func (b *body) leaf(p *enmime.Part, kind string) {
	switch {
	case strings.HasPrefix(kind, "application/pgp"):
		b.encrypted = b.encrypted || kind == "application/pgp-encrypted"
	case isWinmail(p, kind):
		b.winmail = true
	case isCompanion(kind):
	case strings.HasPrefix(kind, "multipart/") && p.Parent == nil:
		// A multipart whose parts could not be told apart is one text.
		b.texts = append(b.texts, string(p.Content))
	case !isText(kind) || isFile(p):
		b.file(p)
	case !decodable(p) || isBinary(p.Content):
		b.files = true
	case p.Parent != nil && isAside(p):
		b.name(p)
		b.attached = append(b.attached, partText(p, kind))
	default:
		b.texts = append(b.texts, partText(p, kind))
	}
}

// isWinmail says whether a part is Outlook's text and files in a format of its
// own (TNEF).
func isWinmail(p *enmime.Part, kind string) bool {
	return kind == "application/ms-tnef" || kind == "application/vnd.ms-tnef" || fileName(p) == "winmail.dat"
}

// isCompanion says whether a kind of part stands beside a text and tells nothing
// that is not in it.
func isCompanion(kind string) bool {
	switch kind {
	case "application/pkcs7-signature", "application/x-pkcs7-signature", "text/rfc822-headers", "application/smil", "text/x-amp-html", "text/watch-html":
		return true
	}
	return isCalendar(kind)
}

// gatewayName is how gateways from telephones name the text of a message, and
// Exchange what stands below a picture.
var gatewayName = regexp.MustCompile(`^(text|msg|message|mms|sms|body|part|att|noname|nachricht)?[ _-]?\d*\.(txt|html?)$`)

// isFile says whether a text was attached by a person, who did not write it into
// the mail.
func isFile(p *enmime.Part) bool {
	name := fileName(p)
	return p.Parent != nil && strings.EqualFold(p.Disposition, "attachment") && name != "" && !gatewayName.MatchString(name)
}

// isAside says whether a text is the mail's only where nothing else is.
func isAside(p *enmime.Part) bool {
	return strings.EqualFold(p.Disposition, "attachment") || p.FileName != "" && !strings.EqualFold(p.Disposition, "inline")
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
	b.name(p)
}

func (b *body) name(p *enmime.Part) {
	if name := fileName(p); name != "" {
		b.names = append(b.names, name)
	}
}

// fileName is the name of a part's file in lower case.
func fileName(p *enmime.Part) string { return strings.ToLower(strings.TrimSpace(p.FileName)) }
