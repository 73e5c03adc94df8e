package scrub

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"ticketfrei/internal/secret"
)

// Links takes our own links that hold a token out of texts. It may be used from
// many goroutines.
type Links struct {
	box   *secret.Box
	hosts [][]byte // of the public address, in every spelling, in lower case
}

// NewLinks returns the Links of the server whose public address is web ("https://…").
func NewLinks(web string, box *secret.Box) *Links {
	l := &Links{box: box}
	u, err := url.Parse(web)
	if err != nil || u.Hostname() == "" {
		return l // tokens are known without it
	}
	host := strings.ToLower(u.Hostname())
	ascii, _ := idna.ToASCII(host)
	unicode, _ := idna.ToUnicode(host)
	for _, spelling := range []string{host, ascii, unicode} {
		if known := func(h []byte) bool { return string(h) == spelling }; spelling != "" && !slices.ContainsFunc(l.hosts, known) {
			l.hosts = append(l.hosts, []byte(spelling))
		}
	}
	return l
}

const (
	// shortest is how long a link that holds a token is at least.
	shortest = 32
	// tokenLike is from how many characters on a part of a link may be a token.
	tokenLike = 40
	// maxFormer is how long a token of earlier versions is at most: with an address of
	// 254 characters.
	maxFormer = 420
	// maxTries bounds at how many places of a text a token is looked for. Beyond it
	// whatever may be one goes.
	maxTries = 2000
)

// Strip returns text without our own links that hold a token, however they are
// written and wherever they stand: encoded, wrapped, in the links of others, or
// only the token. A text of which nothing is left is empty.
func (l *Links) Strip(text string) string {
	if !mayHoldLink(text) {
		return text
	}
	found := l.find(text)
	if len(found) == 0 {
		return text
	}
	return without(text, found)
}

// find returns where the links are in text. What is not yet decoded is searched for
// tokens too: "100%" before one takes its first letters when it is decoded.
func (l *Links) find(text string) (found []span) {
	p := withoutBreaks(text)
	for range maxDecoding {
		next := p.decoded()
		if bytes.Equal(next.b, p.b) {
			break
		}
		if bytes.IndexByte(p.b, '%') >= 0 {
			found = append(found, l.search(p, nil)...)
		}
		p = next
	}
	return append(found, l.search(p, l.hosts)...)
}

// search returns where in p tokens are, or links of hosts with one.
func (l *Links) search(p *plain, hosts [][]byte) []span {
	s := &search{plain: p, box: l.box, hosts: hosts}
	s.run()
	return s.found
}

// mayHoldLink tells whether a text has as many characters without a blank as a link
// has. Line breaks and what is not ASCII may stand within one.
func mayHoldLink(text string) bool {
	n := 0
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\n':
			for i+1 < len(text) && isQuote(text[i+1]) {
				i++
			}
		case b == ' ' || b == '\t':
			n = 0
		case b > ' ' && b < 0x7f, b == 0xef: // with which letters of full width begin
			if n++; n >= shortest {
				return true
			}
		}
	}
	return false
}

// search is the search for links in one text.
type search struct {
	*plain
	box   *secret.Box
	hosts [][]byte
	low   []byte // b in lower case
	tries int
	found []span // in the text
}

func (s *search) run() {
	s.low = lower(s.b)
	for start := 0; start < len(s.b); {
		end := start
		for end < len(s.b) && s.b[end] > ' ' {
			end++
		}
		if end-start >= shortest && s.word(start, end) {
			end = s.rest(end)
		}
		start = end + 1
	}
}

// lower returns b in lower case, the letters of Western Europe too. Its length stays.
func lower(b []byte) []byte {
	low := bytes.Clone(b)
	for i, c := range low {
		switch {
		case 'A' <= c && c <= 'Z':
			low[i] += 'a' - 'A'
		case i > 0 && low[i-1] == 0xc3 && 0x80 <= c && c <= 0x9e && c != 0x97: // À to Þ, not ×
			low[i] += 'a' - 'A'
		}
	}
	return low
}

// rest takes out what follows a link, and returns the end of it: where a program has
// cut a token with blanks, the parts would go on otherwise.
func (s *search) rest(end int) int {
	for {
		from := end
		for from < len(s.b) && s.b[from] <= ' ' {
			from++
		}
		stop := s.run64(from, len(s.b))
		if !s.random(from, stop) {
			return end
		}
		to := from + 1
		for to < stop && (s.breaks[to] != hardBreak || s.random(to, stop)) {
			to++
		}
		s.found = append(s.found, span{s.at[from].from, s.at[to-1].to})
		end = to
	}
}

// word looks for links in what stands between two blanks, and tells whether it ends
// with one.
func (s *search) word(start, end int) (link bool) {
	done := start
	for _, hit := range s.hits(start, end) {
		if hit.to <= done {
			continue
		}
		from, link := s.start(max(start, done), hit)
		to := hit.to
		if link && !hit.whole {
			to = s.end(hit.to, end)
		}
		s.found = append(s.found, span{s.at[from].from, s.at[to-1].to})
		done = to
	}
	return done == end
}

// hit is where a link is surely ours: from its host or its token on, to the end of
// the token.
type hit struct {
	span
	host  bool
	whole bool // nothing behind it belongs to the link
}

// hits returns what is found between start and end, in its order.
func (s *search) hits(start, end int) []hit {
	hits := append(s.tokens(start, end), s.others(start, end)...)
	for _, host := range s.hosts {
		for at := start; ; {
			i := bytes.Index(s.low[at:end], host)
			if i < 0 {
				break
			}
			from := at + i
			at = from + len(host)
			if to := s.afterHost(from, at, end); to > 0 {
				hits = append(hits, hit{span: span{from, to}, host: true})
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.from - b.from })
	return hits
}

// tokenPages are the last parts of the paths before a token.
var tokenPages = [][]byte{[]byte("confirm"), []byte("often"), []byte("unsubscribe"), []byte("invitation"), []byte("password")}

// maxPath is how long the path before a token is at most.
const maxPath = 200

// afterHost returns the end of the token in the link whose host stands between
// from and at; 0 where it has none, or where the host is that of others.
func (s *search) afterHost(from, at, end int) int {
	if from > 0 && s.breaks[from] == noBreak && isToken(rune(s.b[from-1])) && s.b[from-1] != '_' {
		return 0
	}
	if rest := s.low[at:end]; len(rest) > 0 && rest[0] == '-' && !bytes.HasPrefix(rest, []byte("-3a")) && !bytes.HasPrefix(rest, []byte("-2f")) {
		return 0
	}
	part, whole := at, at // of the path: from "_" or "/" on, and from "/" on
	for i := at; i <= min(end, at+maxPath); i++ {
		if i < end && isToken(rune(s.b[i])) && s.b[i] != '_' {
			continue
		}
		if i < end && slices.ContainsFunc(tokenPages, func(p []byte) bool { return bytes.Equal(p, s.low[part:i]) }) {
			if to := s.tokenEnd(i+1, s.run64(i+1, end)); to > i+1 {
				return to
			}
		}
		if i-part >= tokenLike {
			if s.box.TokenLength(string(s.b[whole:i])) > 0 { // or its length is not known
				part = whole
			}
			return s.tokenEnd(part, s.run64(part, end))
		}
		if i < end && s.b[i] == '#' {
			return 0
		}
		if part = i + 1; i < end && s.b[i] != '_' {
			whole = part
		}
	}
	return 0
}

// start returns where the link begins that a hit is in, not before first, and
// whether it is a link at all and not only a token.
func (s *search) start(first int, h hit) (from int, link bool) {
	from = h.from
	for from > first && isURL(s.b[from-1]) && s.joined(first, from) {
		from--
	}
	before := s.low[from:h.from]
	if i := bytes.Index(before, []byte("//")); i >= 0 {
		return from + withScheme(before, i), true
	}
	if !h.host {
		if bytes.IndexByte(before, '/') >= 0 {
			return from, true
		}
		return h.from, false
	}
	for from = h.from; from > first && isHost(s.b[from-1]) && s.breaks[from] == noBreak; from-- {
	}
	return from, true
}

// withScheme returns where the scheme begins that stands before the slashes at i.
func withScheme(b []byte, i int) int {
	if i == 0 || b[i-1] != ':' {
		return i
	}
	i--
	for _, scheme := range []string{"https", "http"} {
		if bytes.HasSuffix(b[:i], []byte(scheme)) {
			return i - len(scheme)
		}
	}
	for ; i > 0 && 'a' <= b[i-1] && b[i-1] <= 'z'; i-- {
	}
	return i
}

// joined tells whether a link that goes on at i has begun before it: always but
// after a line break, where the line before must end with one.
func (s *search) joined(first, i int) bool {
	if s.breaks[i] != hardBreak {
		return true
	}
	if bytes.HasPrefix(s.low[i:], []byte("http")) {
		return false
	}
	from := i - 1
	for from > first && isURL(s.b[from-1]) && s.breaks[from] == noBreak {
		from--
	}
	line := s.low[from:i]
	return bytes.Contains(line, []byte("://")) || slices.ContainsFunc(s.hosts, func(h []byte) bool { return bytes.Contains(line, h) })
}

// end returns where the link ends that a token is in which ends at i.
func (s *search) end(i, end int) int {
	last := i
	for ; i < end && s.breaks[i] != hardBreak && isURL(s.b[i]) && s.b[i] != ','; i++ {
		if strings.IndexByte(".;:!?'*_~", s.b[i]) < 0 {
			last = i + 1
		}
	}
	return last
}

// isHost tells whether b may stand in the name of a host.
func isHost(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '.'
}

// isURL tells whether b may stand in a link.
func isURL(b byte) bool {
	return b > ' ' && b < 0x7f && strings.IndexByte("<>\"()[]{}|\\^`", b) < 0
}
