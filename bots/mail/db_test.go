package mail

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// earlier opens a database of the version that had the subscribers' addresses in
// the clear: of the bots 1 and 2, and of one that is gone.
func earlier(t *testing.T, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), map[string][]*gormigrate.Migration{Name: migrations(nil)[:1]}); err != nil {
		t.Fatal(err)
	}
	dbtest.MustCreateCity(t, d, "nuernberg", Name)
	dbtest.MustCreateCity(t, d, "fuerth", Name)
	// Through a connection of its own, which does not ask for a row's bot.
	raw, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, db.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	bounced := time.Date(2024, 5, 2, 10, 0, 0, 0, time.UTC).UnixMilli()
	_, err = raw.Exec(`INSERT INTO mail_subscribers (id, bot_id, email, created, failures, failed_delivery, bounces, bounced_at) VALUES
		(3, 1, 'fine@example.org', 1700000000001, 0, '', 0, 0),
		(4, 2, 'fine@example.org', 1700000000002, 0, '', 0, 0),
		(6, 1, 'full@example.org', 1700000000003, 2, 'delivery 2', 0, 0),
		(7, 1, 'bounces@example.org', 1700000000004, 0, '', 2, ?),
		(8, 99, 'orphan@example.org', 1700000000005, 1, 'delivery 1', 1, ?),
		(12, 1, 'gone@example.org', 1700000000006, 0, '', 0, 0);
		DELETE FROM mail_subscribers WHERE id = 12`, bounced, bounced)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustClose(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSubscribersOfAnEarlierVersion(t *testing.T) {
	dir := t.TempDir()
	d := earlier(t, dir)
	t.Cleanup(func() { mustClose(t, d) })
	b := newBenchOn(t, d, nil)
	bot, err := b.db.FindBot(t.Context(), 1, Name)
	if err != nil {
		t.Fatal(err)
	}

	want := recipients.Recipient{ID: 6, BotID: 1, Address: "full@example.org", Created: time.UnixMilli(1700000000003).UTC()}
	if diff := cmp.Diff(want, b.find(bot, "full@example.org")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fine@example.org", "full@example.org", "bounces@example.org"}, b.subscribers(bot)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fine@example.org"}, b.subscribers(report.Bot{ID: 2})); diff != "" {
		t.Errorf("another city's: -want +got:\n%s", diff)
	}
	if n, of := b.rows("mail_recipients"), b.rows("mail_failures"); n != 4 || of != 0 {
		t.Errorf("%d subscribers, %d with failures", n, of)
	}
	b.checkStrikesBeginAgain(bot)
	b.checkIDsAreNotUsedAgain(bot)
	b.checkOldLink(bot)
}

// checkStrikesBeginAgain has a mail to an address of the earlier version come back on
// three days: what was counted before the update does not count.
func (b *bench) checkStrikesBeginAgain(bot report.Bot) {
	b.t.Helper()
	address := b.network.bounceAddress(report.City{Slug: "nuernberg"}, bot, recipients.Recipient{ID: 7})
	for range maxStrikes {
		if s, err := b.network.subscribers.Get(b.t.Context(), bot.ID, 7); err != nil || !s.Suspended.IsZero() {
			b.t.Errorf("suspended since %s, %v", s.Suspended, err)
		}
		if got := b.send("", []string{address}, failedNotice); !strings.HasPrefix(got, "250 ") {
			b.t.Fatal(got)
		}
		b.clock.Move(24 * time.Hour)
	}
	if diff := cmp.Diff([]string{"fine@example.org", "full@example.org"}, b.subscribers(bot)); diff != "" {
		b.t.Errorf("-want +got:\n%s", diff)
	}
}

// checkIDsAreNotUsedAgain has a mail to somebody who went before the update come
// back: whoever came next is not who it is about.
func (b *bench) checkIDsAreNotUsedAgain(bot report.Bot) {
	b.t.Helper()
	b.mustSubscribe(bot, "new@example.org")
	if id := b.find(bot, "new@example.org").ID; id != 13 {
		b.t.Errorf("the next subscriber has the id %d", id)
	}
	for range maxStrikes {
		b.send("", []string{b.network.bounceAddress(report.City{Slug: "nuernberg"}, bot, recipients.Recipient{ID: 12})}, failedNotice)
	}
	if diff := cmp.Diff([]string{"fine@example.org", "full@example.org", "new@example.org"}, b.subscribers(bot)); diff != "" {
		b.t.Errorf("-want +got:\n%s", diff)
	}
}

// checkOldLink ends a subscription with a link of an earlier mail.
func (b *bench) checkOldLink(bot report.Bot) {
	b.t.Helper()
	token := b.box.Sign("mail.unsubscribe", "1 fine@example.org", time.Time{})
	code, body := b.post("/city/nuernberg/mail/unsubscribe/"+token, url.Values{"List-Unsubscribe": {"One-Click"}})
	b.expect(code, body, 200)
	if diff := cmp.Diff([]string{"full@example.org", "new@example.org"}, b.subscribers(bot)); diff != "" {
		b.t.Errorf("-want +got:\n%s", diff)
	}
}

// Where the addresses stood in the clear they must not be read any more.
func TestNoAddressIsLeftInTheFile(t *testing.T) {
	dir := t.TempDir()
	d := earlier(t, dir)
	if !strings.Contains(everything(t, dir), "fine@example.org") {
		t.Fatal("the test looks into the wrong files")
	}
	b := newBenchOn(t, d, nil)
	bot, err := d.FindBot(t.Context(), 1, Name)
	if err != nil {
		t.Fatal(err)
	}
	b.mustSubscribe(bot, "new@example.org")
	b.stop() // whoever reads keeps the log from being emptied
	mustClose(t, d)
	found := everything(t, dir)
	for _, address := range []string{"fine", "full", "bounces", "orphan", "gone", "new"} {
		if strings.Contains(found, address+"@example.org") {
			t.Errorf("%s@example.org can be read", address)
		}
	}
}

// everything is what the files of a directory hold.
func everything(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v: %v", names, err)
	}
	var all bytes.Buffer
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

// TestFailureCounts holds that a subscriber is counted by what happens to the own
// mails only, and that nothing is kept where there is nothing to count.
func TestFailureCounts(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org", "friend@example.org")
	rider, friend := b.find(bot, "rider@example.org").ID, b.find(bot, "friend@example.org").ID
	strike := func(id int64, kind strikeKind, want bool) {
		t.Helper()
		if got, err := b.network.strike(t.Context(), bot.ID, id, kind); got != want || err != nil {
			t.Errorf("suspended %v, want %v: %v", got, want, err)
		}
	}
	strike(friend, strikeRefusal, false)
	strike(1000, strikeRefusal, false) // who has unsubscribed in the meantime
	for range 2 {
		strike(rider, strikeRefusal, false)
		strike(rider, strikeBounce, false)
		b.clock.Move(24 * time.Hour)
	}
	for _, id := range []int64{rider, friend, 1000} {
		if err := b.network.delivered(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if n := b.rows("mail_failures"); n != 1 {
		t.Errorf("%d subscribers have failures", n)
	}
	strike(rider, strikeRefusal, true) // a success does not make a bounce undone
	strike(rider, strikeBounce, false)
	if diff := cmp.Diff([]string{"friend@example.org"}, b.subscribers(bot)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// failedNotice is a delivery report that gives its recipient up.
var failedNotice = deliveryReport("failed", "5.1.1")

// deliveryReport is what a server says of a mail that it could not deliver.
func deliveryReport(action, status string) string {
	return fmt.Sprintf("From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nU1 sorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; rider@example.org\nAction: %s\nStatus: %s\n--b--\n", action, status)
}
