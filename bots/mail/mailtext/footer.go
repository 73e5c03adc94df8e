package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// scanners are programs that look for viruses.
	scanners    = newStems("scanners")
	scannerSite = regexp.MustCompile(`\b(?:avast|avg|kaspersky|eset|norton|mcafee|sophos|avira|bitdefender)\.[a-z]{2,3}\b`)
	virus       = newStems("virus")
	// confidential are the words of a notice that forbids to read a mail.
	confidential = newStems("confidential")
	// recipients are the words for whom a mail is meant for.
	recipients = newStems("recipients")
	// printing are the words of those who want no mails printed.
	printing = newStems("printing")
	nature   = newStems("nature")
	// listWords are those of the footers of mailing lists.
	listWords = newStems("listWords")
	// footerWords and mailWords stand in the first lines of footers; words begin with
	// the latter.
	footerWords = newStems("confidential", "printing", "listWords")
	mailWords   = newStems("aboutMails", "informing", "virus", "scanners")
)

// dropFooters removes what companies, mailing lists and virus scanners add. What stands
// below the notice of one of the former was not written for this mail either.
func dropFooters(lines []string) []string {
	kept := make([]string, 0, len(lines))
	written := false
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && !isBlank(lines[i]) && !isBlank(lines[end]) {
			end++
		}
		paragraph := lines[i:end]
		i = end
		at, last := footerStart(paragraph, written)
		kept = append(kept, paragraph[:at]...)
		if last {
			break
		}
		written = written || says(strings.Join(paragraph[:at], ""))
	}
	return kept
}

// footerStart returns at which line of a paragraph a footer begins, or how many lines it
// has, and whether nothing below belongs to the mail. written is set where something
// was written above.
func footerStart(paragraph []string, written bool) (at int, last bool) {
	const tries = 4
	left := tries
	for i, line := range paragraph {
		if left == 0 {
			break
		}
		if !speaksOfMail(line) {
			continue
		}
		left--
		if isNotice(paragraph[i:], written || i > 0) {
			return i, true
		}
		if isScanned(paragraph[i:]) {
			return i, false
		}
	}
	return len(paragraph), false
}

// speaksOfMail says whether a footer may begin with a line.
func speaksOfMail(line string) bool {
	const most = 4 << 10
	text := fold(line[:min(len(line), most)])
	return footerWords.within(text) || isScannerSite(text) || mailWords.within(text) && slices.ContainsFunc(wordsOfFolded(text), mailWords.begin)
}

// isScannerSite says whether text, which is folded, names the site of a virus scanner.
func isScannerSite(text string) bool {
	return strings.Contains(text, ".") && scannerSite.MatchString(text)
}

// informing begin words as "information", "communication".
var informing = newStems("informing")

// isNotice says whether a paragraph is a company's notice or a mailing list's. Below
// something that was written it may be shorter.
func isNotice(paragraph []string, written bool) bool {
	const most = 4 << 10
	text := strings.Join(paragraph, " ")
	if len(text) > most || holdsLine(text) {
		return false
	}
	text = fold(text)
	words := wordsOfFolded(text)
	about := slices.ContainsFunc(words, aboutMails.begin) || slices.ContainsFunc(words, informing.begin)
	long := 12 // words
	if !written {
		long = 25
	}
	switch {
	case confidential.within(text):
		return about && len(words) >= long && recipients.within(text) || written && isHeading(paragraph, words)
	case printing.within(text):
		return written && about && nature.within(text)
	}
	return written && listWords.within(text) && (anyAddress.MatchString(text) || anyLink.MatchString(text))
}

// isHeading says whether a paragraph is a heading such as "CONFIDENTIALITY NOTICE:".
func isHeading(paragraph, words []string) bool {
	const most, least = 3, 8 // words, characters
	line := strings.TrimRight(paragraph[0], " :.*")
	return len(paragraph) == 1 && len(words) <= most && line == strings.ToUpper(line) && utf8.RuneCountInString(line) > least
}

// isScanned says whether a paragraph is a virus scanner's.
func isScanned(paragraph []string) bool {
	const most = 400
	text := strings.Join(paragraph, " ")
	if len(text) > most || !scanners.within(fold(text)) || holdsLine(withoutLinks(text)) {
		return false
	}
	text = fold(strings.ReplaceAll(text, "www.", " www. "))
	words := wordsOfFolded(text)
	return slices.ContainsFunc(words, scanners.begin) && (slices.ContainsFunc(words, virus.begin) || isScannerSite(text))
}
