package calls

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// pair are two processes: one is called, the other runs the bot.
type pair struct {
	*testing.T
	server      *dbserver.Server
	clock       *kittest.Clock
	called, run *Calls
	bot         report.Bot
}

func newPair(t *testing.T) *pair {
	t.Helper()
	slow.Test(t, "starts PostgreSQL")
	p := &pair{T: t, server: dbserver.Start(t), clock: &kittest.Clock{}}
	box := dbtest.MustMakeBox(t)
	hosts := make([]bots.Host, 2)
	for i := range hosts {
		hosts[i] = bots.Host{DB: dbtest.MustOpenAt(t, p.server.URL(), p.clock.Now, nil), Secrets: box, Notices: &notice.Board{},
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: p.clock.Now}
	}
	hosts[0].Notices.OnOwn(func(n notice.Notice) { hosts[1].Notices.Elsewhere(n) })
	hosts[0].DB.Share("called", hosts[0].Log) // of which it never gets a part
	city := dbtest.MustCreateCity(t, hosts[1].DB, "nuernberg")
	var err error
	if p.bot, err = hosts[1].DB.CreateBot(t.Context(), city.ID, "toy", 0, func(*gorm.DB, report.Bot) error { return nil }); err != nil {
		t.Fatal(err)
	}
	p.called, p.run = New("toy", hosts[0]), New("toy", hosts[1])
	t.Cleanup(p.called.Close)
	t.Cleanup(p.run.Close)
	return p
}

func (p *pair) keep(body string) error { return p.called.Keep(p.Context(), p.bot.ID, []byte(body)) }

// take returns what waits for the bot. Of fails the answer is an error.
func (p *pair) take(fails string) (list []string, err error) {
	n, err := p.run.Take(p.Context(), p.bot.ID, func(body []byte) error {
		if string(body) == fails {
			return errors.New("cannot be stored")
		}
		list = append(list, string(body))
		return nil
	})
	if n != len(list) {
		p.Errorf("took %d, says %d", len(list), n)
	}
	return list, err
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func TestCallsAreTakenInOrder(t *testing.T) {
	p := newPair(t)
	for c, want := range map[*Calls]bool{p.called: true, p.run: false} {
		if got, err := c.Elsewhere(t.Context(), p.bot.ID); err != nil || got != want {
			t.Errorf("runs elsewhere: %v, %v", got, err)
		}
	}
	if got, err := p.called.Elsewhere(t.Context(), 999); err != nil || got {
		t.Errorf("a bot that there is not runs elsewhere: %v, %v", got, err)
	}
	wake := make(chan struct{}, 100)
	defer p.run.Await(p.bot.ID, func() { wake <- struct{}{} })()
	<-wake // once at the start
	var want []string
	for i := range 2*atOnce + 3 {
		want = append(want, fmt.Sprint("call ", i))
		p.must(p.keep(want[i]))
	}
	<-wake
	if text := p.server.Query("SELECT body FROM calls"); strings.Contains(text, "call ") {
		t.Error("calls can be read in the database")
	}
	got, err := p.take(want[5])
	if err == nil || !slices.Equal(got, want[:5]) {
		t.Errorf("took %q, %v", got, err)
	}
	if ids, err := p.run.host.DB.CalledBots(t.Context()); err != nil || !slices.Equal(ids, []int64{p.bot.ID}) {
		t.Errorf("called are %v, %v", ids, err)
	}
	if got, err = p.take(""); err != nil || !slices.Equal(got, want[5:]) {
		t.Errorf("took %q, %v", got, err)
	}
	if got, err = p.take(""); err != nil || len(got) > 0 {
		t.Errorf("took %q again, %v", got, err)
	}
}

func TestCallsAreBounded(t *testing.T) {
	p := newPair(t)
	for i := range maxWaiting {
		p.must(p.keep(fmt.Sprint(i)))
	}
	if err := p.keep("one more"); !errors.Is(err, ErrNoRoom) {
		t.Errorf("one more: %v", err)
	}
	p.clock.Move(keptFor + time.Minute)
	if got, err := p.take(""); err != nil || len(got) > 0 {
		t.Errorf("took %q of yesterday, %v", got, err)
	}
	p.must(p.run.host.DB.DeleteExpired(t.Context(), time.Hour))
	if n := p.server.Query("SELECT count(*) FROM calls"); n != "0" {
		t.Errorf("%s are left", n)
	}
	if err := p.called.Keep(t.Context(), p.bot.ID, bytes.Repeat([]byte("x"), maxSize+1)); !errors.Is(err, ErrNoRoom) {
		t.Errorf("a long one: %v", err)
	}
	p.must(p.keep("before it is switched off"))
	p.must(p.run.host.DB.EnableBot(t.Context(), p.bot.ID, false))
	if err := p.keep("after"); !errors.Is(err, ErrNoRoom) {
		t.Errorf("of a bot that is off: %v", err)
	}
	p.must(p.run.host.DB.DeleteBot(t.Context(), p.bot.ID))
	if n := p.server.Query("SELECT count(*) FROM calls"); n != "0" {
		t.Errorf("%s are left of a bot that is gone", n)
	}
}

// A call at which the bot panics does not keep it from working for a day, and one that was
// sealed with another key is left out.
func TestUnusableCallsAreLeftOut(t *testing.T) {
	p := newPair(t)
	p.must(p.keep("on fire"))
	p.must(p.keep("of another key"))
	p.must(p.keep("well"))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
		}()
		_, _ = p.run.Take(t.Context(), p.bot.ID, func([]byte) error { panic("on fire") })
	}()
	p.server.Query("UPDATE calls SET body = (SELECT body || 'x' FROM calls ORDER BY id LIMIT 1) WHERE id = (SELECT min(id) FROM calls)")
	n, err := p.run.Take(t.Context(), p.bot.ID, func(body []byte) error {
		if string(body) != "well" {
			t.Errorf("took %q", body)
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("took %d, %v", n, err)
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	p := newPair(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- p.run.Answer(ctx, p.bot.ID, func(_ context.Context, question []byte) []byte {
			if string(question) == "panic" {
				panic("on fire")
			}
			return append([]byte("answer to "), question...)
		})
	}()
	dbtest.AtOnce(t, 20, func(i int) {
		question := fmt.Sprint("question ", i)
		within, done := context.WithTimeout(t.Context(), kittest.Patience)
		defer done()
		if got, err := p.called.Ask(within, p.bot.ID, []byte(question)); err != nil || string(got) != "answer to "+question {
			t.Errorf("answered %q, %v", got, err)
		}
	})
	if _, err := p.called.Ask(t.Context(), p.bot.ID, []byte("panic")); !errors.Is(err, ErrNotAnswered) {
		t.Errorf("a panic answers %v", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	within, done := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer done()
	if _, err := p.called.Ask(within, p.bot.ID, []byte("nobody there")); !errors.Is(err, ErrNotAnswered) {
		t.Errorf("nobody answers %v", err)
	}
	if n := p.server.Query("SELECT count(*) FROM calls"); n != "0" {
		t.Errorf("%s questions are left", n)
	}
}

// Where one process runs all bots there is nothing to be found elsewhere.
func TestOneProcess(t *testing.T) {
	dbtest.OnlyFile(t, "one process runs all bots")
	h := bots.Host{DB: dbtest.MustOpen(t, time.Now, nil), Secrets: dbtest.MustMakeBox(t), Notices: &notice.Board{}, Now: time.Now}
	c := New("toy", h)
	defer c.Close()
	elsewhere, err := c.Elsewhere(t.Context(), 1)
	n, taking := c.Take(t.Context(), 1, func([]byte) error { return nil })
	woken := false
	c.Await(1, func() { woken = true })()
	ids, finding := h.DB.CalledBots(t.Context())
	if elsewhere || n > 0 || woken || len(ids) > 0 || errors.Join(err, taking, finding) != nil {
		t.Errorf("elsewhere %v, %d taken, woken %v, called %v, %v", elsewhere, n, woken, ids, errors.Join(err, taking, finding))
	}
	var tables map[string]bool
	if tables, err = h.DB.Tables(t.Context()); err != nil || tables["calls"] {
		t.Errorf("there is a table of calls: %v, %v", tables["calls"], err)
	}
}
