package doctor

import (
	"fmt"
	"io"
	"strings"
)

// maxString is how long a string of a TXT record may be, in bytes (RFC 1035 §3.3.14).
const maxString = 255

// WriteZone writes records as they stand in a zone file. Comments say why, and how a
// text is typed into a provider's form. What is advice is a comment too.
func WriteZone(w io.Writer, records []Record) error {
	var b strings.Builder
	why := ""
	for _, r := range records {
		if r.Why != why {
			why = r.Why
			b.WriteString("\n; " + why + "\n")
		}
		if r.Advice {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s\n", zoneName(r), zoneValue(r))
		if r.Type == "TXT" {
			fmt.Fprintf(&b, ";   in a form: name %s, type TXT, value:\n;   %s\n", r.Name, r.Value)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func zoneName(r Record) string {
	if strings.HasPrefix(r.Name, "<") {
		return r.Name
	}
	return r.Name + "."
}

// zoneValue is what follows the name.
func zoneValue(r Record) string {
	if r.Type != "TXT" {
		return "3600 IN " + r.Type + " " + r.Value
	}
	var parts []string
	rest := r.Value
	for len(rest) > maxString {
		parts, rest = append(parts, `"`+rest[:maxString]+`"`), rest[maxString:]
	}
	return "3600 IN TXT " + strings.Join(append(parts, `"`+rest+`"`), " ")
}
