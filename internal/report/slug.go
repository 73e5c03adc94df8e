package report

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/anyascii/go"
	"golang.org/x/text/unicode/norm"
)

// The errors of CheckSlug.
var (
	// ErrInvalid means that a slug is not 2 to 40 of a-z, 0-9 and single "-"
	// between them.
	ErrInvalid = errors.New("a city's short name needs 2 to 40 letters or digits")
	// ErrReserved means that the address or path already means something else.
	ErrReserved = errors.New("this short name is reserved")
)

const (
	minSlug = 2
	maxSlug = 40 // well within the 64 of a mail address's local part, with room for a tag (RFC 5321, 4.5.3.1.1)
)

// reserved are mailbox names with a special meaning (RFC 2142 and common use),
// and words that could be mistaken for a part of the program.
var reserved = []string{
	"abuse", "account", "admin", "administrator", "api", "bounce", "bounces",
	"city", "confirm", "contact", "daemon", "demo", "ftp", "healthz", "help",
	"hostmaster", "imprint", "info", "invitation", "login", "logout", "mail",
	"mailer-daemon", "metrics", "news", "no-reply", "nobody", "noc", "noreply",
	"operator", "password", "postmaster", "privacy", "readyz", "register", "root",
	"security", "settings", "smtp", "ssl", "static", "support", "system",
	"test", "ticketfrei", "usenet", "uucp", "webmaster", "www",
}

var valid = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// spelled are the letters whose usual spelling in ASCII is not just the letter
// without its marks.
var spelled = strings.NewReplacer(
	"ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "æ", "ae", "œ", "oe",
	"ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i",
)

// ukrainian are letters that Ukrainian spells otherwise than its neighbours do, as on its
// own signs: "Київ" is Kyiv. A name is taken for Ukrainian by the letters in ofUkrainian.
var ukrainian = strings.NewReplacer("г", "h", "ґ", "g", "и", "y", "й", "i", "ї", "i", "є", "ie", "ю", "iu", "я", "ia")

const ofUkrainian = "ґєії"

// arabic are letters that stand for a vowel, or for a sound that Latin letters write as one.
var arabic = strings.NewReplacer("ا", "a", "أ", "a", "إ", "i", "آ", "a", "ى", "a", "ة", "a", "ع", "a", "ء", "")

// Slug makes a city's slug from its name: "Nürnberg" gives "nuernberg", "Київ" "kyiv". It
// leaves out what cannot be written in ASCII, so the result may be empty or too
// short: see CheckSlug.
func Slug(name string) string {
	// Compose first, so that "a" with a combining diaeresis becomes "ä" too.
	name = inLatin(spelled.Replace(strings.ToLower(norm.NFC.String(name))))
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(name) {
		r = unicode.ToLower(r)
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’':
			// A mark belongs to the letter before it; an apostrophe joins.
		default:
			gap = true
		}
	}
	return cut(b.String())
}

// inLatin writes the letters and digits of other scripts in Latin letters.
func inLatin(name string) string {
	if strings.ContainsAny(name, ofUkrainian) {
		name = ukrainian.Replace(name)
	}
	var b strings.Builder
	for _, r := range arabic.Replace(name) {
		if foreign(r) {
			b.WriteString(anyascii.TransliterateRune(r))
		} else {
			b.WriteRune(r)
		}
	}
	return strings.ToLower(b.String())
}

// foreign says whether a character is a letter or digit of another script than Latin, or
// a vowel that is written at one.
func foreign(r rune) bool {
	if r < unicode.MaxLatin1 || unicode.In(r, unicode.Latin, unicode.Inherited) {
		return false
	}
	return unicode.IsDigit(r) || !unicode.Is(unicode.Common, r) && (unicode.IsLetter(r) || unicode.IsMark(r))
}

// cut shortens a slug to maxSlug, at the end of a word if possible.
func cut(slug string) string {
	if len(slug) <= maxSlug {
		return slug
	}
	if i := strings.LastIndexByte(slug[:maxSlug+1], '-'); i > 0 {
		return slug[:i]
	}
	return slug[:maxSlug]
}

// CheckSlug returns ErrInvalid or ErrReserved if a city may not have that slug.
// Only the database knows whether it is taken.
func CheckSlug(slug string) error {
	switch {
	case len(slug) < minSlug || len(slug) > maxSlug || !valid.MatchString(slug):
		return ErrInvalid
	case slices.Contains(reserved, slug):
		return ErrReserved
	}
	return nil
}
