package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	addressPart = regexp.MustCompile(`[^\s<>@]+@[\pL\d-]+\.?[^\s<>]*`)
	// fullDate is "26.11.26", "2026-11-26", "11/26/2026", "2026. 11. 26.", "26-Nov-26",
	// "8年11月26日".
	fullDate = regexp.MustCompile(`\d{1,4}(?:[./-] ?)\d{1,2}(?:[./-] ?)\d{1,4}|\d{1,2}[-/]\pL{3,4}[-/]\d{2}|\d ?[年년] ?\d{1,2} ?[月월]`)
	// year is one of our calendar, the Iranian or the Thai one.
	year = regexp.MustCompile(`(?:^|\D)(?:1[34]|19|20|25)\d\d(?:\D|$)`)
	// timeOfDay is "9:58", "09.58", "9h58", "9 時 58"
	timeOfDay = regexp.MustCompile(`(?:^|\D)(?:[01]?\d|2[0-3]) ?[:.hH時点點시] ?[0-5]\d(?:\D|$)`)
	dayAtEnd  = regexp.MustCompile(`(?:^|\s)\d{1,2}\.$`)
	// wrote is the verb of attributions that name nobody's address and no date. There
	// are others: this is for what rules without words cannot know.
	wrote = regexp.MustCompile(`(?i)(schrieb|geschrieben|wrote|writes|écrit|escribió|escreveu|scritto|scrive|schreef|napisała?|pisze|skrev|skriver|kirjoitti|yazdı|писала?|пишет|írta|napsala?|a scris|έγραψε|写道|寫道|書きました|כתב/?ה?|كتبت?|نوشت) ?:$`)
)

// evidence is what a line holds of what attributions and headers of mails hold.
type evidence struct{ address, digit, date, time bool }

// evidenceOf looks at a line as plainLine makes it. Digits of an address are no digits.
func evidenceOf(plain string) (e evidence) {
	rest := plain
	if strings.Contains(plain, "@") {
		rest = addressPart.ReplaceAllString(plain, " ")
		e.address = rest != plain
	}
	if e.digit = strings.ContainsAny(rest, "0123456789"); !e.digit {
		return e
	}
	e.date = year.MatchString(rest)
	if bare := fullDate.ReplaceAllString(rest, " "); bare != rest {
		rest, e.date = bare, true
	}
	e.time = timeOfDay.MatchString(rest)
	return e
}

// dated says whether it holds a date and a time.
func (e evidence) dated() bool { return e.date && e.time }

// strong says whether it is enough for an attribution.
func (e evidence) strong() bool { return e.address && e.digit || e.dated() }

// attribution is one to three lines above a quotation: "On … wrote:".
type attribution struct {
	end  int  // the line that follows it
	sure bool // even if what follows is not marked as quoted
	weak bool // words of this mail could look so, and there is another quotation
}

// findAttributions finds them all, by the line in which each begins.
func (l *letter) findAttributions() {
	l.attributions = map[int]attribution{}
	foreign := slices.ContainsFunc(l.plain, isForeign)
	for last, line := range l.plain {
		switch {
		case l.quoted(last):
		case strings.HasSuffix(line, ":"):
			start, e := l.attributionStart(last)
			verb := wrote.MatchString(line)
			if sure := e.strong() || e.digit && verb; sure || e.address || e.date || verb {
				weak := !e.address && !verb && foreign
				l.attributions[start] = attribution{end: last + 1, sure: sure && (e.address || l.reply), weak: weak}
			}
		case strings.Contains(line, "@") && l.quoted(l.next(last+1)) && evidenceOf(line).date:
			l.attributions[last] = attribution{end: last + 1}
		}
	}
}

// isForeign says whether a line is surely of another mail or introduces one.
func isForeign(plain string) bool {
	return isQuoted(plain) || strings.Contains(plain, "@") || strings.HasSuffix(plain, ":") && wrote.MatchString(plain)
}

// attributionStart returns the first line of an attribution whose last one is given,
// and what stands in it. It is the shortest that will do, as words of this mail may
// stand right above; but a date there belongs to one that has none.
func (l *letter) attributionStart(last int) (start int, e evidence) {
	start, joined := last, l.plain[last]
	e = evidenceOf(joined)
	for i := last - 1; i >= max(0, last-2) && l.plain[i] != "" && !l.quoted(i); i-- {
		torn := isTorn(l.plain[i], l.plain[i+1]) && !(e.address && e.dated())
		joined = l.plain[i] + " " + joined
		longer := evidenceOf(joined)
		switch {
		case torn, longer.date && !e.date, longer.address && !e.address && e.strong(), !e.strong() && !e.address && longer.strong(),
			!e.strong() && e.address && startsLow(l.plain[i+1]):
			start, e = i, longer
		case e.strong() || e.address:
			return start, e
		}
	}
	return start, e
}

// isTorn says whether two lines were one: a date or an address is broken.
func isTorn(above, below string) bool {
	return strings.HasPrefix(below, "<") || strings.HasSuffix(above, "<") || strings.HasSuffix(above, "(") || dayAtEnd.MatchString(above)
}

func startsLow(plain string) bool {
	r, _ := utf8.DecodeRuneInString(plain)
	return unicode.IsLower(r)
}

// plainLine is a line as rules look at it: bounded, without marks of direction and
// emphasis, with one kind of space, digits and colons of ASCII.
func plainLine(line string) string {
	if len(line) > maxQuoteLine {
		line = strings.ToValidUTF8(line[:maxQuoteLine], "") + "…"
	}
	if isPlain(line) {
		return strings.Trim(line, " \t*")
	}
	line = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case r == '：':
			return ':'
		case unicode.IsDigit(r):
			return asciiDigit(r)
		}
		return r
	}, line)
	return strings.Trim(line, " *")
}

// isPlain says whether plainLine changes nothing but the ends of a line.
func isPlain(line string) bool {
	for i := range len(line) {
		if c := line[i]; c >= 0x80 || c == '\t' {
			return false
		}
	}
	return true
}

// asciiDigit returns the digit of ASCII for one of another script. Unicode has those
// of each in a row, from zero on.
func asciiDigit(r rune) rune {
	zero := r
	for zero > r-9 && unicode.IsDigit(zero-1) {
		zero--
	}
	return '0' + r - zero
}
