package mastodon

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"ticketfrei/bots/kit/text"
)

// names takes the names of people out of the text of a status: of the account, and of
// all others that it mentions.
type names struct {
	handle string          // of the account, in lower case: "bot@mastodon.example"
	urls   []string        // of its profile, as links point to it
	known  map[string]bool // what the status mentions, in lower case; true: the account
	others bool            // what was read so far names somebody else, or hides where a link leads
}

// namesIn returns what takes the names out of a status.
func (c *conn) namesIn(st *status) *names {
	n := &names{handle: strings.ToLower(strings.TrimPrefix(c.account.Handle, "@")), urls: []string{c.account.URL}, known: map[string]bool{}}
	for _, m := range st.Mentions {
		own := c.isOwn(m)
		if own {
			n.urls = append(n.urls, m.URL)
		}
		acct := strings.ToLower(m.Acct)
		name, _, _ := strings.Cut(acct, "@")
		for _, key := range []string{acct, name} {
			also, known := n.known[key]
			n.known[key] = own && (also || !known)
		}
	}
	return n
}

// plainText is the text of a status without names.
func (n *names) plainText(content string) string {
	return text.Tidy(n.strip(readHTML(content, text.HTML{Skip: isQuoteLink, KeepLink: n.keepLink})))
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

// handle is a name as people write it: "@bot", "@bot@mastodon.example".
var handle = regexp.MustCompile(`@[\pL\pN_]+(?:[.-]+[\pL\pN_]+)*(?:@[\pL\pN_]+(?:[.-]+[\pL\pN_]+)*(?::\d+)?)?`)

// keepLink tells whether the words of a link stay: those of a mention do not.
func (n *names) keepLink(link text.Element, words string) bool {
	if at := handle.FindStringIndex(words); link.HasClass("hashtag") || !link.HasClass("mention") && (at == nil || at[0] > 0 || at[1] < len(words)) {
		n.others = n.others || !showsTarget(link, words)
		return true
	}
	n.others = n.others || !n.isOwn(link.Attribute("href"), strings.ToLower(words))
	return false
}

// showsTarget tells whether the words of a link say where it leads: what they do not
// say was not looked at, and might be a link that is only for one person.
func showsTarget(link text.Element, words string) bool {
	bare := func(s string) string {
		_, after, found := strings.Cut(s, "://")
		if !found {
			after = s
		}
		return strings.TrimSuffix(after, "/")
	}
	return link.HasClass("hashtag") || strings.HasPrefix(words, "#") || strings.EqualFold(bare(words), bare(link.Attribute("href")))
}

// isOwn tells whether a link with this target and words mentions the account.
func (n *names) isOwn(href, words string) bool {
	name, _, _ := strings.Cut(n.handle, "@")
	return words == "@"+n.handle || words == "@"+name && slices.ContainsFunc(n.urls, func(u string) bool { return strings.EqualFold(u, href) })
}

// strip takes out full handles, and short ones of people whom the status mentions,
// where they are no links.
func (n *names) strip(s string) string {
	var kept strings.Builder
	done := 0
	for _, at := range handle.FindAllStringIndex(s, -1) {
		name := strings.ToLower(s[at[0]+1 : at[1]])
		own, known := n.known[name]
		if !known && !strings.Contains(name, "@") || continues(s[:at[0]]) {
			continue
		}
		n.others = n.others || !own && name != n.handle
		kept.WriteString(s[done:at[0]] + " ")
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
