package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// TestMails sends account mails: some wait, one by a clock that was wrong.
func TestMails(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	for _, m := range []string{"a", "b", "c", "d", "e"} {
		if err := d.AddMail(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	known := make(map[int64]bool)
	mustList := func(now time.Time, limit int, next time.Time, want ...db.Mail) {
		t.Helper()
		got, after, err := d.Mails(t.Context(), now, limit, func(id int64) bool { return known[id] })
		if err != nil || !after.Equal(next) {
			t.Errorf("the next is due at %v, want %v, %v", after, next, err)
		}
		slices.SortFunc(got, func(a, b db.Mail) int { return int(a.ID - b.ID) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	stored := func(id int64, sealed string) db.Mail { return db.Mail{ID: id, Sealed: sealed, Created: noon} }
	a, b, c, e := stored(1, "a"), stored(2, "b"), stored(3, "c"), stored(5, "e")
	mustList(noon, 2, time.Time{}, a, b)
	known[a.ID] = true
	mustList(noon, 2, time.Time{}, b, c)

	soon, later := noon.Add(time.Minute), noon.Add(time.Hour)
	b.Attempts, c.Attempts, e.Attempts = 1, 9, 3
	for due, m := range map[time.Time]db.Mail{soon: b, later: c, noon.AddDate(20, 0, 0): e} {
		if err := d.PutOffMail(t.Context(), m.ID, m.Attempts, due); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.DeleteMail(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	mustList(noon, 10, soon, e)
	mustList(soon, 10, later, b, e)
	mustList(later, 10, time.Time{}, b, c, e)
	if err := d.DeleteMail(t.Context(), 99); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

// TestMailsWaitAsLongAsTheyAreTold puts a mail off for the longest wait that the
// program has for one: that is not a clock that was wrong.
func TestMailsWaitAsLongAsTheyAreTold(t *testing.T) {
	const longest = time.Hour + time.Hour/5 // with jitter
	d := dbtest.MustOpen(t, clock, nil)
	if err := d.AddMail(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := d.PutOffMail(t.Context(), 1, 12, noon.Add(longest)); err != nil {
		t.Fatal(err)
	}
	list, next, err := d.Mails(t.Context(), noon, 10, func(int64) bool { return false })
	if err != nil || len(list) != 0 || !next.Equal(noon.Add(longest)) {
		t.Errorf("%v are due, the next at %v, %v", list, next, err)
	}
}
