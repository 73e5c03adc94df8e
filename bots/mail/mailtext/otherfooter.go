package mailtext

import (
	"regexp"
	"strings"
)

// otherFooter is what Ticketfrei 2 and Kibicara have written below every report, with the line
// above it. It ends in a link that holds for whoever got the mail.
var otherFooter = regexp.MustCompile(`(?i)[\s_*>–—-]*(?:you\s+don\S{1,2}t\s+want\s+to\s+receive\s+those\s+messages\?|if\s+you\s+want\s+to\s+stop\s+receiving\s+these\s+mails,\s*follow\s+this\s+link)`)

// cutOtherFooter returns what stands above such a footer in an answer that does not mark what it
// quotes. Below it is nothing that was written for this mail.
func cutOtherFooter(lines []string) []string {
	speaks := func(line string) bool { return strings.Contains(line, "eceiv") } // "Receive": one mail in many
	for i, line := range lines {
		if !speaks(line) {
			continue
		}
		from := max(0, i-otherFooterLines)
		text := strings.Join(lines[from:min(len(lines), i+otherFooterLines)], "\n")
		if at := otherFooter.FindStringIndex(text); at != nil {
			return append(lines[:from:from], strings.Split(text[:at[0]], "\n")...)
		}
	}
	return lines
}

// otherFooterLines is over how many lines its first sentence is broken, at most.
const otherFooterLines = 6
