package scrub

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// People returns text without the addresses of people: anna@example.org,
// @anna@example.org and links to profiles such as https://example.org/@anna. An @
// before the name of a place stays. A text of which nothing is left is empty.
func People(text string) string {
	at := strings.IndexByte(text, '@')
	if at < 0 {
		return text
	}
	var found []span
	for at < len(text) {
		if s, ok := address(text, at); ok {
			found = append(found, s)
			at = s.to
		} else {
			at++
		}
		next := strings.IndexByte(text[at:], '@')
		if next < 0 {
			break
		}
		at += next
	}
	if len(found) == 0 {
		return text
	}
	return without(text, found)
}

// maxPart is how long one of the two parts of an address is at most, in bytes: that
// of a domain. RFC 5321, 4.5.3.1.2.
const maxPart = 255

// address returns the address around the @ at at.
func address(text string, at int) (s span, ok bool) {
	local := localPart(text[max(0, at-maxPart):at])
	from := at - len(local)
	to := at + 1 + len(domain(text[at+1:min(len(text), at+1+maxPart)]))
	if local == "" {
		return profile(text, at)
	}
	handle := from > 0 && text[from-1] == '@' // as on Mastodon
	if name := shown(text[at+1 : to]); !isDomain(name) || !handle && isPlace(local, name) {
		return span{}, false
	}
	for _, before := range []string{"@", "mailto:", "acct:", "xmpp:"} {
		if i := from - len(before); i >= 0 && strings.EqualFold(text[i:from], before) {
			from = i
		}
	}
	return span{from, to}, true
}

// localPart returns the end of text that may stand before an @.
func localPart(text string) string {
	i := len(text)
	for i > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:i])
		if !isWord(r) && !isMark(r) && !strings.ContainsRune("!#$%&'*+-./=?^_`{|}~", r) || r == '/' || r == '\'' && i == len(text) {
			break
		}
		i -= n
	}
	return strings.TrimLeft(text[i:], ".!?*'_-`~")
}

// domain returns the beginning of text that may be a domain.
func domain(text string) string {
	i := 0
	for i < len(text) {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !isWord(r) && !isMark(r) && r != '-' && r != '.' {
			break
		}
		i += n
	}
	name := strings.TrimRight(text[:i], ".-")
	dot := strings.LastIndexByte(name, '.') + 1
	if digit := strings.IndexFunc(name[dot:], unicode.IsDigit); digit > 0 && !strings.HasPrefix(strings.ToLower(name[dot:]), "xn--") {
		return name[:dot+digit] // a blank is missing
	}
	return name
}

// shown returns what can be seen of s.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// isDomain tells whether name has the form of a domain that people have addresses at.
func isDomain(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || name[0] == '.' || strings.Contains(name, "..") {
		return false
	}
	top := strings.ToLower(name[dot+1:])
	return utf8.RuneCountInString(top) >= 2 && (!strings.ContainsFunc(top, unicode.IsDigit) || strings.HasPrefix(top, "xn--"))
}

// isPlace tells whether an address is none, but a line or a stop, and a sentence that
// begins without a blank: "U1@Plärrer.Fahren in Zivil".
func isPlace(local, name string) bool {
	top := name[strings.LastIndexByte(name, '.')+1:]
	first, n := utf8.DecodeRuneInString(top)
	sentence := unicode.IsUpper(first) && strings.ContainsFunc(top[n:], unicode.IsLower)
	line := len(local) <= 4 && strings.ContainsFunc(local, unicode.IsDigit)
	_, known := publicsuffix.PublicSuffix(strings.ToLower(name))
	return sentence && line || (sentence || line) && !known
}

// profile returns the link around "/@anna" at at.
func profile(text string, at int) (s span, ok bool) {
	if at == 0 || text[at-1] != '/' || isNumber(text[at+1:]) {
		return span{}, false
	}
	start := max(0, at-maxPart)
	start += strings.LastIndexAny(text[start:at], " \t\n<>\"()[]") + 1
	scheme := strings.Index(text[start:at], "://")
	if scheme < 0 { // people leave it out
		host, _, _ := strings.Cut(text[start:at], "/")
		if scheme = 0; !isDomain(shown(strings.ToLower(host))) {
			return span{}, false
		}
	}
	for scheme > 0 && isHost(text[start+scheme-1]) {
		scheme--
	}
	to := at
	for to < len(text) && isURL(text[to]) {
		to++
	}
	return span{start + scheme, at + len(strings.TrimRight(text[at:to], ".,;:!?"))}, true
}

// isNumber tells whether text begins with a number, as in a link to a map.
func isNumber(text string) bool {
	text = strings.TrimPrefix(text, "-")
	return text != "" && '0' <= text[0] && text[0] <= '9'
}

// isMark tells whether r may stand within a word though it is no letter: accents,
// and what cannot be seen.
func isMark(r rune) bool { return unicode.In(r, unicode.M, unicode.Cf) }
