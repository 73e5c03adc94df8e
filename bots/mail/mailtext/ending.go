package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

// ending looks at the last lines of a mail for what people write below it: a formula,
// their name, how to reach them.
type ending struct {
	lines []string
	w     *writer
}

const (
	// maxSignature is how many lines are looked at.
	maxSignature = 30
	maxNameLine  = 60 // characters
	// maxNameBytes bounds what is taken for a name.
	maxNameBytes = 4 * maxNameLine
)

// start returns where the last lines begin that are no part of the report, or how many
// lines there are.
func (e ending) start() int {
	n := len(e.lines)
	for i := max(0, n-maxSignature); i < n; i++ {
		if !isBlank(e.lines[i]) && (e.isClosing(i) || e.isNameBlock(i)) {
			return i
		}
	}
	last := n - 1
	for last > 0 && strings.TrimSpace(withoutLinks(e.lines[last])) == "" && e.isContact(e.lines[last-1]) {
		last--
	}
	switch {
	case e.isContact(e.lines[last]):
		return e.blockStart(last)
	case e.isNameLine(last):
		return last
	}
	return e.addressStart(last)
}

// isClosing says whether line i is a formula that nothing but a signature follows.
func (e ending) isClosing(i int) bool {
	formula, name := cutClosing(e.lines[i])
	if formula == "" {
		return false
	}
	rest := e.rest(i + 1)
	alone := i > 0 && isBlank(e.lines[i-1]) // a weak formula that ends the mail
	switch strong := closings[formula]; {
	case isOrigin(name) && i > 0 && len(rest) > 0 && e.w.isName(rest[0]):
		return e.areContacts(rest[1:], true)
	case name != "":
		known := e.w.isName(name)
		named := known || strong && i > 0 && (e.w.mayBeName(name) || len(rest) == 0 && isSmallName(name))
		return named && e.areContacts(rest, known)
	case len(rest) == 0:
		return strong
	case e.w.isName(rest[0]):
		return e.areContacts(rest[1:], true)
	case i > 0 && (strong || alone) && e.w.mayBeName(rest[0]):
		return e.areContacts(rest[1:], false)
	case i > 0 && len(rest) == 1 && isSmallName(rest[0]):
		return strong || alone && strings.HasSuffix(strings.TrimSpace(e.lines[i]), ",")
	default:
		return strong && slices.ContainsFunc(rest, e.isContact) && e.areContacts(rest, false)
	}
}

// isOrigin says whether what follows a formula tells where somebody is: "aus Nürnberg".
func isOrigin(text string) bool {
	const most = 3 // words
	words := foldedWords(text)
	return len(words) > 1 && len(words) <= most && fromWords[words[0]] && !strings.ContainsFunc(text, unicode.IsDigit)
}

// isNameBlock says whether line i is the writer's whole name, with nothing but a signature
// below.
func (e ending) isNameBlock(i int) bool {
	const most = 6 // lines below
	if i == 0 || !isBlank(e.lines[i-1]) || !e.w.isFullName(e.lines[i]) {
		return false
	}
	rest := e.rest(i + 1)
	return len(rest) <= most && e.areContacts(rest, true)
}

// rest returns the lines from i on that say something.
func (e ending) rest(i int) []string {
	var rest []string
	for _, line := range e.lines[i:] {
		if says(line) {
			rest = append(rest, line)
		}
	}
	return rest
}

// areContacts says whether lines are what stands below a name in a signature: each tells
// how to reach somebody, or one does and the others are short. Below the writer's name
// a title or a street will do.
func (e ending) areContacts(lines []string, known bool) bool {
	if known && !slices.ContainsFunc(lines, func(line string) bool { return !e.maySign(line) }) || len(lines) == 0 {
		return true
	}
	ofReport := func(line string) bool {
		long := utf8.RuneCountInString(line) > maxNameLine
		return !e.isReach(line) && (long || holdsLine(line) || isPostscript(line))
	}
	return slices.ContainsFunc(lines, e.isReach) && !slices.ContainsFunc(lines, ofReport)
}

// isReach says whether a line tells who wrote the mail, or how to reach them.
func (e ending) isReach(line string) bool { return e.isContact(line) || e.w.isName(line) }

// maySign says whether a line can stand in a signature.
func (e ending) maySign(line string) bool {
	const most = 4 // words of a title
	ofCompany := company.MatchString(line) && !holdsLine(line)
	return e.isContact(line) || ofCompany || isTitled(line, most) || street.MatchString(line) || strings.TrimSpace(withoutLinks(line)) == ""
}

// street is a street with a house's number, or a postal code and a town.
var street = regexp.MustCompile(`^\s*(?:\p{Lu}[\pL. -]{3,40} \d{1,4} ?[a-z]?|\d{1,4}[a-z]?,? \p{Lu}[\pL. -]{3,40}|(?:[A-Z]{1,3}-)?\d{4,6} \p{Lu}[\pL. /-]{2,40})(?:, .{2,40})?\s*$`)

// town is a town with its postal code.
var town = regexp.MustCompile(`^\s*(?:[A-Z]{1,3}-)?\d{4,6} \p{Lu}`)

// lineToken is the name of a line as riders write it: "U1", "S 2", "Linie 4".
var lineToken = regexp.MustCompile(`(?i)\b(?:[a-z]{1,3}\s?\d{1,3}|\d{1,3}er|(?:linie|line|tram|bus|ligne|linea|линия)\s?\d+)\b`)

func holdsLine(line string) bool {
	return strings.ContainsAny(line, "0123456789") && lineToken.MatchString(line)
}

func isPostscript(line string) bool {
	words := foldedWords(line)
	return len(words) > 0 && slices.Contains([]string{"ps", "p.s", "nb", "edit", "update", "nachtrag"}, words[0])
}

// blockStart returns where the signature begins whose last line, i, tells how to reach
// somebody: the lines above it up to a name, or the whole paragraph.
func (e ending) blockStart(i int) int {
	top := i
	for top > 0 && i-top < maxSignature && !isBlank(e.lines[top-1]) && !holdsLine(e.lines[top-1]) {
		top--
		first := top > 0 && isBlank(e.lines[top-1]) && (e.w.mayBeName(e.lines[top]) || company.MatchString(e.lines[top]))
		if first || e.w.isName(e.lines[top]) {
			return top
		}
	}
	for i > 0 && e.isContact(e.lines[i-1]) {
		i--
	}
	return i
}

// addressStart returns where the paragraph begins that ends with line i, if it is a name
// above a street and a town; otherwise how many lines there are. A stop above a street is
// where somebody saw something.
func (e ending) addressStart(i int) int {
	top := i
	for top > 0 && i-top < maxSignature && !isBlank(e.lines[top-1]) && e.maySign(e.lines[top-1]) {
		top--
	}
	named := e.w.isName(e.lines[top]) || i-top > 1 && town.MatchString(e.lines[i])
	if top == 0 || top == i || !named || !isBlank(e.lines[top-1]) || !street.MatchString(e.lines[i]) || !isTitled(e.lines[top], 4) {
		return len(e.lines)
	}
	return top
}

// isNameLine says whether line i is the writer's name and nothing else. One of a single
// word that may be a word of the report must stand alone.
func (e ending) isNameLine(i int) bool {
	if i == 0 {
		return e.w.isFullName(e.lines[0])
	}
	alone := isBlank(e.lines[i-1])
	words := foldedWords(e.lines[i])
	if len(words) == 1 && strings.HasSuffix(e.lines[i], ".") && utf8.RuneCountInString(words[0]) == 1 && e.w.isInitial(words[0]) {
		return true
	}
	return alone && e.w.isDisplayName(e.lines[i]) || e.w.isName(e.lines[i]) && (alone || len(words) > 1 || e.w.firsts.has(words...))
}

// isContact says whether a line tells how to reach somebody: the writer's name and
// street may stand before that.
func (e ending) isContact(line string) bool {
	const most = 160
	if len(line) > most || !says(line) {
		return false
	}
	if isContactLine(line) {
		return true
	}
	rest := withoutReach(line)
	if rest == line || holdsLine(rest) {
		return false
	}
	if strings.ContainsAny(rest, "|•·") {
		rest, _, _ = strings.Cut(rest, "|")
	}
	return e.w.isName(strings.Trim(rest, " ,;|-–<>•·"))
}

var (
	// signatureLabel begins a line that tells how to reach somebody.
	signatureLabel = regexp.MustCompile(`(?i)^[\s*_•|>–-]*(?:` + phoneLabel + `|[tmfpew]|e-?mail|mail|web|website|internet|homepage|skype|telegram|threema|twitter|linkedin|instagram|mastodon|matrix|адрес|почта)[.*_]*\s?(?:nr\.?)?\s?[:：]\s?\S`)
	// extension is a label with nothing but a number: too short a one for phones.
	extension = regexp.MustCompile(`(?i)^[\s*_•|>–-]*(?:` + phoneLabel + `|[tmf])[.*_]*\s?[:：]\s?\+?[\d ()/-]+$`)
	// companyLine holds what stands only in the signatures of companies.
	companyLine = regexp.MustCompile(`(?i)\b(?:hr[ab]\s?\d|ust-?id|amtsgericht|handelsregister|geschäftsführ(?:er|ung)|vorstandsvorsitz|aufsichtsrat|siret|partita iva|p\.iva|kvk|regon|nif\b)`)
	company     = regexp.MustCompile(`(?i)\b(?:gmbh|e\.\s?v|ag|kg|kgaa|s\.r\.l|srl|s\.p\.a|spa|sarl|sas|s\.a|b\.v|bv|ltd|inc|llc|sp\. z o\.o|a/s|aps|ab|oy)\b`)
	// onlyLabels is what is left of a line that tells how to reach somebody.
	onlyLabels = regexp.MustCompile(`(?i)^(?:[\s|:.,;/*_<>()–-]|\b(?:` + phoneLabel + `|[tmfpew]|e-?mail|mail|web|www|kontakt|contact)\b)+$`)
	anyAddress = regexp.MustCompile(`(?i)<?(?:mailto:)?[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+>?`)
)

// isContactLine says whether a line tells how to reach somebody, and nothing else.
func isContactLine(line string) bool {
	const fewest = 5 // digits
	if companyLine.MatchString(line) && !holdsLine(line) || countDigits(line) >= fewest && extension.MatchString(line) {
		return true
	}
	rest := line
	if strings.Contains(line, "@") || countDigits(line) >= fewest {
		rest = withoutReach(line)
	}
	labelled := strings.ContainsAny(line, ":：") && signatureLabel.MatchString(line) && !holdsLine(rest) && withoutLinks(rest) != line
	return labelled || rest != line && (!says(rest) || onlyLabels.MatchString(rest))
}

// withoutReach returns a line without telephone numbers and addresses.
func withoutReach(line string) string { return scrub.People(without(line, phones(line))) }

// mayBeName says whether a text can be somebody's name.
func (w *writer) mayBeName(text string) bool {
	const most = 2 // words, without particles
	return w.isName(text) || w.isDisplayName(text) || isTitled(text, most)
}

// isTitled says whether a text is a few words that begin with capital letters.
func isTitled(text string, most int) bool {
	words := strings.Fields(strings.Trim(text, " \t*_~–—-,.!()/"))
	if len(words) == 0 || utf8.RuneCountInString(text) > maxNameLine || strings.ContainsFunc(text, unicode.IsDigit) || strings.ContainsAny(text, ":;?@/") {
		return false
	}
	for i, word := range words {
		r := runeAt(strings.Trim(word, "*_()&"), 0)
		particle := i > 0 && particles[fold(word)]
		if word != "&" && !unicode.IsLetter(r) || unicode.IsLower(r) && !particle {
			return false
		}
		if !particle {
			most--
		}
	}
	return most >= 0
}

// isSmallName says whether a text can be a first name in small letters.
func isSmallName(text string) bool {
	const shortest = 3
	words := foldedWords(text)
	return len(words) == 1 && utf8.RuneCountInString(words[0]) >= shortest && !fromWords[words[0]] && !strings.ContainsFunc(text, unicode.IsDigit) && !strings.ContainsAny(text, ":?!")
}

// isName says whether a text is the writer's name, or a part of it, and nothing else.
func (w *writer) isName(text string) bool {
	const most = maxNameWords + 3
	first := firstWord(text)
	if len(text) > maxNameBytes || first != "" && !w.mayName(first) { // as nearly every line
		return false
	}
	words := foldedWords(text)
	if len(words) == 0 || len(words) > most || strings.ContainsAny(text, "?") || strings.Contains(text, ": ") {
		return false
	}
	named := 0
	for _, word := range words {
		switch {
		case w.words[word]:
			named++
		case !w.mayName(word):
			return false
		}
	}
	return named > 0 || w.areInitials(words)
}

// mayName says whether a word, which is folded, can stand in the writer's name, or beside
// it.
func (w *writer) mayName(word string) bool {
	return w.words[word] || titles[word] || signWords[word] || utf8.RuneCountInString(word) == 1 && unicode.IsLetter(runeAt(word, 0))
}

// areInitials says whether words are the first letters of one of the writer's names.
func (w *writer) areInitials(words []string) bool {
	if len(words) < 2 {
		return false
	}
	return slices.ContainsFunc(w.names, func(n name) bool {
		return slices.EqualFunc(n.words, words, func(full, initial string) bool {
			return utf8.RuneCountInString(initial) == 1 && strings.HasPrefix(full, initial)
		})
	})
}

// signWords may stand beside a name below a mail: "gez. Anna", "Anna (sie/ihr)".
var signWords = newWordSet("signWords")

// isFullName says whether a text is the whole of one of the writer's names, and nothing
// else.
func (w *writer) isFullName(text string) bool {
	words := foldedWords(text)
	whole := func(n name) bool {
		return len(n.words) > 1 && slices.Contains(words, n.given) && slices.Contains(words, n.words[len(n.words)-1])
	}
	return w.isName(text) && slices.ContainsFunc(w.names, whole)
}

// isInitial says whether a letter is the first of the writer's name.
func (w *writer) isInitial(letter string) bool {
	return slices.ContainsFunc(w.names, func(n name) bool { return strings.HasPrefix(n.given, letter) })
}

// isGiven says whether a word is the first of a longer name of the writer.
func (w *writer) isGiven(word string) bool {
	return slices.ContainsFunc(w.names, func(n name) bool { return len(n.words) > 1 && n.given == fold(word) })
}

// isDisplayName says whether a text is one of the writer's names as it stands.
func (w *writer) isDisplayName(text string) bool {
	words := foldedWords(text)
	return slices.ContainsFunc(w.names, func(n name) bool { return slices.Equal(n.words, words) })
}
