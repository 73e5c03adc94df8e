package mailtext

import (
	"regexp"
	"strings"
)

// Programs put these lines before what they add to a mail. Nothing below them was
// written for this mail.
var (
	// "-----Original Message-----", "-------- Weitergeleitete Nachricht --------"
	originalLine = newPattern(`(?i)^\s*-{2,}\s*(original message|original appointment|ursprüngliche (nachricht|mail|e-mail)|originalnachricht|forwarded message|weitergeleitete (nachricht|mail)|message d'origine|anfang der weitergeleiteten.*)\s*-{2,}\s*$`,
		"--")
	// "Anfang der weitergeleiteten Nachricht:", "Begin forwarded message:"
	forwardLine = newPattern(`(?i)^\s*(begin forwarded message|anfang der weitergeleiteten (nachricht|e-mail))\s*:\s*$`, "begin forwarded", "anfang der weiter")
	// "Am 3. Mai 2024 um 10:00 schrieb …:", "On Fri, May 3, 2024 … wrote:",
	// ">>> name schrieb am 3.5.2024 um 10:00:"
	wroteLine  = newPattern(`(?i)^\s*(am|on|le|il|el)\s.*\d.*\b(schrieb|wrote|a écrit|ha scritto|escribió)\b.*:\s*$`, "am", "on", "le", "il", "el")
	wroteLine2 = regexp.MustCompile(`(?i)^.{0,200}\b(schrieb|wrote)\b(\s+(am|on|um)\b)?.*\d.*:\s*$`)
	wroteStart = newPattern(`(?i)^\s*(am|on)\s.*\d`, "am", "on")
	// "Von: …" begins the block that Outlook puts above the mail that is answered.
	blockStart = newPattern(`(?i)^\s*\*?(von|from|de)\s?:\*?\s+\S`, "von", "from", "de", "*")
	blockLine  = regexp.MustCompile(`(?i)^\s*\*?(gesendet|sent|date|datum|an|to|cc|betreff|subject)\s?:\*?(\s|$)`)
	// "Von meinem iPhone gesendet", "Sent from my mobile", "Get Outlook for …"
	mobileLine = newPattern(`(?i)^\s*(sent from (my|mail for|outlook|yahoo|proton|samsung|a )|sent with |sent via |get outlook for |von meine[mr] .{1,60} gesendet|gesendet (von|mit|über|aus) (mein|der|outlook|mail|yahoo|gmx|web\.de|proton|k-9|telefon|samsung|iphone|ipad|unterwegs)|diese nachricht wurde von mein|hol(en sie sich)? outlook|outlook für .{1,30} (herunterladen|beziehen)|envoyé de mon |mobil gesendet)`,
		"sent ", "get outloo", "von meine", "ge", "die", "hol", "outloo", "envoy", "mobil ")
	underscore = newPattern(`^_{10,}\s*$`, "__________")
)

// maxQuoteLine bounds the lines that the patterns are tried on, in bytes.
const maxQuoteLine = 400

// cutQuotes keeps what was written for this mail: no quotation, no signature.
func cutQuotes(lines []string) []string {
	kept := make([]string, 0, len(lines))
	for i, line := range lines {
		if endsHere(lines, i) {
			break
		}
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), ">") {
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

// endsHere says whether what was written for this mail ends before line i.
func endsHere(lines []string, i int) bool {
	line := lines[i]
	if len(line) > maxQuoteLine {
		return false
	}
	// "-- " begins a signature (RFC 3676 §4.3); some programs drop the space.
	if line == "-- " || line == "--" {
		return true
	}
	return originalLine.MatchString(line) || forwardLine.MatchString(line) || mobileLine.MatchString(line) ||
		isWroteLine(lines, i) || isHeaderBlock(lines, i)
}

// isWroteLine looks for "On … wrote:" from line i on; it may be broken into
// three lines.
func isWroteLine(lines []string, i int) bool {
	line := lines[i]
	if endsInColon(line) && (wroteLine.MatchString(line) || wroteLine2.MatchString(line)) {
		return true
	}
	if !wroteStart.MatchString(line) {
		return false
	}
	for _, next := range lines[i+1 : min(i+3, len(lines))] {
		if len(next) > maxQuoteLine {
			return false
		}
		line = strings.TrimSpace(line) + " " + strings.TrimSpace(next)
		if endsInColon(line) && wroteLine.MatchString(line) {
			return true
		}
	}
	return false
}

// isHeaderBlock looks for Outlook's "Von: … Gesendet: … An: …" from line i on,
// with or without a rule above.
func isHeaderBlock(lines []string, i int) bool {
	if underscore.MatchString(lines[i]) {
		for _, line := range lines[i+1 : min(i+3, len(lines))] {
			if i++; strings.TrimSpace(line) != "" {
				break
			}
		}
	}
	if len(lines[i]) > maxQuoteLine || !blockStart.MatchString(lines[i]) {
		return false
	}
	found := 0
	for _, line := range lines[i+1 : min(i+7, len(lines))] {
		if len(line) <= maxQuoteLine && blockLine.MatchString(line) {
			found++
		}
	}
	return found >= 2
}
