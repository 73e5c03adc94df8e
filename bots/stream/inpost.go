package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/report"
)

// inPath is what the addresses of triggers have before their name.
const inPath = bots.InPath

var _ bots.CityHooked = (*Network)(nil)

const (
	// postsPerMinute is how many posts a trigger takes from one network of clients.
	postsPerMinute = 60
	// everybody is how many networks of clients are reckoned with behind a gateway.
	everybody = 50
	// again is when what could not be taken in is to be tried again.
	again = 30 * time.Second
	// remembered is for how long a post is known that was taken: longer than an old one holds.
	remembered = 11 * time.Minute
	// maxRemembered bounds how many are.
	maxRemembered = 20_000
)

// posts bounds what is posted, and knows what was.
type posts struct {
	processes func() int // that share the limits
	one, all  *httprate.RateLimiter

	mu    *sync.Mutex
	taken map[string]time.Time // by what is the same of the same post
}

func newPosts(processes func() int) posts {
	return posts{processes, httprate.NewRateLimiter(postsPerMinute, time.Minute), httprate.NewRateLimiter(postsPerMinute*everybody, time.Minute), new(sync.Mutex), map[string]time.Time{}}
}

// CityHookRoutes adds the addresses of triggers: see bots.CityHooked.
func (n *Network) CityHookRoutes(r chi.Router, site bots.Site) {
	r.HandleFunc("/{trigger}", func(w http.ResponseWriter, r *http.Request) {
		id, err := n.post(w, r, site)
		if err != nil {
			n.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusAccepted, "application/json", accepted{id})
	})
}

// accepted is the answer to a post that is on disk; ID is that of the report, empty where it
// is none.
type accepted struct {
	ID string `json:"id,omitempty"`
}

// problem is the answer to a post that is not taken in (RFC 9457).
type problem struct {
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Errors []wrong `json:"errors,omitempty"`
}

type wrong struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
	Value    any    `json:"value,omitempty"`
}

// writeJSON answers with JSON of that type.
func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // no browser reads it, and people do
	_ = e.Encode(v)        // whoever has left does not need it
}

// refuse answers why a post is not taken in. What the sender can do nothing about, the
// operator reads, but for what passes or stands elsewhere.
func (n *Network) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*inbound.Refusal](err)
	if !ok {
		level := slog.LevelWarn
		if errors.Is(err, inbound.ErrAway) || errors.Is(err, bots.ErrBacklog) || r.Context().Err() != nil {
			level = slog.LevelDebug
		}
		n.host.Log.Log(r.Context(), level, "a post to a way in was not taken in", "err", err)
		e = no(http.StatusServiceUnavailable, "%s: try again later", whyLater(err))
	}
	if (e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", strconv.Itoa(int(again/time.Second)))
	}
	p := problem{Title: http.StatusText(e.Status), Status: e.Status, Detail: e.Text}
	if e.Where != "" {
		p.Errors = []wrong{{e.Text, e.Where, e.Value}}
	}
	writeJSON(w, e.Status, "application/problem+json", p)
}

// whyLater says what keeps a post from being taken in now.
func whyLater(err error) string {
	if errors.Is(err, inbound.ErrAway) {
		return "Amazon SNS could not be asked whether this is from it"
	}
	return "it cannot be taken in at the moment"
}

// no is a refusal that is about no part of the post.
func no(status int, text string, args ...any) *inbound.Refusal {
	return &inbound.Refusal{Status: status, Text: fmt.Sprintf(text, args...)}
}

// post takes in a post. It returns the id of the report that it becomes.
func (n *Network) post(w http.ResponseWriter, r *http.Request, site bots.Site) (id string, err error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return "", no(http.StatusMethodNotAllowed, "a trigger takes what is posted to it: use POST")
	}
	city, b, t, err := n.trigger(r)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("way in %s of city %s: %w", t.Name, city.Slug, err)
		}
	}()
	if city.Off() {
		return "", no(http.StatusGone, "the city is switched off")
	}
	if n.posts.tooMany(w, r, site, t) {
		return "", no(http.StatusTooManyRequests, "the trigger takes %d posts a minute from one network: try again later", postsPerMinute)
	}
	defer func() { n.noteTaken(r.Context(), t, err) }()
	if r.Header.Get(bots.LoopHeader) != "" {
		return "", no(http.StatusConflict, "this is a report that Ticketfrei has sent (header %s): it would go round in circles", bots.LoopHeader)
	}
	if !b.Enabled || !t.Running {
		return "", no(http.StatusConflict, "the trigger is switched off: a moderator of the city can switch it on")
	}
	said, err := n.verify(w, r, t)
	if err != nil || said.Said != "" {
		return "", err
	}
	return n.hear(r.Context(), city, b, t, said)
}

// trigger finds the trigger that a request is for.
func (n *Network) trigger(r *http.Request) (city report.City, b report.Bot, t triggerRow, err error) {
	ctx, name := r.Context(), chi.URLParam(r, "trigger")
	if city, err = n.host.DB.FindCity(ctx, chi.URLParam(r, "slug")); err == nil {
		if b, err = n.host.DB.FindBot(ctx, city.ID, Name); err == nil {
			t, err = n.findTrigger(ctx, city.ID, name)
		}
	}
	if errors.Is(err, db.ErrNotFound) || err == nil && t.Preset == PresetFeed {
		err = no(http.StatusNotFound, "there is no such trigger: look at its address in the settings of the city")
	}
	return city, b, t, err
}

// tooMany tells whether a client has posted too often, and counts it.
func (p *posts) tooMany(w http.ResponseWriter, r *http.Request, site bots.Site, t triggerRow) bool {
	id := strconv.FormatInt(t.ID, 10)
	if client := site.ClientNetwork(r); client.IsValid() {
		return p.one.OnLimit(w, clients.LimitRequest(r, postsPerMinute, p.processes()), id+" "+client.String())
	}
	return p.all.OnLimit(w, clients.LimitRequest(r, postsPerMinute*everybody, p.processes()), id)
}

// verify reads a post and finds out whether it comes from whom it should.
func (n *Network) verify(w http.ResponseWriter, r *http.Request, t triggerRow) (m inbound.Message, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, inbound.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return m, no(http.StatusRequestEntityTooLarge, "the body is longer than %d KiB", inbound.MaxBody>>10)
	}
	if err != nil {
		return m, no(http.StatusBadRequest, "the body could not be read to its end")
	}
	preset, kind := inbound.Preset(t.Preset), r.Header.Get("Content-Type")
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" || !inbound.TakesType(preset, kind, body) {
		return m, &inbound.Refusal{Status: http.StatusUnsupportedMediaType, Where: "header.content-type", Value: inbound.Cut(kind),
			Text: "the body must be JSON, not compressed: send the header Content-Type: application/json"}
	}
	secret, err := n.unseal(t.place("secret"), t.Secret)
	if err != nil {
		return m, err
	}
	m, err = n.verifier.Verify(r.Context(), preset, secret, inbound.Post{Header: r.Header, Body: body, Time: n.host.Now()})
	if err == nil && m.Topic != "" && secret == "" {
		err = n.keepTopic(r.Context(), t, m.Topic)
	}
	return m, err
}

// keepTopic has a trigger hear the topic that was confirmed first, and no other.
func (n *Network) keepTopic(ctx context.Context, t triggerRow, topic string) error {
	return n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE stream_triggers SET secret = ? WHERE id = ? AND secret = ''", n.seal(&t, "secret", topic), t.ID).Error
	})
}

// hear makes a report of a post and stores it.
func (n *Network) hear(ctx context.Context, city report.City, b report.Bot, t triggerRow, said inbound.Message) (string, error) {
	if !city.Paused.IsZero() {
		return "", errPaused
	}
	now := n.host.Now()
	h, err := n.read(t, said, now)
	if err != nil {
		return "", err
	}
	if !n.posts.take(t.ID, said.Once, now) {
		return "", &inbound.Refusal{Status: http.StatusConflict, Where: "header.webhook-id", Value: said.ID, Text: "this was taken in already: another attempt has its own webhook-timestamp and signature"}
	}
	in := t.incoming(h)
	if err := n.host.Hearer.Hear(ctx, b, in); err != nil {
		n.posts.giveBack(t.ID, said.Once)
		return "", notHeard(err)
	}
	r := report.Report{CityID: b.CityID, BotID: b.ID, Network: b.Network}
	bots.KeyReport(n.host.Secrets, &r, in)
	return r.ID, nil
}

// read reads what a post says, by the expressions of its trigger.
func (n *Network) read(t triggerRow, said inbound.Message, now time.Time) (h heard, err error) {
	want, err := n.triggerOf(t)
	if err != nil {
		return h, err
	}
	var invalid Invalid
	m := want.compile(&invalid)
	if err := invalid.or(); err != nil {
		return h, err
	}
	if h, err = m.read(said, now); err != nil {
		return h, err
	}
	if expire := n.host.Config.Reports.Expire; !h.Time.IsZero() && now.Sub(h.Time) > expire {
		return h, &inbound.Refusal{Status: http.StatusBadRequest, Where: "time", Value: h.Time.UTC().Format(time.RFC3339),
			Text: fmt.Sprintf("it is older than %s, which is how long a report is news", expire)}
	}
	return h, nil
}

var errPaused = no(http.StatusConflict, "the city takes no reports at the moment: its moderators have paused it")

// notHeard is why a report was not taken in.
func notHeard(err error) error {
	switch {
	case errors.Is(err, db.ErrPaused):
		return errPaused
	case errors.Is(err, bots.ErrMessage):
		return no(http.StatusBadRequest, "this cannot be a report: %v", err)
	}
	return err
}

// take tells whether a post is new, and remembers it.
func (p *posts) take(id int64, once string, now time.Time) bool {
	if once == "" {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strconv.FormatInt(id, 10) + " " + once
	if at, ok := p.taken[key]; ok && now.Sub(at) < remembered {
		return false
	}
	if len(p.taken) >= maxRemembered {
		p.forgetOld(now)
	}
	p.taken[key] = now
	return true
}

// forgetOld makes room: for those that hold no more, or else for all, of which the same
// report is made once more at worst, and so none.
func (p *posts) forgetOld(now time.Time) {
	for key, at := range p.taken {
		if now.Sub(at) >= remembered {
			delete(p.taken, key)
		}
	}
	if len(p.taken) >= maxRemembered {
		clear(p.taken)
	}
}

// giveBack forgets a post that was not taken in after all.
func (p *posts) giveBack(id int64, once string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, strconv.FormatInt(id, 10)+" "+once)
}
