package mastodon

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// older puts the world on a database of the first schema, with cities of that
// many names and a bot in each, and returns the function that brings it up to
// date.
func (w *world) older(slugs ...string) (own []report.Bot, migrate func()) {
	all := migrations(w.host.Secrets)
	w.db = dbtest.MustOpen(w.t, w.clock.Now, map[string][]*gormigrate.Migration{name: all[:1]})
	for _, slug := range slugs {
		c := dbtest.MustCreateCity(w.t, w.db, slug, name)
		own = append(own, must(w.db.FindBot(w.ctx, c.ID, name))(w.t))
	}
	w.city = must(w.db.City(w.ctx, own[0].CityID))(w.t)
	w.site.DB, w.host.DB, w.site.Visited = w.db, w.db, w.city
	return own, func() {
		w.t.Helper()
		check(w.t, w.db.Migrate(w.ctx, w.host.Secrets, map[string][]*gormigrate.Migration{name: all}))
		w.open()
	}
}

// Where tokens were sealed in the first schema.
func accountPlace(botID int64) string {
	return "mastodon_accounts.token:" + strconv.FormatInt(botID, 10)
}
func pendingPlace(cityID int64) string {
	return "mastodon_pending.token:" + strconv.FormatInt(cityID, 10)
}

const (
	oldAccount = "INSERT INTO mastodon_accounts (bot_id, instance, account_id, handle, url, token, cursor) VALUES (?, ?, ?, ?, ?, ?, ?)"
	oldPending = `INSERT INTO mastodon_pending (city_id, instance, nonce, account_id, handle, url, token, cursor, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func TestAccountsOfTheFirstSchemaGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.account.Mention("rider@example.org", "heard long ago", "public")
	seen := must(w.driver.client(w.server.URL, w.account.Token()).newest(w.ctx))(t)
	w.account.Mention("rider@example.org", "while the program was changed", "public")

	own, migrate := w.older("nuernberg")
	b := own[0]
	w.write(oldAccount, b.ID, w.server.URL, w.account.ID(), w.account.Handle(), w.account.URL(),
		w.host.Secrets.Seal(accountPlace(b.ID), w.account.Token()), seen)
	w.write(oldAccount, 4711, w.server.URL, "of no bot", "x@y", "", "", "")
	d := elsewhere(b, "posted before")
	w.write("INSERT INTO mastodon_posts (id, bot_id, status_id, url, at) VALUES (?, ?, 'S1', 'https://x.example/1', 1)", d.ID, b.ID)
	migrate()

	if c := w.card(); len(c.Accounts) != 1 || c.Accounts[0].Handle != "@"+w.account.Handle() || c.Accounts[0].URL != w.account.URL() {
		t.Errorf("card %+v", c)
	}
	at := w.load(b)
	in := kittest.NewInbox()
	kittest.Receive(t, at, in)
	in.WaitFor(t, "while the program was changed")
	if texts := in.Texts(); len(texts) != 1 {
		t.Errorf("heard %q, want what came after the cursor", texts)
	}
	if receipt := must(at.Send(w.ctx, d))(t); receipt.ID != "S1" || len(w.account.Statuses()) != 0 {
		t.Errorf("receipt %+v, %d posts: it was posted before", receipt, len(w.account.Statuses()))
	}
	var rows int64
	check(t, w.db.Read(w.ctx).Raw("SELECT count(*) FROM mastodon_accounts").Scan(&rows).Error)
	if rows != 1 {
		t.Errorf("%d accounts, want none of a bot that is no more", rows)
	}
}

func TestLoginsOfTheFirstSchemaGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	own, migrate := w.older("nuernberg", "fuerth")
	confirmed, begun := own[0].CityID, own[1].CityID
	now := w.clock.Now().UnixMilli()
	w.write(oldPending, confirmed, w.server.URL, "", w.account.ID(), w.account.Handle(), w.account.URL(),
		w.host.Secrets.Seal(pendingPlace(confirmed), w.account.Token()), "", now)
	w.write(oldPending, begun, w.server.URL, "nonce", "", "", "", "", "", now)
	w.write(oldPending, 4711, w.server.URL, "of no city", "", "", "", "", "", now)
	migrate()

	if waiting := w.card().Waiting; waiting == nil || waiting.Handle != "@"+w.account.Handle() {
		t.Fatalf("waiting: %+v", waiting)
	}
	if status, _ := w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}}); status != http.StatusSeeOther {
		t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	store := account.NewStore(name, w.host)
	if server := must(store.TakeNonce(w.ctx, begun, "nonce"))(t); server != w.server.URL {
		t.Errorf("the login that was begun leads to %q", server)
	}
	if _, err := store.TakeNonce(w.ctx, 4711, "of no city"); err == nil {
		t.Error("a login of no city is there")
	}
}

// Nothing is lost where the key is not the one that the rows were written with:
// it may come back.
func TestTokensOfAnotherKeyStayAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	own, migrate := w.older("nuernberg")
	b := own[0]
	another := must(secret.New(bytes.Repeat([]byte{8}, 32)))(t)
	of := map[string]string{"mastodon_accounts": another.Seal(accountPlace(b.ID), "a"), "mastodon_logins": another.Seal(pendingPlace(b.CityID), "b")}
	w.write(oldAccount, b.ID, w.server.URL, w.account.ID(), w.account.Handle(), w.account.URL(), of["mastodon_accounts"], "")
	w.write(oldPending, b.CityID, w.server.URL, "", "1", "x@y", "", of["mastodon_logins"], "", w.clock.Now().UnixMilli())
	migrate()

	for table, want := range of {
		var got string
		check(t, w.db.Read(w.ctx).Raw("SELECT token FROM "+table).Scan(&got).Error)
		if got != want {
			t.Errorf("%s holds %q, want what stood there", table, got)
		}
	}
	_, err := w.network.Bot(w.ctx, b, w.host.Log)
	kittest.WantKind(t, err, bots.KindRefused)
	if words := w.words(err); words != w.site.Texts.T("de", "kit.account.sealed") {
		t.Errorf("the moderator reads %q", words)
	}
	if c := w.card(); len(c.Accounts) != 1 || c.Waiting != nil {
		t.Errorf("card %+v, want the account, and no login that could be confirmed", c)
	}
	if again := w.connect(); again.ID != b.ID {
		t.Errorf("logged in again as bot %d, want %d", again.ID, b.ID)
	}
	check(t, w.load(b).Check(w.ctx))
}

// TestReceiptsOfBoostsLeadToNobody: of earlier versions they were the id and the
// address of the rider's status. They can still be taken back.
func TestReceiptsOfBoostsLeadToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{Old: true})
	row := w.connect()
	d, id := w.heard(row, standin.Mention{Text: "U1", Visibility: "public"})
	must(w.load(row).Send(w.ctx, d))(t)
	const kept = `INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state)
		VALUES (?, ?, ?, ?, ?, ?, 'a', 'U1', ?, 1, 1, 'judged')`
	w.write(kept, 1, d.Report.ID, row.CityID, row.ID, name, d.Report.NetworkID, "public")
	w.write(kept, 2, "private", row.CityID, row.ID, name, "", "private")
	w.write(kept, 3, "by mail", row.CityID, row.ID+1, "mail", "", "public")
	const receipt = "INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (?, ?, 0, ?, ?)"
	w.write(receipt, 1, row.ID, id, "https://example.org/@rider/"+id)
	w.write(receipt, 2, row.ID, "S2", "https://x.example/@bot/2")
	w.write(receipt, 3, row.ID, "S3", "https://x.example/@bot/3")
	w.write("DELETE FROM mastodon_migrations WHERE id = 'mastodon_0003'")
	check(t, w.db.Migrate(w.ctx, w.host.Secrets, map[string][]*gormigrate.Migration{name: migrations(w.host.Secrets)}))

	got := must(db.ReadColumn[string](w.ctx, w.db, "SELECT remote_id || ' ' || url FROM receipts ORDER BY report"))(t)
	if diff := cmp.Diff([]string{"boost: ", "S2 https://x.example/@bot/2", "S3 https://x.example/@bot/3"}, got); diff != "" {
		t.Errorf("receipts: %s", diff)
	}
	d.Retract = &report.Receipt{ID: "boost:"}
	check(t, w.load(row).Retract(w.ctx, d))
	if !w.account.Boosts()[0].Undone {
		t.Error("the boost was not taken back")
	}
}
