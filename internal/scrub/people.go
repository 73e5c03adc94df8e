package scrub

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// People returns text without what leads to people: addresses (anna@example.org,
// @anna@example.org, @anna:example.org), links to their profiles and chats, and phone
// numbers, however encoded. An @ before the name of a place stays. A text of which
// nothing is left is empty.
func People(text string) string {
	found := people(text)
	if isEncoded(text) {
		found = append(found, hidden(text)...)
	}
	if len(found) == 0 {
		return text
	}
	return without(text, found)
}

// people returns what in text leads to people, as it stands there.
func people(text string) []span {
	found := addresses(text)
	found = append(found, profiles(text)...)
	return append(found, numbers(text)...)
}

// hidden returns what in text leads to people when it is decoded. What is written
// halfway is looked at as well: "100%" takes the first letters of what follows.
func hidden(text string) (found []span) {
	p := asPlain(text)
	for range maxDecoding {
		next := p.decoded()
		if bytes.Equal(next.b, p.b) {
			break
		}
		p = next
		for _, s := range people(string(p.b)) {
			found = append(found, span{p.at[s.from].from, p.at[s.to-1].to})
		}
	}
	return found
}

// addresses returns what is written with an @.
func addresses(text string) (found []span) {
	for at := 0; at < len(text); {
		next := strings.IndexByte(text[at:], '@')
		if next < 0 {
			break
		}
		at += next
		if s, ok := address(text, at); ok {
			found = append(found, s)
			at = s.to
		} else {
			at++
		}
	}
	return found
}

// maxPart is how long one of the two parts of an address is at most, in bytes: that
// of a domain. RFC 5321, 4.5.3.1.2.
const maxPart = 255

// address returns the address around the @ at at.
func address(text string, at int) (s span, ok bool) {
	local := localPart(text[max(0, at-maxPart):at])
	if local == "" {
		local = quoted(text[max(0, at-maxPart):at])
	}
	if local == "" {
		return handle(text, at)
	}
	from := at - len(local)
	to := at + 1 + len(domain(text[at+1:min(len(text), at+1+maxPart)]))
	mastodon := from > 0 && text[from-1] == '@'
	if name := text[at+1 : to]; !isDomain(name) || !mastodon && isPlace(local, name) {
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

// quoted returns the end of text that stands in quotes, as in "a b"@example.org.
func quoted(text string) string {
	if !strings.HasSuffix(text, `"`) {
		return ""
	}
	line := text[strings.LastIndexByte(text, '\n')+1 : len(text)-1]
	if open := strings.LastIndexByte(line, '"'); open >= 0 {
		return text[len(text)-1-len(line)+open:]
	}
	return ""
}

// bluesky is where people's names there end.
const bluesky = ".bsky.social"

// handle returns the name that the @ at at begins: @anna:example.org, as in Matrix, or
// @anna.bsky.social.
func handle(text string, at int) (s span, ok bool) {
	after := text[at+1 : min(len(text), at+1+maxPart)]
	name := domain(after)
	if n := len(name) - len(bluesky); n > 0 && strings.EqualFold(name[n:], bluesky) {
		return span{at, at + 1 + len(name)}, true
	}
	local := strings.IndexFunc(after, func(r rune) bool { return !isWord(r) && !strings.ContainsRune("._=/+-", r) })
	if local <= 0 || after[local] != ':' {
		return span{}, false
	}
	server := domain(after[local+1:])
	if !isDomain(server) || !exists(server) || isPlace(after[:local], server) {
		return span{}, false
	}
	return span{at, at + 1 + local + 1 + len(server)}, true
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
	return sentence && line || (sentence || line) && !exists(name)
}

// exists tells whether there are domains that end as name does.
func exists(name string) bool {
	suffix, known := publicsuffix.PublicSuffix(strings.ToLower(name))
	return known || strings.Contains(suffix, ".")
}

// isMark tells whether r may stand within a word though it is no letter, as accents.
func isMark(r rune) bool { return unicode.Is(unicode.M, r) }
