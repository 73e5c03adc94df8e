package scrub

import (
	"strings"
	"unicode"
)

// Invisible takes out what takes no room: zero-width characters, and those that turn
// the direction of what follows. Joiners stay where a script needs them, as between
// Persian or Hindi letters, and within emoji.
func Invisible(s string) string {
	if strings.IndexFunc(s, isInvisible) < 0 {
		return s
	}
	var kept strings.Builder
	var before rune // the last that was kept
	flag := false   // within a flag that is spelled with tags, as that of Wales
	runes := []rune(s)
	for i, r := range runes {
		flag = r == blackFlag || flag && isTag(r)
		if isInvisible(r) && !(flag && isTag(r)) && !needed(r, before, runes[i+1:]) {
			continue
		}
		kept.WriteRune(r)
		before = r
	}
	return kept.String()
}

// needed tells whether what cannot be seen changes how the characters around it look.
func needed(r, before rune, after []rune) bool {
	return isJoiner(r) && joins(r, before, after) || isSelector(r) && varies(before, after)
}

const (
	softHyphen = '\u00ad'

	zwnj      = '\u200c'
	zwj       = '\u200d'
	blackFlag = '\U0001f3f4'
	selector  = '\ufe0f' // makes an emoji of the character before it
	keycap    = '\u20e3'
)

// shown are format characters that are seen: signs around numbers.
var shown = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x0600, Hi: 0x0605, Stride: 1}, {Lo: 0x06dd, Hi: 0x06dd, Stride: 1},
		{Lo: 0x070f, Hi: 0x070f, Stride: 1}, {Lo: 0x0890, Hi: 0x0891, Stride: 1}, {Lo: 0x08e2, Hi: 0x08e2, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x110bd, Hi: 0x110bd, Stride: 1}, {Lo: 0x110cd, Hi: 0x110cd, Stride: 1},
		{Lo: 0x13430, Hi: 0x1343f, Stride: 1}},
}

// blank are letters and marks that show nothing.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x034f, Hi: 0x034f, Stride: 1}, {Lo: 0x115f, Hi: 0x1160, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1}, {Lo: 0xffa0, Hi: 0xffa0, Stride: 1}},
}

func isInvisible(r rune) bool {
	if r < softHyphen { // the first of them
		return false
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(shown, r) || unicode.Is(blank, r) || isSelector(r)
}

func isJoiner(r rune) bool { return r == zwnj || r == zwj }

// isSelector tells whether a character chooses how the one before it looks.
func isSelector(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }

// varies tells whether there are several looks of a character to choose from: of signs,
// of digits as keycaps, and of the letters of a few scripts.
func varies(before rune, after []rune) bool {
	switch {
	case before == 0, isSelector(before), unicode.IsSpace(before):
		return false
	case unicode.IsDigit(before):
		return len(after) > 0 && after[0] == keycap
	default:
		return !unicode.IsLetter(before) || unicode.In(before, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Mongolian, unicode.Myanmar, unicode.Phags_Pa)
	}
}

// isTag tells whether a character spells a flag after the black one.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

// joining are the scripts whose letters look otherwise with a joiner between them.
var joining = []*unicode.RangeTable{unicode.Arabic, unicode.Syriac, unicode.Nko, unicode.Mandaic, unicode.Mongolian, unicode.Adlam,
	unicode.Hanifi_Rohingya, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
	unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Balinese,
	unicode.Javanese, unicode.Meetei_Mayek}

// joins tells whether a joiner is needed between two characters. The letters of a script
// may have one at the end of a word; signs have only ZWJ, between two of them.
func joins(r, before rune, after []rune) bool {
	if unicode.In(before, joining...) {
		return true
	}
	return r == zwj && len(after) > 0 && isSign(before) && isSign(after[0])
}

// isSign tells whether a character may be part of an emoji.
func isSign(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sk) || r == selector || r == keycap || r == '\u2194' || r == '\u2195' || r == '\u27a1'
}
