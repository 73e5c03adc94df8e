package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/jhillyerd/enmime/v2"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dnstest"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/place"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

const domain = "mail.example"

// bench is the network with a real database, the real site around its pages
// and a server that catches what it sends.
type bench struct {
	t       *testing.T
	clock   *kittest.Clock
	network *Network
	site    *frontend.Site
	db      *db.DB
	box     *secret.Box
	cfg     *config.Config
	url     string // of the site
	smtp    string // where mails are taken
	out     *mailertest.Server
	names   *dnstest.Server
	log     logbook  // at debug level
	stop    func()   // ends the server that takes mails
	lines   []string // of every city

	mu       sync.Mutex
	heard    []heard
	emitErr  error
	panics   any           // what Hear panics with
	accounts []mailer.Mail // what StoreMail was given
	asked    []bots.Asked  // how account mails were caused
	tooMany  bool          // the client has caused too many
}

// logbook keeps what was logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// count is how many lines have a part.
func (l *logbook) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// heard is a report that was emitted.
type heard struct {
	City int64
	In   bots.Incoming
}

// newBench starts a network; change may change the settings first.
func newBench(t *testing.T, change func(*config.Config)) *bench {
	t.Helper()
	return newBenchOn(t, nil, change)
}

// newBenchOn starts a network on the database of an earlier version; nil means a
// new one.
func newBenchOn(t *testing.T, earlier *db.DB, change func(*config.Config)) *bench {
	t.Helper()
	b := &bench{t: t, clock: kittest.StandingClock(time.Date(2024, 5, 3, 10, 0, 0, 0, time.UTC))}
	b.out, b.names = mailertest.Start(t), dnstest.Start(t)
	web := httptest.NewUnstartedServer(nil)
	b.url = "http://" + web.Listener.Addr().String()
	b.cfg = &config.Config{Data: t.TempDir(), Web: config.Web{URL: b.url}, Mail: config.Mail{
		Listen: "127.0.0.1:0", Domain: domain, From: "ticketfrei@" + domain, Relay: "smtp://" + b.out.Addr, Connections: 4}}
	if change != nil {
		change(b.cfg)
	}
	var err error
	if b.box, err = secret.New(bytes.Repeat([]byte{7}, 32)); err != nil {
		t.Fatal(err)
	}
	if b.db = earlier; earlier == nil {
		b.db = dbtest.MustOpen(t, b.clock.Now, nil)
	}
	if err := b.db.Migrate(t.Context(), b.box, map[string][]*gormigrate.Migration{Name: migrations(b.box)}); err != nil {
		t.Fatal(err)
	}
	texts := i18ntest.MustNew(t, append(templates.Texts, files)...)
	log := slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	send := mailer.New(b.cfg, log, b.clock.Now)
	t.Cleanup(func() { send.Close() })
	notices := &notice.Board{}
	places, stopPlaces := relay.NewPlaces(b.db, notices, log)
	t.Cleanup(stopPlaces)
	b.network, err = New(bots.Host{Config: b.cfg, DB: b.db, Secrets: b.box, Texts: texts, Mailer: send, AccountMails: b,
		DNS: b.names.Resolver(), Hearer: b, Places: b, Rehearser: &relay.Hearing{DB: b.db, Secrets: b.box, Places: places, Now: b.clock.Now}, Notices: notices, Log: log, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	cities, err := manage.New(manage.Options{DB: b.db, Notices: notices, Log: log,
		Networks: []manage.Network{{Definition: Definition(), Network: b.network}}})
	if err != nil {
		t.Fatal(err)
	}
	b.site, err = frontend.NewSite(frontend.Options{Config: b.cfg, DB: b.db, Secrets: b.box, Texts: texts, Log: log, Now: b.clock.Now, Demo: true,
		AccountMails: b, Notices: notices, Cities: cities, Health: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.site.Close)
	web.Config.Handler = b.site
	web.Start()
	t.Cleanup(web.Close)
	b.serve()
	return b
}

// Ready is for the site.
func (b *bench) Ready(context.Context) error { return nil }

// Lines returns the lines of every city.
func (b *bench) Lines(context.Context, int64) ([]string, error) { return b.lines, nil }

// Of returns nil: the city has only the lines.
func (b *bench) Of(context.Context, int64) (*place.Places, error) { return nil, nil }

// serve runs the SMTP server until the test ends.
func (b *bench) serve() {
	b.t.Helper()
	var err error
	if b.smtp, err = b.network.Listen(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.network.Serve(ctx) }()
	t := b.t // a subtest may stand there later
	b.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(b.stop)
}

func (b *bench) Hear(_ context.Context, bot report.Bot, in bots.Incoming) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.panics != nil {
		panic(b.panics)
	}
	if b.emitErr != nil {
		return b.emitErr
	}
	b.heard = append(b.heard, heard{bot.CityID, in})
	return nil
}

func (b *bench) Delayed() bool { return b.network.host.Mailer.Delayed() }

func (b *bench) StoreMail(_ context.Context, m mailer.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts = append(b.accounts, m)
	return nil
}

func (b *bench) StoreAsked(ctx context.Context, m mailer.Mail, a bots.Asked) error {
	if a.Nobody {
		return nil
	}
	b.mu.Lock()
	tooMany := b.tooMany
	b.asked = append(b.asked, a)
	b.mu.Unlock()
	if tooMany {
		return bots.ErrTooManyMails
	}
	return b.StoreMail(ctx, m)
}

// take returns what was emitted since the last call.
func (b *bench) take() []heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.heard
	b.heard = nil
	return list
}

// accountMail returns the only account mail since the last call, read.
func (b *bench) accountMail() (mailer.Mail, readMail) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.accounts) != 1 {
		b.t.Fatalf("%d account mails, want 1", len(b.accounts))
	}
	m := b.accounts[0]
	b.accounts = nil
	return m, mustRead(b.t, m.Data)
}

func (b *bench) noAccountMail() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.accounts) != 0 {
		b.t.Errorf("%d account mails, want none", len(b.accounts))
	}
}

// city makes a city with its mail bot.
func (b *bench) city(slug string) (report.City, report.Bot) {
	b.t.Helper()
	c := dbtest.MustCreateCity(b.t, b.db, slug, Name)
	bot, err := b.db.FindBot(b.t.Context(), c.ID, Name)
	if err != nil {
		b.t.Fatal(err)
	}
	return c, bot
}

// subscribers are the addresses of a bot's subscribers.
func (b *bench) subscribers(bot report.Bot) []string {
	b.t.Helper()
	return b.recipients(bot, report.Report{})
}

// recipients are the addresses that a report is mailed to.
func (b *bench) recipients(bot report.Bot, r report.Report) (emails []string) {
	b.t.Helper()
	ids, err := b.network.Recipients(b.t.Context(), bot, r)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, id := range ids {
		s, err := b.network.subscribers.Get(b.t.Context(), bot.ID, id)
		if err != nil {
			b.t.Fatal(err)
		}
		emails = append(emails, s.Address)
	}
	return emails
}

// find returns the subscriber with an address.
func (b *bench) find(bot report.Bot, email string) recipients.Recipient {
	b.t.Helper()
	s, err := b.network.subscribers.Find(b.t.Context(), bot.ID, email)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) mustSubscribe(bot report.Bot, emails ...string) {
	b.t.Helper()
	for _, email := range emails {
		if _, err := b.network.subscribers.Subscribe(b.t.Context(), bot.ID, email); err != nil {
			b.t.Fatal(err)
		}
	}
}

// words are what a moderator reads of an error, which has words of its own in
// every language.
func (b *bench) words(err error, language string) string {
	b.t.Helper()
	if _, ok := errors.AsType[bots.Sayer](err); !ok {
		b.t.Fatalf("an error without words for moderators: %v", err)
	}
	return bots.Words(err, func(id string, data ...any) string { return b.network.host.Texts.T(language, id, data...) })
}

// readMail is one of our mails as its reader sees it.
type readMail struct {
	Header        textproto.MIMEHeader
	Subject, Text string
}

func mustRead(t *testing.T, raw []byte) readMail {
	t.Helper()
	root, err := enmime.ReadParts(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("our own mail: %v\n%s", err, raw)
	}
	return readMail{root.Header, enmime.DecodeRFC2047(root.Header.Get("Subject")), strings.ReplaceAll(string(root.Content), "\r\n", "\n")}
}

// get and post are what a browser without scripts does.
func (b *bench) get(path string) (int, string) {
	b.t.Helper()
	resp, err := http.Get(b.url + path)
	return b.read(resp, err)
}

func (b *bench) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	resp, err := http.PostForm(b.url+path, form)
	return b.read(resp, err)
}

func (b *bench) read(resp *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// rows is how many a table has.
func (b *bench) rows(table string) (n int) {
	b.t.Helper()
	if err := b.db.ReadRow(b.t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// letters are the mails that were kept for the operator, the first one first.
func (b *bench) letters() (list []string) {
	b.t.Helper()
	kept, err := b.db.Postmaster(b.box).List(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range kept {
		raw, err := b.db.Postmaster(b.box).Read(b.t.Context(), m.ID)
		if err != nil || len(raw) != m.Size {
			b.t.Fatalf("mail %+v: %d bytes, %v", m, len(raw), err)
		}
		list = append(list, string(raw))
	}
	return list
}
