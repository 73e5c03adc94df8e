package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

// boardPassword is everybody's password in these tests.
const boardPassword = "zwölf Kontis im Regen"

// board is a site with a real database and two networks. It records what its
// options were called with.
type board struct {
	t    *testing.T
	url  string
	site *Site
	db   *db.DB
	box  *secret.Box
	tram *toyNetwork // every city has it
	bell *toyNetwork // connected by a moderator
	mux  chi.Routes

	notices notice.Board

	bus bus.Bus

	*relay.Relay

	mu      sync.Mutex
	mails   []mailer.Mail
	changed map[int64]int
	taken   []string
	sent    int  // fanouts
	delayed bool // no mail leaves
}

// toyTexts and toySettings are the files of a network.
const (
	toyTexts    = "[%s]\ntitle = \"Toy %s\"\nblurb = \"A toy.\"\nsaved = \"Connected.\"\nrevoked = \"the token was revoked\"\n"
	toySettings = `<form method="post" action="/settings/{{.Data.Name}}/connect" id="connect-{{.Data.Name}}">
<input name="token" value="{{.Data.Token}}">{{with .Data.Wrong}}<p class="error">{{.}}</p>{{end}}
<p class="toy">{{if .Data.Made}}bot of {{.City.Name}}{{else}}no bot{{end}}</p></form>`
)

// toyNetwork is a network that does what the test says.
type toyNetwork struct {
	name string

	mu        sync.Mutex
	err       error // of Settings
	panics    bool  // Settings panics
	forgetErr error
	forgot    []int64
}

type toyData struct {
	Name, Token, Wrong string
	Made               bool
}

func (n *toyNetwork) definition(everywhere bool) bots.Definition {
	texts := []byte(fmt.Sprintf(toyTexts, n.name, n.name))
	return bots.Definition{Name: n.name, Everywhere: everywhere, Files: fstest.MapFS{
		"settings.tmpl": {Data: []byte(toySettings)},
		"en.toml":       {Data: texts},
		"de.toml":       {Data: texts},
	}}
}

func (n *toyNetwork) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) {
	return nil, errors.New("a toy has no bots")
}

func (n *toyNetwork) Settings(_ context.Context, _ report.City, own []report.Bot) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.panics {
		panic("the toy is broken")
	}
	return toyData{Name: n.name, Token: "stored", Made: len(own) > 0}, n.err
}

func (n *toyNetwork) SettingsRoutes(r chi.Router, site bots.Site) {
	r.Post("/connect", site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		token := r.PostFormValue("token")
		if token == "bad" {
			return site.Settings(w, r, http.StatusUnprocessableEntity, n.name,
				toyData{Name: n.name, Token: token, Wrong: "not accepted"})
		}
		save := func(*gorm.DB, report.Bot) error { return nil }
		if _, err := site.Connect(r.Context(), site.City(r), n.name, 0, save); err != nil {
			return err
		}
		return site.Saved(w, r, n.name, site.T(r, n.name+".saved"))
	}))
}

func (n *toyNetwork) PublicRoutes(chi.Router, bots.Site) {}

func (n *toyNetwork) Forget(_ context.Context, b report.Bot) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgot = append(n.forgot, b.ID)
	return n.forgetErr
}

func (n *toyNetwork) set(f func(n *toyNetwork)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n)
}

// toyWithRecipients is a toy that sends to recipients.
type toyWithRecipients struct{ *toyNetwork }

func (toyWithRecipients) Recipients(context.Context, report.Bot, report.Report) ([]int64, error) {
	return nil, nil
}
func (toyWithRecipients) RemoveRecipient(context.Context, report.Bot, int64) error { return nil }
func (toyWithRecipients) CountRecipients(context.Context, report.Bot) (int, error) { return 42, nil }

var _ bots.Recipients = toyWithRecipients{}

// toyWithAddress is a toy whose bots have accounts.
type toyWithAddress struct{ *toyNetwork }

func (n toyWithAddress) Address(_ context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	return fmt.Sprintf("@%s%d", n.name, b.ID), "", nil
}

var _ bots.Addressed = toyWithAddress{}

func newBoard(t *testing.T) *board {
	t.Helper()
	b := &board{t: t, changed: map[int64]int{}}
	srv := httptest.NewUnstartedServer(nil)
	b.url = "http://" + srv.Listener.Addr().String()
	b.tram = &toyNetwork{name: "tram"}
	b.bell = &toyNetwork{name: "bell"}
	networks := []Network{
		{Definition: b.tram.definition(true), Network: toyWithRecipients{b.tram}},
		{Definition: b.bell.definition(false), Network: toyWithAddress{b.bell}},
	}
	b.open(networks)
	b.mux = b.site.routes.(chi.Routes)
	srv.Config.Handler = b.site
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(b.site.Close)
	return b
}

func (b *board) open(networks []Network) {
	b.t.Helper()
	must := func(err error) {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.db = dbtest.MustOpen(b.t, time.Now, nil)
	var err error
	b.box, err = secret.Open(b.t.TempDir(), "")
	must(err)
	sources := append(templates.Texts[:len(templates.Texts):len(templates.Texts)], relay.Texts)
	for _, n := range networks {
		sources = append(sources[:len(sources):len(sources)], n.Files)
	}
	texts := i18ntest.MustNew(b.t, sources...)
	b.Relay = relay.New(relay.Options{DB: b.db, Notices: &b.notices, Outgoing: b, Expire: time.Hour, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	places, stop := relay.NewPlaces(b.db, &b.notices, slog.New(slog.DiscardHandler))
	b.t.Cleanup(stop)
	cfg := &config.Config{
		Web:     config.Web{URL: b.url},
		Mail:    config.Mail{Domain: "tickets.example", From: "ticketfrei@tickets.example"},
		Reports: config.Reports{Keep: 168 * time.Hour, Expire: time.Hour},
	}
	cities, err := manage.New(manage.Options{DB: b.db, Notices: &b.notices, Networks: networks,
		Log: slog.New(slog.DiscardHandler), Keep: 168 * time.Hour, Relay: b, Places: places, Undo: time.Minute,
		Letters: &manage.Letters{Mails: b, Texts: texts, Config: cfg, Secrets: b.box, Log: slog.New(slog.DiscardHandler), Now: time.Now}})
	must(err)
	b.site, err = NewSite(Options{
		Config: cfg,
		DB:     b.db, Secrets: b.box, Texts: texts, Now: time.Now,
		Log:          slog.New(slog.DiscardHandler),
		AccountMails: b, Notices: &b.notices, Cities: cities, Health: b, Bus: &b.bus,
	})
	b.notices.OnChanged(b.noteChange)
	must(err)
}

func (b *board) Delayed() bool { return b.delayed }

// StoreMail keeps the mails of the site.
func (b *board) StoreMail(_ context.Context, m mailer.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, m)
	return nil
}

// StoreAsked keeps the mails of the site. There are no limits here: they are the
// program's.
func (b *board) StoreAsked(ctx context.Context, m mailer.Mail, a bots.Asked) error {
	if a.Nobody {
		return nil
	}
	return b.StoreMail(ctx, m)
}

func (b *board) noteChange(cityID int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed[cityID]++
}

// TakeBack records that the site asked for it.
func (b *board) TakeBack(ctx context.Context, cityID int64, id string) error {
	b.mu.Lock()
	b.taken = append(b.taken, id)
	b.mu.Unlock()
	return b.db.TakeBackFor(ctx, cityID, id, time.Minute)
}

// Send counts what the site's doings are to send.
func (b *board) Send(list []db.Fanout) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent += len(list)
}

// TakenBack and Wiped are for who sends: nobody does here.
func (b *board) TakenBack(int64, int64) {}
func (b *board) Wiped(int64, int64)     {}

// Ready implements Health.
func (b *board) Ready(context.Context) error { return nil }

// hashed is a hash of boardPassword.
var hashed = sync.OnceValues(func() (string, error) { return manage.HashPassword(boardPassword) })

// moderator creates a moderator.
func (b *board) moderator(email string) db.Moderator {
	b.t.Helper()
	hash, err := hashed()
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.db.CreateModerator(b.t.Context(), email, hash)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// city creates a city for a moderator.
func (b *board) city(slug, name string, m db.Moderator) report.City {
	b.t.Helper()
	c, err := b.db.CreateCity(b.t.Context(), report.City{Slug: slug, Name: name, Language: "de",
		Triggers: "kontrolle\nU[123]", Blocked: "quatsch"}, m.ID, []string{"tram"})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// say stores a report of the city.
func (b *board) say(c report.City, id, text string, v report.Verdict) {
	b.t.Helper()
	b.sayVia(c, 0, id, text, v)
}

// sayVia is say for a report that a bot heard.
func (b *board) sayVia(c report.City, botID int64, id, text string, v report.Verdict) {
	b.t.Helper()
	now := time.Now()
	r := report.Report{ID: id, CityID: c.ID, BotID: botID, Network: "tram", NetworkID: id, Author: "author-of-" + id,
		Text: text, Visibility: report.Public, Time: now, Received: now}
	dbtest.MustSaveReport(b.t, b.db, r, v)
}

func (b *board) changes(c report.City) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed[c.ID]
}
