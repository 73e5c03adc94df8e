package post_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// service is a service with one account, as small as can be. It does not know
// idempotency keys.
type service struct {
	mu      sync.Mutex
	posts   []post.Post
	fails   []error // of the next posts; the post goes out all the same where it is errLost
	written chan post.Message
	conn    post.Conn    // in place of the service itself
	log     bytes.Buffer // of the bot and the operator; read it when nothing runs
}

var errLost = errors.New("the answer was lost")

func (s *service) Check(context.Context, account.Typed) (account.Account, error) {
	return account.Account{Remote: "7", Handle: "@toy", Token: "token"}, nil
}

func (s *service) Open(account.Account, post.Log) (post.Conn, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	return s, nil
}

func (s *service) Receive(ctx context.Context, _ string, hear post.Hear) error {
	for {
		select {
		case m := <-s.written:
			if err := hear(ctx, m.ID, m); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *service) Publish(_ context.Context, p post.Post) (report.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if len(s.fails) > 0 {
		err, s.fails = s.fails[0], s.fails[1:]
	}
	if err == nil || errors.Is(err, errLost) {
		s.posts = append(s.posts, p)
	}
	return report.Receipt{ID: "P" + p.Text}, err
}

func (s *service) Find(_ context.Context, p post.Post, _ time.Time) ([]report.Receipt, error) {
	var list []report.Receipt
	for _, posted := range s.texts() {
		if posted == p.Text {
			list = append(list, report.Receipt{ID: "P" + posted})
		}
	}
	return list, nil
}

func (s *service) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, p := range s.posts {
		list = append(list, p.Text)
	}
	return list
}

// toyTexts are those of the card.
var toyTexts = fstest.MapFS{
	"en.toml": {Data: []byte("[toy]\ntitle = \"Toy\"\nlead = \"Connect one.\"\nhow = \"Write to it.\"\nfield.token = \"Token\"\n")},
	"de.toml": {Data: []byte("[toy]\ntitle = \"Toy\"\nlead = \"Verbinde eins.\"\nhow = \"Schreib ihm.\"\nfield.token = \"Token\"\n")},
}

func TestMissingTextsFailTheStart(t *testing.T) {
	texts, err := i18n.New(kit.Texts...)
	check(t, err)
	spec := post.Network{Name: "toy", Fields: []account.Field{{Name: "token"}},
		New: func(bots.Host) (post.Driver, error) { return &service{}, nil }}
	_, err = spec.Definition().New(bots.Host{Texts: texts})
	for _, want := range []string{"toy.title", "toy.lead", "toy.how", "toy.field.token", "bots/toy/en.toml"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

// open makes a city with an account on the service and returns its bot at work.
func open(t *testing.T, s *service, spec post.Network) (report.Bot, bots.Bot) {
	t.Helper()
	s.written = make(chan post.Message)
	texts, err := i18n.New(append([]fs.FS{toyTexts}, kit.Texts...)...)
	check(t, err)
	box, err := secret.New(bytes.Repeat([]byte{1}, 32))
	check(t, err)
	spec.Name = "toy"
	spec.Fields = []account.Field{{Name: "token"}}
	spec.Migrations = func(*secret.Box) []*gormigrate.Migration {
		return []*gormigrate.Migration{{ID: "toy_0001", Migrate: db.SQL(post.Tables("toy")...)}}
	}
	spec.New = func(bots.Host) (post.Driver, error) { return s, nil }
	d := dbtest.MustOpen(t, time.Now, map[string][]*gormigrate.Migration{"toy": spec.Migrations(box)})
	city := dbtest.MustCreateCity(t, d, "gotham")
	network, err := spec.Definition().New(bots.Host{DB: d, Secrets: box, Texts: texts, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&s.log, nil)), Config: &config.Config{Reports: config.Reports{Expire: time.Hour, Keep: time.Hour}}})
	check(t, err)
	connect(t, network, &kittest.Site[*account.Card, any]{DB: d, Texts: texts, Visited: city})
	b, err := d.FindBot(t.Context(), city.ID, "toy")
	check(t, err)
	at, err := network.Bot(t.Context(), b, slog.New(slog.NewTextHandler(&s.log, nil)))
	check(t, err)
	return b, at
}

// connect types a token and confirms the account.
func connect(t *testing.T, n bots.Network, site bots.Site) {
	t.Helper()
	r := chi.NewRouter()
	n.SettingsRoutes(r, site)
	kittest.Request(t, r, http.MethodPost, "/token", url.Values{"token": {"x"}})
	answer := kittest.Request(t, r, http.MethodPost, "/confirm", url.Values{"account": {"7"}})
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("confirm answered %d", answer.Code)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func delivery(b report.Bot, words string) report.Delivery {
	r := report.Report{ID: "r-" + words, CityID: b.CityID, Network: "mail", Text: words, Time: time.Now()}
	return report.NewDelivery(r, b, 0)
}

// What is looked for after a lost answer is the text as it was cut.
func TestLostAnswerOfALongTextIsFound(t *testing.T) {
	s := &service{fails: []error{errLost}}
	b, at := open(t, s, post.Network{Length: text.Runes(20)})
	d := delivery(b, strings.Repeat("Kontrolle ", 9))
	if _, err := at.Send(t.Context(), d); !errors.Is(err, errLost) {
		t.Fatalf("Send = %v", err)
	}
	receipt, err := at.Send(t.Context(), d)
	check(t, err)
	if texts := s.texts(); len(texts) != 1 || receipt.ID != "P"+texts[0] || len([]rune(texts[0])) > 20 {
		t.Errorf("receipt %+v, posts %q", receipt, texts)
	}
}

func TestWithoutALengthTheDriverCuts(t *testing.T) {
	s := &service{}
	b, at := open(t, s, post.Network{})
	long := strings.Repeat("x", 10_000)
	_, err := at.Send(t.Context(), delivery(b, long))
	check(t, err)
	if diff := cmp.Diff([]string{long}, s.texts()); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
}

// A service that asks for a pause holds back posts; hearing goes on meanwhile.
func TestPauseHoldsBackPostsAndNotHearing(t *testing.T) {
	slow := &remote.Error{Name: "toy.example", Trouble: remote.Limited, After: 10 * time.Minute}
	s := &service{fails: []error{slow}}
	b, at := open(t, s, post.Network{Pace: pace.Limits{All: rate.Inf}})
	for range 2 { // the second is held back here
		ctx, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		_, err := at.Send(ctx, delivery(b, "U1"))
		if kind, after := bots.KindOf(err); kind != bots.KindRetryAfter || after < 9*time.Minute {
			t.Errorf("Send = %v, want to wait", err)
		}
	}
	in := kittest.NewInbox()
	kittest.Receive(t, at, in)
	s.written <- post.Message{ID: "1", Author: "rider@x", Picture: true, Time: time.Now()}
	s.written <- post.Message{ID: "2", Author: "rider@x", Text: "U2", Time: time.Now()}
	in.WaitFor(t, "U2")
	if texts := s.texts(); len(texts) != 0 {
		t.Errorf("posted %q during the pause", texts)
	}
}

func TestMessageOfNobodyIsLeftOut(t *testing.T) {
	s := &service{}
	_, at := open(t, s, post.Network{})
	in := kittest.NewInbox()
	run := kittest.Receive(t, at, in)
	long := strings.Repeat("9", 200_000)
	for _, m := range []post.Message{{ID: "1", Text: "U1"}, {ID: "2", Picture: true}, {Author: "rider@x", Text: "U2"},
		{ID: long, Author: "rider@x", Text: "U2"}, {ID: "4", Author: long, Text: "U2"}, {ID: "3", Author: "rider@x", Text: "U3"}} {
		s.written <- m
	}
	in.WaitFor(t, "U3")
	run.Stop()
	if diff := cmp.Diff([]string{"U3"}, in.Texts()); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if texts := s.texts(); len(texts) != 0 {
		t.Errorf("answered %q", texts)
	}
	if lines := strings.Count(s.log.String(), "kit.log.misfit"); lines != 5 {
		t.Errorf("log: %s", s.log.String())
	}
}

// TestStoppedCityHearsNothing has a city take no reports: what is written then does
// not come again, and what is written later comes.
func TestStoppedCityHearsNothing(t *testing.T) {
	s := &service{}
	_, at := open(t, s, post.Network{})
	in := kittest.NewInbox()
	in.Fail(fmt.Errorf("store report: %w", db.ErrPaused))
	kittest.Receive(t, at, in)
	s.written <- post.Message{ID: "1", Author: "a", Text: "U1"}
	s.written <- post.Message{ID: "1", Author: "a", Text: "U1"} // taken when the first is done with
	in.Fail(nil)
	s.written <- post.Message{ID: "1", Author: "a", Text: "U1"}
	s.written <- post.Message{ID: "2", Author: "a", Text: "U2"}
	in.WaitFor(t, "U2")
	if texts := in.Texts(); len(texts) != 1 {
		t.Errorf("heard %q", texts)
	}
}

func TestSameMessageIsHeardOnce(t *testing.T) {
	s := &service{}
	_, at := open(t, s, post.Network{})
	in := kittest.NewInbox()
	kittest.Receive(t, at, in)
	for _, id := range []string{"1", "2", "1", "3"} {
		s.written <- post.Message{ID: id, Author: "rider@x", Text: "U" + id, Time: time.Now()}
	}
	in.WaitFor(t, "U3")
	if diff := cmp.Diff([]string{"U1", "U2", "U3"}, in.Texts()); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestServiceThatCannotTakeBack(t *testing.T) {
	b, at := open(t, &service{}, post.Network{})
	d := delivery(b, "U1")
	receipt, err := at.Send(t.Context(), d)
	check(t, err)
	d.Retract = &receipt
	if err := at.(bots.Retracter).Retract(t.Context(), d); !errors.Is(err, bots.ErrCannotRetract) {
		t.Errorf("Retract = %v, want ErrCannotRetract", err)
	}
}
