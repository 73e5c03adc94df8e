package manage

import (
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

const (
	// minStrength is the least that zxcvbn must think of a new password, of 0 to 4:
	// 3 is 100 million guesses.
	minStrength = 3
	// weighed is how much of a password is looked at, in characters: the time that
	// takes grows with the square of its length. What is guessable there is too weak.
	weighed = 64
)

// common are words that people in bus and train put into passwords, and that
// zxcvbn, which knows English, does not have.
var common = strings.Fields(`ticketfrei fahrkarte fahrschein kontrolle kontrolleur kontrolleurin schwarzfahren strassenbahn straßenbahn
	bahnhof hauptbahnhof haltestelle montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz april mai juni juli
	august september oktober november dezember frühling sommer herbst winter hallo passwort geheim schatz liebe lieblings katze hund
	fussball fußball berlin hamburg münchen köln nürnberg leipzig dresden wien zürich graz deutschland willkommen ichliebedich test demo`)

// plainSpelling writes words as on a keyboard without umlauts.
var plainSpelling = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss")

// CheckPassword returns the text id of what is wrong with a new password, or ""
// if nothing is. email is the address that it is for; about are words that others
// know of it, such as the names of the cities.
func CheckPassword(password, email string, about ...string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return "form.password.short"
	case len(password) > MaxPassword:
		return "form.password.long"
	case holdsAddress(password, email):
		return "form.password.address"
	case !strong(password, email, about):
		return "form.password.weak"
	}
	return ""
}

// holdsAddress tells whether the password is the address, or little more than it.
func holdsAddress(password, email string) bool {
	rest := strings.ReplaceAll(strings.ToLower(password), email, "")
	return email != "" && utf8.RuneCountInString(rest) < MinPassword && len(rest) < len(password)
}

func strong(password, email string, about []string) bool {
	words := append([]string{email}, common...)
	for _, text := range append(about, email) {
		parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("@.-+_ ", r) })
		words = append(append(words, parts...), strings.Join(parts, ""))
	}
	for _, word := range words {
		words = append(words, plainSpelling.Replace(strings.ToLower(word)))
	}
	start := []rune(password)
	if len(start) > weighed {
		start = start[:weighed]
	}
	return zxcvbn.PasswordStrength(string(start), words).Score >= minStrength
}
