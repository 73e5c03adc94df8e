package manage

import (
	"net/mail"
	"strings"
)

// maxEmail is the length of the longest address that can be mailed to, without
// the angle brackets (RFC 5321, 4.5.3.1.3).
const maxEmail = 254

// NormalEmail returns an address as the database spells it.
func NormalEmail(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

// CheckEmail returns the text id of what is wrong with an address; empty: nothing is.
func CheckEmail(email string) string {
	switch {
	case email == "":
		return "form.email.empty"
	case len(email) > maxEmail || !validEmail(email):
		return "form.email.invalid"
	}
	return ""
}

// validEmail accepts only a bare address with a domain that can be mailed to.
func validEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Name != "" || a.Address != email || strings.ContainsAny(email, " \t\r\n<>\"") {
		return false
	}
	_, domain, _ := strings.Cut(email, "@")
	return !strings.HasPrefix(domain, "[") && !strings.HasSuffix(domain, ".")
}
