package moving

import (
	"regexp"
	"strings"
)

// blockStart is a line that begins something else than a paragraph.
var blockStart = regexp.MustCompile("^( {0,3}(#{1,6}( |$)|[-+*]( |$)|\\d{1,9}[.)]( |$)|>|```|~~~|\\||<|[-*_=]{2,} *$|\\[[^\\]]+\\]:)|    |\t)")

// listItem is a line that text goes on after in the next.
var listItem = regexp.MustCompile(`^ {0,3}([-+*]|\d{1,9}[.)]) +\S`)

// Unwrap joins the lines of paragraphs: the other programs show a line break in a paragraph as
// a space, and this one as a line break.
func Unwrap(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var out []string
	fence, open := "", false // open: the next line may go on with the last one
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			out, open = append(out, line), false
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
			out, open = append(out, line), false
		case open && trimmed != "" && (!blockStart.MatchString(line) || indented(line)):
			last := &out[len(out)-1]
			*last = strings.TrimRight(*last, " \t") + " " + strings.TrimLeft(line, " \t")
			open = goesOn(line)
		default:
			out = append(out, line)
			open = trimmed != "" && (!blockStart.MatchString(line) || listItem.MatchString(line)) && goesOn(line)
		}
	}
	return strings.Join(out, "\n")
}

// goesOn tells that a line does not end in a break that is meant.
func goesOn(line string) bool {
	return !strings.HasSuffix(line, "  ") && !strings.HasSuffix(line, `\`)
}

// indented tells a line of text that stands below one of its paragraph, and begins nothing.
func indented(line string) bool {
	rest := strings.TrimLeft(line, " \t")
	return rest != line && !blockStart.MatchString(rest)
}

// Pictures and HTML, which pages here do not show.
var (
	picture  = regexp.MustCompile(`!\[[^\]]*\]\(`)
	html     = regexp.MustCompile(`</?[A-Za-z][^>]*>`)
	autolink = regexp.MustCompile(`<(https?://|mailto:)[^>]*>`)
)

// pageNotes says what of a page is left out here.
func pageNotes(page string) []Note {
	var notes []Note
	if picture.MatchString(page) {
		notes = append(notes, Note{Key: "page_pictures"})
	}
	if html.MatchString(autolink.ReplaceAllString(page, "")) {
		notes = append(notes, Note{Key: "page_html"})
	}
	return notes
}
