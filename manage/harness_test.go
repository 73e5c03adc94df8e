package manage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/intent"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

// nothing is what a toy stores of a bot.
func nothing(*gorm.DB, report.Bot) error { return nil }

// town is a database with what manages its cities, and three networks: every city has a
// tram, some have a bell or a board.
type town struct {
	t *testing.T
	*manage.Cities
	db      *db.DB
	tram    *toy
	bell    *toy
	board   *toy // sends to no people
	texts   *i18n.Catalogue
	mails   postbox
	changes map[int64]int
	clock   atomic.Int64 // in milliseconds
}

// newTown has no relay that sends: nothing is enabled that would.
func newTown(t *testing.T) *town {
	tn := &town{t: t, tram: &toy{}, bell: &toy{}, board: &toy{}, changes: map[int64]int{}}
	tn.clock.Store(time.Now().UnixMilli())
	tn.db = dbtest.MustOpen(t, func() time.Time { return time.UnixMilli(tn.clock.Load()) }, nil)
	board, log := &notice.Board{}, slog.New(slog.DiscardHandler)
	t.Cleanup(board.OnChanged(func(cityID int64) { tn.changes[cityID]++ }))
	places, stop := relay.NewPlaces(tn.db, board, log)
	t.Cleanup(stop)
	rl := relay.New(relay.Options{DB: tn.db, Notices: board, Outgoing: idle{}, Places: places, Expire: time.Hour, Now: time.Now, Log: log, Metrics: prometheus.NewRegistry()})
	tn.texts = i18ntest.MustNew(t, templates.Texts...)
	tn.Cities = must(manage.New(manage.Options{DB: tn.db, Notices: board, Log: log, Keep: 24 * time.Hour, Relay: rl, Places: places,
		Letters: &manage.Letters{Mails: &tn.mails, Texts: tn.texts, Secrets: must(secret.Open(t.TempDir(), ""))(t), Log: log, Now: time.Now, Config: &config.Config{
			Web: config.Web{URL: "https://tickets.example"}, Mail: config.Mail{Domain: "tickets.example"}}},
		Intents: intent.New(intent.BuiltIn()), Networks: []manage.Network{
			{Definition: bots.Definition{Name: "tram", Everywhere: true}, Network: tn.tram},
			{Definition: bots.Definition{Name: "bell"}, Network: tn.bell},
			{Definition: bots.Definition{Name: "board", NoSubscribers: true}, Network: tn.board},
		}}))(t)
	tn.SetDoor(manage.Door{Operator: "operator@tickets.example"})
	return tn
}

// postbox keeps the mails that were stored.
type postbox []mailer.Mail

// StoreMail keeps a mail.
func (p *postbox) StoreMail(_ context.Context, m mailer.Mail) error {
	*p = append(*p, m)
	return nil
}

// mailed checks that exactly these were mailed, each something that says all that stands after
// its address, and empties the box.
func (tn *town) mailed(want ...string) {
	tn.t.Helper()
	defer func() { tn.mails = nil }()
	if len(tn.mails) != len(want) {
		tn.t.Errorf("%d mails were written, want %d", len(tn.mails), len(want))
		return
	}
	for i, m := range tn.mails {
		parsed := must(mail.ReadMessage(bytes.NewReader(m.Data)))(tn.t)
		body := string(must(io.ReadAll(quotedprintable.NewReader(parsed.Body)))(tn.t))
		to, says, _ := strings.Cut(want[i], ": ")
		text := must(new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")))(tn.t) + "\n" + body
		for part := range strings.SplitSeq(says, " | ") {
			if m.To != to || !strings.Contains(text, part) {
				tn.t.Errorf("mail %d is to %s, want %s with %q:\n%s", i, m.To, to, part, text)
			}
		}
	}
}

// idle sends nothing.
type idle struct{}

func (idle) Send([]db.Fanout)       {}
func (idle) TakenBack(int64, int64) {}
func (idle) Wiped(int64, int64)     {}

// city makes a city with a tram.
func (tn *town) city(slug string) report.City {
	tn.t.Helper()
	return dbtest.MustCreateCity(tn.t, tn.db, slug, "tram")
}

// now is a city as it is stored.
func (tn *town) now(c report.City) report.City {
	tn.t.Helper()
	return must(tn.db.City(tn.t.Context(), c.ID))(tn.t)
}

// ring gives a city a bell.
func (tn *town) ring(c report.City) report.Bot {
	tn.t.Helper()
	return must(bots.Host{DB: tn.db, Notices: tn.Notices}.Connect(tn.t.Context(), c, "bell", 0, nothing))(tn.t)
}

// changed checks that so many changes of a city were told.
func (tn *town) changed(c report.City, n int) {
	tn.t.Helper()
	if tn.changes[c.ID] != n {
		tn.t.Errorf("%d changes were told, want %d", tn.changes[c.ID], n)
	}
	tn.changes[c.ID] = 0
}

// wrong checks that an error names exactly these fields, each in words.
func (tn *town) wrong(err error, fields ...string) []manage.Problem {
	tn.t.Helper()
	invalid, ok := errors.AsType[*manage.Invalid](err)
	if !ok {
		tn.t.Fatalf("the error is %v", err)
	}
	if len(invalid.Problems) != len(fields) {
		tn.t.Fatalf("wrong is %v, want %v", invalid, fields)
	}
	for i, p := range invalid.Problems {
		for _, lang := range []string{"en", "de"} {
			words := p.Say(func(id string, data ...any) string { return tn.texts.T(lang, id, data...) })
			if p.Field != fields[i] || words == "" || words == p.TextID {
				tn.t.Errorf("%s, %s: %q, want %s", p.Field, p.TextID, words, fields[i])
			}
		}
	}
	return invalid.Problems
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func (tn *town) check(err error) {
	tn.t.Helper()
	if err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *town) is(err, want error) {
	tn.t.Helper()
	if !errors.Is(err, want) {
		tn.t.Errorf("the error is %v, want %v", err, want)
	}
}

// toy is a network that does what a test says.
type toy struct {
	count  int
	err    error // of all that it is asked
	panics bool
	forgot []int64
}

var (
	_ bots.Recipients = (*toy)(nil)
	_ bots.Tasker     = (*toy)(nil)
)

func (n *toy) answer() error {
	if n.panics {
		panic("the toy is broken")
	}
	return n.err
}

func (n *toy) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) { return nil, n.err }
func (n *toy) Settings(context.Context, report.City, []report.Bot) (any, error) {
	return nil, n.answer()
}
func (n *toy) SettingsRoutes(chi.Router, bots.Site) {}
func (n *toy) PublicRoutes(chi.Router, bots.Site)   {}

func (n *toy) Forget(_ context.Context, b report.Bot) error {
	n.forgot = append(n.forgot, b.ID)
	return n.answer()
}

func (n *toy) Recipients(context.Context, report.Bot, report.Report) ([]int64, error) {
	return nil, n.err
}
func (n *toy) RemoveRecipient(context.Context, report.Bot, int64) error { return n.err }
func (n *toy) CountRecipients(context.Context, report.Bot) (int, error) { return n.count, n.answer() }
func (n *toy) Task(context.Context, report.Bot, report.Report) (bots.TaskResult, error) {
	return bots.TaskResult{}, n.err
}
