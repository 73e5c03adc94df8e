package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The last lines of apps, as "Von meinem iPhone gesendet", are known by three kinds of
// words in any language: what was sent from, that it was sent, and how the line begins.
var (
	// devices are what mails are sent from. Some are the names of places as well.
	devices = newStems("devices")
	// apps are programs and services that write mails; they are no words of a report.
	apps = newStems("apps")
	// appWords are those that other words begin with.
	appWords = newWordSet("appWords")
	// brands are those of devices and apps in scripts without blanks, and those that
	// nobody reports of.
	brands = newStems("brands")
	// sentWords are participles: "sent".
	sentWords = newStems("sentWords")
	// sentUnspaced are those of scripts without blanks.
	sentUnspaced = newStems("sentUnspaced")
	// sentExact are participles that longer words begin with.
	sentExact = newWordSet("sentExact")
	// lineStarts are words that such a line begins with where the participle ends it.
	lineStarts = newWordSet("lineStarts")
	// beforeSent are words that may stand before the participle.
	beforeSent = newWordSet("beforeSent")
	// aboutMails are words of a mail that speaks about itself.
	aboutMails = newStems("aboutMails")
	// getWords are in the advertisements of apps.
	getWords  = newStems("getWords")
	platforms = newStems("platforms")
	// appHints are of all that such a line must hold one of.
	appHints = newStems("sentWords", "sentExact", "sentUnspaced", "devices", "apps", "appWords", "brands")
	// apology is what people add: "please excuse typos".
	apology = newStems("apology")
	// appSite is a link to the maker of an app.
	appSite = regexp.MustCompile(`(?i)aka\.ms/|go\.microsoft\.com/fwlink|onelink\.me|tuta(nota)?\.(com|de)|proton(mail)?\.(me|com)|bluemail\.me|typeapp|yahoo\.|gmx\.|web\.de/|delta\.chat|avast\.|avg\.com|overview\.mail|mail\.yahoo|faircode|fairemail|k9mail|aqua-?mail|sparkmail|readdle|canarymail|edison|mailo\.|thunderbird|mobisystems|zoho\.|apple\.com|samsung\.|google\.com/store`)
	anyLink = regexp.MustCompile(`(?i)<?\b(?:https?://|www\.)[^\s<>]+>?|<[^<>\s]*[./][^<>\s]*>`)
)

// maxAppLine bounds such a line, in bytes, without its links.
const maxAppLine = 200

// isAppLine says whether a line is one that an app adds to a mail. alone is set where
// it is a paragraph of its own.
func isAppLine(line string, alone bool) bool {
	if len(line) > 2*maxAppLine {
		return false
	}
	bare := strings.TrimSpace(withoutLinks(line))
	if bare == "" {
		return appSite.MatchString(line) && !mapSite.MatchString(strings.Trim(line, "<> "))
	}
	if len(bare) > maxAppLine {
		return false
	}
	if !appHints.within(fold(bare)) {
		return false
	}
	first, rest := cutSentence(strings.TrimLeft(bare, "-–—*_~([{ "))
	l := newAppLine(first)
	switch {
	case isUnspaced(first) || strings.ContainsFunc(first, isHangul):
		return l.isUnspacedLine()
	case l.isSent():
		return rest == "" || l.app >= 0 || apology.within(fold(rest))
	}
	return !holdsLine(rest) && l.isAdvertisement(line) || alone && rest == "" && (!holdsLine(bare) && l.isBrand() || l.isPlain())
}

// withoutLinks returns a line with blanks in place of its links.
func withoutLinks(line string) string {
	if !strings.Contains(line, "<") && !mayHoldLink(line) {
		return line
	}
	return anyLink.ReplaceAllString(line, " ")
}

func isHangul(r rune) bool { return unicode.Is(unicode.Hangul, r) }

// cutSentence returns the first sentence and what follows it. What stands behind a
// colon is a sentence as well, but for that of a label: "Sent with: …".
func cutSentence(text string) (first, rest string) {
	for i, r := range text {
		if !strings.ContainsRune(".:!;?,。", r) {
			continue
		}
		next := runeAt(text, i+utf8.RuneLen(r))
		if strings.ContainsRune(".:!;?,", r) && i > 0 && (next == ' ' || next == utf8.RuneError) || r == '。' {
			return strings.TrimSpace(text[:i]), strings.Trim(text[i+utf8.RuneLen(r):], " .:!;?,-–)]*_~")
		}
	}
	return text, ""
}

// appLine is a line that may be an app's.
type appLine struct {
	line    string // folded
	words   []string
	sent    int // the index of the participle; -1 where there is none
	product int // that of the first device or app
	last    int // that of the last one
	app     int // that of the first app
}

func newAppLine(line string) appLine {
	folded := fold(line)
	l := appLine{line: folded, words: wordsOfFolded(folded), sent: -1, product: -1, last: -1, app: -1}
	for i, w := range l.words {
		if l.sent < 0 && (sentExact[w] || sentWords.begin(w)) {
			l.sent = i
			continue
		}
		isApp := isApp(w)
		if isApp && l.app < 0 {
			l.app = i
		}
		if isApp || devices.begin(w) || brands.within(w) {
			l.last = i
			if l.product < 0 {
				l.product = i
			}
		}
	}
	return l
}

func isApp(word string) bool { return appWords[word] || apps.begin(word) }

// isSent says whether the line tells from what the mail was sent: its participle
// stands at the beginning or the end, and nothing else is in it.
func (l appLine) isSent() bool {
	const most = 16 // words
	if l.sent < 0 || l.product < 0 || len(l.words) > most || l.holdsNumber() {
		return false
	}
	about := slices.ContainsFunc(l.words[:min(3, len(l.words))], aboutMails.begin) && (lineStarts[l.words[0]] || l.sent <= 3)
	begins := l.sent == 0 || l.sent == 1 && (beforeSent[l.words[0]] || devices.begin(l.words[0]))
	ends := l.sent >= len(l.words)-2 && (lineStarts[l.words[0]] || l.product <= 1)
	const after = 5 // words that may follow the product
	return (about || begins || ends) && len(l.words)-1-max(l.last, l.sent) <= after
}

// holdsNumber says whether there is a number that is not behind the name of a product,
// as in "Galaxy S21 5G".
func (l appLine) holdsNumber() bool {
	for i, w := range l.words {
		product := devices.begin(w) || isApp(w)
		if strings.ContainsFunc(w, unicode.IsDigit) && !product && (l.product < 0 || i < l.product || i > l.last+3) {
			return true
		}
	}
	return false
}

// isUnspacedLine is isSent for scripts without blanks.
func (l appLine) isUnspacedLine() bool {
	const most = 40 // characters
	compact := l.line
	return utf8.RuneCountInString(compact) <= most*2 && brands.within(compact) && (sentUnspaced.within(compact) || strings.Contains(compact, "outlook")) && !l.holdsNumber()
}

// isAdvertisement says whether the line offers an app: "Get Outlook for iOS".
func (l appLine) isAdvertisement(line string) bool {
	const most = 9 // words
	if l.app < 0 || len(l.words) > most || l.holdsNumber() {
		return false
	}
	platform := slices.ContainsFunc(l.words, func(w string) bool { return platforms.begin(w) || devices.begin(w) })
	get := slices.ContainsFunc(l.words, getWords.begin)
	outlook := strings.Contains(l.line, "outlook")
	only := l.app == 0 && len(l.words) <= 3 && slices.Contains([]string{"yahoo", "outlook", "typeapp", "bluemail", "k-9", "fairemail", "aquamail", "tuta", "protonmail"}, l.words[0])
	yahoo := l.app == 0 && l.words[0] == "yahoo"
	return platform && (outlook || yahoo || get) || get && appSite.MatchString(line) || only
}

// isPlain says whether a short line tells that the mail was sent from something that is
// not known here: "Sent from X", "Von meinem X gesendet".
func (l appLine) isPlain() bool {
	const least, most = 3, 5 // words
	n := len(l.words)
	if n < least || n > most || l.holdsNumber() {
		return false
	}
	begins := l.sent == 0 && (fromWords[l.words[1]] || l.words[1] == "using" || l.words[1] == "via")
	device := n == least && devices.begin(l.words[2]) // "Von meinem Telefon"
	return begins || (l.sent == n-1 || device) && fromWords[l.words[0]] && strings.HasPrefix(l.words[1], "mein")
}

// isBrand says whether a short line names a product that nobody reports of, in a
// language whose words are not known here.
func (l appLine) isBrand() bool {
	const most = 6 // words
	known := func(w string) bool {
		return strings.HasPrefix(w, "iphon") || strings.HasPrefix(w, "ipad") || strings.HasPrefix(w, "outlook")
	}
	return len(l.words) <= most && slices.ContainsFunc(l.words, known) && !l.holdsNumber()
}
