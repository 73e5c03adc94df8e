package stream

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/bots/kit/kittest"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/filter"
	"ticketfrei/internal/report"
)

const form = "/settings/stream/save"

// filled are the values that a browser sends of the form that is sent to path.
func filled(tb testing.TB, p *kittest.Page, path string) url.Values {
	tb.Helper()
	doc, err := html.Parse(strings.NewReader(p.Body))
	must(tb, err)
	values := url.Values{}
	for n := range doc.Descendants() {
		if n.Data != "form" || !strings.HasPrefix(get(n, "action"), path) {
			continue
		}
		for field := range n.Descendants() {
			fill(values, field)
		}
	}
	if len(values) == 0 {
		tb.Fatalf("there is no form for %s on\n%s", path, p.Text())
	}
	return values
}

func fill(values url.Values, n *html.Node) {
	name, kind := get(n, "name"), get(n, "type")
	switch {
	case n.Data == "textarea":
		text := ""
		if n.FirstChild != nil {
			text = n.FirstChild.Data
		}
		values.Add(name, text)
	case n.Data != "input" || name == "":
	case kind != "checkbox" && kind != "radio" || has(n, "checked"):
		values.Add(name, get(n, "value"))
	}
}

func get(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// TestEditor makes a stream in the browser, changes it, and finds in the form what was
// stored.
func TestEditor(t *testing.T) {
	s := newStreet(t)
	s.Pass(s.on("U1 Plärrer 2 Kontis", onU1))
	m := s.Moderator(s.city)
	m.Get("/settings/networks", http.StatusOK).Shows("There is no stream yet", "Add a stream")
	p := m.Get("/settings/stream/new", http.StatusOK)
	p.Shows("New stream", "U1 1", "Plärrer 1", "telegram 1", "Sunday")
	v := filled(t, p, form)
	v.Set("name", "u1-night")
	v.Set("target", s.targets.Discord())
	v.Add("include.lines", "U1")
	v.Add("include.lines.more", " U2 ,")
	v.Add("exclude.network.more", "mail")
	v.Set("hour_from", "20")
	v.Set("hour_to", "5")
	v.Set("when", "not private")
	v.Add("event", "report.taken_back")
	v.Set("other_events", "signal-*")
	v.Set("look", "card")
	v.Set("mention", "@here")
	v.Set("mention_every", "30")
	m.Post(form, v, http.StatusOK).Shows("The stream u1-night is saved.", "U1 or U2, 20–5 h, not from mail, only if not private", "Runs")
	got := s.get("u1-night")
	want := filter.Spec{Include: map[string][]string{"lines": {"U1", "U2"}, "hour": {"20-5"}}, Exclude: map[string][]string{"network": {"mail"}}, When: "not private"}
	if diff := cmp.Diff(want, got.Filter()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"report.passed", "report.taken_back", "signal-*"}, got.Events); diff != "" {
		t.Error(diff)
	}
	if got.Look != LookCard || got.Mention != "@here" || got.MentionEvery != 30 || !got.Running {
		t.Errorf("stored %+v", got)
	}

	p = m.Get("/settings/stream/edit?stream=u1-night", http.StatusOK)
	v = filled(t, p, form)
	if strings.Contains(p.Body, s.targets.Discord()) {
		t.Error("the target is shown")
	}
	m.Post(form, v, http.StatusOK).Shows("is saved")
	again := s.get("u1-night")
	if diff := cmp.Diff(got.Filter(), again.Filter()); diff != "" || again.Kind != KindDiscord {
		t.Errorf("saved as it was shown, it is another: %s", diff)
	}
	v = filled(t, m.Get("/settings/stream/edit?stream=u1-night", http.StatusOK), form)
	v.Set("name", "u1")
	v.Del("running")
	m.Language = "de"
	m.Post(form, v, http.StatusOK).Shows("Der Stream u1 ist gespeichert.", "U1 oder U2, 20–5 Uhr, nicht von mail, nur wenn not private", "Ausgeschaltet")
}

// TestEditorSaysWhatIsWrong has every field that can be wrong, in both languages: what was
// typed stays.
func TestEditorSaysWhatIsWrong(t *testing.T) {
	s := newStreet(t)
	m := s.Moderator(s.city)
	fresh := filled(t, m.Get("/settings/stream/new", http.StatusOK), form)
	for _, c := range []struct{ field, typed, wrong, en, de string }{
		{"name", "U1 Nacht", "name", "lower case letters", "Kleinbuchstaben"},
		{"target", "discord", "target", "Where does it go?", "Wohin soll es gehen?"},
		{"when", "hour > 5 and\r\n  lien == \"U1\"", "when", `There is no “lien” that could be asked for. Did you mean “line”? lien == "U1"`, `Nach „lien“ kann nicht gefragt werden. Meinst du „line“? lien == "U1"`},
		{"when", "line ==", "when", "This cannot be read, from the marked place on.", "Das kann ab der markierten Stelle nicht gelesen werden."},
		{"include.lines.more", "U11", "include.lines.more", "Did you mean “U1”?", "Meinst du „U1“?"},
		{"exclude.network.more", "telgram", "exclude.network.more", "Did you mean “telegram”?", "Meinst du „telegram“?"},
		{"hour_from", "25", "hour_from", "“25-” does not fit here. What does: numbers from 0 to 23", "„25-“ passt hier nicht. Möglich sind Zahlen von 0 bis 23"},
		{"other_events", "Report passed!", "other_events", "is no event", "ist kein Ereignis"},
		{"mention", "@all", "mention", "Call @here", "Ruf @here"},
		{"mention_every", "often", "mention_every", "Between two calls", "Zwischen zwei Rufen"},
	} {
		v := url.Values{}
		for name, values := range fresh {
			v[name] = slices.Clone(values)
		}
		v.Set("name", "u1")
		v.Set("target", s.targets.Discord())
		v.Set(c.field, c.typed)
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			m.Language = lang
			for _, path := range []string{form, "/settings/stream/try"} {
				if path != form && !strings.Contains("when hour_from include.lines.more exclude.network.more", c.field) {
					continue
				}
				p := m.Post(path, v, http.StatusUnprocessableEntity)
				p.Shows(want)
				if typed := filled(t, p, form); typed.Get("name") != v.Get("name") || typed.Get("target") != v.Get("target") {
					t.Errorf("%s: what was typed is gone", c.field)
				}
				if typed, _, _ := strings.Cut(c.typed, "\r\n"); !strings.Contains(p.Text(), typed) && !strings.Contains(p.Body, html.EscapeString(typed)) {
					t.Errorf("%s: %q does not stand there any more", c.field, c.typed)
				}
				if wrong := invalid(t, p); !slices.Contains(wrong, c.wrong) {
					t.Errorf("%s: wrong is %q", c.field, wrong)
				}
			}
		}
	}
	if list, err := s.streams().List(t.Context(), s.city.ID); err != nil || len(list) > 0 {
		t.Errorf("stored %+v, %v", list, err)
	}
}

// invalid are the names of the fields that something is wrong with.
func invalid(tb testing.TB, p *kittest.Page) (names []string) {
	tb.Helper()
	doc, err := html.Parse(strings.NewReader(p.Body))
	must(tb, err)
	for n := range doc.Descendants() {
		if get(n, "aria-invalid") == "true" {
			names = append(names, get(n, "name"))
		}
	}
	return names
}

// TestEditorTries shows which of the last reports would have gone out.
func TestEditorTries(t *testing.T) {
	s := newStreet(t)
	m := s.Moderator(s.city)
	v := filled(t, m.Get("/settings/stream/new", http.StatusOK), form)
	m.Post("/settings/stream/try", v, http.StatusOK).Shows("There are no reports yet")
	for i := range 60 {
		read := onU1
		if i%5 == 0 {
			read = onU2
		}
		s.Pass(s.on(fmt.Sprintf("Kontrolle Nummer %d", i), read))
	}
	s.refuse(s.on("Kontrolle im Traum", onU2))
	v.Set("name", "?")
	v.Set("include.lines", "U2")
	p := m.Post("/settings/stream/try", v, http.StatusOK)
	p.Shows("Of the last 50 reports, 10 would have gone out.", "Kontrolle Nummer 55", "U2")
	if strings.Contains(p.Text(), "Nummer 56") || strings.Contains(p.Text(), "Traum") {
		t.Error("shows what would not have gone out")
	}
	if typed := filled(t, p, form); typed.Get("name") != "?" || typed.Get("include.lines") != "U2" {
		t.Errorf("what was typed is gone: %v", typed)
	}
	m.Language = "de"
	m.Post("/settings/stream/try", v, http.StatusOK).Shows("Von den letzten 50 Meldungen hätte dieser Filter 10 hinausgelassen.")
}

// TestEditorKeepsWhatItDoesNotOffer saves a stream that a script has made.
func TestEditorKeepsWhatItDoesNotOffer(t *testing.T) {
	s := newStreet(t)
	want := to("script", s.targets.Slack())
	want.Include = map[string][]string{"line": {"U1"}, "hour": {"16-19", "6-9"}, "age": {"-10"}, "text": {"Gleis, 2"}, "author.known": {"true"}}
	want.Exclude = map[string][]string{"reason": {"let_through"}, "stop": {"*"}}
	s.put(want)
	m := s.Moderator(s.city)
	p := m.Get("/settings/stream/edit?stream=script", http.StatusOK)
	p.Shows("6-9", "let_through", "author.known")
	m.Post(form, filled(t, p, form), http.StatusOK).Shows("is saved")
	if diff := cmp.Diff(want.Filter(), s.get("script").Filter()); diff != "" {
		t.Error(diff)
	}
	v := filled(t, p, form)
	v.Set("revision", fmt.Sprint(s.get("script").Revision))
	v.Del("include.hour")
	m.Post(form, v, http.StatusOK).Shows("is saved")
	if s.get("script").Include["hour"] != nil {
		t.Error("what was unticked is still there")
	}
}

// TestSecretIsShownOnce makes a stream of a webhook and renews its secret.
func TestSecretIsShownOnce(t *testing.T) {
	s := newStreet(t)
	m := s.Moderator(s.city)
	v := filled(t, m.Get("/settings/stream/new", http.StatusOK), form)
	v.Set("name", "mine")
	v.Set("target", s.targets.Hook())
	p := m.Post(form, v, http.StatusOK)
	p.Shows("The stream mine is saved.", "It is shown only now.", "whsec_")
	if p = m.Get("/settings/stream/edit?stream=mine", http.StatusOK); strings.Contains(p.Body, "whsec_") {
		t.Error("the secret is shown again")
	}
	m.Post("/settings/stream/secret", url.Values{"stream": {"mine"}}, http.StatusOK).Shows("whsec_", "another 24 hours")
	m.Get("/settings/stream/edit?stream=mine", http.StatusOK).Shows("last renewed")
}

// TestButtonsOfAStream tests, switches and deletes it.
func TestButtonsOfAStream(t *testing.T) {
	s := newStreet(t)
	s.put(to("mine", s.targets.Discord()))
	m := s.Moderator(s.city)
	own := url.Values{"stream": {"mine"}}
	m.Post("/settings/stream/test", own, http.StatusOK).Shows("The test is sent. It arrived.")
	if got := s.got(strings.TrimPrefix(s.targets.Discord(), s.targets.URL)); len(got) != 1 || !strings.Contains(got[0].Body, "Test") {
		t.Errorf("the channel got %+v", got)
	}
	m.Post("/settings/stream/switch", own, http.StatusOK).Shows("is switched off", "Switched off")
	if s.get("mine").Running {
		t.Error("it runs")
	}
	m.Post("/settings/stream/switch", url.Values{"stream": {"mine"}, "running": {"yes"}}, http.StatusOK).Shows("is switched on")
	m.Get("/settings/stream/delete?stream=mine", http.StatusOK).Shows("Delete the stream mine?")
	m.Post("/settings/stream/delete", own, http.StatusOK).Shows("The stream mine is deleted.", "There is no stream yet")
	m.Post("/settings/stream/delete", own, http.StatusOK)
	for _, path := range []string{"switch", "test", "secret"} {
		m.Post("/settings/stream/"+path, own, http.StatusNotFound).Shows("is not there any more")
	}
	m.Get("/settings/stream/edit?stream=mine", http.StatusNotFound)
	m.Get("/settings/stream/save", http.StatusOK).Shows("Streams")
}

// TestStreamsOfOthers asks for the streams of another city.
func TestStreamsOfOthers(t *testing.T) {
	s := newStreet(t)
	s.put(to("mine", s.targets.Discord()))
	other := s.Moderator(s.AddCity("fuerth", "de"))
	other.Get("/settings/stream/edit?stream=mine", http.StatusNotFound)
	other.Post("/settings/stream/delete", url.Values{"stream": {"mine"}}, http.StatusOK)
	other.Post("/settings/stream/switch", url.Values{"stream": {"mine"}}, http.StatusNotFound)
	if got := s.get("mine"); !got.Running {
		t.Error("another city has switched it off")
	}
	s.Browser().Get("/settings/stream/new", http.StatusOK).Shows("Log in")
}

// TestStreamChangedMeanwhile saves a form that was opened before somebody else saved.
func TestStreamChangedMeanwhile(t *testing.T) {
	s := newStreet(t)
	s.put(to("mine", s.targets.Discord()))
	m := s.Moderator(s.city)
	v := filled(t, m.Get("/settings/stream/edit?stream=mine", http.StatusOK), form)
	theirs := to("mine", "")
	theirs.When = "clear"
	s.put(theirs)
	v.Set("when", "people > 1")
	p := m.Post(form, v, http.StatusUnprocessableEntity)
	p.Shows("Somebody has changed this stream while you did.", "people > 1")
	m.Post(form, filled(t, p, form), http.StatusOK).Shows("is saved")
	if got := s.get("mine").When; got != "people > 1" {
		t.Errorf("stored %q", got)
	}
	again := filled(t, m.Get("/settings/stream/new", http.StatusOK), form)
	again.Set("name", "mine")
	again.Set("target", s.targets.Slack())
	m.Post(form, again, http.StatusUnprocessableEntity).Shows("There is a stream called mine already.")
}

// TestStoppedStreamIsMended has a stream whose line is gone.
func TestStoppedStreamIsMended(t *testing.T) {
	s := newStreet(t)
	want := to("mine", s.targets.Discord())
	want.Include = map[string][]string{"lines": {"U2"}}
	s.put(want)
	s.places("U1: Langwasser, Plärrer")
	s.send(s.on("U1", report.Reading{Line: "U1", Lines: report.NewLines("U1")}))
	m := s.Moderator(s.city)
	m.Language = "de"
	m.Get("/settings/networks", http.StatusOK).Shows("Angehalten", "„U2“ gibt es in dieser Stadt nicht. Meinst du „U1“?")
	p := m.Post("/settings/stream/switch", url.Values{"stream": {"mine"}, "running": {"yes"}}, http.StatusUnprocessableEntity)
	p.Shows("„U2“ gibt es in dieser Stadt nicht")
	v := filled(t, p, form)
	v.Set("include.lines", "U1")
	v.Set("running", "yes")
	m.Post(form, v, http.StatusOK).Shows("ist gespeichert", "Läuft")
}

func TestNoMoreStreams(t *testing.T) {
	s := newStreet(t)
	for i := range MaxStreams {
		s.put(to(fmt.Sprint("s", i), s.targets.Discord()))
	}
	m := s.Moderator(s.city)
	p := m.Get("/settings/networks", http.StatusOK)
	p.Shows("A city has at most 20 streams.")
	if strings.Contains(p.Body, "/settings/stream/new") {
		t.Error("one more is offered")
	}
	v := filled(t, m.Get("/settings/stream/new", http.StatusOK), form)
	v.Set("name", "more")
	v.Set("target", s.targets.Discord())
	m.Post(form, v, http.StatusUnprocessableEntity).Shows("A city has at most 20 streams.")
}

// TestMendedStreamRuns gives a stream that has stopped a new address: it goes on.
func TestMendedStreamRuns(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Slack()))
	s.targets.Fail(standin.SlackPath, 1, kit.Status(404, "no_service"))
	s.send(s.on("U1", onU1))
	m := s.Moderator(s.city)
	p := m.Get("/settings/stream/edit?stream=a", http.StatusOK)
	p.Shows("Put in a new address and save")
	v := filled(t, p, form)
	v.Set("target", s.targets.Discord())
	m.Post(form, v, http.StatusOK).Shows("is saved")
	if got := s.get("a"); !got.Running || got.Paused != "" || got.Kind != KindDiscord {
		t.Errorf("it has a new address, and %+v", got)
	}
}

// TestFailedTestSaysWhyOnce tests a stream that stops at that.
func TestFailedTestSaysWhyOnce(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Slack()))
	s.targets.Fail(standin.SlackPath, 1, kit.Status(404, "no_service"))
	p := s.Moderator(s.city).Post("/settings/stream/test", url.Values{"stream": {"a"}}, http.StatusOK)
	p.Shows("The test did not arrive")
	if n := strings.Count(p.Text(), "(HTTP 404)"); n != 1 {
		t.Errorf("it says %d times why:\n%s", n, p.Text())
	}
}

// TestNetworksByTheirTitles shows networks as the cards call them.
func TestNetworksByTheirTitles(t *testing.T) {
	s := newStreet(t)
	a := to("a", s.targets.Slack())
	a.Include = map[string][]string{"network": {Name, "telegram"}}
	s.put(a)
	m := s.Moderator(s.city)
	m.Get("/settings/networks", http.StatusOK).Shows("from Streams or telegram →") // there is no other network here
	m.Get("/settings/stream/edit?stream=a", http.StatusOK).Shows("Streams telegram")
}

// TestDisconnectSaysWhatGoes asks before all streams are deleted.
func TestDisconnectSaysWhatGoes(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Slack()))
	id := s.Bots(s.city)[0].ID
	s.Moderator(s.city).Get(fmt.Sprintf("/settings/bots/stream/disconnect?bot_id=%d", id), http.StatusOK).Shows("All streams and all ways in are deleted too.")
}
