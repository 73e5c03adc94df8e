package mailtext

import (
	"regexp"
	"slices"
	"strings"
)

// otherFooter is what Ticketfrei 2 and Kibicara have written below every report, with the line
// above it. It ends in a link that holds for whoever got the mail.
var otherFooter = regexp.MustCompile(`(?i)[\s_*>–—-]*(?:you\s+don\S{1,2}t\s+want\s+to\s+receive\s+those\s+messages\?|if\s+you\s+want\s+to\s+stop\s+receiving\s+these\s+mails,\s*follow\s+this\s+link)`)

// cutOtherFooter returns what stands above such a footer, and below it, in an answer that does
// not mark what it quotes: some write at the end.
func cutOtherFooter(lines []string) []string {
	speaks := func(line string) bool { return strings.Contains(line, "eceiv") } // "Receive": one mail in many
	for i, line := range lines {
		if !speaks(line) {
			continue
		}
		from := max(0, i-otherFooterLines)
		text := strings.Join(lines[from:min(len(lines), i+otherFooterLines)], "\n")
		if at := otherFooter.FindStringIndex(text); at != nil {
			above := slices.Concat(lines[:from], strings.Split(text[:at[0]], "\n"))
			end := from + strings.Count(text[:at[1]], "\n")
			if below := cutOtherFooter(lines[end+linkEnd(lines[end:]):]); hasWords(below) {
				return append(append(above, ""), below...)
			}
			return above
		}
	}
	return lines
}

// linkEnd returns how many lines a footer has that end in a link, which may be broken: up to the
// blank line below it.
func linkEnd(lines []string) (n int) {
	for i, line := range lines[:min(len(lines), otherFooterLines)] {
		if ourLink.MatchString(line) {
			n = i
			break
		}
	}
	for n < len(lines) && strings.TrimSpace(lines[n]) != "" {
		n++
	}
	return n
}

// otherFooterLines is over how many lines its first sentence is broken, at most.
const otherFooterLines = 6
