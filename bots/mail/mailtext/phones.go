package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// phoneLabel is what stands before a telephone number, or before an address.
const phoneLabel = `tel|telefon|telephone|téléphone|teléfono|telefono|telefone|telefoon|tlf|phone|fon|fax|telefax|mobil|mobile|mobiltelefon|mob|handy|cell|cel|celular|móvil|gsm|port|portable|` +
	`sms|mms|whatsapp|signal|call|nummer|rufnummer|number|nr|absender|sender|тел|телефон|моб|τηλ|κιν|هاتف|טלפון|נייד|电话|電話|手机|携帯|전화`

var (
	// labelledNumber is a number of any form behind a label.
	labelledNumber = regexp.MustCompile(`(?i)(?:` + phoneLabel + `)(?:\.|nummer|number)?\s?(?:nr\.?)?\s?[:：=]?\s?(?:(?:von|from|de|от)\s)?\+?\(?\d[\d \x{a0}()/.-]{3,}\d`)
	// bareNumber are the forms of numbers without a country: 0911 12345, (0170) 5550100,
	// 06 12 34 56 78, 555-010-0199, 555-0100, 15550100199.
	bareNumber = regexp.MustCompile(`(?:(?:\+|00)\d{1,3}[ ./-]{0,2})?(?:\(?0\d{2,5}\)?[ \x{a0}/-]{0,3}\d{2,}(?:[ \x{a0}/-]\d{2,})*|0\d(?:[ \x{a0}.-]\d\d){4}|\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}|\d{3}-\d{4}|\d{9,15})`)
)

// vehicle is what stands before the number of one.
var vehicle = regexp.MustCompile(`(?i)(?:wagen|zug|gleis|bus|tram|linie|fahrzeug|line|train|car|voiture|rame|coche|tren|vagone|vůz|wagon|haltestelle|stop)(?:nummer|nr\.?)?\s*$`)

const (
	maxVehicle = 24 // bytes
	minPhone   = 7  // digits, without the country
	// minLabelled is minPhone behind a label.
	minLabelled = 6
	// surePhone is from how many digits on others may stand before the number.
	surePhone = 10
)

// phones returns where in text telephone numbers are that have no country before
// them, and those behind a label.
func phones(text string) []stretch {
	if !mayHoldPhone(text) {
		return nil
	}
	var found []stretch
	for _, at := range labelledNumber.FindAllStringIndex(text, -1) {
		if isPhone(text, at[0], at[1], minLabelled) {
			found = append(found, stretch{at[0], at[1]})
		}
	}
	for _, at := range bareNumber.FindAllStringIndex(text, -1) {
		if isPhone(text, at[0], at[1], minPhone) && !overlaps(found, at) {
			found = append(found, stretch{at[0], at[1]})
		}
	}
	slices.SortFunc(found, func(a, b stretch) int { return a.from - b.from })
	return found
}

// mayHoldPhone says whether as many digits as a telephone number has follow each other in
// text, with nothing between them that cannot stand within one.
func mayHoldPhone(text string) bool {
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			if digits++; digits == minLabelled {
				return true
			}
		case c == ' ', c == '(', c == ')', c == '/', c == '.', c == '-', c == '+', c == 0xc2, c == 0xa0: // "\u00a0" is two bytes
		default:
			digits = 0
		}
	}
	return false
}

// isPhone says whether what stands between from and to in text has as many digits as a
// telephone number, at least as many as fewest, and is no part of something else.
func isPhone(text string, from, to, fewest int) bool {
	n := countDigits(text[from:to])
	before := text[:from]
	ofVehicle := followsDigits(before) || vehicle.MatchString(before[max(0, from-maxVehicle):])
	return n >= fewest && (n >= surePhone || !ofVehicle) && isApart(text, from, to)
}

// followsDigits says whether text ends with a digit and a blank: what follows is the
// rest of the number of a vehicle.
func followsDigits(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text, " "))
	return strings.HasSuffix(text, " ") && unicode.IsDigit(last)
}

func overlaps(found []stretch, at []int) bool {
	return slices.ContainsFunc(found, func(s stretch) bool { return at[0] < s.to && s.from < at[1] })
}

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// isApart says whether what stands between from and to in text is no part of a word,
// a link, a date or a longer number.
func isApart(text string, from, to int) bool {
	before, size := utf8.DecodeLastRuneInString(text[:from])
	if inWord(before) || from > 0 && strings.ContainsRune("+-/_&?#%=", before) && !strings.HasPrefix(text[from:], "(") {
		return false
	}
	if (before == '.' || before == ',' || before == ':') && from > size {
		if r, _ := utf8.DecodeLastRuneInString(text[:from-size]); unicode.IsDigit(r) {
			return false
		}
	}
	after := runeAt(text, to)
	return to == len(text) || !inWord(after) && !strings.ContainsRune("-/_&?#%=", after)
}

var (
	link = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>"]+`)
	// tokenPlace is where a link holds what only its owner should have.
	tokenPlace = regexp.MustCompile(`(?i)(unsubscribe|confirm|invitation|invite|passwor[dt]|reset|verify|verif|activate|optin|optout|opt-out|abmeld|abbestell|bestätig|token|magic|session|sessid|login|signin|auth|apikey|api_key|key|sig|signature|secret|sid|uid|hash|code)[a-z_-]*(?:/|=|%3d|%2f)[^/&=]{6,}`)
	// mapSite begins a link to a map: what looks like a token there is a place.
	mapSite   = regexp.MustCompile(`(?i)^(?:https?://)?(?:(?:www\.)?google\.[a-z.]{2,6}/maps|maps\.google\.[a-z.]{2,6}/|maps\.app\.goo\.gl/|goo\.gl/maps/|maps\.apple\.com/|(?:www\.)?(?:openstreetmap|osm)\.org/)`)
	longToken = regexp.MustCompile(`[A-Za-z0-9]{22,}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{17}`)
)

// mayHoldLink says whether there is anything of a link in text.
func mayHoldLink(text string) bool {
	return strings.Contains(text, "://") || strings.Contains(text, "ww.") || strings.Contains(text, "WW.")
}

// secretLinks returns where in text links are that hold a token.
func secretLinks(text string) []stretch {
	if !mayHoldLink(text) {
		return nil
	}
	var found []stretch
	for _, at := range link.FindAllStringIndex(text, -1) {
		l := strings.TrimRight(text[at[0]:at[1]], `.,;:!?)]}'*`)
		if mapSite.MatchString(l) {
			continue
		}
		if tokenPlace.MatchString(l) || slices.ContainsFunc(longToken.FindAllString(l, -1), isRandom) {
			found = append(found, stretch{at[0], at[0] + len(l)})
		}
	}
	return found
}

// isRandom says whether a part of a link is no word of a language: it has digits within
// letters.
func isRandom(part string) bool {
	digits, turns := 0, 0
	for i, r := range part {
		digit := unicode.IsDigit(r)
		if digit {
			digits++
		}
		if i > 0 && digit != unicode.IsDigit(rune(part[i-1])) {
			turns++
		}
	}
	return digits >= 2 && turns >= 3
}
