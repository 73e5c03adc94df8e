package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/filter"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// What a script stores is what it gets back, but for what is secret.
func TestPutAndGet(t *testing.T) {
	s := newStreet(t)
	if list, err := s.streams().List(t.Context(), s.city.ID); err != nil || len(list) != 0 || len(s.Bots(s.city)) != 0 {
		t.Fatalf("before the first: %v, %v", list, err)
	}
	var want Stream
	must(t, json.Unmarshal([]byte(`{"name":"u1-night","include":{"line":["U1"]},"exclude":{"network":["mail"]},"when":"hour >= 20 or hour < 5",
		"target":"https://discord.com/api/webhooks/123/secret-token","look":"card","events":["report.taken_back","report.passed"],
		"mention":"@here","mention_every":30,"running":true}`), &want))
	stored := s.put(want)
	if !stored.Created || stored.Secret != "" || len(s.Bots(s.city)) != 1 {
		t.Errorf("stored %+v", stored)
	}
	got := s.get("u1-night")
	if diff := cmp.Diff(stored.Stream, got); diff != "" {
		t.Error(diff)
	}
	raw, err := json.Marshal(got)
	must(t, err)
	const form = `{"name":"u1-night","include":{"line":["U1"]},"exclude":{"network":["mail"]},"when":"hour \u003e= 20 or hour \u003c 5",` +
		`"target":"discord.com/…oken","look":"card","events":["report.passed","report.taken_back"],"mention":"@here","mention_every":30,"running":true,"kind":"discord","revision":%d}`
	if diff := cmp.Diff(fmt.Sprintf(form, got.Revision), string(raw)); diff != "" {
		t.Error(diff)
	}
	// What is shown can be stored again.
	got.When = ""
	again := s.put(got)
	if again.Created || again.Target != "discord.com/…oken" || again.Revision <= got.Revision {
		t.Errorf("stored again as %+v", again)
	}
	if entry := s.entry("u1-night"); entry.Target != "https://discord.com/api/webhooks/123/secret-token" {
		t.Errorf("its target became %s", entry.Target)
	}
}

// entry is a stream as it is used.
func (s *street) entry(name string) *entry {
	s.t.Helper()
	all, err := s.network.of(s.t.Context(), s.Bots(s.city)[0])
	must(s.t, err)
	i := slices.IndexFunc(all.streams, func(e *entry) bool { return e.Name == name })
	if i < 0 {
		s.t.Fatalf("no stream %s", name)
	}
	return all.streams[i]
}

// What is wrong is said field by field, and nothing is stored.
func TestInvalidStreams(t *testing.T) {
	s := newStreet(t)
	s.Config.Network.AllowPrivate = false
	hook := "https://hooks.example.org/in"
	for name, c := range map[string]struct {
		change func(*Stream)
		fields []string
		says   string
	}{
		"no name":           {func(w *Stream) { w.Name = "" }, []string{"name"}, "lower case letters"},
		"a name in capital": {func(w *Stream) { w.Name = "U1 Nacht" }, []string{"name"}, "lower case letters"},
		"a long name":       {func(w *Stream) { w.Name = strings.Repeat("a", 41) }, []string{"name"}, "up to 40"},
		"a look":            {func(w *Stream) { w.Look = "embed" }, []string{"look"}, "card"},
		"an event":          {func(w *Stream) { w.Events = []string{"Report Passed"} }, []string{"events"}, "Report Passed is no event"},
		"no target":         {func(w *Stream) { w.Target = "" }, []string{"target"}, "https://"},
		"a mail address":    {func(w *Stream) { w.Target = "mailto:a@example.org" }, []string{"target"}, "https://"},
		"a host alone":      {func(w *Stream) { w.Target = "example.org/in" }, []string{"target"}, "https://"},
		"a long address":    {func(w *Stream) { w.Target = hook + strings.Repeat("a", 2000) }, []string{"target"}, "2000"},
		"an address inside": {func(w *Stream) { w.Target = "http://10.1.2.3/in" }, []string{"target"}, "private network"},
		"loopback":          {func(w *Stream) { w.Target = "http://[::1]:9000/in" }, []string{"target"}, "private network"},
		"this server":       {func(w *Stream) { w.Target = "http://Tickets.Example:80/city/x/stream/in/y" }, []string{"target"}, "this server"},
		"Discord's page":    {func(w *Stream) { w.Target = "https://discord.com/channels/1/2" }, []string{"target"}, "Copy Webhook URL"},
		"Slack's page":      {func(w *Stream) { w.Target = "https://hooks.slack.com/triggers/T1/2/3" }, []string{"target"}, "hooks.slack.com/services"},
		"stdout":            {func(w *Stream) { w.Target = "stdout:" }, []string{"target"}, "stream.stdout"},
		"a mention":         {func(w *Stream) { w.Target, w.Mention = "https://discord.com/api/webhooks/1/a", "@anna" }, []string{"mention"}, "@here"},
		"a mention there":   {func(w *Stream) { w.Mention = "@here" }, []string{"mention"}, "Discord"},
		"minutes":           {func(w *Stream) { w.MentionEvery = -1 }, []string{"mention_every"}, "minutes"},
		"a wrong line":      {func(w *Stream) { w.Include = map[string][]string{"line": {"U7"}} }, []string{"include"}, ""},
		"a wrong attribute": {func(w *Stream) { w.Exclude = map[string][]string{"lien": {"U1"}} }, []string{"exclude"}, ""},
		"a wrong network":   {func(w *Stream) { w.When = `network == "telgram"` }, []string{"when"}, ""},
		"several":           {func(w *Stream) { w.Name, w.Look, w.When = "", "x", "lien" }, []string{"name", "look", "when"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := to("a", hook)
			c.change(&want)
			_, err := s.streams().Put(t.Context(), s.city.ID, want, Any)
			if diff := cmp.Diff(c.fields, wrongIn(err)); diff != "" {
				t.Fatalf("%v: %s", err, diff)
			}
			first, _ := errors.AsType[*bots.FieldError](err)
			if c.says != "" && !strings.Contains(s.inEnglish(first.Err), c.says) {
				t.Errorf("says %q", s.inEnglish(first.Err))
			}
		})
	}
	if n := len(s.Bots(s.city)); n > 0 {
		t.Errorf("%d bots were made for nothing", n)
	}
}

// Two who change a stream at the same time do not undo each other's work.
func TestRevisions(t *testing.T) {
	s := newStreet(t)
	first := s.put(to("a", s.targets.Hook()))
	want := to("a", "")
	want.When = "private"
	if _, err := s.streams().Put(t.Context(), s.city.ID, want, Absent); !errors.Is(err, ErrChanged) {
		t.Errorf("made twice: %v", err)
	}
	second, err := s.streams().Put(t.Context(), s.city.ID, want, first.Revision)
	must(t, err)
	if _, err := s.streams().Put(t.Context(), s.city.ID, want, first.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("put on an old one: %v", err)
	}
	if err := s.streams().Delete(t.Context(), s.city.ID, "a", first.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("an old one deleted: %v", err)
	}
	if _, err := s.streams().Change(t.Context(), s.city.ID, "a", first.Revision, func(*Stream) error { return nil }); !errors.Is(err, ErrChanged) {
		t.Errorf("an old one changed: %v", err)
	}
	third, err := s.streams().Change(t.Context(), s.city.ID, "a", second.Revision, func(w *Stream) error {
		w.Name, w.Running = "b", false
		return nil
	})
	must(t, err)
	if third.Name != "b" || third.Running || third.When != "private" || third.Secret != "" {
		t.Errorf("changed to %+v", third)
	}
	s.put(to("a", s.targets.Hook()))
	_, err = s.streams().Change(t.Context(), s.city.ID, "b", Any, func(w *Stream) error { w.Name = "a"; return nil })
	if diff := cmp.Diff([]string{"name"}, wrongIn(err)); diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	must(t, s.streams().Delete(t.Context(), s.city.ID, "b", third.Revision))
	if _, err := s.streams().Get(t.Context(), s.city.ID, "b"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("what was deleted: %v", err)
	}
	if _, err := s.streams().Put(t.Context(), s.city.ID, to("c", s.targets.Hook()), first.Revision); !errors.Is(err, ErrChanged) {
		t.Errorf("put where there is none: %v", err)
	}
}

// One city's streams are nobody else's, and ids are never used again.
func TestCitiesApart(t *testing.T) {
	s := newStreet(t)
	other := s.AddCity("fuerth", "de")
	s.put(to("a", s.targets.Hook()))
	id := s.entry("a").row.ID
	if _, err := s.streams().Get(t.Context(), other.ID, "a"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("seen from elsewhere: %v", err)
	}
	if err := s.streams().Delete(t.Context(), other.ID, "a", Any); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("deleted from elsewhere: %v", err)
	}
	must(t, s.streams().Delete(t.Context(), s.city.ID, "a", Any))
	s.put(to("a", s.targets.Hook()))
	if again := s.entry("a").row.ID; again <= id {
		t.Errorf("the id %d was used again", again)
	}
	must(t, s.Network.Forget(t.Context(), s.Bots(s.city)[0]))
	if list, err := s.streams().List(t.Context(), s.city.ID); err != nil || len(list) != 0 {
		t.Errorf("after the bot was disconnected: %v, %v", list, err)
	}
}

func TestTooManyStreams(t *testing.T) {
	s := newStreet(t)
	var group sync.WaitGroup
	for i := range 5 { // at once: one bot is made
		group.Go(func() { s.put(to(fmt.Sprint("s", i), s.targets.Hook())) })
	}
	group.Wait()
	var full atomic.Int32
	for i := 5; i < MaxStreams+5; i++ {
		group.Go(func() {
			_, err := s.streams().Put(t.Context(), s.city.ID, to(fmt.Sprint("s", i), s.targets.Hook()), Any)
			if errors.Is(err, ErrTooMany) {
				full.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if list, err := s.streams().List(t.Context(), s.city.ID); err != nil || len(list) != MaxStreams || full.Load() != 5 {
		t.Errorf("%d streams, %d were one too many: %v", len(list), full.Load(), err)
	}
	_, err := s.streams().Put(t.Context(), s.city.ID, to("more", s.targets.Hook()), Any)
	if !errors.Is(err, ErrTooMany) || len(s.Bots(s.city)) != 1 {
		t.Errorf("one too many: %v; %d bots", err, len(s.Bots(s.city)))
	}
	s.put(to("s3", s.targets.Hook()))
}

// Who asks for no revision is let through, also beside others who store the same stream.
func TestStoredAtOnce(t *testing.T) {
	s := newStreet(t)
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			want := to("a", s.targets.Hook())
			want.When = fmt.Sprintf("people != %d", i)
			if _, err := s.streams().Put(t.Context(), s.city.ID, want, Any); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// Nothing that is secret stands in the database as it is.
func TestTargetsAreSealed(t *testing.T) {
	s := newStreet(t)
	stored := s.put(to("a", s.targets.Hook()+"?key=hidden-word"))
	var all []string
	for _, column := range []string{"target", "secret"} {
		texts, err := db.ReadColumn[string](t.Context(), s.DB, "SELECT "+column+" FROM stream_streams")
		must(t, err)
		all = append(all, texts...)
	}
	text := strings.Join(all, " ")
	for _, secret := range []string{"hidden-word", "127.0.0.1", stored.Secret, strings.TrimPrefix(stored.Secret, "whsec_")} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is stored as it is", secret)
		}
	}
}

// How targets are shown.
func TestShown(t *testing.T) {
	for target, want := range map[string]string{
		"https://discord.com/api/webhooks/1/abcdefgh": "discord.com/…efgh",
		"https://user:pass@example.org/in/abcdefgh":   "example.org/…efgh",
		"https://example.org":                         "example.org/…",
		"https://example.org/":                        "example.org/…",
		"https://example.org/abcd":                    "example.org/…",
		"https://example.org/?token=abcdefgh":         "example.org/…efgh",
		"http://127.0.0.1:8070/hooks/abcdefgh/":       "127.0.0.1:8070/…efgh",
		"stdout:":                                     "stdout:",
	} {
		if got := Shown(target); got != want {
			t.Errorf("%s is shown as %s, want %s", target, got, want)
		}
	}
}

// A filter is tried on what passed before it is stored.
func TestTry(t *testing.T) {
	s := newStreet(t)
	for i := range 55 {
		r := s.on(fmt.Sprint("Nr. ", i), onU1)
		if i%5 == 0 {
			r.Reading = onU2
		}
		r.Time = s.Now().Add(time.Duration(i-60) * time.Minute)
		s.Pass(r)
	}
	list, err := s.streams().Try(t.Context(), s.city.ID, filter.Spec{Include: map[string][]string{"line": {"U2"}}})
	must(t, err)
	var out []string
	for _, l := range list {
		if l.Out {
			out = append(out, l.Text)
		}
	}
	if want := []string{"Nr. 50", "Nr. 45", "Nr. 40"}; len(list) != 50 || len(out) != 10 || !slices.Equal(out[:3], want) || list[0].Text != "Nr. 54" {
		t.Errorf("of %d, %v", len(list), out)
	}
	_, err = s.streams().Try(t.Context(), s.city.ID, filter.Spec{When: "lien"})
	if diff := cmp.Diff([]string{"when"}, wrongIn(err)); diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// How many reports an author has written is counted, and who it is nobody is told.
func TestAuthors(t *testing.T) {
	s := newStreet(t)
	want := to("known", s.targets.Hook())
	want.When = "author.known and author.refused == 0"
	s.put(want)
	r := s.on("U1 eins", onU1)
	r.Author = "anna"
	if sent, _, _ := s.send(r); len(sent) != 0 {
		t.Errorf("somebody new is sent %d times", len(sent))
	}
	s.Pass(r)
	r.ID, r.Text = "another", "U1 zwei"
	s.mustSend(r)
	if body := s.got("/hooks/")[0].Body; strings.Contains(body, "anna") {
		t.Errorf("the author is told: %s", body)
	}
}

// A stream whose line is gone stops and says so; others go on.
func TestFilterThatDoesNotHold(t *testing.T) {
	s := newStreet(t)
	want := to("u2", s.targets.Hook())
	want.Include = map[string][]string{"line": {"U2"}}
	s.put(want)
	s.put(to("all", s.targets.Hook()))
	s.places("U1: Langwasser, Plärrer, Fürth")
	if got := s.get("u2"); got.Running || !strings.Contains(got.Paused, "U2") || !strings.HasPrefix(got.Why.Say(s.german), "Sein Filter passt nicht mehr zur Stadt: ") {
		t.Errorf("it says %+v, %s", got, got.Why.Say(s.german))
	}
	s.mustSend(s.on("U2", onU2))
	s.places("U1: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Plärrer")
	if got := s.get("u2"); got.Running || got.Paused == "" {
		t.Errorf("it runs again by itself: %+v", got)
	}
	_, err := s.streams().Change(t.Context(), s.city.ID, "u2", Any, func(w *Stream) error { w.Running = true; return nil })
	must(t, err)
	if sent, _, _ := s.send(s.on("U2 wieder", onU2)); len(sent) != 2 {
		t.Errorf("sent to %d", len(sent))
	}
}

// A city without streams pays nothing; whoever counts people does not count streams.
func TestCounts(t *testing.T) {
	s := newStreet(t)
	n := s.Network.(interface {
		bots.Recipients
		bots.Grouped
	})
	off := to("off", s.targets.Hook())
	off.Running = false
	s.put(off)
	s.put(to("on", s.targets.Hook()))
	b := s.Bots(s.city)[0]
	if count, err := n.CountRecipients(t.Context(), b); count != 1 || err != nil {
		t.Errorf("%d streams, %v", count, err)
	}
	if people, err := s.Cities.Subscribers(t.Context(), s.city); len(people) != 0 || err != nil {
		t.Errorf("%v people, %v", people, err)
	}
	ids, err := n.Recipients(t.Context(), b, s.on("U1", onU1))
	must(t, err)
	if groups, err := n.Groups(t.Context(), b, ids); groups != 1 || err != nil {
		t.Errorf("%d groups, %v", groups, err)
	}
	open, err := s.Open(b)
	must(t, err)
	if err := open.Receive(t.Context(), nil); err != nil { // ends at once: nobody listens
		t.Error(err)
	}
	if s.Bus.Wanted(s.city.ID, bus.ReportRefused) {
		t.Error("somebody listens")
	}
}

// What was stored with another secret key says so, and can be put in again.
func TestSealedWithAnotherKey(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Hook()))
	must(t, s.DB.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE stream_streams SET target = ?, secret = ?", s.Secrets.Seal("elsewhere", "x"), s.Secrets.Seal("elsewhere", "y")).Error
	}))
	s.Notices.Changed(s.city.ID)
	if got := s.get("a"); got.Running || !strings.Contains(got.Paused, "another secret key") {
		t.Errorf("it says %+v", got)
	}
	if sent, _, _ := s.send(s.on("U1", onU1)); len(sent) != 0 {
		t.Errorf("sent %d times", len(sent))
	}
	if _, err := s.streams().Rotate(t.Context(), s.city.ID, "a"); err == nil {
		t.Error("a secret that cannot be read was renewed")
	}
	if stored := s.put(to("a", s.targets.Hook())); stored.Secret == "" || stored.Paused != "" {
		t.Errorf("put in again: %+v", stored)
	}
	s.mustSend(s.on("U1 wieder", onU1))
}

// A moderator picks U1 and leaves mails out: mails on U1 and the U2 do not arrive.
func TestIncludeAndExclude(t *testing.T) {
	s := newStreet(t)
	want := to("u1", s.targets.Hook())
	want.Include, want.Exclude = map[string][]string{"line": {"U1"}, "network": {"*"}}, map[string][]string{"network": {"mail"}}
	s.put(want)
	byMail := s.on("U1 per Mail", onU1)
	byMail.Network, byMail.Visibility = "mail", report.Private
	for _, r := range []report.Report{s.on("U2", onU2), byMail, s.on("nichts", report.Reading{})} {
		if sent, _, _ := s.send(r); len(sent) != 0 {
			t.Errorf("%s is sent", r.Text)
		}
	}
	s.mustSend(s.on("U1", onU1))
	// The next report follows the new filter.
	want.Include = map[string][]string{"line": {"U2"}}
	s.put(want)
	s.mustSend(s.on("U2 wieder", onU2))
	if sent, _, _ := s.send(s.on("U1 wieder", onU1)); len(sent) != 0 {
		t.Error("the former filter still holds")
	}
}
