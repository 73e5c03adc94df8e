package mailtext

import (
	"regexp"
	"strings"

	"golang.org/x/net/html/atom"
)

var (
	// pgpBegin is the first line of a block of PGP (RFC 9580 §6.2) or PEM.
	pgpBegin = newPattern(`^\s*-{3,}\s*BEGIN (PGP [A-Z ,0-9/]+|PKCS7|CERTIFICATE|[A-Z ]*KEY)\s*-{3,}\s*$`, "---")
	pgpEnd   = newPattern(`^\s*-{3,}\s*END (PGP [A-Z ,0-9/]+|PKCS7|CERTIFICATE|[A-Z ]*KEY)\s*-{3,}\s*$`, "---")
	// armorHeader follows the first line of a block: "Hash: SHA256".
	armorHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*: `)
	// uuBegin is the first line of a file within a text (uuencode, yEnc).
	uuBegin = newPattern(`^(begin(-base64)? [0-7]{3,4} \S|=ybegin )`, "begin", "=ybegin ")
	uuEnd   = newPattern(`^(end|=+|=yend.*)\s*$`, "end", "=")
	// partHeader is a header of a MIME part that was not recognised as one.
	partHeader = newPattern(`(?i)^(content-(type|transfer-encoding|disposition|id|description|location|language)|mime-version)\s*:`, "content-", "mime-ver")
	delimiter  = newPattern(`^--\S+\s*$`, "--")
)

// signed stands in the first line of a text that is signed, not encrypted.
const signed = "BEGIN PGP SIGNED MESSAGE"

// dropBlocks removes PGP blocks and files from the text and says whether one of
// them was encrypted. A block without a last line ends where the text does.
func dropBlocks(lines []string) (kept []string, encrypted bool) {
	kept = make([]string, 0, len(lines))
	inFile := false   // the line before was base64
	inSigned := false // lines that begin with "-" are escaped (RFC 9580 §7.1)
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		inFile = isEncoded(line, inFile)
		switch {
		case pgpBegin.MatchString(line) && strings.Contains(line, signed):
			i = skipArmorHeaders(lines, i)
			inSigned = true
		case pgpBegin.MatchString(line):
			encrypted = encrypted || strings.Contains(line, "MESSAGE")
			inSigned = false
			i = skipTo(lines, i, pgpEnd)
		case uuBegin.MatchString(line):
			i = skipTo(lines, i, uuEnd)
		case inFile, pgpEnd.MatchString(line):
		case inSigned:
			kept = append(kept, strings.TrimPrefix(line, "- "))
		default:
			kept = append(kept, line)
		}
	}
	return kept, encrypted
}

// isEncoded says whether a line is base64: one word, longer than anybody writes,
// of many different characters. Of few ("AAAA…") it is only after such a line.
func isEncoded(line string, after bool) bool {
	return isLongWord(line) && (after || manyLetters(line))
}

// skipTo returns the index of the first line from i on that matches end, or else
// of the last line.
func skipTo(lines []string, i int, end pattern) int {
	for ; i < len(lines)-1; i++ {
		if end.MatchString(lines[i]) {
			break
		}
	}
	return i
}

// skipArmorHeaders returns the index of the line before the text proper, where
// line i is the first of a signed text.
func skipArmorHeaders(lines []string, i int) int {
	for i+1 < len(lines) && (armorHeader.MatchString(lines[i+1]) || strings.TrimSpace(lines[i+1]) == "") {
		i++
		if strings.TrimSpace(lines[i]) == "" {
			break
		}
	}
	return i
}

// dropMIME removes what a broken mail has left in the text: boundaries, and
// headers of parts.
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

// isTagName says whether name is an element of HTML, or one of those that word
// processors add ("o:p").
func isTagName(name string) bool {
	name = strings.ToLower(name)
	return strings.ContainsAny(name, ":!?") || atom.Lookup([]byte(name)) != 0
}
