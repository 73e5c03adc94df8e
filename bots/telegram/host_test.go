package telegram

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/telegram/telegramtest"
	"ticketfrei/config"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/i18n"
	"ticketfrei/report"
	"ticketfrei/secret"
)

// patience bounds everything that a test waits for.
const patience = 20 * time.Second

// world is the network with all it stands on, and a stand-in of Telegram.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *clock
	site    *testSite
	network *network
	server  *telegramtest.Server
	account *telegramtest.Bot
	city    report.City
	log     *bytes.Buffer
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

// fast are limits that no test notices.
var fast = limits{bot: rate.Inf, chat: rate.Inf, group: rate.Inf, groupBurst: 1, slowFor: time.Minute}

func newWorld(t *testing.T, o telegramtest.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &clock{}, log: &bytes.Buffer{}}
	if o.Now == nil {
		o.Now = w.clock.now
	}
	w.server = must(telegramtest.Start(o))(t)
	t.Cleanup(func() { check(t, w.server.Close()) })
	w.account = w.server.AddBot("Nuernberg_bot", "Nürnberg")
	w.db = dbtest.MustOpen(t, w.clock.now, map[string][]*gormigrate.Migration{name: migrations})
	w.city = dbtest.MustCreateCity(t, w.db, "nuernberg")
	w.city.Name = "Nürnberg"
	w.site = &testSite{db: w.db, city: w.city, texts: must(i18n.New(files))(t)}
	w.network = must(newNetwork(bots.Host{
		Config: &config.Config{Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour}},
		DB:     w.db, Secrets: must(secret.New(bytes.Repeat([]byte{7}, 32)))(t), Texts: w.site.texts,
		Site: w.site, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.now,
	}, &options{API: w.server.URL + "/"}))(t)
	w.network.limits = fast
	t.Cleanup(w.network.transport.CloseIdleConnections)
	return w
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	return must(w.site.Connect(w.ctx, w.city, name, func(tx *gorm.DB, b report.Bot) error {
		return w.network.store.saveAccount(tx, b.ID, pending{CityID: w.city.ID, TelegramID: w.account.ID(),
			Username: w.account.Username(), Name: "Nürnberg", Token: w.account.Token()}, "")
	}))(w.t)
}

// load makes the bot at work anew, as after a restart. What it logs can be
// looked at when it has ended.
func (w *world) load(b report.Bot) *bot {
	w.t.Helper()
	return must(w.network.Bot(w.ctx, b, slog.New(slog.NewTextHandler(w.log, nil))))(w.t).(*bot)
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

func (i *inbox) texts() []string {
	var list []string
	for _, in := range i.all() {
		list = append(list, in.Text)
	}
	return list
}

// wait returns when n reports have come.
func (i *inbox) wait(t *testing.T, n int) {
	t.Helper()
	late := time.After(patience)
	for len(i.all()) < n {
		select {
		case <-i.changed:
		case <-late:
			t.Fatalf("%d reports came, want %d", len(i.all()), n)
		}
	}
}

// running is a bot whose Receive runs.
type running struct {
	stop context.CancelFunc
	err  chan error
}

// receive runs Receive until end.
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

// handled waits until every update was handled and confirmed.
func (w *world) handled() {
	w.t.Helper()
	w.until("handle all updates", func() bool { return w.account.Pending() == 0 && w.account.Polling() })
}

// answers waits for the bot's n-th message to a person and returns it.
func (w *world) answer(u *telegramtest.User, n int) string {
	w.t.Helper()
	var got []string
	w.until("answer", func() bool {
		got = nil
		for _, m := range w.account.Chat(u) {
			if m.FromBot {
				got = append(got, m.Text)
			}
		}
		return len(got) >= n
	})
	return got[n-1]
}

// delivery is a report from elsewhere on its way to a chat.
func (w *world) delivery(b report.Bot, chat int64, text string) report.Delivery {
	r := report.Report{ID: "r-" + text[:min(20, len(text))], CityID: b.CityID, Network: "mail", Text: text, Time: w.clock.now()}
	return report.NewDelivery(r, b, formatID(chat))
}

// subscribe makes somebody a subscriber of long standing.
func (w *world) subscribe(b report.Bot, u *telegramtest.User) {
	w.t.Helper()
	u.Open(w.account)
	must(w.network.store.subscribe(w.ctx, b.ID, u.ID()))(w.t)
}

// text is a text of the catalogue in English.
func (w *world) text(id string, data ...any) string { return w.site.texts.T("en", id, data...) }

// wantChats compares the chats that have subscribed.
func (w *world) wantChats(b report.Bot, want ...int64) {
	w.t.Helper()
	got := must(w.network.store.chats(w.ctx, b.ID))(w.t)
	if diff := cmp.Diff(append([]int64{}, want...), append([]int64{}, got...)); diff != "" {
		w.t.Errorf("subscribed chats: %s", diff)
	}
}

// wantKind checks the kind of an error.
func wantKind(t *testing.T, err error, want bots.Kind) {
	t.Helper()
	if kind, _ := bots.KindOf(err); err == nil || kind != want {
		t.Errorf("error %v of kind %d, want kind %d", err, kind, want)
	}
}

// testSite stands in for the frontend at the network's own interface.
type testSite struct {
	db    *db.DB
	city  report.City
	texts *i18n.Catalogue

	shown settings // what the settings page was answered with
	saved string
	page  demoPage
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
	w.WriteHeader(status)
	return nil
}

func (s *testSite) Saved(w http.ResponseWriter, r *http.Request, network, message string) error {
	s.saved = message
	http.Redirect(w, r, "/settings#network-"+network, http.StatusSeeOther)
	return nil
}

func (s *testSite) Connect(ctx context.Context, city report.City, network string, save func(*gorm.DB, report.Bot) error) (report.Bot, error) {
	return s.db.CreateBot(ctx, city.ID, network, save)
}

// post posts a form to the settings routes and returns the status.
func (w *world) post(path string, form url.Values) int {
	w.t.Helper()
	r := chi.NewRouter()
	r.Route("/settings/"+name, w.network.SettingsRoutes)
	req := httptest.NewRequestWithContext(w.ctx, http.MethodPost, "/settings/"+name+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	return rec.Code
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

// contextFor is a context that ends after d.
func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
