package scrub

import "ticketfrei/internal/secret"

// tokens looks for tokens, wherever they stand.
func (s *search) tokens(start, end int) (hits []hit) {
	for i := start; i < end; {
		if !isToken(rune(s.b[i])) {
			i++
			continue
		}
		stop := s.run64(i, end)
		if !isMixed(s.b[i:stop]) {
			i = stop
			continue
		}
		for at := i; stop-at >= shortest; at++ {
			if to := s.token(at, stop); to > 0 {
				hits = append(hits, hit{span: span{at, to}})
				at = to - 1
			}
		}
		i = stop
	}
	return hits
}

// run64 returns the end of what is written in the letters of a token from i on.
func (s *search) run64(i, end int) int {
	for i < end && isToken(rune(s.b[i])) {
		i++
	}
	return i
}

// token returns the end of the token that begins at at; 0 where there is none.
// Nothing after stop belongs to it.
func (s *search) token(at, stop int) int {
	if !isMixed(s.b[at : at+shortest]) {
		return 0
	}
	if s.tries++; s.tries > maxTries {
		if stop-at < tokenLike {
			return 0
		}
		return stop
	}
	begin := string(s.b[at : at+shortest])
	if s.box.TokenLength(begin) > 0 || secret.LooksLikeFormerToken(begin) {
		return s.tokenEnd(at, stop)
	}
	return 0
}

// isMixed tells whether there are both small and capital letters, as at the beginning
// of a token: one in ten million has not.
func isMixed(b []byte) bool {
	var small, capital bool
	for _, c := range b {
		small = small || 'a' <= c && c <= 'z'
		capital = capital || 'A' <= c && c <= 'Z'
		if small && capital {
			return true
		}
	}
	return false
}

// tokenEnd returns the end of what may be a token that begins at at. Where its
// length is not known, it goes on after a line break only if it is too short
// without, or if what follows looks like no word.
func (s *search) tokenEnd(at, stop int) int {
	if stop-at >= shortest {
		if n := s.box.TokenLength(string(s.b[at : at+shortest])); n > 0 {
			return min(at+n, stop)
		}
	}
	for i := at + shortest; i <= min(stop, at+maxFormer); i++ {
		if (i == stop || s.breaks[i] == hardBreak) && s.box.IsFormerToken(string(s.b[at:i])) {
			return i
		}
	}
	i := at
	for ; i < stop; i++ {
		if s.breaks[i] == hardBreak && i-at >= tokenLike && !s.random(i, stop) {
			break
		}
	}
	return i
}

// random tells whether what begins at i, with a line or after a blank, begins with
// something long that is no word of a language.
func (s *search) random(i, stop int) bool {
	const long = 12
	odd := false
	for at := i; at < stop && at < i+long; at++ {
		b := s.b[at]
		odd = odd || b < 'A' || b == '_' || at > i && b <= 'Z'
		if at > i && s.breaks[at] == hardBreak {
			return false
		}
	}
	return odd && stop-i >= long
}

// isToken tells whether r may stand in a token.
func isToken(r rune) bool { return r == '_' || r != '.' && r < 0x80 && isHost(byte(r)) }
