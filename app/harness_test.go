package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/intent"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
	"ticketfrei/internal/dnstest"
	"ticketfrei/internal/freeport"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// password is the password of every moderator in the tests.
const password = "a password for tests"

// app is a running server, as serve runs it, on free ports of loopback.
type app struct {
	*testing.T
	server *server
	url    string
	smtp   string
	names  *dnstest.Server // answers the server's questions of DNS
	log    *logbook
	stop   func()

	metrics string // address of /metrics

	ended   func() error // waits for the server to end
	failing bool         // the test has it end with an error
}

// builtIn returns the content of config.toml, which main.go embeds.
func builtIn(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// runCommand runs a command line as main does.
func runCommand(ctx context.Context, t *testing.T, stdout, stderr io.Writer, args ...string) int {
	t.Helper()
	setDatabase(t)
	return run(&console{ctx: ctx, stdout: stdout, stderr: stderr, defaults: builtIn(t), world: world{settings: "testdata/none.toml"}}, args)
}

// unbraked are the settings of tests that mail more reports to a city than its brakes
// let pass.
var unbraked = []string{"TICKETFREI_BRAKES_CLIENT=0", "TICKETFREI_BRAKES_DOMAIN=0", "TICKETFREI_BRAKES_CITY=0"}

// startApp runs a server in dir until the test ends or stop is called. Its
// outgoing mail goes to relay. more are networks besides the program's own.
func startApp(t *testing.T, dir string, relay *mailbox, more ...bots.Definition) *app {
	t.Helper()
	definitions := append(all.Networks(), more...)
	return runApp(t, appConfig(t, dir, relay, definitions), definitions)
}

// appConfig is testConfig with outgoing mail going to relay, and with an
// address chosen for the pages.
func appConfig(t *testing.T, dir string, relay *mailbox, definitions []bots.Definition, env ...string) *config.Config {
	t.Helper()
	cfg := testConfig(t, dir, definitions, env...)
	cfg.Network.AllowPrivate = true
	cfg.Mail.Domain = "tickets.example"
	cfg.Mail.From = "ticketfrei@tickets.example"
	cfg.Mail.Relay = "smtp://" + relay.Addr
	var err error
	if cfg.Web.Listen, err = freeport.Address(); err != nil {
		t.Fatal(err)
	}
	cfg.Web.URL = "http://" + cfg.Web.Listen
	return cfg
}

// runApp is startApp with the test's own settings.
func runApp(t *testing.T, cfg *config.Config, definitions []bots.Definition) *app {
	t.Helper()
	return runAppIn(t, cfg, definitions, mode{})
}

// runAppIn is runApp in a mode.
func runAppIn(t *testing.T, cfg *config.Config, definitions []bots.Definition, m mode) *app {
	t.Helper()
	log, names := &logbook{}, dnstest.Start(t)
	m.dns = names.Resolver()
	if m.keys == nil {
		m.keys = testKeys()
	}
	if m.intents == nil {
		m.intents = testIntents()
	}
	if m.source == "" && cfg.Web.Templates == "" {
		m.texts = i18ntest.MustNew(t, siteFiles{}.texts(definitions)...)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); errors.Is(err, fs.ErrNotExist) && cfg.Database.URL == "" {
		makeDatabase(t, cfg)
	}
	s, err := newServer(t.Context(), cfg, definitions, testLog(t, log), m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	a := &app{T: t, server: s, url: cfg.Web.URL, smtp: s.addresses["mail"], names: names, log: log,
		ended: sync.OnceValue(func() error { return <-ended })}
	if s.metrics != nil {
		a.metrics = s.metrics.Addr().String()
	}
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := a.ended(); err != nil && !a.failing {
			t.Errorf("run: %v", err)
		}
		s.close()
	})
	t.Cleanup(a.stop)
	return a
}

// urlFile is where a test's data directory says which database on a server is its.
const urlFile = "database.url"

// hasServer tells whether a data directory has its database on a server.
func hasServer(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, urlFile))
	return err == nil
}

// makeDatabase makes the database that belongs to a data directory: in it, or on a server
// where tests have their databases there. On the server the directory has one for good.
func makeDatabase(t *testing.T, cfg *config.Config) {
	t.Helper()
	if !dbtest.OnServer() && !hasServer(cfg.Data) {
		dbtest.MustPrepare(t, cfg.Data)
		return
	}
	if cfg.Secret == "" { // on a server the setting is needed; tests look for the key in its file
		if _, err := secret.Open(cfg.Data, ""); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(cfg.Data, secret.FileName))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Secret = strings.TrimSpace(string(key))
	}
	file := filepath.Join(cfg.Data, urlFile)
	url, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		url = []byte(dbtest.MustMakeDatabase(t))
		err = os.WriteFile(file, url, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database.URL = string(url)
}

// mustBegin makes a data directory and its database as a server does, for a command that needs
// one.
func mustBegin(t *testing.T, dir string) {
	t.Helper()
	if err := makeDataDir(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, db.FileName)); errors.Is(err, fs.ErrNotExist) {
		makeDatabase(t, &config.Config{Data: dir})
	}
}

// setDatabase has a command that is run now use the database that belongs to the data
// directory in the environment.
func setDatabase(t *testing.T) {
	t.Helper()
	if dir := os.Getenv("TICKETFREI_DATA"); hasServer(dir) {
		cfg := &config.Config{Data: dir}
		makeDatabase(t, cfg)
		t.Setenv("TICKETFREI_DATABASE_URL", cfg.Database.URL)
		t.Setenv("TICKETFREI_SECRET", cfg.Secret)
	}
}

// testKeys are what servers of tests sign their mails with: making keys takes long.
var testKeys = sync.OnceValue(func() *dkim.Keys {
	keys, err := dkim.New()
	if err != nil {
		panic(err)
	}
	return keys
})

// testIntents are what servers of tests tell questions by: learning takes long.
var testIntents = sync.OnceValue(func() *intent.Recognizer { return intent.New(intent.BuiltIn()) })

// testConfig returns the built-in settings with the data in dir and free ports,
// changed by env.
func testConfig(t *testing.T, dir string, definitions []bots.Definition, env ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Source{Defaults: builtIn(t), Env: env, Sections: sections(definitions)})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = dir
	cfg.Web.Listen, cfg.Mail.Listen, cfg.Metrics.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	return cfg
}

// testLog shows the server's log, at debug level, when the test fails, and writes it
// to book.
func testLog(t *testing.T, book *logbook) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), book), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// logbook keeps what a program has logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// addCity creates a city with the rules and a moderator
// moderator@<slug>.example.
func (a *app) addCity(slug, triggers, blocked string) report.City {
	a.Helper()
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		a.Fatal(err)
	}
	m, err := a.server.db.CreateModerator(a.Context(), "moderator@"+slug+".example", hash)
	if err != nil {
		a.Fatal(err)
	}
	made, err := a.server.cities.Create(a.Context(), manage.NewCity{Slug: slug, Name: strings.ToUpper(slug[:1]) + slug[1:], Language: "en", Owner: m.ID})
	if err != nil {
		a.Fatal(err)
	}
	dbtest.MustSaveRules(a, a.server.db, made.ID, triggers, blocked)
	a.server.notices.Changed(made.ID)
	c, err := a.server.db.City(a.Context(), made.ID)
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// subscribe signs addresses up for a city's mails as a rider would: with the
// form, the mail and the button.
func (a *app) subscribe(box *mailbox, slug string, addresses ...string) {
	a.Helper()
	for _, address := range addresses {
		b := a.browser()
		b.post("/city/"+slug+"/mail/subscribe", url.Values{"email": {address}}, http.StatusOK)
		link := box.waitFor(a.T, address, "/mail/confirm/").link(a.T, "/mail/confirm/")
		b.post(strings.TrimPrefix(link, a.url), nil, http.StatusOK)
	}
}

// send mails a report and returns what the server answered.
func (a *app) send(from, to, messageID, subject, body string) error {
	return sendMail(a.smtp, from, to, message(from, to, messageID, subject, body))
}

func message(from, to, messageID, subject, body string) []byte {
	return fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n",
		from, to, subject, messageID, body)
}

func (a *app) mustSend(from, to, messageID, subject, body string) {
	a.Helper()
	if err := a.send(from, to, messageID, subject, body); err != nil {
		a.Fatalf("mail from %s to %s: %v", from, to, err)
	}
}

// waitUntil waits until ok returns true. The test fails if that takes too long.
func waitUntil(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain for: %s", what)
		}
	}
}

// settled waits until nothing waits any more: every report is judged, and every
// delivery and every account mail is sent.
func (a *app) settled() {
	a.Helper()
	waitUntil(a, "nothing to wait", func() bool {
		list, err := a.server.db.Waiting(a.Context())
		return err == nil && !slices.ContainsFunc(list, func(w db.Waiting) bool { return w.Count > 0 })
	})
}

// browser is a visitor without JavaScript.
type browser struct {
	*app
	client *http.Client
}

func (a *app) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.Fatal(err)
	}
	return &browser{a, &http.Client{Jar: jar, Timeout: patience}}
}

func (a *app) login(email string) *browser {
	a.Helper()
	b := a.browser()
	b.post("/login", url.Values{"email": {email}, "password": {password}}, http.StatusOK)
	return b
}

func (b *browser) get(path string, status int) string {
	b.Helper()
	resp, err := b.client.Get(b.url + path)
	return b.read(resp, err, path, status)
}

// post sends a form as a browser does on a page of the same origin, and
// follows redirects.
func (b *browser) post(path string, form url.Values, status int) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.url)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.client.Do(req)
	return b.read(resp, err, path, status)
}

func (b *browser) read(resp *http.Response, err error, path string, status int) string {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != status {
		b.Fatalf("%s: status %d, want %d\n%s", path, resp.StatusCode, status, body)
	}
	return string(body)
}

// mailbox is a mail server that takes everything. The tests use it as their
// relay.
type mailbox struct {
	*mailertest.Server

	mu      sync.Mutex
	letters []letter
}

// letter is a mail that arrived.
type letter struct {
	From, To string
	Header   mail.Header
	Body     string // decoded
	Raw      []byte
}

func startMailbox(t *testing.T) *mailbox {
	t.Helper()
	return &mailbox{Server: mailertest.Start(t)}
}

// all returns the mails that have arrived.
func (m *mailbox) all(tb testing.TB) []letter {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, came := range m.Take() {
		parsed, err := mail.ReadMessage(bytes.NewReader(came.Data))
		if err != nil {
			tb.Fatal(err)
		}
		body, err := decoded(parsed)
		if err != nil {
			tb.Fatal(err)
		}
		m.letters = append(m.letters, letter{came.From, came.To, parsed.Header, body, came.Data})
	}
	return m.letters
}

// to returns the mails to an address whose text contains part.
func (m *mailbox) to(tb testing.TB, address, part string) []letter {
	tb.Helper()
	var list []letter
	for _, l := range m.all(tb) {
		if l.To == address && strings.Contains(l.Body, part) {
			list = append(list, l)
		}
	}
	return list
}

func (m *mailbox) waitFor(tb testing.TB, address, part string) letter {
	tb.Helper()
	waitUntil(tb, fmt.Sprintf("a mail to %s with %q", address, part), func() bool { return len(m.to(tb, address, part)) > 0 })
	return m.to(tb, address, part)[0]
}

var anyLink = regexp.MustCompile(`https?://[^\s<>"]+`)

// link returns the first link in the mail that contains part.
func (l letter) link(tb testing.TB, part string) string {
	tb.Helper()
	for _, link := range anyLink.FindAllString(l.Body, -1) {
		if strings.Contains(link, part) {
			return link
		}
	}
	tb.Fatalf("no link with %q in the mail:\n%s", part, l.Body)
	return ""
}
