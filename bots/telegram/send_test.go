package telegram

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/bots/botstest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
)

func TestSend(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	receipt := must(b.Send(w.ctx, w.delivery(row, rider.ID(), "U1 <b>Plärrer</b> & *Fürth* 👮")))(t)
	list := w.account.Chat(rider)
	if len(list) != 1 || list[0].Text != "U1 <b>Plärrer</b> & *Fürth* 👮" || receipt.ID != networkID(rider.ID(), list[0].ID) {
		t.Fatalf("chat %+v, receipt %+v", list, receipt)
	}

	t.Run("taken back", func(t *testing.T) {
		for range 2 { // what is gone already is no error
			check(t, b.Retract(w.ctx, report.Delivery{Retract: &receipt}))
		}
		if !w.account.Chat(rider)[0].Deleted {
			t.Error("the message is still there")
		}
	})
	t.Run("too long", func(t *testing.T) {
		long := strings.Repeat("👮 Plärrer ", 500)
		must(b.Send(w.ctx, w.delivery(row, rider.ID(), long)))(t)
		got := w.account.Chat(rider)[1].Text
		if n := len(utf16.Encode([]rune(got))); n > 4096 || n < 4080 || !strings.HasSuffix(got, "Plärrer…") && !strings.HasSuffix(got, "👮…") {
			t.Errorf("%d units, ends with %q", n, got[len(got)-20:])
		}
	})
}

func TestRecipientsAreGone(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, person := w.load(row), w.server.AddUser("Rider", "en")
	people := map[string]func() int64{
		"blocked":     func() int64 { u := subscribed(w, row); u.BlockSilently(w.account); return u.ID() },
		"deleted":     func() int64 { u := subscribed(w, row); u.Delete(); return u.ID() },
		"never there": func() int64 { must(w.network.store.subscribe(w.ctx, row.ID, 99))(t); return 99 },
		"kicked": func() int64 {
			g := w.server.AddGroup("Tram")
			g.Add(person, w.account, true)
			must(w.network.store.subscribe(w.ctx, row.ID, g.ID()))(t)
			g.RemoveSilently(w.account)
			return g.ID()
		},
		"unsubscribed": func() int64 { return w.server.AddUser("Rider", "en").ID() },
	}
	for name, prepare := range people {
		t.Run(name, func(t *testing.T) {
			chat := prepare()
			_, err := b.Send(w.ctx, w.delivery(row, chat, "U1"))
			botstest.WantKind(t, err, bots.KindGone)
			for range 2 { // one that is not there is no error
				check(t, w.network.RemoveRecipient(w.ctx, row, formatID(chat)))
			}
			w.wantChats(row)
		})
	}
}

func TestGroupIsFollowedWhereItWent(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider, g := w.load(row), w.server.AddUser("Rider", "en"), w.server.AddGroup("Tram")
	g.Add(rider, w.account, true)
	old := g.ID()
	must(w.network.store.subscribe(w.ctx, row.ID, old))(t)
	g.Upgrade(true)
	for i := range 3 { // also those that were on their way to the former id
		receipt := must(b.Send(w.ctx, w.delivery(row, old, fmt.Sprint("U", i))))(t)
		if chat, _ := parseNetworkID(receipt.ID); chat != g.ID() {
			t.Errorf("sent to %d, want %d", chat, g.ID())
		}
	}
	w.wantChats(row, g.ID())
	if n := w.account.Calls("sendMessage"); n != 4 {
		t.Errorf("%d calls, want 4: only the first one asks where the group is", n)
	}
	check(t, w.network.RemoveRecipient(w.ctx, row, formatID(old)))
	w.wantChats(row)
}

func TestRefusedMessageIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	g := w.server.AddGroup("Tram")
	g.Add(w.server.AddUser("Rider", "en"), w.account, true)
	must(w.network.store.subscribe(w.ctx, row.ID, g.ID()))(t)
	g.Silence(w.account)
	_, err := w.load(row).Send(w.ctx, w.delivery(row, g.ID(), "U1"))
	botstest.WantKind(t, err, bots.KindPermanent)
	if err == nil || !strings.Contains(err.Error(), "not enough rights") {
		t.Errorf("error %v does not say what Telegram says", err)
	}
}

func TestTooManyMessages(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.network.limits.bot, w.network.limits.slowFor = 1000, 300*time.Millisecond
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	other := newWorld(t, standin.Options{})
	otherRow := other.connect()
	otherBot, otherRider := other.load(otherRow), subscribed(other, otherRow)

	w.account.LimitNext(1)
	began := time.Now()
	_, err := b.Send(w.ctx, w.delivery(row, rider.ID(), "first"))
	if kind, after := bots.KindOf(err); kind != bots.KindRetryAfter || after != time.Second {
		t.Fatalf("error %v of kind %d, wait %s", err, kind, after)
	}
	must(otherBot.Send(w.ctx, other.delivery(otherRow, otherRider.ID(), "U1")))(t)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("another bot waited %s", took)
	}
	// What is sent meanwhile, also by a bot that is made anew, waits as long as
	// it was told to, and goes on at half the pace.
	b = w.load(row)
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			if _, err := b.Send(w.ctx, w.delivery(row, rider.ID(), fmt.Sprint("later", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("sent after %s, want 1s", took)
	}
	if refused, early := w.account.Refused(); refused != 1 || early != 0 {
		t.Errorf("refused %d times, %d of them early", refused, early)
	}
	if got := b.pace.bot.Limit(); got != 500 {
		t.Errorf("goes on at %v a second, want half of 1000", got)
	}
	if _, err := b.Send(w.ctx, w.delivery(row, rider.ID(), "much later")); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(botstest.Patience)
	for b.pace.pausedFor(); b.pace.bot.Limit() != 1000; b.pace.pausedFor() {
		if time.Now().After(deadline) {
			t.Fatal("it stays slow")
		}
	}
}

func TestPenaltyGrowsWhenIgnored(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	w.account.LimitNext(2)
	for i, want := range []time.Duration{2, 4, 8} {
		_, err := b.client.send(w.ctx, rider.ID(), fmt.Sprint(i)) // without the pacer
		if got, ok := retryAfter(err); !ok || got != want*time.Second {
			t.Fatalf("call %d: %v, want %d s", i, err, want)
		}
	}
}

func TestLongPauseIsLeftToTheQueue(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	b.pace.pause(time.Hour)
	ctx, done := contextFor(t, 200*time.Millisecond)
	defer done()
	_, err := b.Send(ctx, w.delivery(row, rider.ID(), "U1"))
	if kind, after := bots.KindOf(err); kind != bots.KindRetryAfter || after < 59*time.Minute {
		t.Errorf("error %v", err)
	}
}

func TestRecipients(t *testing.T) {
	w := newWorld(t, standin.Options{})
	row := w.connect()
	a, b := subscribed(w, row), subscribed(w, row)
	must(w.network.store.subscribe(w.ctx, row.ID, -5))(t)
	author := func(id int64) string { return w.network.host.Secrets.Author(name, formatID(id)) }
	tests := map[string]struct {
		report report.Report
		want   []string
	}{
		"from elsewhere": {report.Report{Network: "mail", Author: author(a.ID()), NetworkID: networkID(-5, 1)},
			[]string{formatID(a.ID()), formatID(b.ID()), "-5"}},
		"written to the bot": {report.Report{Network: name, BotID: row.ID, Author: author(a.ID()), NetworkID: networkID(a.ID(), 1)},
			[]string{formatID(b.ID()), "-5"}},
		"written in a group": {report.Report{Network: name, BotID: row.ID, Author: author(b.ID()), NetworkID: networkID(-5, 1)},
			[]string{formatID(a.ID())}},
		"written to another bot": {report.Report{Network: name, BotID: row.ID + 1, Author: author(b.ID()), NetworkID: networkID(-5, 1)},
			[]string{formatID(a.ID()), "-5"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := must(w.network.Recipients(w.ctx, row, tt.report))(t)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := must(w.network.CountRecipients(w.ctx, row))(t); n != 3 {
		t.Errorf("%d recipients", n)
	}
}

func TestPacing(t *testing.T) {
	t.Run("bot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPacer(limits{bot: 200, chat: rate.Inf, group: rate.Inf, groupBurst: 1})
			began := time.Now()
			var group sync.WaitGroup
			for i := range 61 {
				group.Go(func() { _ = p.wait(t.Context(), int64(i+1)) })
			}
			group.Wait()
			if took := time.Since(began).Round(time.Millisecond); took != 300*time.Millisecond {
				t.Errorf("61 messages at 200 a second took %s, want 300ms", took)
			}
		})
	})
	t.Run("chat", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPacer(limits{bot: rate.Inf, chat: 50, group: rate.Inf, groupBurst: 1})
			began := time.Now()
			for range 6 {
				check(t, p.wait(t.Context(), 7))
			}
			if took := time.Since(began).Round(time.Millisecond); took != 100*time.Millisecond {
				t.Errorf("6 messages at 50 a second took %s, want 100ms", took)
			}
			began = time.Now()
			check(t, p.wait(t.Context(), 8))
			if took := time.Since(began); took != 0 {
				t.Errorf("another chat waited %s", took)
			}
		})
	})
	t.Run("group in a minute", func(t *testing.T) {
		p := newPacer(documentedLimits())
		now, at := time.Now(), []time.Time{}
		for range 60 {
			next, _ := p.reserve(-7, now)
			at = append(at, next)
		}
		for i := 20; i < len(at); i++ {
			if within := at[i].Sub(at[i-20]); within < time.Minute {
				t.Fatalf("message %d comes %s after message %d: more than 20 in a minute", i, within, i-20)
			}
		}
		if at[4].Sub(now) > 5*time.Second {
			t.Errorf("the fifth waits %s", at[4].Sub(now))
		}
	})
	t.Run("turn comes too late", func(t *testing.T) {
		p := newPacer(documentedLimits())
		ctx, done := contextFor(t, 50*time.Millisecond)
		defer done()
		check(t, p.wait(ctx, 7))
		if err := p.wait(ctx, 7); err != errBusy {
			t.Errorf("error %v", err)
		}
	})
	t.Run("chats are forgotten", func(t *testing.T) {
		p := newPacer(documentedLimits())
		now := time.Now()
		for i := range 30 * 60 { // half an hour of a message a second, each to another chat
			p.reserve(int64(i+1), now.Add(time.Duration(i)*time.Second))
		}
		if n := len(p.chats); n > firstSweep {
			t.Errorf("%d chats are remembered", n)
		}
	})
}
