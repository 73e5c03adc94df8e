package frontend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/net/html"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

// clock is the time of a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lines is a log that a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// letterbox is a network with an address and public pages. It has the name of
// the network to whose subscription the city page links.
type letterbox struct {
	*toyNetwork
	lost bool // Address fails
	said *bots.Said
}

var _ bots.Addressed = (*letterbox)(nil)

func (n *letterbox) Address(_ context.Context, c report.City, _ report.Bot) (text, url string, err error) {
	if n.lost {
		return "", "", errors.New("the letterbox is lost")
	}
	return c.Slug + "@tickets.example", "mailto:" + c.Slug + "@tickets.example", nil
}

func (n *letterbox) PublicRoutes(r chi.Router, site bots.Site) {
	r.Get("/", site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(w, r, http.StatusOK, n.name, "page.tmpl", site.T(r, n.name+".title"), "some data")
	}))
	r.Post("/leave", site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(w, r, http.StatusOK, n.name, "page.tmpl", "left", "left "+r.PostFormValue("List-Unsubscribe"))
	}))
	r.Get("/said", site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return site.CityPage(w, r, http.StatusUnprocessableEntity, *n.said)
	}))
	r.Get("/error", site.Handler(func(http.ResponseWriter, *http.Request) error {
		return &bots.PageError{Status: http.StatusTeapot, ID: n.name + ".saved"}
	}))
	r.Get("/secret", site.Handler(func(http.ResponseWriter, *http.Request) error {
		return errors.New("password of the database: hunter2")
	}))
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("the letterbox is on fire") })
}

// town is a site as riders see it: a board with a clock, a log and a letterbox.
type town struct {
	*board
	clock *clock
	log   *lines
	post  *letterbox
	ready error
}

// newTown starts a site; change may alter its options.
func newTown(t *testing.T, change ...func(*Options)) *town {
	t.Helper()
	start := time.Now().Truncate(time.Second)
	tn := &town{board: &board{t: t, changed: map[int64]int{}}, clock: &clock{now: start}, log: &lines{}}
	srv := httptest.NewUnstartedServer(nil)
	tn.url = "http://" + srv.Listener.Addr().String()
	tn.post = &letterbox{toyNetwork: &toyNetwork{name: "mail"}}
	definition := tn.post.definition(true)
	definition.Files.(fstest.MapFS)["page.tmpl"] = &fstest.MapFile{
		Data: []byte(`{{define "content"}}<h1 id="toy">{{.T "mail.title"}}: {{.Data}} in {{.City.Name}}</h1>{{end}}`)}
	for _, name := range []string{"en.toml", "de.toml"} {
		file := definition.Files.(fstest.MapFS)[name]
		file.Data = append([]byte("mail.public_page = \"Subscribe\"\n"), file.Data...)
	}
	networks := []Network{{Definition: definition, Network: tn.post}}
	tn.openSite(networks, change)
	tn.mux = tn.site.routes.(chi.Routes)
	srv.Config.Handler = tn.site
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(tn.site.Close)
	return tn
}

func (tn *town) openSite(networks []Network, change []func(*Options)) {
	tn.t.Helper()
	tn.db = dbtest.MustOpen(tn.t, tn.clock.time, nil)
	var err error
	if tn.box, err = secret.Open(tn.t.TempDir(), ""); err != nil {
		tn.t.Fatal(err)
	}
	texts := i18ntest.MustNew(tn.t, append(templates.Texts[:len(templates.Texts):len(templates.Texts)], networks[0].Files)...)
	places, stop := relay.NewPlaces(tn.db, &tn.notices, slog.New(slog.DiscardHandler))
	tn.t.Cleanup(stop)
	cfg := &config.Config{
		Web:     config.Web{URL: tn.url},
		Mail:    config.Mail{Domain: "tickets.example", From: "ticketfrei@tickets.example"},
		Reports: config.Reports{Keep: 168 * time.Hour},
	}
	cities, err := manage.New(manage.Options{DB: tn.db, Notices: &tn.notices, Networks: networks,
		Log: slog.New(slog.DiscardHandler), Keep: 168 * time.Hour, Places: places, Secrets: tn.box,
		Letters: &manage.Letters{Mails: tn, Texts: texts, Config: cfg, Secrets: tn.box, Log: slog.New(slog.DiscardHandler), Now: tn.clock.time}})
	if err != nil {
		tn.t.Fatal(err)
	}
	o := Options{
		Config: cfg,
		DB:     tn.db, Secrets: tn.box, Texts: texts, Now: tn.clock.time,
		Log:          slog.New(slog.NewTextHandler(tn.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		AccountMails: tn, Notices: &tn.notices, Cities: cities, Health: tn,
	}
	tn.notices.OnChanged(tn.noteChange)
	for _, f := range change {
		f(&o)
	}
	if tn.site, err = NewSite(o); err != nil {
		tn.t.Fatal(err)
	}
}

// TestMain lets garbage lie for longer: tests open one small site after another, and most
// of it is never worth a look.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// Ready implements Health.
func (tn *town) Ready(context.Context) error { return tn.ready }

// tell stores a passed report of the city, written that long ago, and announces
// it.
func (tn *town) tell(c report.City, id, text string, ago time.Duration) {
	tn.t.Helper()
	at := tn.clock.time().Add(-ago)
	r := report.Report{ID: id, CityID: c.ID, Network: "mail", NetworkID: id, Author: "hash-of-the-author",
		Text: text, Visibility: report.Private, Time: at, Received: at}
	v := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	dbtest.MustSaveReport(tn.t, tn.db, r, v)
	tn.notices.Passed(c.ID)
}

// members creates a moderator with a city.
func (tn *town) members(slug, name, email string) report.City {
	tn.t.Helper()
	m := tn.moderator(email)
	c, err := tn.db.CreateCity(tn.t.Context(), report.City{Slug: slug, Name: name, Language: "de"}, m.ID, []string{"mail"})
	if err != nil {
		tn.t.Fatal(err)
	}
	return c
}

var anyLink = regexp.MustCompile(`https?://\S+`)

// lastMail returns the recipient, the subject and the text of the last mail,
// and the path of the link in it.
func (tn *town) lastMail() (to, subject, text, path string) {
	tn.t.Helper()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if len(tn.mails) == 0 {
		tn.t.Fatal("no mail was sent")
	}
	last := tn.mails[len(tn.mails)-1]
	m, err := mail.ReadMessage(bytes.NewReader(last.Data))
	if err != nil {
		tn.t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		tn.t.Fatal(err)
	}
	link := anyLink.FindString(string(body))
	return last.To, m.Header.Get("Subject"), string(body), strings.TrimPrefix(link, tn.url)
}

func (tn *town) mailCount() int {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	return len(tn.mails)
}

// request sends a request without cookies. headers are alternating names and
// values.
func (tn *town) request(method, path, body string, headers ...string) (*http.Response, answer) {
	tn.t.Helper()
	req, err := http.NewRequestWithContext(tn.t.Context(), method, tn.url+path, strings.NewReader(body))
	if err != nil {
		tn.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		tn.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tn.t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		tn.t.Fatal(err)
	}
	return resp, answer{t: tn.t, status: resp.StatusCode, location: resp.Header.Get("Location"), body: string(text), doc: doc}
}

// has reports whether the page has an element with that id.
func (a answer) has(id string) bool {
	return a.find(func(n *html.Node) bool { return attr(n, "id") == id && !hasAttr(n, "hidden") }) != nil
}

// all returns the elements with that tag name.
func (a answer) all(name string) []*html.Node {
	var list []*html.Node
	for n := range a.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, n)
		}
	}
	return list
}

// texts returns what the elements with a tag name within #id show.
func (a answer) texts(id, name string) []string {
	a.t.Helper()
	list := []string{}
	for n := range a.id(id).Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, a.text(n))
		}
	}
	return list
}

// title is the title of the page.
func (a answer) title() string {
	for _, n := range a.all("title") {
		return a.text(n)
	}
	return ""
}

// translated checks that the page shows no text id and no gap in a text.
func (a answer) translated() {
	a.t.Helper()
	shown := a.text(a.doc)
	if id := regexp.MustCompile(`![a-z_]+\.[a-z_.]+!`).FindString(shown); id != "" {
		a.t.Errorf("the page shows the text id %s", id)
	}
	if strings.Contains(shown, "<no value>") {
		a.t.Errorf("a text lacks a value: %s", shown)
	}
}

// newDemoRouter makes a stand-in of a network as networks do.
func newDemoRouter(tn *town) http.Handler {
	show := func(w http.ResponseWriter, r *http.Request, text string) error {
		return tn.site.Page(w, r, http.StatusOK, "mail", "page.tmpl", "x", text)
	}
	r := chi.NewRouter()
	r.Get("/", tn.site.Handler(func(w http.ResponseWriter, r *http.Request) error { return show(w, r, "list") }))
	r.Get("/{id}", tn.site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return show(w, r, "mail "+chi.URLParam(r, "id"))
	}))
	r.Post("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/demo/mail", http.StatusSeeOther)
	})
	return r
}
