package stream

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
)

// wantWrong wants a trigger not to be stored because of a field.
func (s *street) wantWrong(field string, want Trigger) {
	s.t.Helper()
	_, err := s.triggers().Put(s.t.Context(), s.city.ID, want, Any)
	invalid, ok := errors.AsType[Invalid](err)
	if !ok {
		s.t.Errorf("%s of %+v: %v", field, want, err)
		return
	}
	for _, f := range invalid {
		if f.Field == field {
			return
		}
	}
	s.t.Errorf("%s of %+v: %v", field, want, err)
}

func TestWhatIsWrongWithATrigger(t *testing.T) {
	s := newStreet(t)
	post := func(change func(*Trigger)) Trigger {
		w := way("a", inbound.Bearer)
		change(&w)
		return w
	}
	feed := func(change func(*Trigger)) Trigger {
		w := NewTrigger(PresetFeed)
		w.Name, w.URL = "a", "https://operator.example/rss"
		change(&w)
		return w
	}
	s.wantWrong("name", post(func(t *Trigger) { t.Name = "Ü" }))
	s.wantWrong("preset", post(func(t *Trigger) { t.Preset = "github" }))
	s.wantWrong("secret", post(func(t *Trigger) { t.Secret = "short" }))
	s.wantWrong("text", post(func(t *Trigger) { t.Text = "body.text +" }))
	s.wantWrong("text", post(func(t *Trigger) { t.Text = "title" }))
	s.wantWrong("id", post(func(t *Trigger) { t.ID = "1..1000000" }))
	s.wantWrong("time", post(func(t *Trigger) { t.Time = strings.Repeat("x", 2001) }))
	s.wantWrong("url", post(func(t *Trigger) { t.URL = "https://operator.example" }))
	s.wantWrong("words", post(func(t *Trigger) { t.Words = []string{"U1"} }))
	s.wantWrong("when", post(func(t *Trigger) { t.When = "true" }))
	s.wantWrong("every", post(func(t *Trigger) { t.Every = 2 }))
	for _, url := range []string{"", "operator.example", "ftp://operator.example", "https://", "https://u:p@operator.example", "http://tickets.example/city/x/feed.atom", "https://x.example/" + strings.Repeat("x", 2000)} {
		s.wantWrong("url", feed(func(t *Trigger) { t.URL = url }))
	}
	s.wantWrong("secret", feed(func(t *Trigger) { t.Secret = "0123456789abcdef" }))
	s.wantWrong("id", feed(func(t *Trigger) { t.ID = "title" }))
	s.wantWrong("time", feed(func(t *Trigger) { t.Time = "published" }))
	s.wantWrong("when", feed(func(t *Trigger) { t.When = `titel contains "U1"` }))
	s.wantWrong("every", feed(func(t *Trigger) { t.Every = -1 }))
	s.wantWrong("every", feed(func(t *Trigger) { t.Every = 24*60 + 1 }))
	s.wantWrong("words", feed(func(t *Trigger) { t.Words = strings.Fields(strings.Repeat("x ", 31)) }))
	s.wantWrong("words", feed(func(t *Trigger) { t.Words = []string{strings.Repeat("ü", 61)} }))
	s.Config.Network.AllowPrivate = false
	s.wantWrong("url", feed(func(t *Trigger) { t.URL = "http://192.168.0.1/rss" }))
	if list := s.Bots(s.city); len(list) > 0 {
		t.Errorf("what is not stored makes the bot %v", list)
	}
}

func TestTriggersAreStored(t *testing.T) {
	s := newStreet(t)
	first := s.let(way("b", inbound.SHA256))
	feed := NewTrigger(PresetFeed)
	feed.Name, feed.URL, feed.Words = "a", " https://operator.example/rss?key=sesame ", []string{" U1 ", ""}
	s.let(feed)
	list, err := s.triggers().List(t.Context(), s.city.ID)
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[0].Every != 2 || list[0].Words[0] != "U1" || len(list[0].Words) != 1 ||
		list[0].URL != "https://operator.example/rss?key=sesame" || list[1].Secret != "" || list[1].Text != "body.text" {
		t.Fatalf("%+v, %v", list, err)
	}
	s.sealed(first.Secret, "sesame")
	put := func(want Trigger, revision int64) error {
		_, err := s.triggers().Put(t.Context(), s.city.ID, want, revision)
		return err
	}
	want := first.Trigger
	want.Secret, want.Text = "", "body.words"
	for revision, fails := range map[int64]error{Absent: ErrChanged, first.Revision + 1: ErrChanged, 7: ErrChanged} {
		if err := put(want, revision); !errors.Is(err, fails) {
			t.Errorf("revision %d: %v", revision, err)
		}
	}
	must(t, put(want, first.Revision))
	if err := put(want, first.Revision); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	other := want
	other.Name = "c"
	if err := put(other, 5); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	if _, err := s.triggers().Change(t.Context(), s.city.ID, "b", Any, func(t *Trigger) error { t.Name = "a"; return nil }); err == nil {
		t.Error("two have one name")
	}
	body := `{"words":"U1"}`
	s.post("b", body, hubOf(first.Secret, body)...).wants(t, 202, "") // it has its secret still
	must(t, s.triggers().Delete(t.Context(), s.city.ID, "b", Any))
	if err := s.triggers().Delete(t.Context(), s.city.ID, "b", Any); !errors.Is(err, db.ErrNotFound) {
		t.Error(err)
	}
	s.post("b", body, hubOf(first.Secret, body)...).wants(t, 404, "")
}

// sealed looks for secrets in what is stored.
func (s *street) sealed(secrets ...string) {
	s.t.Helper()
	columns, err := db.ReadColumn[string](s.t.Context(), s.DB, "SELECT name || ' ' || secret || ' ' || url FROM stream_triggers")
	must(s.t, err)
	for _, secret := range secrets {
		if secret == "" || strings.Contains(strings.Join(columns, "\n"), secret) {
			s.t.Errorf("%q is stored as it is", secret)
		}
	}
}

// The secret before counts no more once there is a new one.
func TestAnotherSecret(t *testing.T) {
	s := newStreet(t)
	const body = `{"text":"U1"}`
	first := s.let(way("a", inbound.Bearer)).Secret
	second, err := s.triggers().Rotate(t.Context(), s.city.ID, "a", "")
	must(t, err)
	if second.Secret == first || second.Secret == "" {
		t.Fatalf("rotated to %q", second.Secret)
	}
	s.post("a", body, bearerOf(first)...).wants(t, 401, "")
	s.post("a", body, bearerOf(second.Secret)...).wants(t, 202, "")
	third, err := s.triggers().Rotate(t.Context(), s.city.ID, "a", "a-secret-of-their-own")
	if err != nil || third.Secret != "" {
		t.Errorf("%+v, %v", third, err)
	}
	s.post("a", body, bearerOf("a-secret-of-their-own")...).wants(t, 202, "")
	if _, err := s.triggers().Rotate(t.Context(), s.city.ID, "a", "short"); err == nil {
		t.Error("a short secret is stored")
	}
	s.post("a", body, bearerOf("a-secret-of-their-own")...).wants(t, 202, "")
	// Another preset needs another secret.
	changed, err := s.triggers().Change(t.Context(), s.city.ID, "a", Any, func(t *Trigger) error { t.Preset = "standard-webhooks"; return nil })
	if err != nil || !strings.HasPrefix(changed.Secret, "whsec_") {
		t.Errorf("%+v, %v", changed, err)
	}
}

func TestHowManyTriggers(t *testing.T) {
	s := newStreet(t)
	feed := func(i int) Trigger {
		f := NewTrigger(PresetFeed)
		f.Name, f.URL = fmt.Sprint("feed-", i), "https://operator.example"
		return f
	}
	var all sync.WaitGroup
	errs := make(chan error, 2*MaxTriggers+2)
	for i := range MaxTriggers + 1 {
		for _, w := range []Trigger{way(fmt.Sprint("post-", i), inbound.Bearer), feed(i)} {
			all.Go(func() {
				_, err := s.triggers().Put(t.Context(), s.city.ID, w, Absent)
				errs <- err
			})
		}
	}
	all.Wait()
	close(errs)
	tooMany := 0
	for err := range errs {
		if errors.Is(err, ErrTooManyTriggers) {
			tooMany++
		} else if err != nil {
			t.Error(err)
		}
	}
	if bots := s.Bots(s.city); tooMany != 2 || len(bots) != 1 {
		t.Errorf("%d are too many, bots %v", tooMany, bots)
	}
}

// What was stored with another key is said, and can be put in again.
func TestTriggersOfAnotherKey(t *testing.T) {
	s := newStreet(t)
	s.let(way("a", inbound.Bearer))
	feed := NewTrigger(PresetFeed)
	feed.Name, feed.URL = "b", "https://operator.example"
	s.let(feed)
	must(t, s.DB.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE stream_triggers SET secret = CASE secret WHEN '' THEN '' ELSE 'x' END, url = CASE url WHEN '' THEN '' ELSE 'x' END").Error
	}))
	list, err := s.triggers().List(t.Context(), s.city.ID)
	must(t, err)
	for _, got := range list {
		if got.Running || !strings.Contains(got.Trouble, "another secret key") {
			t.Errorf("shown as %+v", got)
		}
	}
	s.post("a", `{"text":"U1"}`, bearerOf("x")...).wants(t, 503, "try again")
	open, err := s.Open(s.Bots(s.city)[0])
	must(t, err)
	must(t, open.Receive(t.Context(), nil))
	if _, err := s.triggers().Rotate(t.Context(), s.city.ID, "a", ""); err != nil {
		t.Error(err)
	}
	if _, err := s.triggers().Put(t.Context(), s.city.ID, feed, Any); err != nil {
		t.Error(err)
	}
	list, err = s.triggers().List(t.Context(), s.city.ID)
	if err != nil || list[0].Trouble != "" || list[1].Trouble != "" {
		t.Errorf("%+v, %v", list, err)
	}
}

// Deleted with their bot.
func TestTriggersAreForgotten(t *testing.T) {
	s := newStreet(t)
	s.let(way("a", inbound.Bearer))
	b := s.Bots(s.city)[0]
	feed := NewTrigger(PresetFeed)
	feed.Name, feed.URL = "b", "https://operator.example"
	s.let(feed)
	rows, err := s.network.triggerRows(t.Context(), b.ID)
	must(t, err)
	must(t, s.network.remember(t.Context(), rows[1], []string{"item"}, nil, s.Now()))
	s.post("a", `{"text":"U1"}`).wants(t, http.StatusUnauthorized, "")
	s.put(to("c", s.targets.Hook()))
	s.mustSend(s.on("U1", onU1))
	must(t, s.Network.Forget(t.Context(), b))
	if n := s.network; len(n.lanes.all) > 0 {
		t.Errorf("in memory are %d lanes", len(n.lanes.all))
	}
	if rows := s.Rows(b); len(rows) > 0 {
		t.Errorf("left are %v", rows)
	}
	if left, err := db.ReadColumn[string](t.Context(), s.DB, "SELECT item FROM stream_seen"); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

var _ bots.CityHooked = (*Network)(nil)
