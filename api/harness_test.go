package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"ticketfrei/api"
	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/stream"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// world is an API with everything behind it that judges reports; nothing is sent.
type world struct {
	*testing.T
	url     string
	cfg     *config.Config
	db      *db.DB
	bus     *bus.Bus
	api     *api.API
	cities  *manage.Cities
	notices *notice.Board
	hearing *relay.Hearing
	toy     *toyNetwork
	city    report.City // gotham

	mu     sync.Mutex
	now    time.Time
	sick   error    // why the program cannot work
	mailed []string // to whom
	books  bytes.Buffer
}

// newWorld makes one with the city gotham. env are settings as the environment has them.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	w := &world{T: t, bus: new(bus.Bus), notices: &notice.Board{}, now: time.Now().Truncate(time.Second), toy: &toyNetwork{}}
	definitions := []bots.Definition{stream.Definition(), w.toy.definition()}
	box := dbtest.MustMakeBox(t)
	migrations := map[string][]*gormigrate.Migration{stream.Name: definitions[0].Migrations(box)}
	w.cfg = w.load(definitions, append(env, "TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.0/8,::1", "TICKETFREI_NETWORK_ALLOW_PRIVATE=true"))
	w.db = dbtest.MustOpen(t, w.clock, migrations)
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), w), nil))
	texts := must(i18n.New(append(append([]fs.FS{definitions[0].Files, definitions[1].Files}, templates.Texts...), kit.Texts...)...))(t)
	places, stop := relay.NewPlaces(w.db, w.notices, log)
	t.Cleanup(stop)
	w.hearing = &relay.Hearing{DB: w.db, Secrets: box, Places: places, Backlog: w.cfg.Reports.Backlog, Now: w.clock}
	networks, byName := w.networks(definitions, bots.Host{Config: w.cfg, DB: w.db, Secrets: box, Texts: texts, HTTP: bots.NewHTTPClient(true, nil),
		Hearer: w.hearing, Places: places, Notices: w.notices, Bus: w.bus, Networks: []string{stream.Name, "toy"}, Log: log, Now: w.clock})
	rl := relay.New(relay.Options{DB: w.db, Notices: w.notices, Networks: byName, Outgoing: nowhere{}, Texts: texts, Places: places, Bus: w.bus,
		Brakes: w.cfg.Brakes, Expire: w.cfg.Reports.Expire, Log: log, Now: w.clock, Metrics: prometheus.NewRegistry()})
	w.run(rl.Run)
	w.cities = must(manage.New(manage.Options{DB: w.db, Notices: w.notices, Networks: networks, Log: log, Keep: w.cfg.Reports.Keep, Relay: rl, Places: places,
		Letters: &manage.Letters{Mails: w, Texts: texts, Config: w.cfg, Secrets: box, Log: log, Now: w.clock}}))(t)
	w.api = must(api.New(api.Options{Config: w.cfg, DB: w.db, Secrets: box, Bus: w.bus, Hearer: w.hearing, Cities: w.cities, Texts: texts,
		Stream: byName[stream.Name], Health: w, Room: clients.NewRoom(20, 4), Version: "test", Log: log, Now: w.clock}))(t)
	w.serve()
	w.city = dbtest.MustCreateCity(t, w.db, "gotham")
	return w
}

func (w *world) load(definitions []bots.Definition, env []string) *config.Config {
	source := config.Source{Defaults: must(os.ReadFile("../config.toml"))(w.T), Env: env}
	for _, d := range definitions {
		if d.Settings != nil {
			source.Sections = append(source.Sections, d.Settings)
		}
	}
	return must(config.Load(source))(w.T)
}

func (w *world) networks(definitions []bots.Definition, h bots.Host) (list []manage.Network, byName map[string]bots.Network) {
	byName = map[string]bots.Network{}
	for _, d := range definitions {
		n := must(d.New(h))(w.T)
		if c, ok := n.(io.Closer); ok {
			w.Cleanup(func() { _ = c.Close() })
		}
		list, byName[d.Name] = append(list, manage.Network{Definition: d, Network: n}), n
	}
	return list, byName
}

// run runs a part until the test ends.
func (w *world) run(part func(context.Context) error) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	w.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
}

func (w *world) serve() {
	mux := chi.NewMux()
	mux.Mount(api.Path, w.api)
	srv := httptest.NewServer(mux)
	w.url = srv.URL + api.Path
	w.Cleanup(srv.Close)
	w.Cleanup(w.api.Close)
}

// Write takes a line of the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.books.Write(line)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Ready says how the program is.
func (w *world) Ready(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sick
}

// key makes a key of gotham with rights; of the operator where the first is apikey.Cities.
func (w *world) key(rights ...apikey.Right) string {
	w.Helper()
	k := apikey.Key{CityID: w.city.ID, Name: "a script", Rights: rights}
	if rights[0] == apikey.Cities {
		k.CityID = 0
	}
	token := apikey.New("gotham")
	must(w.db.AddAPIKey(w.Context(), k, apikey.Hash(token)))(w.T)
	return token
}

// answer is what the API has answered.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do asks the API. body is sent as it is where it is a string, else as JSON; nil: none.
func (w *world) do(method, path, key string, body any, headers ...string) answer {
	w.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		r = bytes.NewReader(must(json.Marshal(b))(w.T))
	}
	req := must(http.NewRequestWithContext(w.Context(), method, w.url+path, r))(w.T)
	req.Header.Set("X-Forwarded-For", "198.51.100.1")
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp := must(http.DefaultClient.Do(req))(w.T)
	defer resp.Body.Close()
	return answer{w.T, resp.StatusCode, resp.Header, string(must(io.ReadAll(resp.Body))(w.T))}
}

// want checks the status, and returns the answer.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// problem checks that the answer is a problem with that status, which says text and is about
// the place, where one is given.
func (a answer) problem(status int, text, place string) {
	a.t.Helper()
	a.want(status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("the content type is %s", got)
	}
	var p struct {
		Status        int
		Title, Detail string
		Errors        []struct{ Message, Location string }
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Status != status || p.Title != http.StatusText(status) {
		a.t.Errorf("no problem: %s", a.body)
	}
	said, places := p.Detail, ""
	for _, e := range p.Errors {
		said, places = said+" "+e.Message, places+" "+e.Location
	}
	if !strings.Contains(said, text) || place != "" && !strings.Contains(places+" ", " "+place+" ") {
		a.t.Errorf("the problem is %s, want %q at %q", a.body, text, place)
	}
}

// into reads the body.
func (a answer) into(v any) answer {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	return a
}

// reportForm is a report as the API shows it.
type reportForm struct {
	ID, City, Network, Text, Line, State, Reason, Detail string
	Time                                                 time.Time
}

// post posts a report, and waits until it is judged.
func (w *world) post(key, text string, headers ...string) reportForm {
	w.Helper()
	var r reportForm
	w.do(http.MethodPost, "/cities/gotham/reports", key, map[string]any{"text": text}, headers...).want(http.StatusAccepted).into(&r)
	return w.judged(r.ID)
}

// judged waits until a report is judged, and returns it.
func (w *world) judged(id string) reportForm {
	w.Helper()
	for deadline := time.Now().Add(patience); ; {
		j, judged, err := w.db.AnyReport(w.Context(), w.city.ID, id)
		if err != nil {
			w.Fatal(err)
		}
		if judged {
			return reportForm{ID: id, Text: j.Report.Text, State: fmt.Sprint(j.Verdict.Passed), Reason: string(j.Verdict.Reason)}
		}
		if time.Now().After(deadline) {
			w.Fatalf("the report %s is not judged", id)
		}
		time.Sleep(2 * time.Millisecond) // it is another goroutine that judges
	}
}

// nowhere is where reports go here.
type nowhere struct{}

func (nowhere) Send([]db.Fanout)       {}
func (nowhere) TakenBack(int64, int64) {}
func (nowhere) Wiped(int64, int64)     {}

// toyNetwork is a network whose bots are connected by a token, which must be "right".
type toyNetwork struct {
	db      *db.DB
	forgets error
}

var _ bots.Connector = (*toyNetwork)(nil)

func (n *toyNetwork) definition() bots.Definition {
	texts := fstest.MapFS{
		"en.toml": {Data: []byte("[toy]\ntitle = \"Toy\"\ntoken = \"Token\"\nwrong = \"The token is not accepted.\"\n")},
		"de.toml": {Data: []byte("[toy]\ntitle = \"Spielzeug\"\ntoken = \"Token\"\nwrong = \"Der Token wird nicht angenommen.\"\n")},
	}
	return bots.Definition{Name: "toy", Files: texts, New: func(h bots.Host) (bots.Network, error) {
		n.db = h.DB
		return n, nil
	}}
}

func (n *toyNetwork) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) {
	return nil, errors.New("there are none")
}
func (n *toyNetwork) Settings(context.Context, report.City, []report.Bot) (any, error) {
	return nil, nil
}
func (n *toyNetwork) SettingsRoutes(chi.Router, bots.Site)     {}
func (n *toyNetwork) PublicRoutes(chi.Router, bots.Site)       {}
func (n *toyNetwork) Forget(context.Context, report.Bot) error { return n.forgets }
func (n *toyNetwork) Fields() []bots.Field {
	return []bots.Field{{Name: "token", Label: "toy.token", Secret: true, Required: true}}
}
func (n *toyNetwork) Connect(ctx context.Context, c report.City, botID int64, values map[string]string) (report.Bot, error) {
	if values["token"] != "right" {
		return report.Bot{}, &bots.FieldError{Field: "token", Err: bots.Say(nil, "toy.wrong")}
	}
	return n.db.CreateBot(ctx, c.ID, "toy", botID, func(*gorm.DB, report.Bot) error { return nil })
}

// must returns v, unless there is an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
