package recipients_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

// TestRecipientsGoOnElsewhere takes recipients to another server with another key: each is as
// it was, and who is muted still is.
func TestRecipientsGoOnElsewhere(t *testing.T) {
	home := newCoop(t)
	for _, address := range []string{"a", "b", "c"} {
		home.subscribe(address)
	}
	if err := home.Suspend(t.Context(), home.find("b").ID, "gone"); err != nil {
		t.Fatal(err)
	}
	key, err := home.Key(t.Context(), home.bot, "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := home.db.Mute(t.Context(), 1, key); err != nil {
		t.Fatal(err)
	}
	list, err := home.Export(t.Context(), report.Bot{ID: home.bot, CityID: 1})
	if err != nil {
		t.Fatal(err)
	}

	next := newCoop(t)
	next.Store = next.withKey(mustBox(t, 8))
	var ids map[int64]int64
	err = next.db.Write(t.Context(), func(tx *gorm.DB) error {
		ids, err = next.Import(tx, report.Bot{ID: next.bot, CityID: 1}, list)
		return err
	})
	if err != nil || len(ids) != 3 {
		t.Fatalf("%v, %v", ids, err)
	}
	next.wantList(report.Report{}, "a", "c")
	if b := next.find("b"); b.Suspended.IsZero() || b.Reason != "gone" {
		t.Errorf("who was suspended is %+v", b)
	}
	muted, err := next.db.Mutes(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	key, err = next.Key(t.Context(), next.bot, "c")
	if err != nil || !cmp.Equal(muted, map[string]bool{key: true}) {
		t.Errorf("muted are %v, want %s (%v)", muted, key, err)
	}
	again, err := next.Export(t.Context(), report.Bot{ID: next.bot, CityID: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range again {
		again[i].ID = list[i].ID
	}
	if diff := cmp.Diff(list, again); diff != "" {
		t.Errorf("they are others:\n%s", diff)
	}
	if cmp.Equal(list, []recipients.Moved{}) {
		t.Error("nobody moved")
	}
}

// TestMoreThanOneStatementStores adds more recipients than are stored at once, some of whom are
// there: they stay as they are.
func TestMoreThanOneStatementStores(t *testing.T) {
	c := newCoop(t)
	c.subscribe("7")
	if err := c.Suspend(t.Context(), c.find("7").ID, "gone"); err != nil {
		t.Fatal(err)
	}
	var list []recipients.Moved
	for i := range 250 {
		list = append(list, recipients.Moved{ID: int64(i), Address: strconv.Itoa(i), Created: 1000})
	}
	err := c.db.Write(t.Context(), func(tx *gorm.DB) error {
		for _, want := range []int{249, 0} {
			if added, err := c.Grow(tx, report.Bot{ID: c.bot, CityID: 1}, list); err != nil || added != want {
				t.Errorf("added %d, want %d, %v", added, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.Count(t.Context(), c.bot); err != nil || n != 249 || c.find("7").Reason != "gone" || c.find("249").Suspended != (time.Time{}) {
		t.Errorf("%d are sent to, %v; 7 is %+v", n, err, c.find("7"))
	}
}
