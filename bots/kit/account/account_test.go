package account_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// world is a store with two cities, each with a bot.
type world struct {
	*testing.T
	db            *db.DB
	host          bots.Host
	clock         *kittest.Clock
	store         *account.Store
	first, second report.Bot
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, clock: &kittest.Clock{}}
	tables := []*gormigrate.Migration{{ID: "toy_0001", Migrate: db.SQL(account.Tables("toy")...)}}
	w.db = dbtest.MustOpen(t, w.clock.Now, map[string][]*gormigrate.Migration{"toy": tables})
	w.host = bots.Host{DB: w.db, Secrets: w.box(1), Now: w.clock.Now}
	w.store = account.NewStore("toy", w.host)
	w.first, w.second = w.bot("first"), w.bot("second")
	return w
}

func (w *world) box(key byte) *secret.Box {
	w.Helper()
	box, err := secret.New(bytes.Repeat([]byte{key}, 32))
	w.check(err)
	return box
}

func (w *world) bot(slug string) report.Bot {
	w.Helper()
	c := dbtest.MustCreateCity(w, w.db, slug, "toy")
	b, err := w.db.FindBot(w.Context(), c.ID, "toy")
	w.check(err)
	return b
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) put(a account.Account) error {
	return w.db.Write(w.Context(), func(tx *gorm.DB) error { return w.store.Put(tx, a) })
}

func (w *world) get(b report.Bot) account.Account {
	w.Helper()
	a, err := w.store.Account(w.Context(), b.ID)
	w.check(err)
	return a
}

func sample(b report.Bot) account.Account {
	return account.Account{BotID: b.ID, Server: "https://toy.example", Remote: "7", Handle: "@kontis", Name: "Kontis",
		URL: "https://toy.example/kontis", Token: "token", Cursor: "c1"}
}

func TestAccountComesBackAsItWasStored(t *testing.T) {
	w := newWorld(t)
	want := sample(w.first)
	w.check(w.put(want))
	if diff := cmp.Diff(want, w.get(w.first), cmpopts.IgnoreFields(account.Account{}, "CursorAt")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := w.store.Account(t.Context(), w.second.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the account of another bot: %v", err)
	}
}

// What was written while a token was refused is not lost.
func TestNewTokenKeepsTheCursor(t *testing.T) {
	w := newWorld(t)
	w.check(w.put(sample(w.first)))
	w.check(w.store.SaveCursor(t.Context(), db.Claim{}, w.first.ID, "c2"))
	again := sample(w.first)
	again.Token, again.Cursor, again.Handle = "another", "c9", "@renamed"
	w.check(w.put(again))
	if a := w.get(w.first); a.Token != "another" || a.Cursor != "c2" || a.Handle != "@renamed" {
		t.Errorf("stored %+v", a)
	}
}

func TestAccountIsOneBots(t *testing.T) {
	w := newWorld(t)
	w.check(w.put(sample(w.first)))
	if err := w.put(sample(w.second)); !errors.Is(err, account.ErrTaken) {
		t.Errorf("a second bot has it: %v", err)
	}
	if id, err := w.store.BotOf(t.Context(), w.first.CityID, sample(w.first)); id != w.first.ID || err != nil {
		t.Errorf("BotOf = %d, %v", id, err)
	}
	if _, err := w.store.BotOf(t.Context(), w.second.CityID, sample(w.first)); !errors.Is(err, account.ErrTaken) {
		t.Errorf("BotOf for another city: %v", err)
	}
	other := sample(w.first)
	other.Remote = "8"
	if id, err := w.store.BotOf(t.Context(), w.second.CityID, other); id != 0 || err != nil {
		t.Errorf("BotOf a new account = %d, %v", id, err)
	}
}

func TestAnotherKeyAsksForALogin(t *testing.T) {
	w := newWorld(t)
	w.check(w.put(sample(w.first)))
	w.check(w.store.Wait(t.Context(), account.Login{CityID: w.first.CityID, Account: sample(w.first)}))
	w.host.Secrets = w.box(2)
	w.store = account.NewStore("toy", w.host)
	a, err := w.store.Account(t.Context(), w.first.ID)
	if !errors.Is(err, account.ErrSealed) || a.Handle != "@kontis" || a.Token != "" {
		t.Errorf("account %+v, %v", a, err)
	}
	_, err = w.store.Connected(t.Context(), w.first.ID)
	kittest.WantKind(t, err, bots.KindRefused)
	_, err = w.store.Connected(t.Context(), w.second.ID) // which has no account
	kittest.WantKind(t, err, bots.KindRefused)
	if _, err := w.store.Waiting(t.Context(), w.first.CityID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a login that cannot be confirmed waits: %v", err)
	}
}

func TestLoginWaitsForAnHour(t *testing.T) {
	w := newWorld(t)
	ctx, city := t.Context(), w.first.CityID
	w.check(w.store.Wait(ctx, account.Login{CityID: city, Account: sample(w.first)}))
	w.clock.Move(59 * time.Minute)
	if l, err := w.store.Waiting(ctx, city); err != nil || l.Token != "token" || l.Remote != "7" {
		t.Errorf("after 59 minutes: %+v, %v", l, err)
	}
	w.clock.Move(2 * time.Minute)
	if _, err := w.store.Waiting(ctx, city); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("after 61 minutes: %v", err)
	}
	w.check(w.store.Wait(ctx, account.Login{CityID: city, Account: sample(w.first)}))
	w.check(w.store.Drop(ctx, city))
	w.check(w.store.Drop(ctx, city))
	if _, err := w.store.Waiting(ctx, city); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("dropped: %v", err)
	}
}

func TestNonceIsGoodOnceAndForItsCity(t *testing.T) {
	w := newWorld(t)
	ctx, city := t.Context(), w.first.CityID
	begun := account.Login{CityID: city, Nonce: "n", Account: account.Account{Server: "https://toy.example"}}
	w.check(w.store.Wait(ctx, begun))
	if _, err := w.store.Waiting(ctx, city); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a login without a token can be confirmed: %v", err)
	}
	take := func(city int64, nonce string) error {
		_, err := w.store.TakeNonce(ctx, city, nonce)
		return err
	}
	for _, err := range []error{take(w.second.CityID, "n"), take(city, "other"), take(city, "")} {
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a nonce that is none was taken: %v", err)
		}
	}
	if server, err := w.store.TakeNonce(ctx, city, "n"); server != "https://toy.example" || err != nil {
		t.Errorf("TakeNonce = %q, %v", server, err)
	}
	if err := take(city, "n"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("taken twice: %v", err)
	}
}

// Two moderators confirm at once, or one clicks twice: whoever comes second finds
// the account connected.
func TestSecondOfTwoClicksFindsItConnected(t *testing.T) {
	w := newWorld(t)
	a := sample(report.Bot{})
	pages := &account.Pages{Network: "toy", Store: w.store, Host: w.host}
	city, err := w.db.FindCity(t.Context(), "first")
	w.check(err)
	site := &faster{Site: &kittest.Site[any, any]{DB: w.db}}
	var first report.Bot
	site.before = func() { first, err = pages.Connect(t.Context(), site, city, a) }
	second, failed := pages.Connect(t.Context(), site, city, a)
	w.check(err)
	w.check(failed)
	if first.ID == 0 || first.ID != second.ID {
		t.Errorf("connected as %d and as %d", first.ID, second.ID)
	}
	if got := w.get(first); got.Token != a.Token {
		t.Errorf("stored %+v", got)
	}
}

// faster is a site where something happens right before the first connecting.
type faster struct {
	bots.Site
	before func()
}

func (s *faster) Connect(ctx context.Context, city report.City, network string, botID int64, save func(*gorm.DB, report.Bot) error) (report.Bot, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Site.Connect(ctx, city, network, botID, save)
}

func TestConfirmedLoginWaitsNoMore(t *testing.T) {
	w := newWorld(t)
	pages := &account.Pages{Network: "toy", Store: w.store, Host: w.host}
	site := &kittest.Site[any, any]{DB: w.db}
	city := report.City{ID: w.first.CityID}
	w.check(w.store.Wait(t.Context(), account.Login{CityID: city.ID, Account: sample(w.first)}))
	if _, err := w.store.Confirmed(t.Context(), city.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("confirmed before it was: %v", err)
	}
	connect := func(a account.Account) {
		_, err := pages.Connect(t.Context(), site, city, a)
		w.check(err)
	}
	other := sample(w.first)
	other.Remote = "8"
	connect(other)
	if l, err := w.store.Waiting(t.Context(), city.ID); err != nil || l.Remote != "7" {
		t.Errorf("after another account: %+v, %v", l, err)
	}
	connect(sample(w.first))
	if _, err := w.store.Waiting(t.Context(), city.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("it still waits: %v", err)
	}
	if a, err := w.store.Confirmed(t.Context(), city.ID); err != nil || a.Handle != "@kontis" || !a.Same(sample(w.first)) {
		t.Errorf("confirmed %+v, %v", a, err)
	}
}

func TestForgetLeavesTheLoginOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.check(w.put(sample(w.first)))
	other := sample(w.first)
	other.Server = "https://another.example"
	w.check(w.store.Wait(t.Context(), account.Login{CityID: w.first.CityID, Account: other}))
	w.check(w.db.Write(t.Context(), func(tx *gorm.DB) error { return w.store.Forget(tx, w.first) }))
	if l, err := w.store.Waiting(t.Context(), w.first.CityID); err != nil || !l.Same(other) {
		t.Errorf("waiting: %+v, %v", l, err)
	}
}

func TestLongNamesAreCut(t *testing.T) {
	w := newWorld(t)
	long := sample(w.first)
	long.Handle, long.Name = "@"+strings.Repeat("k", 5000), strings.Repeat("Köntis ", 5000)
	want := func(what string, a account.Account) {
		for _, text := range []string{a.Handle, a.Name} {
			if n := utf8.RuneCountInString(text); n < 100 || n > 200 || !strings.HasSuffix(text, "…") {
				t.Errorf("%s: %d characters", what, n)
			}
		}
	}
	w.check(w.store.Wait(t.Context(), account.Login{CityID: w.first.CityID, Account: long}))
	l, err := w.store.Waiting(t.Context(), w.first.CityID)
	w.check(err)
	want("waiting", l.Account)
	w.check(w.put(long))
	want("stored", w.get(w.first))
	w.check(w.put(sample(w.first)))
	w.check(w.store.Rename(t.Context(), long))
	want("renamed", w.get(w.first))
}

func TestForgetLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.check(w.put(sample(w.first)))
	w.check(w.store.Wait(t.Context(), account.Login{CityID: w.first.CityID, Account: sample(w.first)}))
	w.check(w.db.Write(context.Background(), func(tx *gorm.DB) error { return w.store.Forget(tx, w.first) }))
	for _, table := range []string{"toy_accounts", "toy_logins"} {
		var n int64
		w.check(w.db.Read(t.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error)
		if n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}
