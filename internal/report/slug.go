package report

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

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
	"password", "postmaster", "privacy", "readyz", "register", "root",
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

// Slug makes a city's slug from its name: "Nürnberg" gives "nuernberg". It
// leaves out what cannot be written in ASCII, so the result may be empty or too
// short: see CheckSlug.
func Slug(name string) string {
	// Compose first, so that "a" with a combining diaeresis becomes "ä" too.
	name = spelled.Replace(strings.ToLower(norm.NFC.String(name)))
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
