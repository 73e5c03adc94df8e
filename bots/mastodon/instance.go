package mastodon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/sync/singleflight"

	"ticketfrei/bots/kit/remote"
)

// defaultLength is Mastodon's own limit of a status, in characters.
const defaultLength = 500

// How long and for how many instances their configuration is remembered.
const (
	rememberInstance  = time.Hour
	rememberInstances = 1000
)

// instance is what an instance says of itself.
type instance struct {
	domain    string // of its handles
	streaming string // base URL of its streams: "wss://…"
	length    int    // longest status, in characters
	scopes    string // that its software knows and needs
	fetched   time.Time
}

// instanceCache remembers instances for all bots on them.
type instanceCache struct {
	mu    sync.Mutex
	known map[string]instance
	group *singleflight.Group
}

// instanceInfo is the part of the answers of /api/v2/instance and
// /api/v1/instance that is used here.
type instanceInfo struct {
	Domain string `json:"domain"` // v2
	URI    string `json:"uri"`    // v1
	// Version and SourceURL tell which software it is; the latter is in v2 alone.
	Version   string `json:"version"`
	SourceURL string `json:"source_url"`
	URLs      struct {
		Streaming string `json:"streaming_api"`
	} `json:"urls"` // v1
	Configuration struct {
		URLs struct {
			Streaming string `json:"streaming"`
		} `json:"urls"` // v2
		Statuses struct {
			MaxCharacters int `json:"max_characters"`
		} `json:"statuses"`
	} `json:"configuration"`
	MaxTootChars int `json:"max_toot_chars"` // Pleroma, glitch-soc
}

// instance returns what the instance says of itself, from memory where that is
// fresh.
func (d *driver) instance(ctx context.Context, base string) (instance, error) {
	c := &d.instances
	c.mu.Lock()
	known, ok := c.known[base]
	c.mu.Unlock()
	if ok && d.host.Now().Sub(known.fetched) < rememberInstance {
		return known, nil
	}
	// Many bots of one instance start at once: one of them asks.
	got, err, _ := c.group.Do(base, func() (any, error) { return d.fetchInstance(ctx, base) })
	if err != nil {
		return instance{}, err
	}
	return got.(instance), nil
}

func (d *driver) fetchInstance(ctx context.Context, base string) (instance, error) {
	info, err := d.client(base, "").instanceInfo(ctx)
	if err != nil {
		return instance{}, err
	}
	i := info.instance(base)
	i.fetched = d.host.Now()
	c := &d.instances
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= rememberInstances {
		clear(c.known)
	}
	c.known[base] = i
	return i, nil
}

// instanceInfo asks for the newer answer first; servers without it, or with
// less in it, know the older one.
func (c client) instanceInfo(ctx context.Context) (instanceInfo, error) {
	var info instanceInfo
	err := c.Get(ctx, "/api/v2/instance", nil, &info)
	if e := remote.As(err); isAnswered(err) || e != nil && e.Trouble == remote.NotTheAPI {
		info = instanceInfo{}
		err = c.Get(ctx, "/api/v1/instance", nil, &info)
	}
	if err == nil && info.Domain == "" && info.URI == "" {
		err = notMastodon(c.Base)
	}
	return info, err
}

func (info instanceInfo) instance(base string) instance {
	i := instance{domain: domainOf(info.Domain, info.URI, base), length: info.Configuration.Statuses.MaxCharacters,
		scopes: info.scopes()}
	if i.length <= 0 {
		i.length = info.MaxTootChars
	}
	if i.length <= 0 {
		i.length = defaultLength
	}
	streaming := info.Configuration.URLs.Streaming
	if streaming == "" {
		streaming = info.URLs.Streaming
	}
	i.streaming = streamingBase(streaming, base)
	return i
}

// domainOf is what the handles of the instance end in.
func domainOf(domain, uri, base string) string {
	for _, d := range []string{domain, strings.TrimPrefix(strings.TrimPrefix(uri, "https://"), "http://")} {
		if d = strings.ToLower(strings.TrimSuffix(d, "/")); d != "" && !strings.ContainsAny(d, "/@?# \t\r\n") {
			return d
		}
	}
	return hostOf(base)
}

// streamingBase is where streams are opened: at the URL that the instance
// names, or at the instance itself. An instance that is reached with TLS does
// not get the token without.
func streamingBase(named, base string) string {
	b, err := url.Parse(base)
	if err != nil {
		return base
	}
	u, err := url.Parse(named)
	if err != nil || u.Host == "" {
		u = &url.URL{Host: b.Host}
	}
	u.Scheme = "wss"
	if b.Scheme == "http" {
		u.Scheme = "ws"
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/")
}

// hostOf is the host of an instance's URL, with its port.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Host
}

// errBadInstance is what is typed as an instance and can be none.
var errBadInstance = errors.New("not the name of an instance")

// parseInstance turns what people type as the name of an instance
// ("mastodon.example", "https://mastodon.example/@bot", "@bot@mastodon.example")
// into its URL. http is only kept where private addresses are allowed: no
// token goes through the internet in the clear.
func parseInstance(typed string, allowPrivate bool) (string, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	scheme, rest, found := strings.Cut(typed, "://")
	if !found {
		scheme, rest = "", typed
	}
	rest, _, _ = strings.Cut(rest, "/")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	u, err := url.Parse("https://" + rest)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.Path != "" {
		return "", errBadInstance
	}
	host, err := hostName(u.Hostname())
	if err != nil {
		return "", errBadInstance
	}
	if allowPrivate && (scheme == "http" || scheme == "" && isLoopback(host)) {
		u.Scheme = "http"
	}
	u.Host = host
	if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if port := portOf(rest); port != "" {
		u.Host = net.JoinHostPort(host, port)
	}
	return u.Scheme + "://" + u.Host, nil
}

// hostName checks a name and writes one with umlauts as it stands in the DNS.
func hostName(host string) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return host, nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return "", err
	}
	if ascii != "localhost" && (!strings.Contains(ascii, ".") || strings.HasPrefix(ascii, ".") || strings.HasSuffix(ascii, ".") || strings.Contains(ascii, "..")) {
		return "", errBadInstance
	}
	return ascii, nil
}

func portOf(hostport string) string {
	_, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return ""
	}
	return port
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
