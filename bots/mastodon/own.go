package mastodon

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ownNames is what the account is called. All of it is in lower case.
type ownNames struct {
	id     string
	handle string   // "bot@mastodon.example"
	name   string   // "bot"
	host   string   // "mastodon.example"
	hosts  []string // where its profile is: handles may be of another host
	urls   []string // of its profile
}

func (c *conn) ownNames() ownNames {
	handle := strings.ToLower(strings.TrimPrefix(c.account.Handle, "@"))
	name, host, _ := strings.Cut(handle, "@")
	o := ownNames{id: strings.ToLower(c.account.Remote), handle: handle, name: name, host: host, hosts: []string{host}, urls: []string{c.account.URL}}
	for _, link := range []string{c.account.URL, c.account.Server} {
		if u, err := url.Parse(strings.ToLower(link)); err == nil && u.Host != "" {
			o.hosts = append(o.hosts, u.Host)
		}
	}
	return o
}

// bridged is what the account is called on Bluesky, by Bridgy Fed.
func (o ownNames) bridged() string {
	return strings.NewReplacer("_", "-", "~", "-").Replace(o.name) + "." + o.host + ".ap.brid.gy"
}

// isMention tells whether a link is a mention of the account. named says that its words
// are a name: a link with others to the account's profile is none, unless they are the
// link itself.
func (o ownNames) isMention(href, words string, named bool) bool {
	words = strings.ToLower(words)
	if !named {
		return bare(words) == bare(strings.ToLower(href)) && o.isProfile(href)
	}
	return words == "@"+o.handle || words == "@"+o.bridged() || o.isProfile(href)
}

// isProfile tells whether a link leads to the account's profile, as different servers
// write it. Every server shows it at "/@bot@mastodon.example".
func (o ownNames) isProfile(link string) bool {
	link = bare(strings.ToLower(link))
	if slices.ContainsFunc(o.urls, func(own string) bool { return own != "" && bare(strings.ToLower(own)) == link }) {
		return true
	}
	u, err := url.Parse("https://" + link)
	if err != nil {
		return false
	}
	path := strings.Trim(u.Path, "/")
	if path == "@"+o.handle {
		return true
	}
	kind, name, _ := strings.Cut(path, "/")
	switch kind {
	case "@" + o.name:
		return name == "" && slices.Contains(o.hosts, u.Host)
	case "users", "user", "profile", "u":
		return (name == o.name || name == o.handle) && slices.Contains(o.hosts, u.Host)
	case "ap":
		return name == "users/"+o.id && slices.Contains(o.hosts, u.Host)
	}
	return false
}

// webLink is what may be a link in words, with or without its beginning.
var webLink = regexp.MustCompile(`(?:[A-Za-z]+://)?[\pL\pN.-]+(?::\d+)?/[^\s\pZ\x1f<>"]+`)

// markLinks has ownMark stand for links to the account's profile.
func (o ownNames) markLinks(s string) string {
	if !strings.Contains(s, "/") {
		return s
	}
	return webLink.ReplaceAllStringFunc(s, func(link string) string {
		end := strings.TrimRight(link, ".,:;!?)]}'…")
		if !o.isProfile(end) {
			return link
		}
		return ownMark + link[len(end):]
	})
}
