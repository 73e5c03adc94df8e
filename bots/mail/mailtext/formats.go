package mailtext

import (
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// isText says whether somebody may have written a part of that kind as their text.
// Others that begin with "text/" are files, or written for programs.
func isText(kind string) bool {
	switch kind {
	case "", "text", "text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown", "text/x-web-markdown", "application/xhtml+xml":
		return true
	}
	return false
}

// partText returns what a person sees of a text.
func partText(p *enmime.Part, kind string) string {
	switch kind {
	case "text/html", "application/xhtml+xml":
		return htmlText(string(p.Content))
	case "text/enriched", "text/richtext":
		return enrichedText(string(p.Content))
	}
	return unflow(string(p.Content), p)
}

var (
	flowedParam = regexp.MustCompile(`(?i)\bformat\s*=\s*"?flowed\b`)
	delSpParam  = regexp.MustCompile(`(?i)\bdelsp\s*=\s*"?yes\b`)
)

// unflow joins lines that the sender's program broke (RFC 3676): all that end in
// a space, which goes where the header says so.
func unflow(text string, p *enmime.Part) string {
	header := p.Header.Get("Content-Type")
	if !flowedParam.MatchString(header) {
		return text
	}
	delSp := delSpParam.MatchString(header)
	var b strings.Builder
	open := false // the line before goes on
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		quoted := strings.HasPrefix(line, ">")
		line = strings.TrimPrefix(line, " ") // space-stuffing
		if open && (quoted || line == "-- ") {
			b.WriteByte('\n')
		}
		open = strings.HasSuffix(line, " ") && line != "-- " && !quoted
		if open && delSp {
			line = line[:len(line)-1]
		}
		b.WriteString(line)
		if !open {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// enrichedTag is a command of text/enriched (RFC 1896) or of its forerunner
// text/richtext (RFC 1341).
var enrichedTag = regexp.MustCompile(`<<|</?[A-Za-z0-9-]{1,60}>`)

// enrichedText returns the text of text/enriched or text/richtext. Lines are
// joined as its readers do, up to two of them: nobody means a report to be broken
// by one empty line.
func enrichedText(source string) string {
	r := enrichedReader{}
	at := 0
	for _, m := range enrichedTag.FindAllStringIndex(source, -1) {
		r.text(source[at:m[0]])
		r.tag(source[m[0]:m[1]])
		at = m[1]
	}
	r.text(source[at:])
	return r.out.String()
}

type enrichedReader struct {
	out    strings.Builder
	hidden int // depth of what is no text, or quoted
	asIs   int // depth of what keeps its lines
}

// text writes text between two commands.
func (r *enrichedReader) text(s string) {
	if r.hidden > 0 {
		return
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if r.asIs > 0 {
		r.out.WriteString(s)
		return
	}
	for i, paragraph := range strings.Split(s, "\n\n\n") {
		if i > 0 {
			r.out.WriteByte('\n')
		}
		r.out.WriteString(strings.ReplaceAll(strings.ReplaceAll(paragraph, "\n\n", "\n"), "\n", " "))
	}
}

// tag does what a command says, as far as it changes what is read.
func (r *enrichedReader) tag(tag string) {
	switch tag = strings.ToLower(tag); tag {
	case "<<", "<lt>":
		r.text("<")
	case "<nl>", "<np>", "<paragraph>", "</paragraph>":
		if r.hidden == 0 {
			r.out.WriteByte('\n')
		}
	case "<param>", "<comment>", "<excerpt>":
		r.hidden++
	case "</param>", "</comment>", "</excerpt>":
		r.hidden = max(r.hidden-1, 0)
	case "<nofill>":
		r.asIs++
	case "</nofill>":
		r.asIs = max(r.asIs-1, 0)
	}
}
