package mailtext

import (
	"bytes"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// IsNamed says whether the header of a mail tells it from others with the same words:
// by its Message-ID, or by when it was written.
func IsNamed(raw []byte) bool {
	names := false // the field does
	for line := range bytes.Lines(trimStart(raw)) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			var name []byte
			name, line, _ = bytes.Cut(line, []byte(":"))
			name = bytes.ToLower(bytes.TrimSpace(name))
			names = string(name) == "message-id" || string(name) == "date"
		}
		if names && len(bytes.Trim(line, "<> \t\r\n")) > 0 {
			return true
		}
	}
	return false
}

// Attached returns the first mail that is attached to a mail as a file, or nil.
func Attached(raw []byte) []byte {
	root, err := readParts(raw)
	if err != nil {
		return nil
	}
	p := root.BreadthMatchFirst(func(p *enmime.Part) bool { return isMail(strings.ToLower(p.ContentType)) })
	if p == nil {
		return nil
	}
	return p.Content
}
