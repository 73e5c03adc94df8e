package mastodon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/mastodon/mastodontest"
	"ticketfrei/config"
	"ticketfrei/db"
	"ticketfrei/i18n"
	"ticketfrei/report"
	"ticketfrei/secret"
)

// patience bounds everything that a test waits for.
const patience = 20 * time.Second

// world is the network with all it stands on, and one instance.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *clock
	site    *testSite
	network *network
	server  *mastodontest.Server
	account *mastodontest.Account
	city    report.City
}

// clock is a time that tests move.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func newWorld(t *testing.T, o mastodontest.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &clock{}}
	if o.Now == nil {
		o.Now = w.clock.now
	}
	w.server = must(mastodontest.Start(o))(t)
	t.Cleanup(func() { w.server.Close() })
	w.account = w.server.AddAccount("bot")
	w.db = must(db.Open(ctx, t.TempDir(), w.clock.now))(t)
	t.Cleanup(func() { w.db.Close() })
	check(t, w.db.Migrate(ctx, map[string][]*gormigrate.Migration{name: migrations}))
	moderator := must(w.db.CreateModerator(ctx, "moderator@example.org", "hash"))(t)
	w.city = must(w.db.CreateCity(ctx, report.City{Slug: "nuernberg", Name: "Nürnberg", Language: "de"}, moderator.ID, nil))(t)
	w.site = &testSite{db: w.db, city: w.city, texts: must(i18n.New(files))(t)}
	w.network = newNetwork(bots.Host{
		Config: &config.Config{
			Web:     config.Web{URL: "https://ticketfrei.example"},
			Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour},
			Network: config.Network{AllowPrivate: true},
		},
		DB: w.db, Secrets: must(secret.New(bytes.Repeat([]byte{7}, 32)))(t), Texts: w.site.texts,
		HTTP: &http.Client{Transport: &http.Transport{}}, Site: w.site, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.now,
	})
	w.network.timings.shortest = 0
	return w
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	check(w.t, w.network.hold(w.ctx, w.city, w.server.URL, w.account.Token()))
	p := must(w.network.store.pending(w.ctx, w.city.ID))(w.t)
	return must(w.site.Connect(w.ctx, w.city, name, func(tx *gorm.DB, b report.Bot) error {
		return w.network.store.saveAccount(tx, b.ID, p)
	}))(w.t)
}

// load makes the bot at work anew, as after a restart.
func (w *world) load(b report.Bot) *bot {
	w.t.Helper()
	made := must(w.network.Bot(w.ctx, b, w.network.host.Log))(w.t)
	return made.(*bot)
}

// inbox takes what a bot emits.
type inbox struct {
	mu      sync.Mutex
	got     []bots.Incoming
	changed chan struct{}
	fail    error
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{}, 1)} }

func (i *inbox) emit(_ context.Context, in bots.Incoming) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.got = append(i.got, in)
	select {
	case i.changed <- struct{}{}:
	default:
	}
	return nil
}

func (i *inbox) all() []bots.Incoming {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]bots.Incoming(nil), i.got...)
}

// unique counts the different reports among what was emitted.
func (i *inbox) unique() map[string]int {
	counts := map[string]int{}
	for _, in := range i.all() {
		counts[in.ID]++
	}
	return counts
}

// wait returns when n different reports have come.
func (i *inbox) wait(t *testing.T, n int) {
	t.Helper()
	late := time.After(patience)
	for len(i.unique()) < n {
		select {
		case <-i.changed:
		case <-late:
			t.Fatalf("%d reports came, want %d", len(i.unique()), n)
		}
	}
}

// waitFor returns when a report of that text has come.
func (i *inbox) waitFor(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for !slices.ContainsFunc(i.all(), func(in bots.Incoming) bool { return in.Text == text }) {
		select {
		case <-i.changed:
		case <-late:
			t.Fatalf("report %q did not come", text)
		}
	}
}

// once checks that no report was handed over twice.
func (i *inbox) once(t *testing.T) {
	t.Helper()
	for id, n := range i.unique() {
		if n != 1 {
			t.Errorf("report %s was handed over %d times", id, n)
		}
	}
}

// running is a bot whose Receive runs.
type running struct {
	stop context.CancelFunc
	err  chan error
}

// receive runs Receive until stop.
func (w *world) receive(b *bot, in *inbox) *running {
	ctx, cancel := context.WithCancel(w.ctx)
	r := &running{stop: cancel, err: make(chan error, 1)}
	go func() { r.err <- b.Receive(ctx, in.emit) }()
	w.t.Cleanup(func() { r.end() })
	return r
}

// end stops Receive and returns its error.
func (r *running) end() error {
	r.stop()
	err := <-r.err
	r.err <- err
	return err
}

// ended waits for Receive to end by itself.
func (r *running) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.err:
		r.err <- err
		return err
	case <-time.After(patience):
		t.Fatal("Receive goes on")
		return nil
	}
}

// until waits for something to be so on the server.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.server.Wait(ctx, ok); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) streaming() {
	w.until("open a stream", func() bool { return w.account.Streams() == 1 })
}

// testSite stands in for the frontend at the network's own interface.
type testSite struct {
	db    *db.DB
	city  report.City
	texts *i18n.Catalogue

	shown  settings // what the settings page was answered with
	status int
	saved  string
	page   demoPage
}

var _ bots.Site = (*testSite)(nil)

func (s *testSite) Handler(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

func (s *testSite) City(*http.Request) report.City { return s.city }

func (s *testSite) ClientIP(r *http.Request) string { return r.RemoteAddr }

func (s *testSite) T(_ *http.Request, id string, data ...any) string {
	return s.texts.T("en", id, data...)
}

func (s *testSite) Page(w http.ResponseWriter, _ *http.Request, status int, _, _, _ string, data any) error {
	s.page, _ = data.(demoPage)
	w.WriteHeader(status)
	return nil
}

func (s *testSite) Settings(w http.ResponseWriter, _ *http.Request, status int, _ string, data any) error {
	s.shown, _ = data.(settings)
	s.status = status
	w.WriteHeader(status)
	return nil
}

func (s *testSite) Saved(w http.ResponseWriter, r *http.Request, network, message string) error {
	s.saved = message
	http.Redirect(w, r, "/settings#"+network, http.StatusSeeOther)
	return nil
}

func (s *testSite) Connect(ctx context.Context, city report.City, network string, save func(*gorm.DB, report.Bot) error) (report.Bot, error) {
	return s.db.CreateBot(ctx, city.ID, network, save)
}

// routes serves the settings routes where the frontend mounts them.
func (w *world) routes() http.Handler {
	r := chi.NewRouter()
	r.Route("/settings/"+name, w.network.SettingsRoutes)
	return r
}

// do makes a request to the settings routes and returns where it leads to.
func (w *world) do(method, path string, form url.Values) (status int, location string) {
	w.t.Helper()
	req := must(http.NewRequestWithContext(w.ctx, method, path, strings.NewReader(form.Encode())))(w.t)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := &recorder{header: http.Header{}}
	w.routes().ServeHTTP(rec, req)
	return rec.status, rec.header.Get("Location")
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(p)
}

// must is for steps that a test stands on.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// allTemplates are the pages of this directory, by name.
func readFile(t *testing.T, file string) string {
	t.Helper()
	return string(must(os.ReadFile(file))(t))
}
