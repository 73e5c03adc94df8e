package mailtext

import (
	"strings"
)

// dropSignature removes from the lines of a text what its writer's program or company
// adds below, and the writer's name there.
func (w *writer) dropSignature(lines []string) []string {
	lines = dropFooters(cutAtDelimiter(cutOtherFooter(lines)))
	lines = dropAppLines(lines)
	const rounds = 8 // an app's line below a scanner's below a name
	for range rounds {
		lines = trimBlank(lines)
		n := signatureStart(lines, w)
		if n == len(lines) {
			break
		}
		lines = lines[:n]
	}
	return w.dropInner(lines)
}

// cutAtDelimiter returns the lines above the one that begins a signature: "-- "
// (RFC 3676 §4.3). Some programs drop the blank.
func cutAtDelimiter(lines []string) []string {
	for i, line := range lines {
		if strings.TrimRight(line, space) == "--" {
			return lines[:i]
		}
	}
	return lines
}

// trimBlank returns the lines without the last ones that are blank or a rule.
func trimBlank(lines []string) []string {
	for len(lines) > 0 && isBlank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// isBlank says whether there is nothing in a line, or a rule.
func isBlank(line string) bool { return strings.Trim(line, space+"-–—_=*~#\u200b") == "" }

// signatureStart returns where the last lines begin that are a signature, or how many
// lines there are.
func signatureStart(lines []string, w *writer) int {
	if len(lines) == 0 {
		return 0
	}
	if n := appStart(lines); n < len(lines) {
		return n
	}
	return ending{lines, w}.start()
}

// appStart returns where the line of an app begins that the text ends with. It may be
// broken, and its link may stand below.
func appStart(lines []string) int {
	n := len(lines)
	top := n - 1
	for top > 0 && n-top < 3 && !isBlank(lines[top-1]) {
		top--
	}
	for from := n - 1; from >= top; from-- {
		if isAppLine(strings.Join(lines[from:], " "), from == 0 || isBlank(lines[from-1])) || isScanned(lines[from:]) {
			return from
		}
	}
	return n
}

// dropAppLines removes the lines of apps that end a paragraph, wherever they stand: a
// phone puts them above the mail that is answered.
func dropAppLines(lines []string) []string {
	kept := make([]string, 0, len(lines))
	for i, line := range lines {
		above := i == 0 || isBlank(lines[i-1])
		below := i+1 == len(lines) || isBlank(lines[i+1])
		if below && !isBlank(line) && isAppLine(line, above) {
			continue
		}
		kept = append(kept, line)
	}
	return kept
}
