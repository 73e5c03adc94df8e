package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// What two processes do at the same moment, on one database, has the effect of one after
// the other.

// together is a database that two processes have open.
type together struct {
	*testing.T
	both [2]*db.DB
}

func openTogether(t *testing.T) together {
	t.Helper()
	one, two := dbtest.MustOpenTwo(t, clock, nil)
	return together{t, [2]*db.DB{one, two}}
}

// do has the processes, in turn, do something n times at the same moment. It returns how
// often that was done; what was not is to fail with one of the errors.
func (two together) do(n int, f func(d *db.DB, i int) error, or ...error) (done int) {
	two.Helper()
	var count atomic.Int64
	dbtest.AtOnce(two, n, func(i int) {
		err := f(two.both[i%2], i)
		if err == nil {
			count.Add(1)
			return
		}
		for _, expected := range or {
			if errors.Is(err, expected) {
				return
			}
		}
		two.Errorf("number %d: %v", i, err)
	})
	return int(count.Load())
}

func (two together) city(slug string, networks ...string) report.City {
	two.Helper()
	return dbtest.MustCreateCity(two, two.both[0], slug, networks...)
}

func (two together) moderator(email string) db.Moderator {
	two.Helper()
	m, err := two.both[0].CreateModerator(two.Context(), email, "old")
	if err != nil {
		two.Fatal(err)
	}
	return m
}

// count is the answer of a query that counts.
func (two together) count(query string, args ...any) (n int) {
	two.Helper()
	if err := two.both[0].ReadRow(two.Context(), query, args...).Scan(&n); err != nil {
		two.Fatal(err)
	}
	return n
}

func TestModeratorsWhoRemoveEachOther(t *testing.T) {
	two := openTogether(t)
	for round := range 10 {
		c := two.city(fmt.Sprint("city", round))
		list, err := two.both[0].CityModerators(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := two.both[0].CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: fmt.Sprint(round, "@second.example"), Role: report.Owner})
		if err != nil {
			t.Fatal(err)
		}
		second, err := two.both[0].AcceptInvitation(t.Context(), inv.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		ids := []int64{list[0].ID, second.ID}
		done := two.do(2, func(d *db.DB, i int) error { return d.RemoveModerator(t.Context(), c.ID, ids[i]) }, db.ErrTaken)
		if left := two.count("SELECT count(*) FROM city_moderators WHERE city_id = ?", c.ID); done != 1 || left != 1 {
			t.Fatalf("%d were removed, %d are left", done, left)
		}
	}
}

func TestOwnersWhoDemoteEachOther(t *testing.T) {
	two := openTogether(t)
	for round := range 10 {
		c := two.city(fmt.Sprint("city", round))
		list, err := two.both[0].CityModerators(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		second, err := two.both[0].AddMember(t.Context(), c.ID, fmt.Sprint(round, "@second.example"), report.Owner)
		if err != nil {
			t.Fatal(err)
		}
		ids := []int64{list[0].ID, second.ID}
		done := two.do(2, func(d *db.DB, i int) error {
			if i == 0 {
				return d.RemoveModerator(t.Context(), c.ID, ids[i])
			}
			_, err := d.SetRole(t.Context(), c.ID, ids[i], report.Helper)
			return err
		}, db.ErrTaken)
		if owners := two.count("SELECT count(*) FROM city_moderators WHERE city_id = ? AND role = 'owner'", c.ID); done != 1 || owners != 1 {
			t.Fatalf("%d are owners no more, %d are left", done, owners)
		}
	}
}

// TestWhoMayStayIsNotDeleted has somebody be invited to one city while they are removed
// from the other.
func TestWhoMayStayIsNotDeleted(t *testing.T) {
	two := openTogether(t)
	for round := range 10 {
		from, to := two.city(fmt.Sprint("from", round)), two.city(fmt.Sprint("to", round))
		email := fmt.Sprint(round, "@both.example")
		invited := make([]db.Invitation, 2)
		for i, c := range []report.City{from, to} {
			var err error
			if invited[i], err = two.both[0].CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: email, Role: report.Owner}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := two.both[0].AcceptInvitation(t.Context(), invited[0].ID, "")
		if err != nil {
			t.Fatal(err)
		}
		two.do(2, func(d *db.DB, i int) error {
			if i == 0 {
				return d.RemoveModerator(t.Context(), from.ID, m.ID)
			}
			_, err := d.AcceptInvitation(t.Context(), invited[1].ID, "")
			return err
		})
		if n := two.count(`SELECT count(*) FROM moderators AS m JOIN city_moderators AS c ON c.moderator_id = m.id
			WHERE m.email = ? AND c.city_id = ?`, email, to.ID); n != 1 {
			t.Fatalf("the invited moderator is %d times there", n)
		}
	}
}

func TestAnInvitationIsAcceptedOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	inv, err := two.both[0].CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "new@second.example", Role: report.Owner})
	if err != nil {
		t.Fatal(err)
	}
	done := two.do(8, func(d *db.DB, _ int) error {
		_, err := d.AcceptInvitation(t.Context(), inv.ID, "")
		return err
	}, db.ErrNotFound)
	if done != 1 {
		t.Errorf("it was accepted %d times", done)
	}
}

// TestInvitationsOfOneAddress has one address be invited several times: one invitation is
// left.
func TestInvitationsOfOneAddress(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	two.do(8, func(d *db.DB, _ int) error {
		_, err := d.CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "new@second.example", Role: report.Owner})
		return err
	})
	if list, err := two.both[0].CityInvitations(t.Context(), c.ID); err != nil || len(list) != 1 {
		t.Errorf("%d invitations, %v", len(list), err)
	}
}

// TestSignUpsAtOnce confirms sign-ups of one new address, each for a city of its own, and
// each twice.
func TestSignUpsAtOnce(t *testing.T) {
	two := openTogether(t)
	var ids []int64
	for i := range 4 {
		r, err := two.both[0].CreateRegistration(t.Context(), db.Registration{Email: "new@first.example", Slug: fmt.Sprint("city", i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	done := two.do(8, func(d *db.DB, i int) error {
		c := report.City{Slug: fmt.Sprint("city", i%4), Name: "City", Language: "en"}
		_, _, err := d.ConfirmRegistration(t.Context(), ids[i%4], "", c, nil)
		return err
	}, db.ErrNotFound)
	if n := two.count("SELECT count(*) FROM moderators"); done != 4 || n != 1 {
		t.Errorf("%d were confirmed, of %d moderators", done, n)
	}
}

// TestTheSlugOfADeletedCityIsKept has a city be made with the slug of one that is being
// deleted.
func TestTheSlugOfADeletedCityIsKept(t *testing.T) {
	two := openTogether(t)
	m := two.moderator("new@second.example")
	for round := range 10 {
		c := two.city(fmt.Sprint("city", round))
		two.do(2, func(d *db.DB, i int) error {
			if i == 0 {
				return d.DeleteCity(t.Context(), c.ID)
			}
			_, err := d.CreateCity(t.Context(), report.City{Slug: c.Slug, Name: "City"}, m.ID, nil)
			return err
		}, db.ErrTaken)
		if n := two.count("SELECT count(*) FROM cities WHERE slug = ?", c.Slug); n != 0 {
			t.Fatal("another city has it")
		}
	}
}

func TestLimitsAtOnce(t *testing.T) {
	two := openTogether(t)
	limits := func(i int) []db.Limit {
		list := []db.Limit{{Key: "a", Max: 5, Within: time.Hour}, {Key: "b", Max: 100, Within: time.Hour}}
		if i%3 == 0 {
			list[0], list[1] = list[1], list[0]
		}
		return list
	}
	over := errors.New("over")
	done := two.do(20, func(d *db.DB, i int) error {
		reached, err := d.Count(t.Context(), limits(i)...)
		if reached != "" {
			return over
		}
		return err
	}, over)
	if n := two.count("SELECT count(*) FROM limits WHERE key = 'a'"); done != 5 || n != 5 {
		t.Errorf("%d may, %d are counted", done, n)
	}
}

// TestALoginEndsWithItsPassword has somebody log in while the password is replaced.
func TestALoginEndsWithItsPassword(t *testing.T) {
	two := openTogether(t)
	for round := range 10 {
		m := two.moderator(fmt.Sprint(round, "@city.example"))
		two.do(2, func(d *db.DB, i int) error {
			if i == 0 {
				return d.SetPassword(t.Context(), m, "new")
			}
			_, err := d.LogIn(t.Context(), m, "")
			return err
		}, db.ErrNotFound)
		if list, err := two.both[0].Logins(t.Context(), m.ID); err != nil || len(list) != 0 {
			t.Fatalf("%d logins are left, %v", len(list), err)
		}
	}
}

func TestALinkSetsOnePassword(t *testing.T) {
	two := openTogether(t)
	m := two.moderator("one@city.example")
	done := two.do(8, func(d *db.DB, i int) error { return d.SetPassword(t.Context(), m, fmt.Sprint("new", i)) }, db.ErrNotFound)
	if done != 1 {
		t.Errorf("%d passwords were set", done)
	}
}

func TestAPIKeysAtOnce(t *testing.T) {
	two := openTogether(t)
	for _, cityID := range []int64{two.city("city").ID, 0} {
		add := func(d *db.DB, i int) error {
			_, err := d.AddAPIKey(t.Context(), apikey.Key{CityID: cityID, Name: "key"}, fmt.Sprint(cityID, " ", i))
			return err
		}
		for i := range db.MaxAPIKeys - 3 {
			if err := add(two.both[0], 100+i); err != nil {
				t.Fatal(err)
			}
		}
		if done := two.do(10, add, db.ErrTooMany); done != 3 {
			t.Errorf("city %d: %d more keys were stored", cityID, done)
		}
	}
}

func TestTheStoreAtOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	put := func(key string, expected int64) func(*db.DB, int) error {
		return func(d *db.DB, i int) error {
			_, err := d.Store(dbtest.MustMakeBox(t), c.ID, "api").Put(t.Context(), key, fmt.Sprint(i), expected)
			return err
		}
	}
	if done := two.do(8, put("new", 0), db.ErrRevision); done != 1 {
		t.Errorf("a new key was stored %d times", done)
	}
	_, revision, err := two.both[0].Store(dbtest.MustMakeBox(t), c.ID, "api").Get(t.Context(), "new")
	if err != nil {
		t.Fatal(err)
	}
	if done := two.do(8, put("new", revision), db.ErrRevision); done != 1 {
		t.Errorf("a revision was replaced %d times", done)
	}
}

// TestCityChangesAtOnce adds a letter to the text of a page many times.
func TestCityChangesAtOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	two.do(20, func(d *db.DB, _ int) error {
		_, err := d.ChangeCity(t.Context(), c.ID, func(c *report.City) error {
			c.Page += "x"
			return nil
		})
		return err
	})
	if got, err := two.both[0].City(t.Context(), c.ID); err != nil || got.Page != strings.Repeat("x", 20) {
		t.Errorf("the page is %q, %v", got.Page, err)
	}
}

func TestPlacesAtOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	other := errors.New("somebody was faster")
	done := two.do(8, func(d *db.DB, i int) error {
		return d.ReplacePlaces(t.Context(), c.ID, fmt.Sprint("U", i), func(stored string) error {
			if stored != "" {
				return other
			}
			return nil
		})
	}, other)
	if done != 1 {
		t.Errorf("places were stored %d times in place of none", done)
	}
}

func TestSecretsAtOnce(t *testing.T) {
	two := openTogether(t)
	var mu sync.Mutex
	kept := map[string]bool{}
	two.do(8, func(d *db.DB, i int) error {
		got, err := d.Secrets(dbtest.MustMakeBox(t)).PutNew(t.Context(), "key", fmt.Sprint(i))
		mu.Lock()
		defer mu.Unlock()
		kept[got] = true
		return err
	})
	if len(kept) != 1 {
		t.Errorf("processes keep %v", kept)
	}
}

func TestFirstBotsAtOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city")
	var makers atomic.Int64
	two.do(8, func(d *db.DB, _ int) error {
		_, made, err := d.FirstBot(t.Context(), c.ID, "toy")
		if made {
			makers.Add(1)
		}
		return err
	})
	if n := two.count("SELECT count(*) FROM bots WHERE network = 'toy'"); n != 1 || makers.Load() != 1 {
		t.Errorf("%d bots, %d times made", n, makers.Load())
	}
}

// TestTakingBackAtOnce has two moderators take a report back: it is taken back once.
func TestTakingBackAtOnce(t *testing.T) {
	two := openTogether(t)
	c := two.city("city", "toy")
	d := two.both[0]
	h := dbtest.MustHear(t, d, newReport(c, "1", "a", "text", noon))
	saved := dbtest.MustJudge(t, d, h, passed, dbtest.NoBrake{}, db.Audience{BotID: 1, Recipients: []int64{7}})
	f := saved.Fanouts[0]
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Counts: db.Counts{Sent: 1}, Receipts: sentTo(7)})
	done := two.do(6, func(d *db.DB, _ int) error { return d.TakeBack(t.Context(), c.ID, "1") }, db.ErrNotFound)
	if n := two.count("SELECT count(*) FROM fanouts"); done != 1 || n != 1 {
		t.Errorf("taken back %d times, by %d fanouts", done, n)
	}
}

// TestAPausedCityHasHeardNothing has reports come while the city is paused.
func TestAPausedCityHasHeardNothing(t *testing.T) {
	two := openTogether(t)
	for round := range 10 {
		c := two.city(fmt.Sprint("city", round))
		two.do(8, func(_ *db.DB, i int) error {
			if i == 3 {
				_, _, err := two.both[1].Pause(t.Context(), c.ID)
				return err
			}
			return two.both[0].Hear(t.Context(), newReport(c, fmt.Sprint(round, " ", i), "a", "text", noon))
		}, db.ErrPaused)
		if n := two.count("SELECT count(*) FROM reports WHERE city_id = ?", c.ID); n != 0 {
			t.Fatalf("%d reports are there", n)
		}
	}
}

// TestLettingThroughAndThrowingAway has one moderator let a report through that another
// throws away: it is sent, or gone.
func TestLettingThroughAndThrowingAway(t *testing.T) {
	two := openTogether(t)
	d := two.both[0]
	for round := range 10 {
		c := two.city(fmt.Sprint("city", round), "toy")
		h := dbtest.MustHear(t, d, newReport(c, fmt.Sprint(round), "a", "text", noon))
		dbtest.MustJudge(t, d, h, report.Verdict{Reason: report.ReasonFlood}, dbtest.NoBrake{})
		var saved db.Saved
		two.do(2, func(d *db.DB, i int) (err error) {
			if i == 0 {
				saved, err = d.Decide(t.Context(), db.Ruling{Heard: h, Verdict: passed, Audiences: []db.Audience{{BotID: 1, Recipients: []int64{7}}}})
				return err
			}
			_, err = d.ThrowAway(t.Context(), c.ID, db.Choice{})
			return err
		})
		there := two.count("SELECT count(*) FROM reports WHERE seq = ?", h.Seq)
		if fanouts := two.count("SELECT count(*) FROM fanouts WHERE report = ?", h.Seq); there != fanouts || saved.Judged != (there == 1) {
			t.Fatalf("%d reports are there with %d fanouts; let through: %v", there, fanouts, saved.Judged)
		}
	}
}

// TestLateChangesAreFound has a change be committed after one that began later.
func TestLateChangesAreFound(t *testing.T) {
	home := dbtest.MustMakeHome(t)
	watcher, slow, quick := dbtest.MustOpenAt(t, home, clock, nil), dbtest.MustOpenAt(t, home, clock, nil), dbtest.MustOpenAt(t, home, clock, nil)
	e, err := watcher.FollowElsewhere(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	finds := func(want ...int64) {
		t.Helper()
		if got, err := e.Next(t.Context()); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("found %v, %v, want %v", got, err, want)
		}
	}
	change := func(ctx context.Context, d *db.DB, cityID int64, wait func()) error {
		return d.Write(ctx, func(tx *gorm.DB) error {
			defer wait()
			return d.CityChanged(tx, cityID)
		})
	}
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- change(t.Context(), slow, 1, func() { close(begun); <-end })
	}()
	<-begun
	if watcher.OnServer() { // where there is one, transactions run side by side
		if err := change(t.Context(), quick, 2, func() {}); err != nil {
			t.Error(err)
		}
		finds(2)
		finds()
	}
	close(end)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	finds(1)
	finds()
	if err := change(t.Context(), quick, 1, func() {}); err != nil {
		t.Error(err)
	}
	if err := change(t.Context(), watcher, 3, func() {}); err != nil { // its own
		t.Error(err)
	}
	finds(1)
	finds()
}

// TestChangesAtOnceAreAllFound has many changes be committed while a process asks for them.
func TestChangesAtOnceAreAllFound(t *testing.T) {
	home := dbtest.MustMakeHome(t)
	watcher := dbtest.MustOpenAt(t, home, clock, nil)
	two := together{t, [2]*db.DB{dbtest.MustOpenAt(t, home, clock, nil), dbtest.MustOpenAt(t, home, clock, nil)}}
	e, err := watcher.FollowElsewhere(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[int64]bool{}
	look := func() {
		list, err := e.Next(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, id := range list {
			found[id] = true
		}
	}
	const changes = 60
	all := make(chan struct{})
	go func() {
		defer close(all)
		two.do(changes, func(d *db.DB, i int) error {
			return d.Write(t.Context(), func(tx *gorm.DB) error { return d.CityChanged(tx, int64(1+i)) })
		})
	}()
	for running := true; running; {
		select {
		case <-all:
			running = false
		default:
		}
		look()
	}
	if len(found) != changes {
		t.Errorf("%d of %d changed cities were found", len(found), changes)
	}
}

// TestRequestsToTheAPIAtOnce has the same request come to two processes: one does it, and
// again only where that was not done.
func TestRequestsToTheAPIAtOnce(t *testing.T) {
	two := openTogether(t)
	if !two.both[0].OnServer() {
		t.Skip("with a file there is one process that answers requests")
	}
	k, err := two.both[0].AddAPIKey(t.Context(), apikey.Key{CityID: two.city("city").ID, Name: "key"}, "hash")
	if err != nil {
		t.Fatal(err)
	}
	asked := db.APIAnswer{KeyID: k.ID, Request: "request", Body: "body"}
	claims := func() int {
		other := errors.New("another process does it")
		return two.do(8, func(d *db.DB, _ int) error {
			claimed, err := d.ClaimAPIAnswer(t.Context(), asked)
			if err == nil && !claimed {
				err = other
			}
			return err
		}, other)
	}
	if n := claims(); n != 1 {
		t.Errorf("%d do it", n)
	}
	if n := claims(); n != 0 {
		t.Errorf("%d do it a second time", n)
	}
	if _, err := two.both[1].FindAPIAnswer(t.Context(), k.ID, "request"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("there is an answer: %v", err)
	}
	if err := two.both[1].DropAPIAnswer(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if n := claims(); n != 1 {
		t.Errorf("%d do it after it was not done", n)
	}
	asked.Answer = "answer"
	if err := two.both[0].SaveAPIAnswer(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if got, err := two.both[1].FindAPIAnswer(t.Context(), k.ID, "request"); err != nil || got.Answer != "answer" || claims() != 0 {
		t.Errorf("the answer is %q, %v", got.Answer, err)
	}
}
