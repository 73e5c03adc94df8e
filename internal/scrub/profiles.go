package scrub

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// profiles returns the links that lead to people: to what they write, to a chat with
// them, to their phone.
func profiles(text string) (found []span) {
	if !strings.ContainsAny(text, "/:") {
		return nil
	}
	for at := 0; at < len(text); {
		end := strings.IndexFunc(text[at:], endsLink)
		if end < 0 {
			end = len(text) - at
		}
		if word := text[at : at+end]; strings.IndexByte(word, '/') >= 0 || strings.IndexByte(word, ':') >= 0 {
			if s, ok := profile(word); ok {
				found = append(found, span{at + s.from, at + s.to})
			}
		}
		_, n := utf8.DecodeRuneInString(text[at+end:])
		at += end + n
	}
	return found
}

// endsLink tells whether r stands in no link as people write them.
func endsLink(r rune) bool {
	if r < utf8.RuneSelf {
		return !isURL(byte(r))
	}
	return !isWord(r) && !isMark(r)
}

// profile returns the link to somebody in what stands between two blanks.
func profile(word string) (s span, ok bool) {
	if s, ok := contact(word); ok {
		return s, true
	}
	from, host, path := link(word)
	if !isDomain(host) || !isOfPerson(strings.ToLower(host), strings.ToLower(path)) {
		return span{}, false
	}
	return span{from, linkEnd(word)}, true
}

// linkEnd returns the end of the link that word ends with.
func linkEnd(word string) int { return len(strings.TrimRight(word, ".,;:!?'*")) }

// link returns where a link begins in word, its host and what follows that. People
// leave the scheme out.
func link(word string) (from int, host, path string) {
	if scheme := strings.Index(word, "://"); scheme >= 0 {
		for from = scheme; from > 0 && isHost(word[from-1]); from-- {
		}
		host, path = cutHost(word[scheme+len("://"):])
		return from, host, path
	}
	host, path = cutHost(word)
	start := strings.LastIndexFunc(host, func(r rune) bool { return !isWord(r) && !isMark(r) && r != '-' && r != '.' }) + 1
	if start > 0 {
		_, n := utf8.DecodeRuneInString(host[start-1:])
		start += n - 1
	}
	return start, host[start:], path
}

// cutHost cuts what begins with a host, without the port.
func cutHost(link string) (host, path string) {
	end := strings.IndexAny(link, "/?#")
	if end < 0 {
		end = len(link)
	}
	host, _, _ = strings.Cut(link[strings.LastIndexByte(link[:end], '@')+1:end], ":")
	return strings.TrimSuffix(host, "."), link[end:]
}

// messengers are the hosts where every link leads to a person, a group or a channel.
var messengers = []string{"t.me", "telegram.me", "telegram.dog", "wa.me", "signal.me"}

// directories are the parts of paths that the name of an account follows.
var directories = []string{"/users/", "/user/", "/u/", "/profile/", "/profiles/", "/accounts/"}

// isOfPerson tells whether a link leads to somebody. Both are in lower case.
func isOfPerson(host, path string) bool {
	host = strings.TrimPrefix(host, "www.")
	switch {
	case slices.Contains(messengers, host):
		return strings.ContainsFunc(path, isWord)
	case strings.HasSuffix(host, ".t.me"):
		return true
	case host == "whatsapp.com" || strings.HasSuffix(host, ".whatsapp.com"):
		return strings.Contains(path, "phone=")
	}
	named := func(directory string) bool { return follows(path, directory, isName) }
	return slices.ContainsFunc(directories, named) || follows(path, "/@", func(s string) bool { return isName(s) && !isNumber(s) })
}

// follows tells whether in path something that is meant follows a directory.
func follows(path, directory string, meant func(string) bool) bool {
	for {
		i := strings.Index(path, directory)
		if i < 0 {
			return false
		}
		if path = path[i+len(directory):]; meant(path) {
			return true
		}
		path = "/" + path // the directories "/u/u/"
	}
}

// isName tells whether path goes on with a name.
func isName(path string) bool {
	r, _ := utf8.DecodeRuneInString(path)
	return path != "" && (isWord(r) || strings.ContainsRune("@_~%-", r))
}

// isNumber tells whether text begins with a number, as in a link to a map.
func isNumber(text string) bool {
	text = strings.TrimPrefix(text, "-")
	return text != "" && '0' <= text[0] && text[0] <= '9'
}

// contacts are links that lead to people by what they begin with.
var contacts = []string{"tg:", "skype:", "threema:", "sgnl:", "whatsapp:", "sip:", "sips:", "xmpp:", "acct:", "matrix:u/"}

// phones are links that a number follows, also one without a country.
var phones = []string{"tel:", "sms:", "smsto:", "callto:"}

// contact returns the link to somebody in word that has no host.
func contact(word string) (s span, ok bool) {
	for at := 0; ; at++ {
		colon := strings.IndexByte(word[at:], ':')
		if colon < 0 {
			return span{}, false
		}
		at += colon
		if from := begins(word, at, contacts); from >= 0 && at+1 < len(word) && (word[at+1] == '/' || isLetter(word[at+1])) {
			return span{from, linkEnd(word)}, true
		}
		if from := begins(word, at, phones); from >= 0 {
			if to := extension(word[at+1:]); to > 0 {
				return span{from, at + 1 + to}, true
			}
		}
	}
}

// begins returns where one of the links begins whose colon stands at colon; -1 where
// there is none.
func begins(word string, colon int, links []string) int {
	for _, l := range links {
		from := colon - strings.IndexByte(l, ':')
		if from < 0 || from+len(l) > len(word) || !strings.EqualFold(word[from:from+len(l)], l) {
			continue
		}
		if before, _ := utf8.DecodeLastRuneInString(word[:from]); !isWord(before) {
			return from
		}
	}
	return -1
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
