package kittest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/filter"
	"ticketfrei/frontend"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
	"ticketfrei/templates"
)

// password is that of every moderator.
const password = "a password for tests"

// Host is what the program gives a network, with the network in it: a database
// in a file of its own, the real site, an inbox for what bots hear.
type Host struct {
	bots.Host
	Definition bots.Definition
	Network    bots.Network
	Cities     *manage.Cities
	Site       *frontend.Site
	Clock      *Clock
	Inbox      *Inbox        // what the network's servers hear
	Mails      *AccountMails // account mails
	Lines      *Lines        // of all logs

	tb   testing.TB
	said *sync.Map // of first
}

// NewHost makes a host of one network. settings are those of the network, as the
// environment sets them: "TICKETFREI_TELEGRAM_API=http://127.0.0.1:1". It ends with
// the test.
func NewHost(tb testing.TB, d bots.Definition, settings ...string) *Host {
	tb.Helper()
	h := &Host{tb: tb, said: &sync.Map{}, Definition: d, Clock: &Clock{}, Inbox: NewInbox(), Mails: &AccountMails{}, Lines: &Lines{}}
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(tb)
	migrations := map[string][]*gormigrate.Migration{}
	if d.Migrations != nil {
		migrations[d.Name] = d.Migrations(box)
	}
	sources := append(append([]fs.FS{filter.Texts, supervisor.Texts, d.Files}, templates.Texts...), kit.Texts...)
	log := slog.New(slog.NewTextHandler(io.MultiWriter(h.Lines, tb.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := h.config(settings)
	h.Host = bots.Host{
		Config: cfg, DB: dbtest.MustOpen(tb, h.Clock.Now, migrations), Secrets: box, Texts: i18ntest.MustNew(tb, sources...),
		Mailer: mailer.New(cfg, log, h.Clock.Now), AccountMails: h.Mails, HTTP: bots.NewHTTPClient(true, nil), Hearer: h.Inbox,
		Notices: &notice.Board{}, Bus: new(bus.Bus), Log: log, Now: h.Clock.Now,
	}
	places, stop := relay.NewPlaces(h.DB, h.Notices, log)
	tb.Cleanup(stop)
	h.Host.Places, h.Networks = chosen{places, cityLines}, []string{"mail", "mastodon", "telegram", "web", d.Name}
	h.Network = must(d.New(h.Host))(tb)
	h.Cities = must(manage.New(manage.Options{DB: h.DB, Notices: h.Notices, Log: log,
		Networks: []manage.Network{{Definition: d, Network: h.Network}}}))(tb)
	h.Site = must(frontend.NewSite(frontend.Options{Config: cfg, DB: h.DB, Secrets: box, Texts: h.Texts, Log: log, Now: h.Clock.Now,
		AccountMails: h.Mails, Notices: h.Notices, Cities: h.Cities, Health: ready{}, Demo: true}))(tb)
	tb.Cleanup(func() {
		h.Site.Close()
		h.HTTP.CloseIdleConnections()
		if c, ok := h.Network.(io.Closer); ok {
			_ = c.Close()
		}
	})
	return h
}

// For returns the host for a subtest, which fails in its place.
func (h *Host) For(tb testing.TB) *Host {
	c := *h
	c.tb = tb
	return &c
}

// first tells whether something that is wrong is seen for the first time: a missing
// text is missing in every test.
func (h *Host) first(what string) bool {
	_, seen := h.said.LoadOrStore(what, true)
	return !seen
}

// config is the built-in settings, with the network's.
func (h *Host) config(settings []string) *config.Config {
	h.tb.Helper()
	source := config.Source{Defaults: must(os.ReadFile(filepath.Join(root(h.tb), "config.toml")))(h.tb), Env: settings}
	if h.Definition.Settings != nil {
		source.Sections = append(source.Sections, h.Definition.Settings)
	}
	cfg := must(config.Load(source))(h.tb)
	cfg.Web.URL, cfg.Mail.Domain, cfg.Mail.From = "http://tickets.example", "tickets.example", "ticketfrei@tickets.example"
	cfg.Mail.Listen = "127.0.0.1:0"
	cfg.Network.AllowPrivate = true
	return cfg
}

// root is the directory of the project, which tests run below.
func root(tb testing.TB) string {
	tb.Helper()
	dir := must(os.Getwd())(tb)
	for {
		if _, err := os.Stat(filepath.Join(dir, "config.toml")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no config.toml above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// ready is for the site.
type ready struct{}

func (ready) Ready(context.Context) error { return nil }

// AddCity makes a city with a moderator moderator@<slug>.example.
func (h *Host) AddCity(slug, language string) report.City {
	h.tb.Helper()
	cheap := &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	m := must(h.DB.CreateModerator(h.tb.Context(), email(slug), must(argon2id.CreateHash(password, cheap))(h.tb)))(h.tb)
	var everywhere []string
	if h.Definition.Everywhere {
		everywhere = []string{h.Definition.Name}
	}
	name := strings.ToUpper(slug[:1]) + slug[1:] + "-Köln"
	return must(h.DB.CreateCity(h.tb.Context(), report.City{Slug: slug, Name: name, Language: language, Triggers: "*"}, m.ID, everywhere))(h.tb)
}

func email(slug string) string { return "moderator@" + slug + ".example" }

// Bots are the city's bots of the network, the first one made first.
func (h *Host) Bots(city report.City) []report.Bot {
	h.tb.Helper()
	return must(h.DB.NetworkBots(h.tb.Context(), city.ID, h.Definition.Name))(h.tb)
}

// Open makes a bot ready to run, as after a start of the program. What it logs goes
// to Lines.
func (h *Host) Open(b report.Bot) (bots.Bot, error) {
	return h.Network.Bot(h.tb.Context(), b, slog.New(&botLog{h.Log.Handler(), h}))
}

// botLog checks that moderators can read what a bot logs: the id of a text.
type botLog struct {
	slog.Handler
	host *Host
}

func (l *botLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !l.host.Texts.Has(r.Message) {
		if l.host.first(r.Message) {
			l.host.tb.Errorf("a bot logs %q, which is no text", r.Message)
		}
	}
	return l.Handler.Handle(ctx, r)
}

// Heard is the report that a bot heard, as it is judged and sent.
func (h *Host) Heard(b report.Bot, in bots.Incoming) report.Report {
	r := report.Report{CityID: b.CityID, BotID: b.ID, Network: b.Network,
		Text: in.Text, Visibility: in.Visibility, Time: h.Now(), Received: h.Now()}
	bots.KeyReport(h.Secrets, &r, in)
	return r
}

// Elsewhere is a report that was heard on another network.
func (h *Host) Elsewhere(city report.City, text string) report.Report {
	return report.Report{ID: h.Secrets.ReportID("elsewhere", city.ID, text), CityID: city.ID, Network: "elsewhere",
		Author: "somebody", Text: text, Visibility: report.Private, Time: h.Now(), Received: h.Now()}
}

// Pass stores a report as one that passed.
func (h *Host) Pass(r report.Report) {
	h.tb.Helper()
	dbtest.MustSaveReport(h.tb, h.DB, r, report.Verdict{Passed: true, Reason: report.ReasonTrigger})
}

// Deliveries are what a report is sent in through a bot.
func (h *Host) Deliveries(b report.Bot, r report.Report) []report.Delivery {
	h.tb.Helper()
	recipients := []int64{0}
	if n, ok := h.Network.(bots.Recipients); ok {
		recipients = must(n.Recipients(h.tb.Context(), b, r))(h.tb)
	}
	var list []report.Delivery
	for _, recipient := range recipients {
		list = append(list, report.NewDelivery(r, b, recipient))
	}
	return list
}

// Rows counts what is stored of a bot in each of the network's tables.
func (h *Host) Rows(b report.Bot) map[string]int {
	h.tb.Helper()
	rows := map[string]int{}
	for table := range must(h.DB.Tables(h.tb.Context()))(h.tb) {
		if !strings.HasPrefix(table, h.Definition.Name+"_") || !must(db.HasColumn(h.DB.Read(h.tb.Context()), table, "bot_id"))(h.tb) {
			continue
		}
		var n int
		if err := h.DB.ReadRow(h.tb.Context(), "SELECT count(*) FROM "+table+" WHERE bot_id = ?", b.ID).Scan(&n); err != nil {
			h.tb.Fatal(err)
		}
		if n > 0 {
			rows[table] = n
		}
	}
	return rows
}

// AccountMails takes account mails.
type AccountMails struct {
	mu    sync.Mutex
	mails []mailer.Mail
}

var _ bots.AccountMails = (*AccountMails)(nil)

// StoreMail keeps a mail.
func (o *AccountMails) StoreMail(_ context.Context, m mailer.Mail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, m)
	return nil
}

// StoreAsked keeps a mail. There are no limits here: they are the program's.
func (o *AccountMails) StoreAsked(ctx context.Context, m mailer.Mail, a bots.Asked) error {
	if a.Nobody {
		return nil
	}
	return o.StoreMail(ctx, m)
}

// Delayed implements bots.AccountMails: mails are never delayed here.
func (o *AccountMails) Delayed() bool { return false }

// All returns the mails so far, the first one first.
func (o *AccountMails) All() []mailer.Mail {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]mailer.Mail(nil), o.mails...)
}

// Lines is a log that a test reads.
type Lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write is for a slog.Handler.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is the log so far.
func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// must is for steps that a test stands on.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
