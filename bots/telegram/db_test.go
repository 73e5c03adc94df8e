package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// rewind makes the world's database what telegram_0001 left, with two bots: the
// account's and one whose token was sealed with another key.
func rewind(w *world) (own, sealed report.Bot) {
	w.t.Helper()
	own = w.connect()
	sealed = must(w.db.CreateBot(w.ctx, w.city.ID, name, 0, nothing))(w.t)
	all := migrations(w.host.Secrets)
	steps := []string{"DROP TABLE telegram_groups", "DROP TABLE telegram_profiles", "DROP TABLE telegram_accounts", "DROP TABLE telegram_logins", "DROP TABLE telegram_recipients", "DROP TABLE telegram_welcomes",
		"DELETE FROM telegram_migrations WHERE id <> 'telegram_0001'"}
	check(w.t, w.db.Write(w.ctx, db.SQL(steps...)))
	check(w.t, w.db.Write(w.ctx, all[0].Migrate))
	return own, sealed
}

// run runs a statement in the database.
func (w *world) run(statement string, args ...any) {
	w.t.Helper()
	check(w.t, w.db.Write(w.ctx, func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error }))
}

// migrate brings the tables up to date, as the program does when it starts.
func (w *world) migrate() {
	w.t.Helper()
	check(w.t, w.db.Migrate(w.ctx, w.host.Secrets, map[string][]*gormigrate.Migration{name: migrations(w.host.Secrets)}))
}

func nothing(*gorm.DB, report.Bot) error { return nil }

// TestMoveToTheKitsTables fills the tables of the first version and has today's
// program open them.
func TestMoveToTheKitsTables(t *testing.T) {
	dbtest.OnlyFile(t, "what earlier versions stored was stored in a file")
	t.Parallel()
	w := newWorld(t, standin.Options{})
	own, sealed := rewind(w)
	const bot = "INSERT INTO telegram_bots (bot_id, telegram_id, username, name, token, api, welcome, next_update, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
	at := w.clock.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()
	token := w.account.Token()
	other := must(secret.New(bytes.Repeat([]byte{8}, 32)))(t)
	unreadable := other.Seal("telegram_bots.token:2", "555:x")
	w.run(bot, own.ID, w.account.ID(), "Nuernberg_bot", "Nürnberg", w.host.Secrets.Seal("telegram_bots.token:1", token), "", "Moin!", 12, at.UnixMilli())
	w.run(bot, sealed.ID, 555, "sealed_bot", "Sealed", unreadable, "http://127.0.0.1:1", "", 0, 0)
	w.run(bot, 99, 777, "gone_bot", "Gone", "x", "", "Hello!", 0, 0)

	rider := w.server.AddUser("Rider", "en")
	rider.Open(w.account)
	group := w.server.AddGroup("Tram")
	group.Add(rider, w.account, true)
	const chat = "INSERT INTO telegram_chats (id, bot_id, chat_id, former_id, created) VALUES (?, ?, ?, ?, ?)"
	w.run(chat, 5, own.ID, rider.ID(), 0, at.UnixMilli())
	w.run(chat, 3, own.ID, group.ID(), -77, at.UnixMilli())
	w.run(chat, 8, sealed.ID, 4, 0, at.UnixMilli())
	w.run(chat, 9, 99, 4, 0, at.UnixMilli())

	const waiting = "INSERT INTO telegram_pending (city_id, telegram_id, username, name, token, created) VALUES (?, ?, ?, ?, ?, ?)"
	w.run(waiting, w.city.ID, 888, "new_bot", "New", w.host.Secrets.Seal("telegram_pending.token:1", "888:y"), at.Add(30*time.Minute).UnixMilli())
	w.run(waiting, 77, 889, "other_bot", "Other", "x", at.UnixMilli())
	w.migrate()

	want := account.Account{BotID: own.ID, Remote: formatID(w.account.ID()), Handle: "@Nuernberg_bot", Name: "Nürnberg",
		URL: "https://t.me/Nuernberg_bot", Token: token, Cursor: "12", CursorAt: at}
	if diff := cmp.Diff(want, must(w.accounts.Account(w.ctx, own.ID))(t)); diff != "" {
		t.Errorf("account: %s", diff)
	}
	l := must(w.accounts.Waiting(w.ctx, w.city.ID))(t)
	if l.Remote != "888" || l.Handle != "@new_bot" || l.Name != "New" || l.Token != "888:y" {
		t.Errorf("login %+v", l)
	}
	wantChats := []recipients.Recipient{
		{ID: 3, BotID: own.ID, Address: formatID(group.ID()), Created: at},
		{ID: 5, BotID: own.ID, Address: formatID(rider.ID()), Created: at},
	}
	var chats []recipients.Recipient
	for _, to := range must(w.network.Recipients(w.ctx, own, report.Report{}))(t) {
		chats = append(chats, must(w.chats.Get(w.ctx, own.ID, to))(t))
	}
	if diff := cmp.Diff(wantChats, chats); diff != "" {
		t.Errorf("chats: %s", diff)
	}
	if list := w.settings().Lists[0].Groups; len(list) != 1 || list[0].ID != 3 || !list[0].On || list[0].Title != "" {
		t.Errorf("the groups are shown as %+v", list)
	}
	for what, n := range map[string]int{"telegram_accounts": 2, "telegram_logins": 1, "telegram_recipients": 3, "telegram_welcomes": 1} {
		var got int
		check(t, w.db.ReadRow(w.ctx, "SELECT count(*) FROM "+what).Scan(&got))
		if got != n {
			t.Errorf("%d rows in %s, want %d", got, what, n)
		}
	}
	t.Run("goes on", func(t *testing.T) { goesOn(t, w, own, rider, group) })
	t.Run("sealed with another key", func(t *testing.T) { asksForALogin(t, w, sealed, unreadable) })
}

// goesOn has the bot work with what was moved.
func goesOn(t *testing.T, w *world, row report.Bot, rider *standin.User, group *standin.Group) {
	b := w.load(row)
	for chat, want := range map[int64]int64{rider.ID(): rider.ID(), group.ID(): group.ID()} {
		d := w.delivery(row, chat, "U1")
		must(b.Send(w.ctx, d))(t)
		if to := must(w.chats.Get(w.ctx, row.ID, d.Recipient))(t); to.Address != formatID(want) {
			t.Errorf("what is on its way to %d goes to %s", chat, to.Address)
		}
	}
	w.account.SkipUpdates(12)
	kittest.Receive(t, b, kittest.NewInbox())
	kittest.Until(t, "the name of the group", func() bool { return w.settings().Lists[0].Groups[0].Title == "Tram" })
	newcomer := w.server.AddUser("Newcomer", "en")
	newcomer.Write(w.account, "/start")
	if got := w.answer(newcomer, 1); got != "Moin!\n\n"+w.text("kit.chat.stored") {
		t.Errorf("welcome %q", got)
	}
	newcomers := must(w.chats.Find(w.ctx, row.ID, formatID(newcomer.ID())))(t)
	if newcomers.ID <= 8 {
		t.Errorf("the next subscriber has the id %d", newcomers.ID)
	}
}

// asksForALogin has a bot whose token cannot be read: it is kept, and shown.
func asksForALogin(t *testing.T, w *world, row report.Bot, token string) {
	_, err := w.network.Bot(w.ctx, row, w.host.Log)
	kittest.WantKind(t, err, bots.KindRefused)
	if got := w.words(err); got != w.text("kit.account.sealed") {
		t.Errorf("error %q", got)
	}
	if _, err := w.accounts.Account(w.ctx, row.ID); !errors.Is(err, account.ErrSealed) {
		t.Errorf("error %v", err)
	}
	var stored string
	check(t, w.db.ReadRow(w.ctx, "SELECT token FROM telegram_accounts WHERE bot_id = ?", row.ID).Scan(&stored))
	if stored != token {
		t.Errorf("the token was not kept as it was: %q", stored)
	}
	text, link, err := w.network.Address(w.ctx, w.city, row)
	if text != "@sealed_bot" || link != "https://t.me/sealed_bot" || err != nil {
		t.Errorf("Address = %q, %q, %v", text, link, err)
	}
	if s := w.settings(); len(s.Accounts) != 2 || s.Accounts[1].Handle != "@sealed_bot" {
		t.Errorf("the page shows %+v", s.Card)
	}
	w.wantChats(row, 4)
}

// TestReceiptsOfEarlierVersions have the chat in front of the message: it is taken out.
func TestReceiptsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	mail := must(w.db.CreateBot(w.ctx, w.city.ID, "mail", 0, nothing))(t)
	for bot, id := range map[int64]string{row.ID: "123456:7", mail.ID: "<a:b@x>", 99: "123456:8"} {
		w.run("INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (1, ?, 1, ?, '')", bot, id)
	}
	w.run("INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (2, ?, 1, '9', '')", row.ID)
	w.run("DELETE FROM telegram_migrations WHERE id = 'telegram_0004'")
	w.migrate()
	got := must(db.ReadColumn[string](w.ctx, w.db, "SELECT bot_id || ' ' || remote_id FROM receipts ORDER BY remote_id"))(t)
	if diff := cmp.Diff([]string{fmt.Sprint(row.ID, " 7"), fmt.Sprint(row.ID, " 9"), fmt.Sprint(mail.ID, " <a:b@x>")}, got); diff != "" {
		t.Error(diff)
	}
}
