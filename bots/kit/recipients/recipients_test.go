package recipients_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// network has no more than the table of recipients.
const network = "pigeon"

// coop is the recipients of a network, and a bot of it.
type coop struct {
	*testing.T
	*recipients.Store
	db    *db.DB
	box   *secret.Box
	clock *kittest.Clock
	bot   int64
}

func newCoop(t *testing.T) *coop {
	t.Helper()
	c := &coop{T: t, clock: kittest.StandingClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)), box: mustBox(t, 7)}
	c.db = dbtest.MustOpen(t, c.clock.Now, map[string][]*gormigrate.Migration{
		network: {{ID: "pigeon_0001", Migrate: db.SQL(recipients.Tables(network)...)}},
	})
	dbtest.MustCreateCity(t, c.db, "leeds", network)
	c.bot = 1
	c.Store = c.withKey(c.box)
	return c
}

// withKey is the store of a program that has the key.
func (c *coop) withKey(box *secret.Box) *recipients.Store {
	return recipients.NewStore(network, bots.Host{DB: c.db, Secrets: box, Now: c.clock.Now})
}

func mustBox(t *testing.T, key byte) *secret.Box {
	t.Helper()
	box, err := secret.New(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func (c *coop) subscribe(address string) (added bool) {
	c.Helper()
	added, err := c.Subscribe(c.Context(), c.bot, address)
	if err != nil {
		c.Fatal(err)
	}
	return added
}

func (c *coop) unsubscribe(address string) (removed bool) {
	c.Helper()
	removed, err := c.Unsubscribe(c.Context(), c.bot, address)
	if err != nil {
		c.Fatal(err)
	}
	return removed
}

// find returns the recipient of an address that is there.
func (c *coop) find(address string) recipients.Recipient {
	c.Helper()
	r, err := c.Find(c.Context(), c.bot, address)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// wantList compares the addresses that are sent r.
func (c *coop) wantList(r report.Report, want ...string) {
	c.Helper()
	ids, err := c.List(c.Context(), c.bot, r)
	if err != nil {
		c.Fatal(err)
	}
	got := []string{}
	for _, id := range ids {
		found, err := c.Get(c.Context(), c.bot, id)
		if err != nil {
			c.Fatal(err)
		}
		got = append(got, found.Address)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		c.Errorf("recipients: %s", diff)
	}
}

func TestSubscribing(t *testing.T) {
	c := newCoop(t)
	if !c.subscribe("a") || !c.subscribe("b") || c.subscribe("a") {
		t.Error("who is new, and who is there already, is mixed up")
	}
	c.wantList(report.Report{}, "a", "b")
	if r := c.find("a"); !r.Created.Equal(c.clock.Now()) || !r.Suspended.IsZero() {
		t.Errorf("stored as %+v", r)
	}
	if !c.unsubscribe("a") || c.unsubscribe("a") {
		t.Error("who goes, and who is gone already, is mixed up")
	}
	c.wantList(report.Report{}, "b")
	if _, err := c.Find(t.Context(), c.bot, "a"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("who is gone is found: %v", err)
	}
	if n, err := c.Count(t.Context(), c.bot); n != 1 || err != nil {
		t.Errorf("%d are counted, %v", n, err)
	}
}

func TestBotThatIsGoneHasNoSubscribers(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	if err := c.db.DeleteBot(t.Context(), c.bot); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subscribe(t.Context(), c.bot, "b"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	c.wantList(report.Report{})
}

func TestForgottenBotHasNoSubscribers(t *testing.T) {
	c := newCoop(t)
	other, err := c.db.CreateBot(t.Context(), 1, network, 0, func(*gorm.DB, report.Bot) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c.subscribe("a")
	if _, err := c.Subscribe(t.Context(), other.ID, "a"); err != nil {
		t.Fatal(err)
	}
	if err := c.db.Write(t.Context(), func(tx *gorm.DB) error { return c.Forget(tx, c.bot) }); err != nil {
		t.Fatal(err)
	}
	c.wantList(report.Report{})
	if n, err := c.Count(t.Context(), other.ID); n != 1 || err != nil {
		t.Errorf("the city's other bot has %d subscribers, %v", n, err)
	}
}

func TestSuspension(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	c.subscribe("b")
	before := c.find("a")
	if err := c.Suspend(t.Context(), before.ID, "the mailbox is full"); err != nil {
		t.Fatal(err)
	}
	c.wantList(report.Report{}, "b")
	if n, err := c.Count(t.Context(), c.bot); n != 1 || err != nil {
		t.Errorf("%d are counted, %v", n, err)
	}
	if r := c.find("a"); !r.Suspended.Equal(c.clock.Now()) || r.Reason != "the mailbox is full" {
		t.Errorf("suspended as %+v", r)
	}
	if c.subscribe("a") {
		t.Error("who was suspended counts as new")
	}
	if diff := cmp.Diff(before, c.find("a")); diff != "" {
		t.Errorf("after it has subscribed again: %s", diff)
	}
	c.wantList(report.Report{}, "a", "b")
}

func TestMove(t *testing.T) {
	c := newCoop(t)
	c.subscribe("group")
	c.subscribe("other")
	before := c.find("group")
	for range 2 { // it is told more than once
		if err := c.Move(t.Context(), c.bot, "group", "supergroup"); err != nil {
			t.Fatal(err)
		}
	}
	before.Address = "supergroup"
	got, err := c.Get(t.Context(), c.bot, before.ID)
	if diff := cmp.Diff(before, got); diff != "" || err != nil {
		t.Errorf("by its id: %v %s", err, diff)
	}
	if diff := cmp.Diff(before, c.find("supergroup")); diff != "" {
		t.Errorf("by its address: %s", diff)
	}
	c.wantList(report.Report{}, "supergroup", "other")
	// Something that happens to the former group says nothing about this one.
	if c.unsubscribe("group") {
		t.Error("the former address unsubscribes")
	}
	c.wantList(report.Report{}, "supergroup", "other")
	if !c.unsubscribe("supergroup") {
		t.Error("it cannot be unsubscribed")
	}
}

func TestMoveToAnAddressThatSubscribedItself(t *testing.T) {
	c := newCoop(t)
	c.subscribe("group")
	c.subscribe("supergroup")
	if err := c.Move(t.Context(), c.bot, "group", "supergroup"); err != nil {
		t.Fatal(err)
	}
	c.wantList(report.Report{}, "supergroup")
}

// Of two that become one, either may have been suspended: the other is still
// sent to.
func TestMoveKeepsTheActiveOne(t *testing.T) {
	for _, suspended := range []string{"group", "supergroup"} {
		t.Run(suspended, func(t *testing.T) {
			c := newCoop(t)
			c.subscribe("group")
			c.subscribe("supergroup")
			for _, step := range []error{
				c.Suspend(t.Context(), c.find(suspended).ID, "it does not answer"),
				c.Move(t.Context(), c.bot, "group", "supergroup"),
			} {
				if step != nil {
					t.Fatal(step)
				}
			}
			c.wantList(report.Report{}, "supergroup")
			if r := c.find("supergroup"); r.Reason != "" {
				t.Errorf("it has the reason %q", r.Reason)
			}
		})
	}
}

func TestMoveToNowhereChangesNothing(t *testing.T) {
	c := newCoop(t)
	c.subscribe("group")
	before := c.find("group")
	for _, to := range []string{"group", ""} {
		if err := c.Move(t.Context(), c.bot, "group", to); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, c.find("group")); diff != "" {
			t.Errorf("moved to %q: %s", to, diff)
		}
	}
	c.wantList(report.Report{}, "group")
}

func TestMoveOfNobody(t *testing.T) {
	c := newCoop(t)
	c.subscribe("supergroup")
	if err := c.Move(t.Context(), c.bot, "group", "supergroup"); err != nil {
		t.Fatal(err)
	}
	c.wantList(report.Report{}, "supergroup")
}

func TestAuthorIsLeftOut(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	c.subscribe("b")
	c.subscribe("c")
	key := func(address string) string { return c.box.Author(1, network, address) }
	author := key("a")
	c.wantList(report.Report{Network: network, Author: author}, "b", "c")
	c.wantList(report.Report{Network: network, Author: author, LeftOut: key("c")}, "b")
	c.wantList(report.Report{Network: network, Author: author, LeftOut: key("nobody")}, "b", "c")
	c.wantList(report.Report{Network: "mail", Author: author}, "a", "b", "c")
	c.wantList(report.Report{Network: network}, "a", "b", "c")
}

func TestIDsAreNeverUsedAgain(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	former := c.find("a").ID
	c.unsubscribe("a")
	c.subscribe("b")
	if _, err := c.Get(t.Context(), c.bot, former); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("what was on its way to a finds somebody: %v", err)
	}
}

func TestRemove(t *testing.T) {
	c := newCoop(t)
	c.subscribe("-5")
	c.subscribe("other")
	if err := c.Move(t.Context(), c.bot, "-5", "-100"); err != nil {
		t.Fatal(err)
	}
	id := c.find("-100").ID
	remove := func(botID int64) {
		t.Helper()
		for range 2 { // one that is not there is no error
			if err := c.Remove(t.Context(), botID, id); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := c.Get(t.Context(), c.bot+1, id); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("another bot finds it: %v", err)
	}
	remove(c.bot + 1)
	c.wantList(report.Report{}, "-100", "other")
	remove(c.bot)
	c.wantList(report.Report{}, "other")
}

// TestErase has as much written where nobody has the address: otherwise the time that
// it takes would tell who subscribes.
func TestErase(t *testing.T) {
	dbtest.OnlyFile(t, "it looks at the log of the file")
	c := newCoop(t)
	var path string
	if err := c.db.Read(t.Context()).Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path).Error; err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	c.subscribe("-5")
	c.subscribe("other")
	grown := map[string]int64{}
	for _, address := range []string{"-5", "-6"} {
		before := size()
		if err := c.Erase(t.Context(), c.bot, address); err != nil {
			t.Fatal(err)
		}
		grown[address] = size() - before
	}
	if grown["-5"] != grown["-6"] || grown["-6"] == 0 {
		t.Errorf("bytes written: %v", grown)
	}
	c.wantList(report.Report{}, "other")
}

func TestNobody(t *testing.T) {
	c := newCoop(t)
	for _, id := range []int64{-1, 0, 17} {
		if _, err := c.Get(t.Context(), c.bot, id); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%d is found: %v", id, err)
		}
		if err := c.Remove(t.Context(), c.bot, id); err != nil {
			t.Errorf("%d: %v", id, err)
		}
	}
}

// TestAnotherKey has the program started with another key, and then with the
// former one again: nothing is lost.
func TestAnotherKey(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	id := c.find("a").ID
	other := c.withKey(mustBox(t, 8))
	if r, err := other.Get(t.Context(), c.bot, id); !errors.Is(err, recipients.ErrSealed) || r.Address != "" {
		t.Errorf("with another key: %+v, %v", r, err)
	}
	if added, err := other.Subscribe(t.Context(), c.bot, "a"); !added || err != nil {
		t.Errorf("who subscribes again: %t, %v", added, err)
	}
	if r, err := other.Find(t.Context(), c.bot, "a"); r.Address != "a" || err != nil {
		t.Errorf("who has subscribed again: %+v, %v", r, err)
	}
	if r, err := c.Get(t.Context(), c.bot, id); r.Address != "a" || err != nil {
		t.Errorf("with the former key: %+v, %v", r, err)
	}
}

// TestAddressesAreSealed looks for an address in the table: without the key
// nobody is found, and a row that was moved to another bot is none.
func TestAddressesAreSealed(t *testing.T) {
	c := newCoop(t)
	c.subscribe("rider@leeds.example")
	c.subscribe("-5551234567")
	if err := c.Move(t.Context(), c.bot, "-5551234567", "-1005551234567"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.ReadColumn[string](t.Context(), c.db, "SELECT key || ' ' || address FROM pigeon_recipients")
	if err != nil || len(rows) != 2 {
		t.Fatalf("%q, %v", rows, err)
	}
	for _, row := range rows {
		if strings.Contains(row, "rider") || strings.Contains(row, "5551234567") {
			t.Errorf("stored in the clear: %s", row)
		}
	}
	moved := c.find("rider@leeds.example").ID
	other, err := c.db.CreateBot(t.Context(), 1, network, 0, func(tx *gorm.DB, b report.Bot) error {
		return tx.Exec("UPDATE pigeon_recipients SET bot_id = ? WHERE id = ?", b.ID, moved).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Get(t.Context(), other.ID, moved); !errors.Is(err, recipients.ErrSealed) {
		t.Errorf("moved to another bot: %+v, %v", r, err)
	}
}

func TestPutForAMigration(t *testing.T) {
	dbtest.OnlyFile(t, "what earlier versions stored was stored in a file")
	c := newCoop(t)
	created := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	store := recipients.ForMigration(network, c.box)
	want := recipients.Recipient{ID: 41, BotID: c.bot, Address: "-100", Created: created,
		Suspended: created.Add(time.Hour), Reason: "it does not answer"}
	err := c.db.Write(t.Context(), func(tx *gorm.DB) error { return store.Put(tx, want) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.find("-100")); diff != "" {
		t.Error(diff)
	}
	c.subscribe("b")
	if id := c.find("b").ID; id != 42 {
		t.Errorf("the next id is %d", id)
	}
}
