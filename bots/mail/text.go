package mail

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxRaw bounds how much of a mail's text is looked at, in bytes: quotes and
// signatures among it, a report is far shorter.
const maxRaw = 64 << 10

// report is what goes to the others: subject and text. The subject is left out
// where it is empty, begins the text, or belongs to the mail that is answered.
func (b *body) report(subject string) string {
	text := b.text()
	if b.encrypted && text == "" {
		// The subject of an encrypted mail is a placeholder, or was not meant
		// to be read by others.
		return ""
	}
	subject = cleanText(subject)
	if isReplySubject(subject) || b.isFileName(subject) || strings.HasPrefix(fold(text), fold(subject)) {
		subject = ""
	}
	return cut(strings.TrimSpace(subject+"\n"+text), maxText)
}

// text is what was written into the mail itself.
func (b *body) text() string {
	var written []string
	for _, t := range b.texts {
		if t = b.clean(t); t != "" {
			written = append(written, t)
		}
	}
	return strings.Join(written, "\n")
}

// clean removes from a text everything that nobody wrote.
func (b *body) clean(text string) string {
	text = strings.ReplaceAll(text[:min(len(text), maxRaw)], "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.ReplaceAll(text, "\u00a0", " ")
	lines := strings.Split(text, "\n")
	lines, encrypted := dropBlocks(lines)
	b.encrypted = b.encrypted || encrypted
	lines = b.dropMIME(lines)
	return cleanText(cutQuotes(strings.Join(lines, "\n")))
}

// replyPrefix is what programs put before the subject of the mail that is
// answered or forwarded, as "Re:", "AW:", "Re[2]:", "Fwd:", "WG:".
var replyPrefix = regexp.MustCompile(`(?i)^\s*(re|aw|antw|antwort|sv|vs|fw|fwd|wg|wtr|tr|rv)\s*(\[\d+\]|\(\d+\))?\s*:`)

func isReplySubject(subject string) bool { return replyPrefix.MatchString(subject) }

// isFileName says whether a program made the subject of the name of a file
// that was sent.
func (b *body) isFileName(subject string) bool {
	for _, name := range b.names {
		if name != "" && strings.Contains(strings.ToLower(subject), name) {
			return true
		}
	}
	return false
}

// fold makes texts comparable that differ in case and white space.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

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
	// tag is what looks like HTML.
	tag = regexp.MustCompile(`</?([a-zA-Z!?][^\s<>/]*)((?:[\s/][^<>]*)?)>`)
	// blob is a piece of a file or a key, where nobody writes a word that
	// long; an encoded word that could not be decoded; or the frame of a PGP
	// block whose lines were not told apart.
	blob = regexp.MustCompile(`[A-Za-z0-9+/]{60,}={0,2}|=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=|-{3,}\s*(?:BEGIN|END) PGP[^\n-]*-*`)
	// opening is where a tag may begin.
	opening = regexp.MustCompile(`<([a-zA-Z/!?])`)
	// comment is one of HTML.
	comment = regexp.MustCompile(`<!--[^<>]*-->`)
)

// cleanText makes text fit to be shown: no control characters, nothing that
// looks like HTML, no blank lines but single ones, no white space at the ends.
func cleanText(text string) string {
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	text = blob.ReplaceAllStringFunc(dropTags(text), dropBlob)
	var b strings.Builder
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
		b.WriteString(line + "\n")
	}
	return strings.TrimSpace(b.String())
}

// printable drops control characters. Those from U+0080 to U+009F are
// characters of Windows-1252 in a text that says it is ISO 8859-1, as "€".
func printable(r rune) rune {
	switch {
	case r >= 0x80 && r <= 0x9f:
		return charmap.Windows1252.DecodeByte(byte(r))
	case r == '\n' || r == '\t' || r == '\u200d' || !unicode.Is(unicode.C, r):
		return r
	}
	return -1
}

// dropTags removes what looks like HTML in a plain text. A word in angle
// brackets that is no tag stays, without them: somebody wrote it.
func dropTags(text string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	text = comment.ReplaceAllString(text, "")
	text = autolink.ReplaceAllString(text, "$1")
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
		// Tags within tags: what is left of the outer ones is a tag again.
		text = opening.ReplaceAllString(text, "$1")
	}
	return text
}

// dropBlob returns what stands in place of something that blob matches: a
// blank, or a long word of few letters as it is.
func dropBlob(found string) string {
	if isLongWord(found) && !manyLetters(found) {
		return found
	}
	return " "
}
