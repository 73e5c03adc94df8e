package telegram

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func TestReportInPrivateChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	rider := w.server.AddUser("Rider", "de")
	b, in := w.load(w.connect()), kittest.NewInbox()
	kittest.Receive(t, b, in)
	id := rider.Write(w.account, "  U1 Plärrer 👮👮 Richtung Fürth @Nuernberg_bot\nzwei Kontis ")
	in.Wait(t, 1)
	got := in.All()[0]
	if age := time.Since(got.Time); age < -time.Second || age > kittest.Patience {
		t.Errorf("written %s ago", age)
	}
	if got.Answer == nil {
		t.Error("it cannot be answered")
	}
	got.Time, got.Answer = time.Time{}, nil
	want := bots.Incoming{ID: chat.NetworkID(formatID(rider.ID()), strconv.Itoa(id)), Author: formatID(rider.ID()),
		Text: "U1 Plärrer 👮👮 Richtung Fürth\nzwei Kontis", Visibility: report.Private, Language: "de", Commands: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUpdatesAreConfirmedWhenTheyAreOnDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	rider := w.server.AddUser("Rider", "de")
	row := w.connect()
	in := kittest.NewInbox()
	for i := range 3 {
		rider.Write(w.account, fmt.Sprint("report ", i))
	}

	in.Fail(errors.New("disk full"))
	run := kittest.Receive(t, w.load(row), in)
	if err := run.Ended(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Receive = %v", err)
	}
	if n := w.account.Pending(); n != 3 {
		t.Errorf("%d updates are left, want 3: nothing was taken over", n)
	}

	in.Fail(nil)
	run = kittest.Receive(t, w.load(row), in)
	in.Wait(t, 3)
	w.handled()
	run.Stop()
	if diff := cmp.Diff([]string{"report 0", "report 1", "report 2"}, in.Texts()); diff != "" {
		t.Errorf("in order: %s", diff)
	}
	if a := must(w.accounts.Account(w.ctx, row.ID))(t); a.Cursor != "4" {
		t.Errorf("stored offset %q, want 4", a.Cursor)
	}

	rider.Write(w.account, "report 3")
	kittest.Receive(t, w.load(row), in)
	in.Wait(t, 4)
	w.handled()
	if diff := cmp.Diff([]string{"report 0", "report 1", "report 2", "report 3"}, in.Texts()); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
}

func TestUpdateIDsBeginAnewAfterALongTime(t *testing.T) {
	slow.Test(t, "waits until updates are asked for again")
	w := newWorld(t, standin.Options{})
	w.driver.timings.poll = time.Second
	rider := w.server.AddUser("Rider", "de")
	w.account.SkipUpdates(900_000)
	row, in := w.connect(), kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), in)
	rider.Write(w.account, "before")
	in.Wait(t, 1)
	w.handled()

	w.clock.Move(8 * 24 * time.Hour)
	calls := w.account.Calls("getUpdates")
	w.until("poll of another week", func() bool { return w.account.Calls("getUpdates") > calls && w.account.Polling() })
	w.account.SkipUpdates(5)
	rider.Write(w.account, "lower id")
	in.Wait(t, 2)
	w.handled()
	run.Stop()

	w.clock.Move(8 * 24 * time.Hour)
	w.account.SkipUpdates(2)
	rider.Write(w.account, "lower id after a restart")
	kittest.Receive(t, w.load(row), in)
	in.Wait(t, 3)
	if diff := cmp.Diff([]string{"before", "lower id", "lower id after a restart"}, in.Texts()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	rider := w.server.AddUser("Rider", "en")
	b, in := w.load(w.connect()), kittest.NewInbox()
	kittest.Receive(t, b, in)

	rider.Write(w.account, "U2 two inspectors")
	in.Wait(t, 1)
	w.account.Deliver("channel_post", map[string]any{"message_id": 1, "text": "news", "chat": map[string]any{"id": -5, "type": "channel"}})
	w.account.Deliver("message", map[string]any{"message_id": 2, "text": "news", "chat": map[string]any{"id": -5, "type": "channel"},
		"sender_chat": map[string]any{"id": -5, "type": "channel"}})
	w.account.Deliver("message", map[string]any{"message_id": 3, "text": "hello", "chat": map[string]any{"id": 77, "type": "private"},
		"from": map[string]any{"id": 77, "is_bot": true}})
	w.account.Deliver("message", map[string]any{"message_id": 4, "text": "U9 forwarded", "chat": map[string]any{"id": rider.ID(), "type": "private"},
		"from": map[string]any{"id": rider.ID()}, "forward_origin": map[string]any{"type": "user", "sender_user": map[string]any{"id": w.account.ID()}}})
	w.account.Deliver("message", "not a message")
	w.account.Deliver("message", map[string]any{"message_id": "five"})
	w.account.Deliver("message", map[string]any{"message_id": 6, "chat": map[string]any{"id": rider.ID(), "type": "private"},
		"from": map[string]any{"id": rider.ID()}, "pinned_message": map[string]any{}})
	w.account.Deliver("some_new_kind", map[string]any{"x": 1})
	rider.Write(w.account, "the end")
	in.Wait(t, 2)
	if diff := cmp.Diff([]string{"U2 two inspectors", "the end"}, in.Texts()); diff != "" {
		t.Error(diff)
	}
}

func TestMediaIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	b, in := w.load(w.connect()), kittest.NewInbox()
	kittest.Receive(t, b, in)
	posts := map[string]standin.Post{
		"picture":              {Photo: true},
		"picture with caption": {Photo: true, Caption: "U1 Plärrer"},
		"sticker":              {Other: "sticker"},
		"voice":                {Other: "voice"},
	}
	for name, p := range posts {
		t.Run(name, func(t *testing.T) {
			rider := w.server.AddUser("Rider", "de")
			rider.Post(w.account, p)
			if diff := cmp.Diff(w.site.Texts.T("de", "kit.chat.media"), w.answer(rider, 1)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("album", func(t *testing.T) {
		rider := w.server.AddUser("Rider", "en")
		for range 3 {
			rider.Post(w.account, standin.Post{Photo: true, Album: "a1"})
		}
		rider.Write(w.account, "/help")
		if diff := cmp.Diff(w.text("kit.chat.media"), w.answer(rider, 1)); diff != "" {
			t.Error(diff)
		}
		if got := w.answer(rider, 2); !strings.HasPrefix(got, "Just write") {
			t.Errorf("refused more than once: %q", got)
		}
	})
	if len(in.All()) != 0 {
		t.Errorf("reports: %v", in.Texts())
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	rider := w.server.AddUser("Rider", "en")
	row := w.connect()
	b, in := w.load(row), kittest.NewInbox()
	kittest.Receive(t, b, in)
	group := w.server.AddGroup("Tram")
	groupSays := func(n int) string {
		var got []standin.Message
		w.until("message in the group", func() bool {
			got = nil
			for _, m := range group.Messages() {
				if m.FromBot {
					got = append(got, m)
				}
			}
			return len(got) >= n
		})
		return got[n-1].Text
	}

	group.Add(rider, w.account, true)
	if got := groupSays(1); !strings.Contains(got, "@Nuernberg_bot") {
		t.Errorf("welcome: %q", got)
	}
	w.wantChats(row, group.ID())

	group.Write(rider, "just talking")
	group.Write(rider, "@nuernberg_bot U1 👮 Plärrer @friend_of_mine")
	in.Wait(t, 1)
	receipt := must(b.Send(w.ctx, w.delivery(row, group.ID(), "U2 elsewhere")))(t)
	sent := must(strconv.Atoi(receipt.ID))(t)
	group.Post(rider, standin.Post{Text: "two more at Fürth", ReplyTo: sent})
	group.Post(rider, standin.Post{Text: "from the admins @Nuernberg_bot", Sender: standin.AnonymousAdmin})
	group.Post(rider, standin.Post{Text: "spam @Nuernberg_bot", Sender: standin.Channel})
	group.Post(rider, standin.Post{Text: "spam @Nuernberg_bot", Sender: standin.OtherBot})
	group.Post(rider, standin.Post{Photo: true, Caption: "@Nuernberg_bot look"})
	group.Write(rider, "/ping@other_bot")
	group.Write(rider, "/ping@Nuernberg_bot")
	groupSays(4) // welcome, report, refusal, pong
	if diff := cmp.Diff(w.text("kit.chat.media"), groupSays(3)); diff != "" {
		t.Error(diff)
	}
	if got := groupSays(4); !strings.Contains(got, " ms ") {
		t.Errorf("ping: %q", got)
	}
	if diff := cmp.Diff([]string{"U1 👮 Plärrer", "two more at Fürth", "from the admins"}, in.Texts()); diff != "" {
		t.Error(diff)
	}
	if got := in.All()[2].Author; got != formatID(group.ID()) {
		t.Errorf("author of the admins' post is %q", got)
	}

	t.Run("without privacy mode", func(t *testing.T) {
		open := w.server.AddGroup("Open")
		open.Add(rider, w.account, false)
		open.Write(rider, "not for the bot")
		open.Write(rider, "/unknown")
		open.Write(rider, "U5 @Nuernberg_bot")
		in.Wait(t, 4)
		if got := in.Texts()[3]; got != "U5" {
			t.Errorf("report %q", got)
		}
		open.Remove(rider, w.account)
		w.handled()
		w.wantChats(row, group.ID())
	})
	t.Run("upgraded", func(t *testing.T) {
		d := w.delivery(row, group.ID(), "on its way to the former id")
		group.Upgrade(false)
		w.handled()
		w.wantChats(row, group.ID())
		must(b.Send(w.ctx, d))(t)
		group.Write(rider, "U3 after the upgrade @Nuernberg_bot")
		in.Wait(t, 5)
		group.Write(rider, "/stop@Nuernberg_bot")
		w.until("stop", func() bool {
			list := group.Messages()
			return list[len(list)-1].Text == w.text("kit.chat.stopped_group")
		})
		w.wantChats(row)
	})
}

func TestTroubleWithTheToken(t *testing.T) {
	t.Parallel()
	t.Run("revoked", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		row := w.connect()
		b := w.load(row)
		check(t, b.Check(w.ctx))
		run := kittest.Receive(t, b, kittest.NewInbox())
		w.until("poll", w.account.Polling)
		w.account.Revoke()
		kittest.WantKind(t, run.Ended(), bots.KindRefused)
		kittest.WantKind(t, b.Check(w.ctx), bots.KindRefused)
		_, err := b.Send(w.ctx, w.delivery(row, subscribed(w, row).ID(), "x"))
		kittest.WantKind(t, err, bots.KindRefused)
	})
	t.Run("used by another program", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		row := w.connect()
		first := kittest.Receive(t, w.load(row), kittest.NewInbox())
		w.until("poll", w.account.Polling)
		kittest.Receive(t, w.load(row), kittest.NewInbox())
		err := first.Ended()
		kittest.WantKind(t, err, bots.KindRefused)
		if got := w.words(err); got != w.text("telegram.error.conflict") {
			t.Errorf("error %q", got)
		}
	})
	t.Run("with a webhook", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		w.account.SetWebhook()
		err := kittest.Receive(t, w.load(w.connect()), kittest.NewInbox()).Ended()
		kittest.WantKind(t, err, bots.KindRefused)
		if got := w.words(err); got != w.text("telegram.error.webhook") {
			t.Errorf("error %q", got)
		}
	})
	t.Run("new name", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		row := w.connect()
		check(t, w.accounts.Rename(w.ctx, account.Account{BotID: row.ID, Handle: "@former_bot", URL: "https://t.me/former_bot"}))
		check(t, w.load(row).Check(w.ctx))
		text, link, err := w.network.Address(w.ctx, w.city, row)
		if text != "@Nuernberg_bot" || link != "https://t.me/Nuernberg_bot" || err != nil {
			t.Errorf("Address = %q, %q, %v", text, link, err)
		}
	})
}

func TestErrorsDoNotShowTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	rider := subscribed(w, row)
	w.account.Fail(502, 502, 200)
	for range 2 {
		_, err := b.Send(w.ctx, w.delivery(row, rider.ID(), "x"))
		kittest.WantKind(t, err, bots.KindTemporary)
		noToken(t, w, err)
	}
	err := b.Check(w.ctx) // 200 with a page that is no JSON
	kittest.WantKind(t, err, bots.KindTemporary)
	noToken(t, w, err)
	check(t, w.server.Close())
	err = kittest.Receive(t, b, kittest.NewInbox()).Ended()
	kittest.WantKind(t, err, bots.KindTemporary)
	noToken(t, w, err)
	_, err = must(w.driver.client("", w.account.Token()))(t).send(w.ctx, formatID(rider.ID()), "x", nil) // through the library
	noToken(t, w, err)
	if strings.Contains(w.log.String(), w.account.Token()) {
		t.Errorf("the log holds the token: %s", w.log)
	}
}

func noToken(t *testing.T, w *world, err error) {
	t.Helper()
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, errors.Unwrap(err)), w.account.Token()[12:]) {
		t.Errorf("error %v", err)
	}
}
