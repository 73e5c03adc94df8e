package chat_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// network is the name of a network whose service is the test itself.
const network = "pigeon"

// service is what the drivers and connections of a test talk to. Chats whose
// number begins with "-" are groups.
type service struct {
	batches chan batch
	deletes bool
	busy    sync.Mutex // held while the service takes its time to post

	mu      sync.Mutex
	posts   []string         // "<chat> <text>"
	deleted []string         // "<chat> <message>"
	fail    map[string]error // of posting, by chat
	named   account.Account  // what the account is called now
	began   []string         // cursors that Receive was begun with
}

// batch is what happens at once.
type batch struct {
	cursor string
	events []chat.Event
	done   chan error // what hear returned
}

type driver struct{ *service }

func (d driver) Check(_ context.Context, typed account.Typed) (account.Account, error) {
	if typed["token"] == "" {
		return account.Account{}, account.Wrong("token", "pigeon.empty")
	}
	return account.Account{Remote: typed["token"], Handle: "@" + typed["token"], Token: typed["token"]}, nil
}

func (d driver) Open(a account.Account, _ chat.Log) (chat.Conn, error) {
	if d.deletes {
		return deleter{&conn{d.service, a}}, nil
	}
	return &conn{d.service, a}, nil
}

type conn struct {
	*service
	account account.Account
}

func (c *conn) Receive(ctx context.Context, cursor string, hear chat.Hear) error {
	c.mu.Lock()
	c.began = append(c.began, cursor)
	c.mu.Unlock()
	for {
		select {
		case b := <-c.batches:
			err := hear(ctx, b.cursor, b.events...)
			b.done <- err
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *conn) Post(_ context.Context, to, text string) (report.Receipt, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail[to]; err != nil {
		return report.Receipt{}, err
	}
	c.posts = append(c.posts, to+" "+text)
	return report.Receipt{ID: strconv.Itoa(len(c.posts))}, nil
}

// deleter is a conn of a service that deletes.
type deleter struct{ *conn }

func (c deleter) Delete(_ context.Context, in, message string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = append(c.deleted, in+" "+message)
	return nil
}

func (c *conn) Check(context.Context) (account.Account, error) { return c.named, nil }

func (c *conn) IsGroup(chat string) bool { return strings.HasPrefix(chat, "-") }

// GroupOf tells that "-7/5" is a topic of -7.
func (c *conn) GroupOf(chat string) string {
	group, _, _ := strings.Cut(chat, "/")
	return group
}

// failing makes posting to a chat fail.
func (s *service) failing(chat string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[chat] = err
}

func (s *service) posted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// toy is a network with one bot.
type toy struct {
	*testing.T
	*service
	db      *db.DB
	clock   *kittest.Clock
	host    bots.Host
	site    *kittest.Site[*chat.Card, any]
	network bots.Network
	city    report.City
	log     *bytes.Buffer
	// operator is the operator's log; read it when nothing happens.
	operator *bytes.Buffer
}

var texts = fstest.MapFS{
	"en.toml": {Data: []byte("[pigeon]\ntitle = \"Pigeon\"\nlead = \"Connect one.\"\nhow = \"Write to it.\"\nempty = \"Please type something.\"\n[pigeon.field]\ntoken = \"Ring\"\n")},
	"de.toml": {Data: []byte("[pigeon]\ntitle = \"Taube\"\nlead = \"Verbinde eine.\"\nhow = \"Schreib ihr.\"\nempty = \"Bitte gib etwas ein.\"\n[pigeon.field]\ntoken = \"Ring\"\n")},
}

func newToy(t *testing.T, change func(*chat.Network)) *toy {
	t.Helper()
	return newToyIn(t, kittest.CityLines(nil), change)
}

// newToyIn is a toy in a city that has lines.
func newToyIn(t *testing.T, lines bots.Places, change func(*chat.Network)) *toy {
	t.Helper()
	y := &toy{T: t, service: &service{batches: make(chan batch), fail: map[string]error{}}, log: &bytes.Buffer{}, operator: &bytes.Buffer{}}
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	y.must(err)
	spec := chat.Network{Name: network, Files: texts, Migrations: chat.Migrations(network), Fields: []account.Field{{Name: "token"}},
		Length: text.Runes(500), New: func(bots.Host) (chat.Driver, error) { return driver{y.service}, nil }}
	if change != nil {
		change(&spec)
	}
	clock := &kittest.Clock{}
	y.clock = clock
	y.db = dbtest.MustOpen(t, clock.Now, map[string][]*gormigrate.Migration{network: spec.Migrations(box)})
	y.city = dbtest.MustCreateCity(t, y.db, "leeds")
	catalogue := i18ntest.MustNew(t, append([]fs.FS{texts}, kit.Texts...)...)
	y.site = &kittest.Site[*chat.Card, any]{DB: y.db, Visited: y.city, Texts: catalogue}
	y.host = bots.Host{DB: y.db, Places: lines, Secrets: box, Texts: catalogue, Now: clock.Now, Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), y.operator), nil))}
	y.network, err = spec.Definition().New(y.host)
	y.must(err)
	return y
}

func (y *toy) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// connect connects an account as the settings page does, and returns its bot.
func (y *toy) connect(name string) report.Bot {
	y.Helper()
	if y.post("/token", url.Values{"token": {name}}) != http.StatusSeeOther || y.post("/confirm", url.Values{"account": {name}}) != http.StatusSeeOther {
		y.Fatalf("not connected, shown %+v", y.site.Shown)
	}
	own, err := y.db.NetworkBots(y.Context(), y.site.Visited.ID, network)
	y.must(err)
	return own[len(own)-1]
}

// load makes the bot at work.
func (y *toy) load(b report.Bot) bots.Bot {
	y.Helper()
	instance, err := y.network.Bot(y.Context(), b, slog.New(slog.NewTextHandler(y.log, nil)))
	y.must(err)
	return instance
}

// happen hands events to the bot at work and returns what hear said.
func (y *toy) happen(cursor string, events ...chat.Event) error {
	y.Helper()
	b := batch{cursor, events, make(chan error, 1)}
	select {
	case y.batches <- b:
		return <-b.done
	case <-time.After(kittest.Patience):
		y.Fatal("the bot does not listen")
		return nil
	}
}

// chats is the store of those that have subscribed.
func (y *toy) chats() *recipients.Store { return recipients.NewStore(network, y.host) }

func (y *toy) subscribe(b report.Bot, chat string) {
	y.Helper()
	_, err := y.chats().Subscribe(y.Context(), b.ID, chat)
	y.must(err)
}

// run runs a statement in the database.
func (y *toy) run(statement string) {
	y.Helper()
	y.must(y.db.Write(y.Context(), db.SQL(statement)))
}

// ids are the recipients that have subscribed.
func (y *toy) ids(b report.Bot) []int64 {
	y.Helper()
	ids, err := y.network.(bots.Recipients).Recipients(y.Context(), b, report.Report{})
	y.must(err)
	return ids
}

// wantChats compares the chats that have subscribed.
func (y *toy) wantChats(b report.Bot, want ...string) {
	y.Helper()
	got := []string{}
	for _, id := range y.ids(b) {
		r, err := y.chats().Get(y.Context(), b.ID, id)
		y.must(err)
		got = append(got, r.Address)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		y.Errorf("subscribed chats: %s", diff)
	}
}

// post posts a form to the settings and returns the status.
func (y *toy) post(path string, form url.Values) int {
	y.Helper()
	r := chi.NewRouter()
	r.Route("/settings/"+network, func(r chi.Router) { y.network.SettingsRoutes(r, y.site) })
	return kittest.Request(y.T, r, http.MethodPost, "/settings/"+network+path, form).Code
}

// text is a text in English.
func (y *toy) text(id string, data ...any) string { return y.host.Texts.T("en", id, data...) }

// wantWords checks that err is of a kind, and what a moderator reads of it.
func (y *toy) wantWords(err error, kind bots.Kind, id string) {
	y.Helper()
	kittest.WantKind(y.T, err, kind)
	if got := bots.Words(err, y.text); got != y.text(id, "Name", "Pigeon") {
		y.Errorf("says %q, want %s", got, id)
	}
}

// send sends a text to the first of those that have subscribed.
func (y *toy) send(instance bots.Bot, b report.Bot, text string) (report.Receipt, error) {
	y.Helper()
	return instance.Send(y.Context(), report.NewDelivery(report.Report{ID: text, Text: text}, b, y.ids(b)[0]))
}

var errDisk = errors.New("the disk is full")

// slow is a pace that lets one message through.
var slow = pace.Limits{Chat: 0.0001}
