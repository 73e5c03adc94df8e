package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// listTags is what lists and companies put before a subject: "[Gotham]", "[EXTERN]".
	listTags = regexp.MustCompile(`^(?:\s*\[[^\[\]\n]{1,60}\])+\s*`)
	// subjectPrefix is what programs put before the subject of a mail that is answered
	// or forwarded: "Re:", "Re[2]:", "AW (3):", "回复：".
	subjectPrefix = regexp.MustCompile(`^[\s"'*<(]*(\pL[\pL\pM .'’/-]{0,24}?)\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,2}|(\d{1,2}))?\s*[:：﹕]`)
	// prefixes are those of all languages.
	prefixes = newWordSet("prefixes")
)

// ownSubject returns what was written into the subject of a mail with a text: nothing
// where the subject is that of an answered mail, stands for none, names the writer,
// or says what the text begins with.
func (m *message) ownSubject(b *body, w *writer, text string) string {
	if m.header.has("Chat-Version") || b.quoting.ours {
		return ""
	}
	own := cleanText(strings.ReplaceAll(m.header.text("Subject"), "\u00a0", " "))
	if m.isReplySubject(own) || isPlaceholder(own) || isSenderSubject(own) || b.isFileName(own) {
		return ""
	}
	own = w.subject(m.withoutTag(own))
	if isPlaceholder(own) || repeats(text, own) {
		return ""
	}
	return own
}

// isReplySubject says whether the subject is that of a mail which is answered or
// forwarded. In an answer any short word before a colon is a prefix.
func (m *message) isReplySubject(subject string) bool {
	found := subjectPrefix.FindStringSubmatch(listTags.ReplaceAllString(subject, ""))
	if found == nil {
		return false
	}
	const short = 4
	word := strings.TrimRight(fold(found[1]), " .")
	threaded := m.header.has("In-Reply-To") || m.header.has("References")
	if prefixes[word] {
		return threaded || found[2] == "" // "RE10: …" is a train
	}
	return threaded && utf8.RuneCountInString(word) <= short && !strings.ContainsFunc(found[0], unicode.IsDigit)
}

// withoutTag returns a subject without the tags that a list of the city's name or a
// company's gateway put before it.
func (m *message) withoutTag(subject string) string {
	tag := listTags.FindString(subject)
	for _, word := range foldedWords(tag) {
		ofCity := func(to string) bool { return strings.HasPrefix(to, word+"@") }
		if gatewayTags[word] || slices.ContainsFunc(m.envelope.To, ofCity) {
			return strings.TrimSpace(subject[len(tag):])
		}
	}
	return subject
}

var gatewayTags = newWordSet("gatewayTags")

var (
	// subjectWords are the words for "subject". A blank stands before those of scripts that
	// have blanks.
	subjectWords = afterBlank("subjectWords", "subjectUnspaced")
	// noWords are the words for "no" and "without".
	noWords = newWordSet("noWords")
	// noStems are those of scripts without blanks.
	noStems = newStems("noStems")
	// emptyWords are subjects that a program fills in.
	emptyWords = newWordSet("emptyWords")
)

// isPlaceholder says whether a subject stands for none: "(kein Betreff)", "...".
func isPlaceholder(subject string) bool {
	if !says(subject) {
		return true
	}
	const most = 24 // characters; "(ohne Betreffangabe)"
	bare := strings.TrimFunc(fold(subject), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || r == '<' || r == '>' })
	if emptyWords[bare] {
		return true
	}
	if utf8.RuneCountInString(bare) > most {
		return false
	}
	bracketed := strings.ContainsAny(subject[:1], "(<[") || strings.HasPrefix(subject, "（") || strings.HasPrefix(subject, "「")
	words := foldedWords(bare)
	if isUnspaced(bare) {
		return subjectWords.within(bare) && (bracketed || noStems.within(bare))
	}
	return subjectWords.within(" "+bare) && (noWords.has(words...) || bracketed && len(words) <= 3)
}

// afterBlank makes stems of two lists; a blank stands before the words of the first.
func afterBlank(spaced, unspaced string) *stems {
	list := listed(unspaced)
	for _, word := range listed(spaced) {
		list = append(list, " "+word)
	}
	return stemsOf(list)
}

// isUnspaced says whether text is in a script without blanks between words, in which
// "no subject" is one word.
func isUnspaced(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) })
}

// says tells whether text can say something: whether it has a letter, a digit or a
// picture.
func says(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.So) })
}

var (
	// messageWords are the words for what a gateway or a messenger sends on.
	messageWords = newStems("messageWords")
	// fromWords are the words for "from" and "with".
	fromWords = newWordSet("fromWords")
	// particles may stand within a name in small letters.
	particles = newWordSet("particles")
	// numberLike is a telephone number, as gateways write it.
	numberLike = regexp.MustCompile(`\+?\d[\d ()/.-]{3,}\d`)
)

// isSenderSubject says whether a subject tells only who sent the mail: "Message from
// Anna", "SMS von +49…".
func isSenderSubject(subject string) bool {
	words := strings.Fields(subject)
	for i, word := range words[:min(len(words), 5)] {
		if !fromWords[strings.Trim(fold(word), ".:")] || i == 0 {
			continue
		}
		kind := slices.ContainsFunc(words[:i], func(w string) bool { return messageWords.begin(strings.Trim(fold(w), "(*")) })
		if kind && isSender(words[i+1:]) {
			return true
		}
	}
	return false
}

// isSender says whether words are somebody's name, address or number and nothing else.
func isSender(words []string) bool {
	const most = 5
	rest := strings.Join(words, " ")
	if strings.Contains(rest, "@") && len(words) <= most || isNumber(rest) {
		return true
	}
	if len(words) == 0 || len(words) > most || strings.ContainsAny(rest, ":;!?") || strings.ContainsFunc(rest, unicode.IsDigit) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, `"'(„“`))
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(strings.TrimLeft(w, `"'(„“`))
		if unicode.IsLower(r) && !particles[fold(w)] {
			return false
		}
	}
	return !unicode.IsLower(first)
}

// isNumber says whether a text is a telephone number and perhaps a name.
func isNumber(text string) bool {
	const most = 8 // words: a number may stand in groups
	left := numberLike.ReplaceAllString(text, "")
	return left != text && !strings.ContainsFunc(left, unicode.IsDigit) && len(strings.Fields(text)) <= most
}

// repeats says whether a text begins with a subject, or with what a program that cut
// the subject left of it: "U1 Plärr…".
func repeats(text, subject string) bool {
	cut := strings.TrimRight(subject, ".… ")
	if strings.HasSuffix(subject, "…") || strings.HasSuffix(subject, "...") {
		subject = cut
	}
	return beginsWith(text, subject)
}
