package mailtext

import (
	"regexp"
	"slices"
	"strings"
)

// otherMark begins a quoted line in some programs' answers, perhaps with initials.
var otherMark = regexp.MustCompile(`^(?:(?:\p{Lu}{1,3}|\p{Ll}{1,2})>|[|»›])`)

// ourLink is one that holds for one subscriber, here or in the mails of Ticketfrei 2 and Kibicara.
var ourLink = regexp.MustCompile(`/city/[^/\s]+/mail/\w+/\S|/city/mail/\w+/\S|/hoods/\d+/email-\w+\?token=`)

const (
	// maxQuoteLine bounds how much of a line is looked at, in bytes.
	maxQuoteLine = 400
	// maxForwards is how many quotations within each other are looked into for the
	// words of a mail that has none of its own.
	maxForwards = 4
)

// cutQuotes keeps what was written for this mail: no quotation, no signature. Of a
// mail that is nothing but another one, forwarded, it keeps what was written there.
// It returns none where all that is left is an answer's quotation. What it keeps in a
// row is handed to cutSignature.
func cutQuotes(lines []string, q quoting, cutSignature func([]string) []string) []string {
	q.cutSignature = cutSignature
	l := newLetter(lines, q)
	own := l.own()
	if !hasWords(own) {
		below, found := belowFooter(lines, q)
		if found || q.ours || q.reply && l.namesCityAnywhere() {
			return below
		}
	}
	var header []string
	for range maxForwards {
		if hasWords(own) {
			return own
		}
		lines, above := l.forwarded()
		if lines == nil {
			return nil
		}
		header = append(header, above...)
		l = newLetter(lines, q)
		own = cutName(l.own(), header)
	}
	return nil
}

// belowFooter returns what was written below one of our mails that was not marked as
// quoted, and whether it is one: they end in links for one subscriber.
func belowFooter(lines []string, q quoting) (below []string, found bool) {
	lines = unquote(lines)
	for i, line := range slices.Backward(lines) {
		if ourLink.MatchString(line) {
			return newLetter(lines[i+1:], q).own(), true
		}
	}
	return nil, false
}

// letter is a text in which quotations are looked for.
type letter struct {
	quoting
	lines        []string
	plain        []string // each of lines, as plainLine makes it
	attributions map[int]attribution
	arrows       bool // lines that begin with ">" are not quoted
}

func newLetter(lines []string, q quoting) *letter {
	l := &letter{quoting: q, lines: lines, plain: make([]string, len(lines))}
	for i, line := range lines {
		l.plain[i] = plainLine(line)
		if q.reply && !isFramed(l.plain[i]) {
			l.plain[i] = otherMark.ReplaceAllString(l.plain[i], ">")
		}
	}
	l.findAttributions()
	l.arrows = l.findArrows()
	return l
}

// own returns the lines that are no part of a quotation or signature. A signature
// ends where a quotation begins: some answer below it.
func (l *letter) own() []string {
	var own, part []string
	above, begun := false, false // words stand in own, and in part
	cutPart := func() {
		part = l.cutSignature(part)
		above = above || hasWords(part)
		own, part, begun = append(own, part...), nil, false
	}
	for i := 0; i < len(l.lines); {
		end, found := l.quotation(i, above || begun)
		if found {
			cutPart()
		} else {
			part = append(part, l.lines[i:end]...)
			begun = begun || l.plain[i] != ""
		}
		i = end
	}
	cutPart()
	return own
}

// quotation returns the line that follows what begins in line i and was not written
// for this mail. After an attribution or the header of another mail only quoted lines
// are left out, so that answers below and between them stay; where none is quoted,
// everything is. Written says whether words stand above. What is not found are words of
// this mail up to the line returned.
func (l *letter) quotation(i int, written bool) (end int, found bool) {
	switch {
	case l.quoted(i) && l.arrows:
		return i + 1, false
	case l.isGroupWise(i):
		return len(l.lines), true
	case l.quoted(i):
		return i + 1, true
	}
	h := l.head(i)
	switch {
	case h.end > 0 && l.quoted(l.next(h.end)):
		return l.next(h.end), true
	case h.sure && (written || !h.weak) || (l.reply || written) && l.namesCity(i):
		return len(l.lines), true
	case h.sure: // it is weak
		return h.end, false
	}
	return i + 1, false
}

// forwarded returns the text of the mail that this one is made of, and the header above
// it: what follows its first attribution or header, or is marked as quoted. It is nil
// where there is none, or where somebody else's words are quoted in an answer.
func (l *letter) forwarded() (text, header []string) {
	for i := range l.lines {
		if l.quoted(i) {
			break
		}
		if h := l.head(i); h.end > 0 && (h.sure || l.quoted(l.next(h.end))) {
			if l.reply && !h.block {
				return nil, nil
			}
			return unquote(l.lines[h.end:]), l.plain[i:h.end]
		}
	}
	first := slices.IndexFunc(l.plain, func(line string) bool { return isQuoted(line) && strings.Trim(line, "> ") != "" })
	if first < 0 {
		return nil, nil
	}
	inner := unquote(l.lines[first:])
	if l.reply && !newLetter(inner, l.quoting).isForward() {
		return nil, nil
	}
	return inner, nil
}

// isForward says whether a text begins as that of a mail that is passed on. A line that
// says so may stand above.
func (l *letter) isForward() bool {
	first := l.next(0)
	return l.head(first).block || l.head(l.next(first+1)).block
}

// unquote removes one level of quotation, if the first line with words has one.
func unquote(lines []string) []string {
	first := slices.IndexFunc(lines, func(line string) bool { return plainLine(line) != "" })
	if first < 0 || !isQuoted(plainLine(lines[first])) {
		return lines
	}
	bare := make([]string, len(lines))
	for i, line := range lines {
		line, _ := strings.CutPrefix(strings.TrimLeft(line, " \t"), ">")
		bare[i], _ = strings.CutPrefix(line, " ")
	}
	return bare
}

// findArrows says whether all that seems to be quoted is what somebody wrote so: single
// lines right below others, in a mail that answers none.
func (l *letter) findArrows() bool {
	if l.reply || len(l.attributions) > 0 {
		return false
	}
	for i, line := range l.plain {
		if isQuoted(line) && (i == 0 || l.plain[i-1] == "" || l.quoted(i-1) || strings.Trim(line, "> ") == "") {
			return false
		}
	}
	return true
}

// isGroupWise looks for the line by which GroupWise introduces a quotation that it does
// not mark: ">>> Name <address> 26.11.2026 09:58 >>>".
func (l *letter) isGroupWise(i int) bool {
	line := l.plain[i]
	return strings.HasPrefix(line, ">>>") && (strings.HasSuffix(line, ">") || strings.HasSuffix(line, ":")) &&
		(i == 0 || !l.quoted(i-1)) && !l.quoted(l.next(i+1)) && evidenceOf(line).dated()
}

func isQuoted(plain string) bool { return strings.HasPrefix(plain, ">") }

// isFramed says whether a line stands between marks: "»U1«", "| U1 | Plärrer |".
func isFramed(plain string) bool {
	return strings.HasPrefix(plain, "»") && strings.HasSuffix(plain, "«") ||
		len(plain) > 1 && strings.HasPrefix(plain, "|") && strings.HasSuffix(plain, "|")
}

func (l *letter) quoted(i int) bool { return i < len(l.plain) && isQuoted(l.plain[i]) }

// next returns the first line from i on that is not blank.
func (l *letter) next(i int) int {
	for i < len(l.plain) && l.plain[i] == "" {
		i++
	}
	return i
}

func (l *letter) namesCityAnywhere() bool {
	for i := range l.lines {
		if l.namesCity(i) {
			return true
		}
	}
	return false
}

func (l *letter) namesCity(i int) bool {
	if !strings.Contains(l.plain[i], "@") {
		return false
	}
	line := strings.ToLower(l.plain[i])
	return slices.ContainsFunc(l.cities, func(address string) bool { return strings.Contains(line, address) })
}

func hasWords(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return plainLine(line) != "" })
}
