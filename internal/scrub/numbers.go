package scrub

import (
	"strings"
	"unicode/utf8"
)

// The digits of a phone number, with the country.
const (
	minDigits = 9
	maxDigits = 15 // E.164
)

// numbers returns the phone numbers in text. They begin with + or 00: others look
// like lines, times and houses.
func numbers(text string) (found []span) {
	if strings.IndexByte(text, '+') < 0 && !strings.Contains(text, "00") {
		return nil
	}
	for i := 0; i < len(text); i++ {
		prefix := 0
		switch {
		case text[i] == '+':
			prefix = 1
		case text[i] == '0' && i+1 < len(text) && text[i+1] == '0':
			prefix = 2
		}
		if prefix == 0 || !mayPrecede(text[:i]) {
			continue
		}
		if to := number(text, i+prefix); to > 0 {
			found = append(found, withBracket(text, span{i, to}))
			i = to - 1
		}
	}
	return found
}

// mayPrecede tells whether a phone number may follow before, which is no part of
// another number, word or link.
func mayPrecede(before string) bool {
	r, n := utf8.DecodeLastRuneInString(before)
	if r == '.' || r == ',' {
		r, _ = utf8.DecodeLastRuneInString(before[:len(before)-n])
		return !('0' <= r && r <= '9')
	}
	return !isWord(r) && !strings.ContainsRune("+-/_&?#%", r)
}

// number returns the end of the phone number that goes on at at, after its prefix; 0
// where there is none.
func number(text string, at int) int {
	if at < len(text) && text[at] == '(' {
		at++
	}
	if at == len(text) || text[at] < '1' || text[at] > '9' {
		return 0
	}
	end, count, last := at, 0, 0
	for {
		gap := separator(text[end:])
		group := digits(text[end+gap:])
		if group == 0 || count+group > maxDigits || count > 0 && !goesOn(count, last, group) {
			break
		}
		end, count, last = end+gap+group, count+group, group
	}
	if count < minDigits || isDecimal(text[at:end]) {
		return 0
	}
	return end
}

// goesOn tells whether a number of which count digits are read, last of them at the
// end, goes on with a group of digits. A short one after enough is something else:
// "2 Kontis", "15:30".
func goesOn(count, last, group int) bool {
	const enough = 11
	return count < minDigits || group > 2 || group == 2 && (count < enough || last == 2)
}

// separator returns how long what stands between two groups of digits is at the
// beginning of text.
func separator(text string) int {
	const most = 3
	length := 0
	for range most {
		r, n := utf8.DecodeRuneInString(text[length:])
		if n == 0 || !strings.ContainsRune(" -./()\u2011–", r) {
			break
		}
		length += n
	}
	return length
}

// digits returns how many digits text begins with, at most one more than a number has.
func digits(text string) int {
	n := 0
	for n < len(text) && n <= maxDigits && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// isDecimal tells whether s is a number with decimals, as of a place on a map.
func isDecimal(s string) bool {
	whole, decimals, ok := strings.Cut(s, ".")
	return ok && digits(whole) == len(whole) && digits(decimals) == len(decimals)
}

// withBracket adds the bracket before a number such as (+49) 911 1234567.
func withBracket(text string, s span) span {
	number := text[s.from:s.to]
	if s.from > 0 && text[s.from-1] == '(' && strings.Count(number, ")") > strings.Count(number, "(") {
		s.from--
	}
	return s
}

// extension returns the end of the digits that text begins with, in whatever groups;
// 0 where they are too few for somebody's phone.
func extension(text string) int {
	const fewest = 5
	end, count := 0, 0
	for i := 0; i < len(text) && (isHost(text[i]) && !isLetter(text[i]) || text[i] == '+'); i++ {
		if '0' <= text[i] && text[i] <= '9' {
			end, count = i+1, count+1
		}
	}
	if count < fewest {
		return 0
	}
	return end
}
