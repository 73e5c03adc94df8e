package mastodon

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/scrub"
)

// names takes the names of people out of the text of a status: of the account, and of
// all others that it mentions.
type names struct {
	own    ownNames
	known  map[string]bool // what the status mentions, in lower case; true: the account
	others bool            // what was read so far names somebody else, hides where a link leads, or is not read as it stands
}

// namesIn returns what takes the names out of a status.
func (c *conn) namesIn(st *status) *names {
	own := c.ownNames()
	n := &names{own: own, known: map[string]bool{own.handle: true, own.name: true, own.bridged(): true}}
	for _, m := range st.Mentions {
		mine := c.isOwn(m)
		if mine {
			n.own.urls = append(n.own.urls, m.URL)
		}
		acct := strings.ToLower(m.Acct)
		name, _, _ := strings.Cut(acct, "@")
		for _, key := range []string{acct, name} {
			also, known := n.known[key]
			n.known[key] = mine && (also || !known)
		}
	}
	return n
}

// plainText is the text of a status without names.
func (n *names) plainText(content string) string {
	return n.words(withoutQuotes(readHTML(content, text.HTML{Skip: isQuoteLink, Link: n.link})))
}

// plainText turns the content of a status into plain text: a line for each line and
// paragraph, links as they are written.
func plainText(content string) string { return text.Tidy(readHTML(content, text.HTML{})) }

// readHTML keeps line breaks as they stand, as in preformatted text: Mastodon's pages
// do.
func readHTML(content string, o text.HTML) string { return text.FromHTML("<pre>"+content, o) }

// isQuoteLink recognises the line that stands for a quoted status where a server does
// not know quotations.
func isQuoteLink(e text.Element) bool { return e.HasClass("quote-inline") }

// quoteLine is the same line where nothing marks it, and a link stands in it alone.
var quoteLine = regexp.MustCompile(`(?mi)^[\s\pZ]*(?:RE|QT|QRT):?[\s\pZ]*[\[(]?(?:https?://|www\.)[^\s\pZ]+[\])]?[\s\pZ]*$`)

// withoutQuotes takes out the lines that stand for quoted statuses.
func withoutQuotes(s string) string {
	if !strings.Contains(s, "://") && !strings.Contains(s, "www.") {
		return s
	}
	return quoteLine.ReplaceAllString(s, "")
}

// handle is a name as people write it: "@bot", "@bot@mastodon.example".
var handle = regexp.MustCompile(`@[\pL\pN_]+(?:[.-]+[\pL\pN_]+)*(?:@[\pL\pN_]+(?:[.-]+[\pL\pN_]+)*(?::\d+)?)?`)

// ownMark stands for a mention of the account while a text is read. addressed is one with
// what people write after a name.
const ownMark = "\x1f"

var addressed = regexp.MustCompile(ownMark + `(?:[ \t\pZ]*` + ownMark + `)*(?:[\s\pZ]*[:,;.–—-]+([\s\pZ]|$))?`)

// turns are characters that have letters shown in another order than they stand.
const turns = "\u202d\u202e"

// words are the words of a text without names.
func (n *names) words(s string) string {
	n.others = n.others || strings.ContainsAny(s, turns)
	return text.Tidy(addressed.ReplaceAllString(n.strip(scrub.Invisible(s)), " $1"))
}

// link is what stands for a link: its words, but for those of a mention.
func (n *names) link(link text.Element, words string) string {
	href := link.Attribute("href")
	at := handle.FindStringIndex(words)
	named := at != nil && at[0] == 0 && at[1] == len(words)
	switch {
	case link.HasClass("hashtag"):
		return words
	case n.own.isMention(href, words, named || link.HasClass("mention")):
		return ownMark
	case link.HasClass("mention") || named:
		n.others = true
		return ""
	}
	n.others = n.others || !showsTarget(link, words)
	return words
}

// showsTarget tells whether the words of a link say where it leads: what they do not
// say was not looked at, and might be a link that is only for one person.
func showsTarget(link text.Element, words string) bool {
	return strings.HasPrefix(words, "#") || strings.EqualFold(bare(words), bare(link.Attribute("href")))
}

// bare is a link as people write it.
func bare(link string) string {
	_, after, found := strings.Cut(link, "://")
	if !found {
		after = link
	}
	return strings.TrimSuffix(after, "/")
}

// strip takes out what names the account, full handles, and short ones of people whom the
// status mentions, where they are no links.
func (n *names) strip(s string) string {
	s = n.own.markLinks(s)
	var kept strings.Builder
	done := 0
	for _, at := range handle.FindAllStringIndex(s, -1) {
		name := strings.ToLower(s[at[0]+1 : at[1]])
		own, known := n.known[name]
		if !known && !strings.Contains(name, "@") || continues(s[:at[0]]) {
			continue
		}
		instead := " "
		if own {
			instead = ownMark
		}
		n.others = n.others || !own
		kept.WriteString(s[done:at[0]] + instead)
		done = at[1]
	}
	return kept.String() + s[done:]
}

// continues tells whether a name would go on with what stands before it: a mail
// address or a link.
func continues(before string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return last >= 'a' && last <= 'z' || last >= 'A' && last <= 'Z' || last >= '0' && last <= '9' || strings.ContainsRune("_/=", last)
}
