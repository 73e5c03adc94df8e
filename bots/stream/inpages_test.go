package stream

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/stream/inbound"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

const inForm = "/settings/stream/in/save"

// TestLetIn makes a way in in the browser, tries it, changes it and deletes it.
func TestLetIn(t *testing.T) {
	s := newStreet(t)
	s.network.host.Rehearser = rehearser{}
	m := s.Moderator(s.city)
	m.Get("/settings/networks", http.StatusOK).Shows("Let in", "Add a way in")
	m.Get("/settings/stream/in/new", http.StatusOK).Shows("What is to come in?", "Script or sensor", "Amazon SNS", "Feed of an operator")
	p := m.Get("/settings/stream/in/new?preset=bearer", http.StatusOK)
	v := filled(t, p, inForm)
	v.Set("name", "sensor")
	v.Set("text", `body.alert.title + " " + body.stop`)
	v.Set("sample", `{"alert":{"title":"U1"}}`)
	p = m.Post("/settings/stream/in/try", v, http.StatusUnprocessableEntity)
	p.Shows("Nothing would be heard", "expression text")
	v.Set("sample", `{"alert":{"title":"U1 2 Kontis"},"stop":"Plärrer","id":7}`)
	m.Post("/settings/stream/in/try", v, http.StatusOK).Shows("This would be heard:", "U1 2 Kontis Plärrer", "It would be passed on.")
	v.Set("sample", `{"alert":{"title":"Frage"},"stop":"?"}`)
	m.Post("/settings/stream/in/try", v, http.StatusOK).Shows("Frage ?", "It would not be passed on.")
	v.Set("text", "body.text +")
	m.Post(inForm, v, http.StatusUnprocessableEntity).Shows("body.text +")
	v.Set("text", "body.text")
	v.Set("name", "Sensor Ä")
	m.Post(inForm, v, http.StatusUnprocessableEntity).Shows("lower case letters")
	v.Set("name", "sensor")
	p = m.Post(inForm, v, http.StatusOK)
	p.Shows("It is shown only now.", "http://tickets.example/city/nuernberg/stream/in/sensor")
	_, after, _ := strings.Cut(p.Body, "Authorization: Bearer ")
	secret := after[:43]
	s.post("sensor", `{"text":"U1"}`, bearerOf(secret)...).wants(t, http.StatusAccepted, "")
	m.Post(inForm, v, http.StatusUnprocessableEntity).Shows("called sensor already")

	p = m.Get("/settings/stream/in/edit?trigger=sensor", http.StatusOK)
	p.Shows("it worked.", "SECRET")
	if strings.Contains(p.Body, secret) {
		t.Error("the secret is shown again")
	}
	v = filled(t, p, inForm)
	v.Set("id", "body.id")
	m.Post(inForm, v, http.StatusOK).Shows("The way in sensor is saved.", "sensor", "it worked.")
	p = m.Post(inForm, v, http.StatusUnprocessableEntity)
	p.Shows("Somebody else has changed it")
	m.Post(inForm, filled(t, p, inForm), http.StatusOK) // once more takes its place
	m.Post("/settings/stream/in/switch", url.Values{"trigger": {"sensor"}, "settings_city": v["settings_city"]}, http.StatusOK)
	s.post("sensor", `{"text":"U1","id":1}`, bearerOf(secret)...).wants(t, http.StatusConflict, "switched off")
	m.Post("/settings/stream/in/switch", url.Values{"trigger": {"sensor"}, "running": {"yes"}, "settings_city": v["settings_city"]}, http.StatusOK)
	p = m.Post("/settings/stream/in/secret", url.Values{"trigger": {"sensor"}, "settings_city": v["settings_city"]}, http.StatusOK)
	p.Shows("It is shown only now.")
	s.post("sensor", `{"text":"U1","id":1}`, bearerOf(secret)...).wants(t, http.StatusUnauthorized, "")
	m.Get("/settings/stream/in/delete?trigger=sensor", http.StatusOK).Shows("Delete the way in sensor?")
	m.Post("/settings/stream/in/delete", url.Values{"trigger": {"sensor"}, "settings_city": v["settings_city"]}, http.StatusOK)
	m.Get("/settings/stream/in/edit?trigger=sensor", http.StatusNotFound).Shows("not there any more")
	m.Get("/settings/stream/in/save", http.StatusOK)
}

// rehearser lets everything pass that is no question.
type rehearser struct{}

func (rehearser) Rehearse(_ context.Context, _ int64, text string) (string, report.Verdict, error) {
	if strings.Contains(text, "?") {
		return text, report.Verdict{Reason: report.ReasonNoTrigger}, nil
	}
	return text, report.Verdict{Passed: true, Reason: report.ReasonTrigger}, nil
}

// A feed in the browser.
func TestLetAFeedIn(t *testing.T) {
	s, o := newStreet(t), newOperator(t)
	o.news("1", "U2: <b>Fahrrad</b>", "", s.Now())
	o.news("2", "U1: Kontrolle", "am Plärrer", s.Now())
	m := s.Moderator(s.city)
	v := filled(t, m.Get("/settings/stream/in/new?preset=feed", http.StatusOK), inForm)
	v.Set("name", "vag")
	v.Set("url", o.URL+"/feed")
	v.Set("words", "Kontrolle, U7")
	p := m.Post("/settings/stream/in/try", v, http.StatusOK)
	p.Shows("✓ U1: Kontrolle am Plärrer", "U2: Fahrrad is left out")
	v.Set("when", "titel == 1")
	m.Post("/settings/stream/in/try", v, http.StatusUnprocessableEntity).Shows("titel", "title")
	v.Set("when", "")
	v.Set("every", "often")
	m.Post(inForm, v, http.StatusUnprocessableEntity).Shows("every 1 to 1440 minutes")
	v.Set("every", "2")
	o.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	m.Post("/settings/stream/in/try", v, http.StatusUnprocessableEntity).Shows("HTTP 410")
	if p := m.Post(inForm, v, http.StatusOK); strings.Contains(p.Body, "SECRET") {
		t.Error("a feed has a secret")
	}
	m.Language = "de"
	m.Get("/settings/networks", http.StatusOK).Shows("Hereinlassen", "vag", "Feed eines Verkehrsbetriebs")
	p = m.Get("/settings/stream/in/edit?trigger=vag", http.StatusOK)
	p.Shows("Eingang vag", "Nur, worin eins dieser Wörter steht")
	if got := filled(t, p, inForm); got.Get("words") != "Kontrolle, U7" || got.Get("every") != "2" {
		t.Errorf("the form has %v", got)
	}
	for _, preset := range Presets() {
		m.Get("/settings/stream/in/new?preset="+preset, http.StatusOK)
	}
	m.Get("/settings/stream/in/new?preset=nonsense", http.StatusOK).Shows("Was soll hereinkommen?")
}

// The lines that the page shows do what they say.
func TestExamplesForTheTerminal(t *testing.T) {
	slow.Test(t, "runs curl and openssl")
	for _, tool := range []string{"sh", "curl", "openssl", "base64", "od", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	s := newStreet(t)
	server := httptest.NewServer(s.Site)
	defer server.Close()
	for _, preset := range []inbound.Preset{inbound.Bearer, inbound.SHA256, inbound.StandardWebhooks} {
		made := s.let(way("a-"+string(preset), preset))
		made.Address = strings.Replace(made.Address, s.Config.Web.URL, server.URL, 1)
		script := made.example(made.Secret, `{"text": "U1 Plärrer, it's `+string(preset)+`"}`)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "sh", "-c", script+` --silent`).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), `{"id":"`) {
			t.Errorf("%s\n%v\n%s", script, err, out)
		}
	}
	if got := s.Inbox.All(); len(got) != 3 || got[2].Text != "U1 Plärrer, it's standard-webhooks" {
		t.Errorf("heard %+v", got)
	}
}
