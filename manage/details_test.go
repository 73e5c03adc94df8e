package manage_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func ptr[T any](v T) *T { return &v }

func TestChangeChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.now(tn.city("gera"))
	bot := must(tn.db.FindBot(t.Context(), c.ID, "tram"))(t)
	change := func(p manage.Patch) report.City {
		t.Helper()
		got := must(tn.Change(t.Context(), c.ID, p, ""))(t)
		if now := tn.now(c); got != now {
			t.Errorf("returned %+v, stored %+v", got, now)
		}
		tn.changed(c, 1)
		return got
	}
	want := tn.now(c)
	for _, tt := range []struct {
		name    string
		patch   manage.Patch
		set     func()
		restart bool // its bots use it
	}{
		{"page and poster", manage.Patch{Page: ptr("# Hi\r\n\r\nthere \n"), Poster: ptr(" Mind\r\n")}, func() { want.Page, want.Poster = "# Hi\n\nthere", "Mind" }, false},
		{"nothing", manage.Patch{}, func() {}, false},
		{"hearing", manage.Patch{Questions: ptr(false), Replies: ptr(false)}, func() { want.Questions, want.Replies = false, false }, false},
		{"zone", manage.Patch{Zone: ptr(" Africa/Nairobi ")}, func() { want.Zone = "Africa/Nairobi" }, false},
		{"search engines", manage.Patch{NoIndex: ptr(true)}, func() { want.NoIndex = true }, false},
		{"name", manage.Patch{Name: ptr("  Jena\t West ")}, func() { want.Name = "Jena West" }, true},
		{"name that would be taken for something else", manage.Patch{Name: ptr("\x1b[31mJena\x00 \u202eOst\xff")}, func() { want.Name = "[31mJena Ost" }, true},
		{"texts with what nobody types", manage.Patch{Page: ptr("# Hi\x00\x1b"), Poster: ptr("M\x07ind")}, func() { want.Page, want.Poster = "# Hi", "Mind" }, false},
		{"language", manage.Patch{Language: ptr("uk")}, func() { want.Language = "uk" }, true},
		{"back to the defaults", manage.Patch{Page: ptr(""), Zone: ptr(""), Poster: ptr("")}, func() { want.Page, want.Zone, want.Poster = "", "", "" }, false},
	} {
		tn.clock.Add(1) // the times of bots are in milliseconds
		tt.set()
		if got := change(tt.patch); got != want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, want)
		}
		b := must(tn.db.Bot(t.Context(), bot.ID))(t)
		if restarted := b.Updated.After(bot.Updated); restarted != tt.restart {
			t.Errorf("%s: the bot restarts: %t", tt.name, restarted)
		}
		bot = b
	}
	if tn.now(other) != other {
		t.Error("another city was changed")
	}
	_, err := tn.Change(t.Context(), c.ID+100, manage.Patch{Name: ptr("x")}, "")
	tn.is(err, db.ErrNotFound)
}

func TestWrongDetailsChangeNothing(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.now(tn.city("jena"))
	_, err := tn.Change(t.Context(), c.ID, manage.Patch{Name: ptr(" "), Language: ptr("xx"), Zone: ptr("Mars/North"), NoIndex: ptr(true),
		Page: ptr(strings.Repeat("ü", manage.MaxPage+1)), Poster: ptr(strings.Repeat("ü", manage.MaxPoster+1))}, "")
	tn.wrong(err, "name", "language", "zone", "page", "poster")
	_, err = tn.Change(t.Context(), c.ID, manage.Patch{Name: ptr("\u200b\ufeff")}, "")
	tn.wrong(err, "name")
	_, err = tn.Change(t.Context(), c.ID, manage.Patch{Name: ptr(strings.Repeat("ü", manage.MaxName+1))}, "")
	tn.wrong(err, "name")
	if tn.now(c) != c {
		t.Error("something was changed")
	}
	tn.changed(c, 0)
}

// Who has seen something else does not overwrite it; of many at once, one is first.
func TestOneOfManyWhoHaveSeenTheSameIsFirst(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	seen := manage.DetailsOf(tn.now(c)).Revision()
	var group sync.WaitGroup
	var done, late atomic.Int32
	for _, name := range []string{"One", "Two", "Three", "Four", "Five"} {
		group.Go(func() {
			_, err := tn.db.ChangeCity(t.Context(), c.ID, func(*report.City) error { return nil })
			if err == nil {
				_, err = tn.Change(t.Context(), c.ID, manage.Patch{Name: &name}, seen)
			}
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, manage.ErrConflict):
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if done.Load() != 1 || late.Load() != 4 {
		t.Errorf("%d have changed it, %d were late", done.Load(), late.Load())
	}
	now := manage.DetailsOf(tn.now(c)).Revision()
	must(tn.Change(t.Context(), c.ID, manage.Patch{Name: ptr("Six")}, now))(t)
	tn.changed(c, 2)
}

func TestPausedByChange(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	r := report.Report{ID: "r", CityID: c.ID, Network: "tram", Text: "U1", Time: time.Now(), Received: time.Now()}
	dbtest.MustSaveReport(t, tn.db, r, report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	before := manage.DetailsOf(tn.now(c)).Revision()
	got := must(tn.Change(t.Context(), c.ID, manage.Patch{Paused: ptr(true)}, ""))(t)
	if got.Paused.IsZero() || got != tn.now(c) {
		t.Errorf("stopped: %+v", got)
	}
	if list := must(tn.Reports(t.Context(), c.ID, manage.Wanted{Passed: true, Limit: 9}))(t); len(list) != 0 {
		t.Errorf("its reports are there: %v", list)
	}
	_, err := tn.Change(t.Context(), c.ID, manage.Patch{Name: ptr("x")}, before)
	tn.is(err, manage.ErrConflict)
	since := got.Paused
	if got = must(tn.Change(t.Context(), c.ID, manage.Patch{Paused: ptr(true)}, ""))(t); got.Paused != since {
		t.Error("stopped anew")
	}
	if got = must(tn.Change(t.Context(), c.ID, manage.Patch{Paused: ptr(false)}, ""))(t); !got.Paused.IsZero() {
		t.Error("it is stopped still")
	}
}
