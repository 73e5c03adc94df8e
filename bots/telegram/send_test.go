package telegram

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/remote"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func TestSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	d := w.delivery(row, rider.ID(), "U1 <b>Plärrer</b> & *Fürth* 👮")
	receipt := must(b.Send(w.ctx, d))(t)
	list := w.account.Chat(rider)
	if len(list) != 1 || list[0].Text != "U1 <b>Plärrer</b> & *Fürth* 👮" || receipt.ID != fmt.Sprint(list[0].ID) {
		t.Fatalf("chat %+v, receipt %+v", list, receipt)
	}

	t.Run("taken back", func(t *testing.T) {
		for range 2 { // what is gone already is no error
			check(t, b.Retract(w.ctx, report.Delivery{Recipient: d.Recipient, Retract: &receipt}))
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

// TestTakingBackWhatCannotBe has messages that Telegram does not delete.
func TestTakingBackWhatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	retract := func(chat int64, id string) error {
		d := w.delivery(row, chat, "U1")
		d.Retract = &report.Receipt{ID: id}
		return b.Retract(w.ctx, d)
	}
	receipt := must(b.Send(w.ctx, w.delivery(row, rider.ID(), "U1")))(t)
	rider.BlockSilently(w.account)
	w.subscribe(row, 99) // a chat that never was
	for _, chat := range []int64{rider.ID(), 99} {
		if err := retract(chat, receipt.ID); !errors.Is(err, bots.ErrCannotRetract) {
			t.Errorf("took it back in %d: %v", chat, err)
		}
	}
	err := retract(99, "x")
	kittest.WantKind(t, err, bots.KindPermanent)
	if strings.Contains(err.Error(), "99") {
		t.Errorf("the error names the chat: %v", err)
	}
	g := w.server.AddGroup("Tram")
	g.Add(rider, w.account, true)
	w.subscribe(row, g.ID())
	former := g.ID()
	g.Upgrade(true)
	kittest.WantKind(t, retract(former, "1"), bots.KindPermanent)
	w.account.Fail(502)
	kittest.WantKind(t, retract(rider.ID(), receipt.ID), bots.KindTemporary)
}

func TestRecipientsAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, person := w.load(row), w.server.AddUser("Rider", "en")
	people := map[string]func() int64{
		"blocked":     func() int64 { u := subscribed(w, row); u.BlockSilently(w.account); return u.ID() },
		"deleted":     func() int64 { u := subscribed(w, row); u.Delete(); return u.ID() },
		"never there": func() int64 { w.subscribe(row, 99); return 99 },
		"kicked": func() int64 {
			g := w.server.AddGroup("Tram")
			g.Add(person, w.account, true)
			w.subscribe(row, g.ID())
			g.RemoveSilently(w.account)
			return g.ID()
		},
		"unsubscribed": func() int64 { return subscribed(w, row).ID() },
	}
	for name, prepare := range people {
		t.Run(name, func(t *testing.T) {
			chat := prepare()
			d := w.delivery(row, chat, "U1")
			if name == "unsubscribed" {
				must(w.chats.Unsubscribe(w.ctx, row.ID, formatID(chat)))(t)
			}
			_, err := b.Send(w.ctx, d)
			kittest.WantKind(t, err, bots.KindGone)
			for range 2 { // one that is not there is no error
				check(t, w.network.RemoveRecipient(w.ctx, row, d.Recipient))
			}
			w.wantChats(row)
		})
	}
}

func TestGroupIsFollowedWhereItWent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider, g := w.load(row), w.server.AddUser("Rider", "en"), w.server.AddGroup("Tram")
	g.Add(rider, w.account, true)
	old := g.ID()
	w.subscribe(row, old)
	var onTheirWay []report.Delivery
	for i := range 3 {
		onTheirWay = append(onTheirWay, w.delivery(row, old, fmt.Sprint("U", i)))
	}
	g.Upgrade(true)
	for _, d := range onTheirWay {
		must(b.Send(w.ctx, d))(t)
	}
	w.wantChats(row, g.ID())
	if n := w.account.Calls("sendMessage"); n != 4 {
		t.Errorf("%d calls, want 4: only the first one asks where the group is", n)
	}
	check(t, w.network.RemoveRecipient(w.ctx, row, onTheirWay[0].Recipient))
	w.wantChats(row)
}

func TestRefusedMessageIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	g := w.server.AddGroup("Tram")
	g.Add(w.server.AddUser("Rider", "en"), w.account, true)
	w.subscribe(row, g.ID())
	g.Silence(w.account)
	_, err := w.load(row).Send(w.ctx, w.delivery(row, g.ID(), "U1"))
	kittest.WantKind(t, err, bots.KindPermanent)
	if got := w.words(err); got != w.text("kit.chat.closed.rights") {
		t.Errorf("error %q does not say what is to be done", got)
	}
}

// TestWhatCannotBeWrittenToIsKept: a group that lets the bot not write is none that is
// gone, with whatever status Telegram says so.
func TestWhatCannotBeWrittenToIsKept(t *testing.T) {
	t.Parallel()
	for words, status := range map[string]int{
		"Forbidden: CHAT_WRITE_FORBIDDEN":     http.StatusForbidden,
		"Bad Request: CHAT_RESTRICTED":        http.StatusBadRequest,
		"Bad Request: CHAT_ADMIN_REQUIRED":    http.StatusBadRequest,
		"Bad Request: USER_BANNED_IN_CHANNEL": http.StatusBadRequest,
	} {
		t.Run(words, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			g := w.server.AddGroup("Tram")
			g.Add(w.server.AddUser("Rider", "en"), w.account, true)
			w.subscribe(row, g.ID())
			w.server.Fail("/bot"+w.account.Token()+"/sendMessage", -1,
				kit.Status(status, fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q}`, status, words)))
			_, err := w.load(row).Send(w.ctx, w.delivery(row, g.ID(), "U1"))
			kittest.WantKind(t, err, bots.KindPermanent)
			if got := w.words(err); got != w.text("kit.chat.closed.rights") {
				t.Errorf("error %q does not say what is to be done", got)
			}
		})
	}
}

func TestTooManyMessages(t *testing.T) {
	slow.Test(t, "waits as long as Telegram asks for")
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	other := newWorld(t, standin.Options{})
	otherRow := other.connect()
	otherBot, otherRider := other.load(otherRow), subscribed(other, otherRow)

	w.account.LimitNext(1)
	began := time.Now()
	_, err := b.Send(w.ctx, w.delivery(row, rider.ID(), "first"))
	if kind, after := bots.KindOf(err); kind != bots.KindLater || after != time.Second {
		t.Fatalf("error %v of kind %d, wait %s", err, kind, after)
	}
	if got := w.words(err); got != w.text("kit.remote.limited", "Name", "Telegram") {
		t.Errorf("error %q", got)
	}
	must(otherBot.Send(w.ctx, other.delivery(otherRow, otherRider.ID(), "U1")))(t)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("another bot waited %s", took)
	}
	// What is sent to it meanwhile, also by a bot that is made again, waits as long as
	// it was told to.
	b = w.load(row)
	var group sync.WaitGroup
	for i := range 5 {
		d := w.delivery(row, rider.ID(), fmt.Sprint("later", i))
		group.Go(func() {
			if _, err := b.Send(w.ctx, d); err != nil {
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
}

func TestPenaltyGrowsWhenIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	rider := subscribed(w, w.connect())
	c := must(w.driver.client("", w.account.Token()))(t)
	w.account.LimitNext(2)
	for i, want := range []time.Duration{2, 4, 8} {
		_, err := c.send(w.ctx, formatID(rider.ID()), fmt.Sprint(i), nil) // without a pace
		if e := remote.As(err); e == nil || e.Trouble != remote.Limited || e.After != want*time.Second {
			t.Fatalf("call %d: %v, want %d s", i, err, want)
		}
	}
}

// TestLongPauseIsLeftToTheQueue has Telegram ask for an hour: nothing waits for
// that within the program, and nothing is sent before it is over.
func TestLongPauseIsLeftToTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, rider := w.load(row), subscribed(w, row)
	w.account.LimitNext(3600)
	for i := range 2 {
		ctx, done := contextFor(t, kittest.Patience)
		_, err := b.Send(ctx, w.delivery(row, rider.ID(), "U1"))
		done()
		if kind, after := bots.KindOf(err); kind != bots.KindLater || after < 59*time.Minute {
			t.Errorf("send %d: error %v", i, err)
		}
	}
	if n := w.account.Calls("sendMessage"); n != 1 {
		t.Errorf("%d calls within the pause", n-1)
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	a, b := subscribed(w, row), subscribed(w, row)
	w.subscribe(row, -5)
	author := func(id int64) string { return w.host.Secrets.Author(row.CityID, name, formatID(id)) }
	ofA, group := author(a.ID()), author(-5)
	tests := map[string]struct {
		report report.Report
		want   []int64
	}{
		"from elsewhere":         {report.Report{Network: "mail", Author: author(a.ID()), LeftOut: group}, []int64{a.ID(), b.ID(), -5}},
		"written to the bot":     {report.Report{Network: name, BotID: row.ID, Author: author(a.ID()), LeftOut: ofA}, []int64{b.ID(), -5}},
		"written in a group":     {report.Report{Network: name, BotID: row.ID, Author: author(b.ID()), LeftOut: group}, []int64{a.ID()}},
		"written to another bot": {report.Report{Network: name, BotID: row.ID + 1, Author: author(b.ID()), LeftOut: group}, []int64{a.ID()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, w.sentTo(row, tt.report)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := must(w.network.CountRecipients(w.ctx, row))(t); n != 3 {
		t.Errorf("%d recipients", n)
	}
}

// TestPace holds the pace against what Telegram allows: 30 messages a second in
// all, 1 a second in a chat, 20 a minute in a group.
func TestPace(t *testing.T) {
	t.Parallel()
	limits := network(&options{}).Pace
	sent := func(t *testing.T, n int, chat func(i int) string, group bool) []time.Time {
		p, at := pace.New(limits), []time.Time{}
		for i := range n {
			check(t, p.Wait(t.Context(), chat(i), group))
			at = append(at, time.Now())
		}
		return at
	}
	tests := map[string]struct {
		allowed int
		within  time.Duration
		chat    func(i int) string
		group   bool
	}{
		"in all":     {30, time.Second, func(i int) string { return fmt.Sprint(i) }, false},
		"in a chat":  {1, time.Second, func(int) string { return "7" }, false},
		"in a group": {20, time.Minute, func(int) string { return "-7" }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := sent(t, 3*tt.allowed+3, tt.chat, tt.group)
				for i := tt.allowed; i < len(at); i++ {
					if took := at[i].Sub(at[i-tt.allowed]); took < tt.within-time.Millisecond {
						t.Fatalf("message %d comes %s after message %d", i, took, i-tt.allowed)
					}
				}
				if took := at[4].Sub(at[0]); took > 5*time.Second {
					t.Errorf("the fifth waits %s", took)
				}
			})
		})
	}
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	if n := b.Concurrency(); n < 2 {
		t.Errorf("%d messages on their way at a time", n)
	}
}

// TestGroupsHaveAPaceOfTheirOwn sends to a group and to a person more than the
// group may have.
func TestGroupsHaveAPaceOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newPacedWorld(t, standin.Options{}, pace.Limits{Group: 0.001, GroupBurst: 1})
	row := w.connect()
	b, rider, g := w.load(row), subscribed(w, row), w.server.AddGroup("Tram")
	g.Add(rider, w.account, true)
	w.subscribe(row, g.ID())
	for range 3 {
		must(b.Send(w.ctx, w.delivery(row, rider.ID(), "U1")))(t)
	}
	must(b.Send(w.ctx, w.delivery(row, g.ID(), "U1")))(t)
	_, err := b.Send(w.ctx, w.delivery(row, g.ID(), "U2"))
	kittest.WantKind(t, err, bots.KindLater)
	if got := w.words(err); got != w.text("kit.chat.full") {
		t.Errorf("error %q", got)
	}
}

// contextFor is a context that ends after d.
func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
