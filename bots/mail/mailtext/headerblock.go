package mailtext

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxBlock bounds the header of a quoted mail, in lines.
const maxBlock = 14

var (
	// labelLine is "Von: …", "*Enviado el:* …", "תאריך: …": a few letters and a value.
	labelLine = regexp.MustCompile(`^(\pL[\pL\pM'’./ -]{0,24}?)[ *_]*:[ *_]*(.*)$`)
	// ruled is "-----Original Message-----", "------ 原始邮件 ------"; bare is the same
	// without words.
	ruled = regexp.MustCompile(`^[-–—_=]{2,}[^-–—_=].*\pL.*[^-–—_=][-–—_=]{2,}$`)
	bare  = regexp.MustCompile(`^[-–—_=]{5,}$`)
	long  = regexp.MustCompile(`^[-–—_=]{4}.*[-–—_=]{4}$`)
)

// original stands in rules and lines that need nothing else to be recognised.
var original = stemsOf([]string{"original", "forwarded", "ursprüngliche", "weitergeleitet", "transféré", "reenviado", "inoltrato", "encaminhada", "doorgestuurd", "vidarebefordra",
	"videresend", "przekazan", "переадресова", "пересыла", "iletilen", "転送", "转发", "轉寄"})

// isOriginal says whether one of them stands in a line.
func isOriginal(line string) bool { return original.within(strings.ToLower(line)) }

// head is what programs put above a quotation: a rule, an attribution or the header
// of the mail.
type head struct {
	end   int  // the line that follows it; 0 where there is none
	sure  bool // even if what follows is not marked as quoted
	block bool // it is as of a mail that is passed on
	weak  bool // words of this mail could look so: it is none at the top
}

// head looks for one that begins in line i.
func (l *letter) head(i int) head {
	if i >= len(l.plain) {
		return head{}
	}
	line := l.plain[i]
	if !isRule(line) {
		if l.isTornRule(i) {
			return head{end: i + 2, sure: true}
		}
		return l.introduction(i)
	}
	next := l.next(i + 1)
	known := isOriginal(line)
	near := next == i+1 || known || bare.MatchString(line) || long.MatchString(line)
	if h := l.introduction(next); h.end > 0 && near {
		return head{end: h.end, sure: true, block: h.block, weak: h.weak && !known}
	}
	label := next < len(l.plain) && isLabelled(l.plain[next])
	if bare.MatchString(line) {
		sure := label && (l.reply && l.findLabels(next) > 1 || evidenceOf(l.plain[next]).address) ||
			strings.HasPrefix(line, "____") && l.isListFooter(next)
		if label {
			next++
		}
		return head{end: next, sure: sure, block: label}.ifSure()
	}
	if label && near {
		return head{end: next + 1, sure: true, block: true}
	}
	strong := known || evidenceOf(line).strong()
	return head{end: l.unlabelled(i + 1), sure: strong || l.reply && long.MatchString(line), block: known, weak: !strong}.ifSure()
}

// unlabelled returns where the header of a mail without colons ends, right below a
// rule, or where it would begin.
func (l *letter) unlabelled(i int) int {
	end := i
	for end < min(i+maxBlock, len(l.plain)) && l.plain[end] != "" && !l.quoted(end) {
		end++
	}
	if e := evidenceOf(strings.Join(l.plain[i:end], " ")); e.address && e.dated() {
		return end
	}
	return i
}

// isListFooter says whether a few lines with an address or a link are the last ones:
// mailing lists add such.
func (l *letter) isListFooter(i int) bool {
	found := false
	for _, line := range l.plain[i:min(i+maxBlock, len(l.plain))] {
		found = found || strings.Contains(line, "://") || strings.Contains(line, "@")
	}
	return found && l.next(i+maxBlock) >= len(l.plain)
}

func isRule(line string) bool {
	r, _ := utf8.DecodeRuneInString(line)
	return strings.ContainsRune("-–—_=", r) && (ruled.MatchString(line) || bare.MatchString(line))
}

// isTornRule looks for "---- On … <address>" with "wrote ----" below it.
func (l *letter) isTornRule(i int) bool {
	if !strings.HasPrefix(l.plain[i], "--") || i+1 == len(l.plain) {
		return false
	}
	line := l.plain[i] + " " + l.plain[i+1]
	return isRule(line) && evidenceOf(line).strong()
}

// ifSure returns no head where it is none unless it is sure.
func (h head) ifSure() head {
	if !h.sure {
		return head{}
	}
	return h
}

// introduction looks for an attribution or the header of a mail, perhaps below a line
// such as "Begin forwarded message:".
func (l *letter) introduction(i int) head {
	if a, found := l.attributions[i]; found {
		return head{end: a.end, sure: a.sure, weak: a.weak}
	}
	if h := l.findBlock(i); h.end > 0 {
		return h
	}
	const most = 3 // words of a rule without its dashes
	if i >= len(l.plain) || len(l.plain[i]) > 100 {
		return head{}
	}
	if !strings.HasSuffix(l.plain[i], ":") && (len(strings.Fields(l.plain[i])) > most || !isOriginal(l.plain[i])) {
		return head{}
	}
	next := l.next(i + 1)
	switch h := l.findBlock(next); {
	case h.end > 0 && l.quoted(next):
		return head{end: i + 1, block: true}
	case isOriginal(l.plain[i]):
		return h
	}
	return head{}
}

// findLabels counts the lines from i on that have a label, up to two.
func (l *letter) findLabels(i int) int {
	n := 0
	for n < 2 && i+n < len(l.plain) && isLabelled(l.plain[i+n]) {
		n++
	}
	return n
}

// findBlock looks for the header of a mail in line i and those below: three or more
// with a label, an address or a date and time among them. Each may be a paragraph.
func (l *letter) findBlock(i int) (h head) {
	labels, spaced := 0, false
	var text strings.Builder
	for k := i; k < min(i+maxBlock, len(l.plain)); k++ {
		line := strings.TrimLeft(l.plain[k], "> *")
		switch {
		case line != "" && l.quoted(k) != l.quoted(i):
			return l.blockOf(h, labels, text.String())
		case isLabelled(line):
			labels++
		case line == "" && labels == 1 && h.end == k && l.isSpaced(k+1):
			spaced = true
			continue
		case line == "" && spaced && h.end == k:
			continue
		case labels > 0 && h.end == k && l.continues(k):
		default:
			return l.blockOf(h, labels, text.String())
		}
		h.end = k + 1
		text.WriteString(line + "\n")
	}
	return l.blockOf(h, labels, text.String())
}

// isSpaced says whether line i is a paragraph of its own.
func (l *letter) isSpaced(i int) bool { return i+1 >= len(l.plain) || l.plain[i+1] == "" }

// blockOf says whether so many labels with such a text are the header of a mail. One
// without an address is weak, unless it holds the subject that is answered.
func (l *letter) blockOf(h head, labels int, text string) head {
	if labels < 2 {
		return head{}
	}
	e := evidenceOf(text)
	if labels == 2 && !(e.address && e.dated()) || !e.address && !e.dated() {
		return head{}
	}
	return head{end: h.end, sure: e.address || l.reply, block: true, weak: !e.address && !l.holdsSubject(text)}
}

// holdsSubject says whether a line has the subject of this mail as its value, with or
// without what programs put before it.
func (l *letter) holdsSubject(text string) bool {
	const telling = 6 // bytes
	bare := strings.TrimSpace(l.subject[strings.LastIndex(l.subject, ":")+1:])
	for line := range strings.SplitSeq(text, "\n") {
		_, value, _ := strings.Cut(line, ":")
		value = strings.ToLower(strings.Trim(value, " *"))
		if value != "" && strings.HasSuffix(l.subject, value) || len(bare) >= telling && strings.HasSuffix(value, bare) {
			return true
		}
	}
	return false
}

// continues says whether a line is the rest of the one above, as a list of addresses.
func (l *letter) continues(k int) bool {
	above := l.plain[k-1]
	if k+1 < len(l.plain) && l.plain[k] != "" && isLabelled(l.plain[k+1]) {
		return true
	}
	return strings.HasSuffix(above, ",") || strings.HasSuffix(above, ";") || strings.HasSuffix(above, "<") ||
		strings.Contains(l.plain[k], "@") || strings.HasPrefix(l.lines[k], " ") || strings.HasPrefix(l.lines[k], "\t")
}

func isLabelled(plain string) bool {
	if !strings.Contains(plain, ":") { // as nearly every line
		return false
	}
	m := labelLine.FindStringSubmatch(plain)
	return m != nil && !strings.HasPrefix(m[2], "//") && strings.Count(m[1], " ") < 3
}
