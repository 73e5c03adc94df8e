package web

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"code.dny.dev/ssrf"

	"ticketfrei/internal/report"
	"ticketfrei/internal/webpush"
)

const (
	// subscribesPerHour is how often browsers may be subscribed from one network of
	// clients: whole houses and schools share one.
	subscribesPerHour = 300
	maxPushBody       = 8 << 10 // of a request, in bytes
	maxEndpoint       = 2 << 10 // of its URL
	maxLines          = 300
)

// asked is what a browser posts: its PushSubscription as JSON, and what it wishes. What
// else is there does not matter.
type asked struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
	Lines    []string `json:"lines"`
	Language string   `json:"language"`
	Quiet    *struct {
		From *int `json:"from"`
		To   *int `json:"to"`
	} `json:"quiet"`
}

// refusal is what is wrong with a request.
type refusal struct {
	status int
	field  string // of the JSON; empty: all of it
	id     string // of the text that says what
	data   []any
}

// braked has a client that comes too often be refused.
func (p *pages) braked(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if p.subscribes.holds(p.site, w, r) {
			return p.refusePush(w, r, &refusal{status: http.StatusTooManyRequests, id: "web.push.refused.too_many"})
		}
		return h(w, r)
	}
}

// handleSubscribe has a browser follow the city, or changes what it wishes.
func (p *pages) handleSubscribe(w http.ResponseWriter, r *http.Request) error {
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	if !b.Enabled {
		return p.refusePush(w, r, &refusal{status: http.StatusNotFound, id: "web.push.refused.off"})
	}
	a, wrong := readAsked(w, r)
	if wrong != nil {
		return p.refusePush(w, r, wrong)
	}
	lines, err := p.host.Places.Lines(r.Context(), city.ID)
	if err != nil {
		return err
	}
	s, wrong := p.read(a, city, lines)
	if wrong != nil {
		return p.refusePush(w, r, wrong)
	}
	err = p.save(r.Context(), b.ID, s)
	if errors.Is(err, errFull) {
		return p.refusePush(w, r, &refusal{status: http.StatusServiceUnavailable, id: "web.push.refused.full"})
	}
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusCreated, struct{}{})
}

// handleRemove ends the sending to a browser. Who knows its endpoint is it. One that does
// not follow is no error.
func (p *pages) handleRemove(w http.ResponseWriter, r *http.Request) error {
	_, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	a, wrong := readAsked(w, r)
	if wrong == nil && a.Endpoint == "" {
		wrong = &refusal{http.StatusUnprocessableEntity, "endpoint", "web.push.refused.endpoint", nil}
	}
	if wrong != nil {
		return p.refusePush(w, r, wrong)
	}
	if _, err := p.subscribers.Unsubscribe(r.Context(), b.ID, a.Endpoint); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readAsked reads the body of a request.
func readAsked(w http.ResponseWriter, r *http.Request) (a asked, wrong *refusal) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPushBody))
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return a, &refusal{status: http.StatusRequestEntityTooLarge, id: "error.too_large"}
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return a, &refusal{http.StatusBadRequest, e.Field, "web.push.refused.json", nil}
	}
	if err != nil {
		return a, &refusal{status: http.StatusBadRequest, id: "web.push.refused.json"}
	}
	return a, nil
}

// read checks what a browser has posted.
func (p *pages) read(a asked, city report.City, lines []string) (s subscription, wrong *refusal) {
	invalid := func(field, id string, data ...any) (subscription, *refusal) {
		return subscription{}, &refusal{http.StatusUnprocessableEntity, field, "web.push.refused." + id, data}
	}
	if !isEndpoint(a.Endpoint, p.host.Config.Network.AllowPrivate) {
		return invalid("endpoint", "endpoint")
	}
	keys, err := webpush.NewReceiver(a.Keys.P256dh, a.Keys.Auth)
	switch {
	case errors.Is(err, webpush.ErrAuth):
		return invalid("keys.auth", "auth")
	case err != nil:
		return invalid("keys.p256dh", "p256dh")
	}
	s = subscription{endpoint: a.Endpoint, keys: keys, wishes: wishes{language: city.Language, quiet: never}}
	if a.Language != "" {
		s.language, _, _ = strings.Cut(strings.ToLower(a.Language), "-")
		if !slices.Contains(p.host.Texts.Languages(), s.language) {
			return invalid("language", "language", "Languages", strings.Join(p.host.Texts.Languages(), ", "))
		}
	}
	var ok bool
	if s.lines, ok = readLines(a.Lines, lines); !ok {
		return invalid("lines", "line")
	}
	if q := a.Quiet; q != nil {
		if q.From == nil || q.To == nil || !isHour(*q.From) || !isHour(*q.To) || *q.From == *q.To {
			return invalid("quiet", "quiet")
		}
		s.quiet = quiet{*q.From, *q.To}
	}
	return s, nil
}

func isHour(n int) bool { return n >= 0 && n < 24 }

// isEndpoint tells whether a URL may be that of a push service. Where its name leads to is
// looked at when something is sent there.
func isEndpoint(endpoint string, allowPrivate bool) bool {
	u, err := url.Parse(endpoint)
	if err != nil || len(endpoint) > maxEndpoint || u.User != nil || u.Hostname() == "" || u.Fragment != "" ||
		strings.Contains(endpoint, " ") || !isPort(u.Port()) {
		return false
	}
	if allowPrivate {
		return u.Scheme == "https" || u.Scheme == "http"
	}
	return u.Scheme == "https" && !isPrivate(u.Hostname())
}

// isPort tells whether a URL may have this port; empty: that of its scheme.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// isPrivate tells whether a host is within this or another private network.
func isPrivate(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		return !strings.Contains(name, ".") || strings.HasSuffix(name, ".localhost") ||
			strings.Trim(name, "0123456789.") == "" // an address that only some can read
	}
	network := "tcp6"
	if addr = addr.Unmap(); addr.Is4() {
		network = "tcp4"
	}
	return ssrf.New(ssrf.WithAnyPort()).Safe(network, net.JoinHostPort(addr.String(), "443"), nil) != nil
}

// readLines reads the lines that somebody follows, in whatever case, in the spelling of
// the city. ok is false where it has not all of them.
func readLines(names, city []string) (lines report.Lines, ok bool) {
	if len(names) > maxLines {
		return "", false
	}
	var list []string
	for _, name := range names {
		at := slices.IndexFunc(city, func(line string) bool { return strings.EqualFold(line, strings.TrimSpace(name)) })
		if at < 0 {
			return "", false
		}
		if name = city[at]; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return report.NewLines(list...), true
}

// refusePush answers what is wrong with a subscription, in the language of the page.
func (p *pages) refusePush(w http.ResponseWriter, r *http.Request, wrong *refusal) error {
	return answerJSON(w, wrong.status, struct {
		Error string `json:"error"`
		Field string `json:"field,omitempty"`
	}{p.site.T(r, wrong.id, wrong.data...), wrong.field})
}

// answerJSON answers a script.
func answerJSON(w http.ResponseWriter, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a visitor who has left does not need it
	return nil
}
