package scrub

import "bytes"

// Ticketfrei 2 and Kibicara have put links with tokens into every mail, and those of the former
// show whoever opens them the address that they were sent to. They lead here now, so they are
// taken out as ours are, whatever host they are on.

// jsonHead begins a token of Ticketfrei 2, as every other JWT, and its parts: it is `{"`.
var jsonHead = []byte("eyJ")

// shortestJWT is how long what may be a JWT, or the rest of one, is at least. jwtSignature is how
// long its last part is where it was made with SHA-256.
const (
	shortestJWT  = 20
	jwtSignature = 43
)

// otherTokens are what stands before the token in a link of Kibicara. The "=" behind it may have
// been taken for that at the end of a line.
var otherTokens = [][]byte{[]byte("email-unsubscribe?token"), []byte("email-confirm?token")}

// others returns where between start and end tokens of the other programs are.
func (s *search) others(start, end int) (hits []hit) {
	for at := start; ; {
		i := bytes.Index(s.b[at:end], jsonHead)
		if i < 0 {
			break
		}
		from := at + i
		at = from + len(jsonHead)
		if to := s.jwtEnd(from, end); to-from >= shortestJWT && !s.withinWord(from) {
			hits, at = append(hits, hit{span: span{from, to}}), to
		}
	}
	for _, before := range otherTokens {
		for at := start; ; {
			i := bytes.Index(s.low[at:end], before)
			if i < 0 {
				break
			}
			from := at + i
			at = from + len(before)
			if at < end && s.b[at] == '=' {
				at++
			}
			at = s.base64End(at, end)
			hits = append(hits, hit{span: span{from, at}, whole: true})
		}
	}
	return hits
}

func (s *search) withinWord(at int) bool {
	return at > 0 && s.breaks[at] == noBreak && isToken(rune(s.b[at-1])) && s.b[at-1] != '_'
}

// jwtEnd returns where the JWT ends that begins at at. Its first two parts go on after a line
// break whatever follows, and the last one where as much follows as it lacks.
func (s *search) jwtEnd(at, end int) int {
	part, dots := at, 0
	if at > 0 && s.b[at-1] == '.' {
		dots = 1 // it begins with the second part
	}
	for i := at; ; i++ {
		switch {
		case i == end:
			return i
		case i > at && dots == 2 && s.breaks[i] == hardBreak:
			if lacks := jwtSignature - (i - part); lacks <= 0 || s.run64(i, end)-i < lacks {
				return i
			}
		}
		switch {
		case isToken(rune(s.b[i])):
		case s.b[i] == '.' && dots < 2 && i+1 < end && isToken(rune(s.b[i+1])):
			dots++
			part = i + 1
		default:
			return i
		}
	}
}

// base64End returns where base64 ends that begins at at. After a line break it goes on where what
// follows looks like no word, or ends as base64 does.
func (s *search) base64End(at, end int) int {
	i := at
	for ; i < end && isToken(rune(s.b[i])); i++ {
		if i == at || s.breaks[i] == noBreak || s.random(i, end) {
			continue
		}
		if to := s.run64(i, end); to == end || s.b[to] != '=' {
			return i
		}
	}
	for i < end && s.b[i] == '=' {
		i++
	}
	return i
}
