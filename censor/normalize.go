package censor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalize brings a text to the spelling that rules are matched against. Two
// texts that look the same to a reader become the same:
//
//   - compatibility forms are replaced (Unicode NFKC): fullwidth letters,
//     ligatures, letters with separate accents;
//   - case is folded: "STRASSE" and "straße" are both "strasse"; the Turkish
//     İ and ı are i;
//   - what is invisible is left out: zero-width and other format characters,
//     soft hyphens, variation selectors, control characters;
//   - accents that belong to no letter are left out, such as the strokes that
//     are laid over each letter of a word;
//   - a run of white space is one space, and there is none at the ends.
//
// Normalizing twice changes nothing.
func Normalize(text string) string {
	if short, ok := normalizeCommon(text); ok {
		return short
	}
	return collapse(fold(text), true)
}

// fold does everything but the white space: it turns each one into a space.
func fold(text string) string {
	text = strings.Map(visible, text)
	// The order of Unicode's definition of a caseless match (The Unicode
	// Standard, section 3.13, D146), with the composed form at the end.
	text = cases.Fold().String(norm.NFD.String(text))
	text = cases.Fold().String(norm.NFKC.String(text))
	text = norm.NFKC.String(strings.Map(dotted, text))
	return strings.Map(leftOver, text)
}

// visible drops what cannot be seen and turns white space into spaces.
func visible(r rune) rune {
	switch {
	case r > ' ' && r < 0x7f:
		return r
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return r // the only format characters that can be seen
	case unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return -1
	default:
		return r
	}
}

// dotted turns the Turkish ı into i. İ is an i and a dot, which leftOver drops.
func dotted(r rune) rune {
	if r == 'ı' {
		return 'i'
	}
	return r
}

// leftOver drops accents that NFKC could not combine with a letter, and the
// joiners that it inserts if there are too many of them.
func leftOver(r rune) rune {
	if r >= 0x300 && r <= 0x36f {
		return -1
	}
	return visible(r)
}

// collapse turns runs of spaces into one, and drops those at the ends if trim
// is set.
func collapse(text string, trim bool) string {
	if trim {
		text = strings.Trim(text, " ")
	}
	if !strings.Contains(text, "  ") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		if text[i] != ' ' || i == 0 || text[i-1] != ' ' {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// normalizeCommon does the same as the rest of this file, but many times
// faster, for texts in the characters of nearly all reports: ASCII, the Latin
// letters of Europe, Cyrillic, common punctuation and emoji. It gives up at any
// other character.
func normalizeCommon(text string) (string, bool) {
	var b strings.Builder
	b.Grow(len(text)) // no character gets longer
	space := false    // a space is due before the next character
	for i := 0; i < len(text); {
		c := text[i]
		out := rune(lower[c&0x7f])
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			var ok bool
			r, size = utf8.DecodeRuneInString(text[i:])
			if out, ok = commonRune(r); !ok {
				return "", false
			}
		}
		i += size
		switch out {
		case dropped:
			continue
		case ' ':
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		switch {
		case out < utf8.RuneSelf:
			b.WriteByte(byte(out))
		case out == 'ß':
			b.WriteString("ss")
		case out == '…':
			b.WriteString("...")
		default:
			b.WriteRune(out)
		}
	}
	return b.String(), true
}

// dropped stands for a character that is left out.
const dropped = 0

// lower is what each ASCII character becomes.
var lower = asciiTable()

func asciiTable() (table [utf8.RuneSelf]byte) {
	for i := range table {
		c := byte(i)
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			c = ' '
		case c < ' ' || c == 0x7f:
			c = dropped
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		table[i] = c
	}
	return table
}

// commonRune returns what a common character beyond ASCII becomes. It returns
// 'ß' and '…' unchanged: they become two and three characters.
func commonRune(r rune) (rune, bool) {
	switch {
	case r >= 'à' && r <= 'ÿ', r == 'ß', r == '×':
		return r, true
	case r >= 'À' && r <= 'Þ':
		return r + ('à' - 'À'), true
	case r >= 0x100 && r <= 0x17f: // Latin Extended-A
		return commonLatin(r)
	case r >= 0x410 && r <= 0x45f: // Cyrillic: the first half of it upper case
		if r < 0x430 {
			r += 0x20
		}
		return r, true
	case r >= 0x400 && r <= 0x40f:
		return r + 0x50, true
	case r == 0xa0: // no-break space
		return ' ', true
	case r == 0xad, // soft hyphen
		r >= 0x200b && r <= 0x200f, // zero-width space and joiners, direction marks
		r == 0xfe0f,                // emoji presentation
		r == 0xfeff:                // byte order mark
		return dropped, true
	case r >= 0x2018 && r <= 0x201f, r == '–', r == '—', r == '…', r == '•', r == '€', r == '§', r == '°', r == '«', r == '»':
		return r, true
	case r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6c5, r >= 0x1f90c && r <= 0x1f9ff: // emoji
		return r, true
	default:
		return 0, false
	}
}

// commonLatin returns what a character of Latin Extended-A becomes.
func commonLatin(r rune) (rune, bool) {
	switch r {
	case 'İ', 'ı':
		return 'i', true
	case 'Ĳ', 'ĳ', 'Ŀ', 'ŀ', 'ŉ', 'ſ': // composed of other characters
		return 0, false
	default:
		return unicode.ToLower(r), true
	}
}
