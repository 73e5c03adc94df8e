// Package valid makes text such that every database, screen and mail takes it.
package valid

import (
	"strings"
	"unicode/utf8"
)

// Is tells whether a text is UTF-8 without NUL.
func Is(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Text returns s as it is stored: without NUL, and with U+FFFD in the place of each run of
// bytes that are no UTF-8. Valid text is returned as it is. Made valid twice, a text is the
// same as made valid once.
func Text(s string) string {
	if Is(s) {
		return s
	}
	// NUL goes last: bytes on both its sides must not become a character.
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
