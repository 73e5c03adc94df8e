package mailtext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

// writer is what is known of who wrote a mail.
type writer struct {
	names []name
	// words are those of the names and of the part of the address before the @, folded:
	// a last line of nothing else is a signature.
	words wordSet
	// firsts are those of words that a report hardly ends with.
	firsts wordSet
	// address is the one in From, and named is set where a text held it or a name.
	address string
	named   bool
}

// name is a display name: "Anna Beispiel", "Beispiel, Anna".
type name struct {
	words []string // folded
	given string   // the first name; empty where it is not known
	// sure are those of the words that the address holds too: surely somebody's name,
	// and no word of a report.
	sure []string
}

// person says whether the name is surely somebody's.
func (n name) person() bool { return len(n.sure) > 0 }

const (
	maxNames     = 6 // of a mail
	maxNameWords = 6
)

// newWriter returns what a header tells of who wrote the mail.
func newWriter(m *message) *writer {
	w := &writer{words: wordSet{}, firsts: wordSet{}, address: m.Author}
	for _, field := range []string{"From", "Reply-To", "Sender", "Resent-From", "Disposition-Notification-To"} {
		locals := localWords(m.header.address(field))
		for _, display := range displayNames(m.header.text(field)) {
			w.add(display, locals)
		}
		w.addLocal(locals)
	}
	w.addLocal(localWords(m.envelope.From))
	return w
}

// addLocal adds the words of an address.
func (w *writer) addLocal(words []string) {
	w.words.add(words...)
	if len(words) > 1 {
		w.firsts.add(words[0])
	}
}

// localWords returns the words of the part of an address before the @ that may be
// somebody's name.
func localWords(address string) []string {
	local, _, _ := strings.Cut(address, "@")
	const shortest = 3
	var words []string
	for w := range strings.FieldsFuncSeq(fold(local), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if len(w) >= shortest && !ofMail[w] {
			words = append(words, w)
		}
	}
	return words
}

// ofMail are words in addresses and display names that are nobody's name.
var ofMail = newWordSet("ofMail")

// displayNames returns the names in a header of addresses, as they stand there.
func displayNames(header string) []string {
	var names []string
	for part := range strings.SplitSeq(header, ">") {
		display, _, bracket := strings.Cut(part, "<")
		if !bracket {
			_, comment, _ := strings.Cut(part, "(")
			display, _, _ = strings.Cut(comment, ")")
		}
		display = strings.Trim(display, " \t,;'\"")
		if display != "" && !strings.Contains(display, "@") && len(names) < maxNames {
			names = append(names, display)
		}
	}
	return names
}

// titles are what may stand before or behind a name.
var titles = newWordSet("titles")

// add adds a display name. Whatever has a digit in it is none.
func (w *writer) add(display string, locals []string) {
	for _, rest := range []string{"(", "[", " via ", " | ", " / ", " – ", " - "} {
		display, _, _ = strings.Cut(display, rest)
	}
	first, second, comma := strings.Cut(display, ",")
	if comma {
		display = second + " " + first
	}
	var n name
	for _, word := range foldedWords(display) {
		if strings.ContainsFunc(word, unicode.IsDigit) {
			w.addNickname(display)
			return
		}
		if !titles[word] && len(n.words) < maxNameWords {
			n.words = append(n.words, word)
		}
	}
	if len(n.words) == 0 || len(w.names) == maxNames || slices.ContainsFunc(n.words, func(word string) bool { return ofMail[word] }) {
		return
	}
	n.given = n.words[0]
	for _, word := range n.words {
		if isIn(word, locals) {
			n.sure = append(n.sure, word)
		}
	}
	w.names = append(w.names, n)
	if n.person() || len(n.words) > 1 {
		w.words.add(n.words...)
		w.words.add(foldedWords(withoutUmlauts(display))...)
		w.firsts.add(n.given)
		w.firsts.add(foldedWords(withoutUmlauts(display))[:1]...)
	}
}

// addNickname adds a name with digits, where it is no line: "anna99".
func (w *writer) addNickname(display string) {
	words := foldedWords(display)
	if len(words) == 1 && !holdsLine(words[0]) {
		w.words.add(words...)
	}
}

// withoutUmlauts returns a name as it is written on keyboards that have none.
var withoutUmlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue").Replace

// isIn says whether one of the words of an address is a word of a name.
func isIn(word string, locals []string) bool {
	const shortest = 3
	umlauts := strings.NewReplacer("ae", "a", "oe", "o", "ue", "u").Replace
	return slices.ContainsFunc(locals, func(local string) bool {
		return utf8.RuneCountInString(word) >= shortest && (strings.Contains(local, word) || strings.Contains(umlauts(local), word))
	})
}

// token is a word of a text.
type token struct {
	from, to int
	word     string // folded
}

// tokensOf returns the words of a text. A hyphen or an apostrophe may stand within one.
func tokensOf(text string) []token {
	var tokens []token
	from := -1
	for i, r := range text + "\n" {
		inner := from >= 0 && strings.ContainsRune("-'’", r) && i+utf8.RuneLen(r) < len(text) && inWord(runeAt(text, i+utf8.RuneLen(r)))
		switch {
		case inWord(r) && from < 0:
			from = i
		case !inWord(r) && !inner && from >= 0:
			tokens = append(tokens, token{from, i, fold(text[from:i])})
			from = -1
		}
	}
	return tokens
}

func runeAt(text string, i int) rune {
	r, _ := utf8.DecodeRuneInString(text[i:])
	return r
}

// clean returns text, which is fit to be shown, without what names the writer and
// without what leads to people.
func (w *writer) clean(text string) string {
	whole := text
	text = without(text, secretLinks(text))
	w.named = w.named || w.address != "" && strings.Contains(strings.ToLower(text), w.address)
	text = without(text, othersNames(text))
	text = scrub.People(without(text, phones(text)))
	if names := w.find(text); len(names) > 0 {
		text, w.named = without(text, names), true
	}
	switch {
	case !says(text):
		return ""
	case text == whole:
		return text
	}
	return cleanText(text)
}

// subject is clean for a subject. One that was only about who sent the mail is empty.
func (w *writer) subject(subject string) string {
	named := w.isName(subject) && w.firsts.has(foldedWords(subject)...) // "Anna B."
	if named || w.isDisplayName(subject) || w.isSenderSentence(subject) {
		return ""
	}
	cleaned := w.clean(dropClosing(subject, w))
	if cleaned == subject {
		return subject
	}
	words := foldedWords(cleaned)
	if len(words) == 0 || fromWords[words[len(words)-1]] {
		return ""
	}
	const most = 4 // "hat dir eine Nachricht gesendet"
	if len(words) <= most && slices.ContainsFunc(words, messageWords.begin) && !strings.ContainsFunc(cleaned, unicode.IsDigit) {
		return ""
	}
	return cleaned
}

// isSenderSentence says whether a subject tells that the writer sent a message: "Anna hat
// dir eine Nachricht gesendet".
func (w *writer) isSenderSentence(subject string) bool {
	const most = 8 // words
	tokens := tokensOf(subject)
	named := slices.ContainsFunc(w.names, func(n name) bool { return beginTokens(subject, tokens, n.words) })
	if !named || len(tokens) > most || strings.ContainsFunc(subject, unicode.IsDigit) {
		return false
	}
	return slices.ContainsFunc(tokens, func(t token) bool { return messageWords.begin(t.word) })
}

// find returns where the writer's names are in a text.
func (w *writer) find(text string) []stretch {
	if len(w.names) == 0 {
		return nil
	}
	var found []stretch
	tokens := tokensOf(text)
	done := 0 // what is before has been looked at
	for i := range tokens {
		if tokens[i].from < done {
			continue
		}
		if s := w.nameAt(text, tokens, i); s.to > 0 {
			if s.from > done && text[s.from-1] == '@' {
				s.from--
			}
			found = append(found, stretch{max(s.from, done), s.to})
			done = s.to
		}
	}
	return found
}

// nameAt returns where the name is that begins with the token at i; the zero stretch where
// none does.
func (w *writer) nameAt(text string, tokens []token, i int) stretch {
	if n := w.wholeName(text, tokens[i:]); n > 0 {
		return introduction(text, tokens, i, n)
	}
	return w.oneName(text, tokens, i)
}

// wholeName returns how many of the tokens at their beginning are one of the writer's
// names, in any order; 0 where none is.
func (w *writer) wholeName(text string, tokens []token) int {
	for _, n := range w.names {
		last := n.words[len(n.words)-1]
		if n.given == last {
			continue
		}
		turned := append([]string{last}, n.words[:len(n.words)-1]...)
		joined := strings.Join(n.words, "") // as in "@annabeispiel"
		for _, order := range [][]string{n.words, turned, {n.given, last}, {last, n.given}, {joined}} {
			if beginTokens(text, tokens, order) {
				return len(order)
			}
		}
	}
	return 0
}

// beginTokens says whether tokens begin with words that nothing but blanks and commas
// stands between.
func beginTokens(text string, tokens []token, words []string) bool {
	if len(tokens) < len(words) {
		return false
	}
	for i, word := range words {
		if last := i == len(words)-1; !isForm(tokens[i].word, word, last) {
			return false
		}
		if i > 0 && strings.Trim(text[tokens[i-1].to:tokens[i].from], " ,.\n") != "" {
			return false
		}
	}
	return true
}

// isForm says whether a word is a name, or, where it may be, its genitive.
func isForm(word, name string, genitive bool) bool {
	ending, ok := strings.CutPrefix(word, name)
	return ok && (ending == "" || genitive && (ending == "s" || ending == "'s" || ending == "’s" || ending == "'"))
}

var (
	// beforeName and afterName are what people say when they tell their name.
	beforeName = newWordSet("beforeName")
	afterName  = newWordSet("afterName")
	// ofPlace are words that make a place of the name beside them.
	ofPlace = newStems("ofPlace")
)

// oneName returns what goes with the token at i where it is a word of the writer's name
// and cannot be one of the report; otherwise the zero span.
func (w *writer) oneName(text string, tokens []token, i int) stretch {
	const shortest = 3
	word := tokens[i].word
	if utf8.RuneCountInString(word) < shortest || unicode.IsLower(runeAt(text, tokens[i].from)) {
		return stretch{}
	}
	if i+1 < len(tokens) && ofPlace.begin(tokens[i+1].word) || i > 0 && (ofPlace.begin(tokens[i-1].word) || tokens[i-1].word == "st") {
		return stretch{}
	}
	s := introduction(text, tokens, i, 1)
	introduced := s != (stretch{tokens[i].from, tokens[i].to})
	for _, n := range w.names {
		given := isForm(word, n.given, true)
		sure := slices.ContainsFunc(n.sure, func(name string) bool { return isForm(word, name, true) })
		switch {
		case given && introduced && (n.person() || len(n.words) > 1),
			given && n.person() && len(n.words) > 1,
			sure && !(i > 0 && isBeforePlace(tokens[i-1].word)):
			return s
		}
	}
	return stretch{}
}

// beforePlace are words that a place comes after.
var beforePlace = newWordSet("beforePlace")

// isBeforePlace says whether a place may come after a word: "am", "U1".
func isBeforePlace(word string) bool {
	return beforePlace[word] || strings.ContainsFunc(word, unicode.IsDigit)
}

// introduction returns where the n tokens from i on are, with what somebody says who
// tells their name: "Anna hier:", "hier ist Anna,".
func introduction(text string, tokens []token, i, n int) stretch {
	s := stretch{tokens[i].from, tokens[i+n-1].to}
	if next := i + n; next < len(tokens) && afterName[tokens[next].word] && strings.TrimSpace(text[s.to:tokens[next].from]) == "" {
		return stretch{s.from, tokens[next].to}
	}
	const most = 3 // words before it
	for back := min(most, i); back > 0; back-- {
		var words []string
		for _, t := range tokens[i-back : i] {
			words = append(words, t.word)
		}
		from := tokens[i-back].from
		if beforeName[strings.Join(words, " ")] && !strings.ContainsAny(text[from:s.from], "\n.:;") {
			return stretch{from, s.to}
		}
	}
	return s
}
