package address

import "strings"

// Masked is an address as lists show it: "a…@example.org".
func Masked(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "…"
	}
	first := []rune(email[:at])[:1]
	return string(first) + "…" + email[at:]
}
