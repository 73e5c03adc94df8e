package mailtext

import (
	"regexp"
	"strings"

	"golang.org/x/net/html/atom"
)

var (
	// pgpBegin begins an armored block (RFC 9580 §6.2), S/MIME's PEM likewise.
	pgpBegin = newPattern(`^\s*-{3,}\s*BEGIN (PGP [A-Z ,0-9/]+|PKCS7|CERTIFICATE|[A-Z ]*KEY)\s*-{3,}\s*$`, "---")
	pgpEnd   = newPattern(`^\s*-{3,}\s*END (PGP [A-Z ,0-9/]+|PKCS7|CERTIFICATE|[A-Z ]*KEY)\s*-{3,}\s*$`, "---")
	// armorHeader stands below the first line of a block, as "Hash: SHA256".
	armorHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*: `)
	// uuBegin begins a file within a text.
	uuBegin = newPattern(`^(begin(-base64)? [0-7]{3,4} \S|=ybegin )`, "begin", "=ybegin ")
	uuEnd   = newPattern(`^(end|=+|=yend.*)\s*$`, "end", "=")
	// partHeader is a header of a MIME part that was not recognised as one.
	partHeader = newPattern(`(?i)^(content-(type|transfer-encoding|disposition|id|description|location|language)|mime-version)\s*:`, "content-", "mime-ver")
	delimiter  = newPattern(`^--\S+\s*$`, "--")
)

// signed begins a text that is signed and can be read.
const signed = "BEGIN PGP SIGNED MESSAGE"

// dropBlocks removes PGP blocks and files within the text, and tells whether
// one of them was an encrypted message. A block without an end goes on to the
// end of the text.
func dropBlocks(lines []string) (kept []string, encrypted bool) {
	kept = make([]string, 0, len(lines))
	inFile := false // the line before was base64
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		inFile = isEncoded(line, inFile)
		switch {
		case pgpBegin.MatchString(line) && strings.Contains(line, signed):
			i = skipArmorHeaders(lines, i)
		case pgpBegin.MatchString(line):
			encrypted = encrypted || strings.Contains(line, "MESSAGE")
			i = skipTo(lines, i, pgpEnd)
		case uuBegin.MatchString(line):
			i = skipTo(lines, i, uuEnd)
		case inFile, pgpEnd.MatchString(line):
		default:
			kept = append(kept, line)
		}
	}
	return kept, encrypted
}

// isEncoded says whether a line is base64: a word longer than anybody writes,
// of many different characters. Lines of zeros ("AAAA…") follow others.
func isEncoded(line string, after bool) bool {
	return isLongWord(line) && (after || manyLetters(line))
}

// skipTo returns the index of the first line from i that matches end, or of
// the last line.
func skipTo(lines []string, i int, end pattern) int {
	for ; i < len(lines)-1; i++ {
		if end.MatchString(lines[i]) {
			break
		}
	}
	return i
}

// skipArmorHeaders returns the index of the last header of a signed text that
// begins at i.
func skipArmorHeaders(lines []string, i int) int {
	for i+1 < len(lines) && (armorHeader.MatchString(lines[i+1]) || strings.TrimSpace(lines[i+1]) == "") {
		i++
		if strings.TrimSpace(lines[i]) == "" {
			break
		}
	}
	return i
}

// dropMIME removes boundaries and headers of parts that a broken mail has left
// in the text.
func (b *body) dropMIME(lines []string) []string {
	kept := make([]string, 0, len(lines))
	inHeader := false
	for i, line := range lines {
		if b.isBoundary(line) || delimiter.MatchString(line) && i+1 < len(lines) && partHeader.MatchString(lines[i+1]) {
			inHeader = true
			continue
		}
		if partHeader.MatchString(line) {
			inHeader = true
			continue
		}
		if inHeader && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			continue
		}
		inHeader = false
		if delimiter.MatchString(line) && strings.HasSuffix(strings.TrimSpace(line), "--") && len(strings.Trim(line, "-= \t")) > 0 {
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

func (b *body) isBoundary(line string) bool {
	if !strings.HasPrefix(line, "--") {
		return false
	}
	for _, boundary := range b.boundaries {
		if strings.HasPrefix(line, boundary) {
			return true
		}
	}
	return false
}

// isTagName says whether name is an element of HTML, or of what word
// processors put beside it ("o:p").
func isTagName(name string) bool {
	name = strings.ToLower(name)
	return strings.ContainsAny(name, ":!?") || atom.Lookup([]byte(name)) != 0
}
