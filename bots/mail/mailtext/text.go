package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const (
	// maxRaw bounds how much of a mail's text is looked at, in bytes. Quotes and
	// signatures are among it; a report is far shorter.
	maxRaw = 128 << 10
	// maxText bounds the report, in characters. The censor takes fewer.
	maxText = 10_000
)

// written is what goes to the others: subject and text.
func (m *message) written(b *body) (own, text string) {
	w := newWriter(m)
	text = b.text(w)
	if b.encrypted && text == "" {
		// Its subject is a placeholder, or was not meant for everybody.
		return "", ""
	}
	m.named = w.named
	return m.ownSubject(b, w, text), text
}

// text is what was written into the mail itself.
func (b *body) text(w *writer) string {
	var written []string
	left := maxRaw
	for _, t := range b.texts {
		t = strings.ToValidUTF8(t[:min(len(t), left)], "\uFFFD")
		left = max(0, left-len(t))
		if t = b.clean(t, w); t != "" {
			written = append(written, t)
		}
	}
	return strings.Join(written, "\n")
}

// clean removes from a text what nobody wrote for this mail.
func (b *body) clean(text string, w *writer) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.ReplaceAll(text, "\u00a0", " ")
	text = picture.ReplaceAllString(text, "")
	lines := strings.Split(text, "\n")
	lines, encrypted := dropBlocks(lines)
	b.encrypted = b.encrypted || encrypted
	lines = b.dropMIME(lines)
	lines = cutQuotes(lines, b.quoting, w.dropSignature)
	return w.clean(dropClosing(cleanText(strings.Join(lines, "\n")), w))
}

// isFileName says whether the subject names a file that was sent: some programs
// fill it in so.
func (b *body) isFileName(subject string) bool {
	for _, name := range b.names {
		if name != "" && strings.Contains(strings.ToLower(subject), name) {
			return true
		}
	}
	return false
}

// beginsWith says whether text begins with subject. Case and white space do not
// count.
func beginsWith(text, subject string) bool {
	subject = strings.ToLower(strings.Join(strings.Fields(subject), " "))
	var begin strings.Builder
	for word := range strings.FieldsSeq(text) {
		if begin.Len() >= len(subject) {
			break
		}
		if begin.Len() > 0 {
			begin.WriteByte(' ')
		}
		begin.WriteString(strings.ToLower(word))
	}
	return strings.HasPrefix(begin.String(), subject)
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

var (
	// autolink is an address or a link in angle brackets.
	autolink = regexp.MustCompile(`<((?:https?://|mailto:)?[^<>\s]+[@/][^<>\s]+)>`)
	// picture is what programs put in the place of one: "[cid:image001.png@01DA]".
	picture = regexp.MustCompile(`\[(?:cid:|image: ?)[^\]\s]{1,120}\]`)
	// tag is what looks like HTML.
	tag = regexp.MustCompile(`</?([a-zA-Z!?][^\s<>/]*)((?:[\s/][^<>]*)?)>`)
	// frame is an encoded word that could not be decoded, or the first or last
	// line of a PGP block that does not stand on a line of its own.
	frame = regexp.MustCompile(`=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=|-{3,}\s*(?:BEGIN|END) PGP[^\n-]*-*`)
	// opening is where a tag may begin.
	opening = regexp.MustCompile(`<([a-zA-Z/!?])`)
	// comment is HTML's.
	comment = regexp.MustCompile(`<!--[^<>]*-->`)
)

// cleanText makes text fit to be shown: without control characters, HTML, white
// space at the ends and more than one blank line in a row.
func cleanText(text string) string {
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	text = dropBlobs(dropTags(text))
	var b strings.Builder
	b.Grow(len(text) + 1)
	blank := 0
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if line == "" {
			blank++
			continue
		}
		if blank > 0 && b.Len() > 0 {
			b.WriteByte('\n')
		}
		blank = 0
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// printable drops control characters. Those from U+0080 to U+009F were meant as
// Windows-1252, as "€", in a mail that said it was ISO 8859-1.
func printable(r rune) rune {
	switch {
	case r >= ' ' && r <= '~':
		return r
	case r >= 0x80 && r <= 0x9f:
		return charmap.Windows1252.DecodeByte(byte(r))
	case r == '\n' || r == '\t' || r == '\u200d' || !unicode.Is(unicode.C, r):
		return r
	}
	return -1
}

// dropTags removes what looks like HTML in a plain text. Of a word in angle
// brackets that is no tag only these go: somebody wrote it.
func dropTags(text string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	text = comment.ReplaceAllString(text, "")
	text = unwrapLinks(text)
	closed := map[string]bool{}
	for _, m := range tag.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[0], "</") {
			closed[m[1]] = true
		}
	}
	text = tag.ReplaceAllStringFunc(text, func(s string) string {
		name := tag.FindStringSubmatch(s)[1]
		if closed[name] || isTagName(name) {
			return ""
		}
		return strings.Trim(s, "</>")
	})
	if tag.MatchString(text) {
		// Tags were within tags, and what is left of the outer ones is a tag.
		text = opening.ReplaceAllString(text, "$1")
	}
	return text
}

// unwrapLinks removes the angle brackets around links and addresses; a blank takes
// their place where a word would stick to them.
func unwrapLinks(text string) string {
	var b strings.Builder
	done := 0
	for _, m := range autolink.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[done:m[0]])
		if before, _ := utf8.DecodeLastRuneInString(text[:m[0]]); sticks(before) || before == '>' {
			b.WriteByte(' ')
		}
		b.WriteString(text[m[2]:m[3]])
		done = m[1]
		if after, _ := utf8.DecodeRuneInString(text[done:]); sticks(after) {
			b.WriteByte(' ')
		}
	}
	return b.String() + text[done:]
}

// dropBlobs puts a blank in place of pieces of files and keys: frames, and long
// words of many letters. Where two overlap, the first one counts.
func dropBlobs(text string) string {
	var kept strings.Builder
	done := 0 // text up to here is in kept, or dropped
	frames := frameFinder{text: text, none: !strings.Contains(text, "=?") && !strings.Contains(text, " PGP")}
	for at := 0; at < len(text); {
		start, end := frames.next(at)
		if wordStart, wordEnd := findLongWord(text, at, start); wordStart >= 0 {
			start, end = wordStart, wordEnd
			if !manyLetters(text[start:end]) {
				at = end
				continue
			}
			start, end = aroundWord(text, done, start, end)
		}
		if start == len(text) {
			break
		}
		kept.WriteString(text[done:start])
		kept.WriteByte(' ')
		done, at = end, end
	}
	kept.WriteString(text[done:])
	return kept.String()
}

// aroundWord returns where the link or the token begins that holds a word, not before
// from, and where it ends: nothing is left of it that could still be read.
func aroundWord(text string, from, start, end int) (int, int) {
	const around = space + `<>()[]{}"`
	linkStart := from + 1 + strings.LastIndexAny(text[from:start], around)
	linkEnd := end + strings.IndexAny(text[end:]+" ", around)
	if link := text[linkStart:linkEnd]; strings.Contains(link, "/") && strings.ContainsAny(link, ".:") {
		if linkStart > from && linkEnd < len(text) && slices.Contains([]string{"()", "<>", "[]"}, text[linkStart-1:linkStart]+text[linkEnd:linkEnd+1]) {
			return linkStart - 1, linkEnd + 1
		}
		return linkStart, linkEnd
	}
	ofToken := func(c byte) bool { return isBase64(c) || c == '-' || c == '_' }
	for start > from && ofToken(text[start-1]) {
		start--
	}
	for end < len(text) && ofToken(text[end]) {
		end++
	}
	return start, end
}

// frameFinder finds the frames of a text one after the other and looks at the
// text once for all of them.
type frameFinder struct {
	text       string
	none       bool // there are no more
	start, end int  // of the frame found last
}

// next returns where the first frame from an index on begins and ends, or twice
// the end of the text. The index must not be lower than that of the call before.
func (f *frameFinder) next(from int) (start, end int) {
	if !f.none && (f.end == 0 || f.start < from) {
		found := frame.FindStringIndex(f.text[from:])
		if f.none = found == nil; !f.none {
			f.start, f.end = from+found[0], from+found[1]
		}
	}
	if f.none {
		return len(f.text), len(f.text)
	}
	return f.start, f.end
}
