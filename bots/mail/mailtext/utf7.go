package mailtext

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

func isUTF7(name string) bool {
	switch strings.ToLower(strings.Trim(name, space+`"'`)) {
	case "utf-7", "utf7", "unicode-1-1-utf-7":
		return true
	}
	return false
}

// decodeUTF7 decodes RFC 2152, in which letters beyond ASCII stand between "+" and
// "-" as base64 of UTF-16.
func decodeUTF7(raw []byte) string {
	var b strings.Builder
	for rest := string(raw); ; {
		plain, shifted, ok := strings.Cut(rest, "+")
		b.WriteString(plain)
		if !ok {
			return b.String()
		}
		end := 0
		for end < len(shifted) && isBase64(shifted[end]) {
			end++
		}
		if end == 0 { // "+-" stands for "+"
			b.WriteByte('+')
		}
		b.WriteString(decodeUTF16(shifted[:end]))
		rest = strings.TrimPrefix(shifted[end:], "-")
	}
}

// decodeUTF16 decodes base64 of UTF-16, the high byte first.
func decodeUTF16(encoded string) string {
	raw, _ := base64.RawStdEncoding.DecodeString(encoded) // as far as it goes
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, uint16(raw[0])<<8|uint16(raw[1]))
	}
	return string(utf16.Decode(units))
}
