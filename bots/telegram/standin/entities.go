package standin

import (
	"regexp"
	"unicode/utf16"
)

// entityPatterns are what clients mark by themselves.
var entityPatterns = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"mention", regexp.MustCompile(`(?:^|[^A-Za-z0-9_/])(@[A-Za-z][A-Za-z0-9_]{3,})`)},
	{"bot_command", regexp.MustCompile(`(?:^|\s)(/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]+)?)`)},
	{"url", regexp.MustCompile(`(https?://\S+)`)},
}

// entities finds mentions, commands and links. Offset and length count UTF-16
// units.
func entities(text string) []map[string]any {
	var list []map[string]any
	for _, e := range entityPatterns {
		for _, at := range e.pattern.FindAllStringSubmatchIndex(text, -1) {
			list = append(list, map[string]any{"type": e.kind, "offset": units(text[:at[2]]), "length": units(text[at[2]:at[3]])})
		}
	}
	return list
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }
