package stream

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"ticketfrei/bots"
)

// The kinds of targets.
const (
	KindDiscord = "discord"
	KindSlack   = "slack"
	KindWebhook = "webhook" // takes Standard Webhooks
	KindStdout  = "stdout"
)

// stdoutTarget is the target of what is written to the program's standard output.
const stdoutTarget = "stdout:"

// maxTarget bounds an address, in bytes.
const maxTarget = 2000

// target is where a stream sends to.
type target struct {
	kind string
	url  *url.URL // nil for KindStdout
}

// same tells whether two targets are of the same kind and at the same host.
func (t target) same(other target) bool {
	if t.kind != other.kind || t.url == nil || other.url == nil {
		return t.kind == other.kind
	}
	return originOf(t.url) == originOf(other.url)
}

// The paths of webhooks: what is served there is taken for the service, whatever the host.
var (
	discordPath = regexp.MustCompile(`^/api/(v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+/?$`)
	slackPath   = regexp.MustCompile(`^/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+/?$`)
)

// parse reads a target. The error is one that a moderator can read.
func (n *Network) parse(text string) (target, error) {
	if strings.TrimSuffix(text, "//") == stdoutTarget {
		if !n.options.Stdout {
			return target{}, bots.Say(nil, "stream.error.stdout")
		}
		return target{kind: KindStdout}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || len(text) > maxTarget {
		return target{}, bots.Say(nil, "stream.error.target")
	}
	u.Fragment = ""
	if n.isOwn(u) {
		return target{}, bots.Say(nil, "stream.error.own")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !n.host.Config.Network.AllowPrivate && !isPublic(addr) {
		return target{}, bots.Say(nil, "stream.error.private", "Host", u.Host)
	}
	kind, err := n.kindOf(u)
	return target{kind: kind, url: u}, err
}

// isPublic tells whether an address may be that of a target. What is private in other ways
// is refused when the connection is made.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// kindOf tells by its host, or by its path, what a target is. What is at the host of a
// service, and is none of its webhooks, is an error.
func (n *Network) kindOf(u *url.URL) (string, error) {
	origin := originOf(u)
	switch {
	case discordPath.MatchString(u.Path):
		return KindDiscord, nil
	case slackPath.MatchString(u.Path):
		return KindSlack, nil
	case slices.Contains(n.chats.discord, origin):
		return "", bots.Say(nil, "stream.error.discord")
	case slices.Contains(n.chats.slack, origin):
		return "", bots.Say(nil, "stream.error.slack")
	}
	return KindWebhook, nil
}

// originOf is scheme, host and port of a URL in one spelling.
func originOf(u *url.URL) string {
	return u.Scheme + "://" + net.JoinHostPort(strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), portOf(u))
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// isOwn tells whether an address is that of this server: what is sent there comes back.
func (n *Network) isOwn(u *url.URL) bool {
	web := n.host.Config.Web
	if own, err := url.Parse(web.URL); err == nil && sameHost(own.Hostname(), u.Hostname()) && portOf(own) == portOf(u) {
		return true
	}
	host, port, err := net.SplitHostPort(web.Listen)
	return err == nil && port == portOf(u) && (sameHost(host, u.Hostname()) || isLoopback(u.Hostname()) && isLoopback(host))
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, ".")) || isLoopback(a) && isLoopback(b)
}

// isLoopback tells whether a host is this machine: also the address that stands for all of
// its own.
func isLoopback(host string) bool {
	if host == "" || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Unmap().IsLoopback() || addr.IsUnspecified())
}

// shownTail is how many of the last characters of a target are shown.
const shownTail = 4

// Shown is a target as it may be shown: its host, and its last four characters.
func Shown(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return target // stdout:
	}
	tail := []rune(strings.TrimRight(strings.TrimPrefix(target, u.Scheme+"://"), "/"))
	if len(tail)-len([]rune(u.Host)) <= 2*shownTail || u.Path == "" && u.RawQuery == "" { // a short one would stand there almost whole
		return u.Host + "/…"
	}
	return u.Host + "/…" + string(tail[len(tail)-shownTail:])
}
