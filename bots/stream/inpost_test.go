package stream

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/bots/stream/inbound/snstest"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

func (s *street) triggers() Triggers { return s.network.Triggers() }

// way is a trigger of a preset that hears body.text.
func way(name string, preset inbound.Preset) Trigger {
	t := NewTrigger(string(preset))
	t.Name = name
	return t
}

// let stores a trigger and returns its secret.
func (s *street) let(want Trigger) StoredTrigger {
	s.t.Helper()
	stored, err := s.triggers().Put(s.t.Context(), s.city.ID, want, Any)
	must(s.t, err)
	return stored
}

// posted is an answer to a post.
type posted struct {
	status int
	header http.Header
	fields map[string]any
	body   string
}

// post posts to a trigger of the city. headers are names and values.
func (s *street) post(trigger, body string, headers ...string) posted {
	s.t.Helper()
	return s.request(http.MethodPost, "/city/"+s.city.Slug+"/stream/in/"+trigger, body, headers...)
}

func (s *street) request(method, path, body string, headers ...string) posted {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:1"
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Site.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	must(s.t, err)
	p := posted{w.Code, w.Header(), map[string]any{}, string(raw)}
	if err := json.Unmarshal(raw, &p.fields); err != nil {
		s.t.Errorf("%s %s is answered %d with no JSON: %.200s", method, path, w.Code, raw)
	}
	kind := map[bool]string{true: "application/json", false: "application/problem+json"}[w.Code < 300]
	if got := w.Header().Get("Content-Type"); got != kind {
		s.t.Errorf("status %d has the type %s", w.Code, got)
	}
	return p
}

// wants wants a status, and a problem that says something.
func (p posted) wants(t *testing.T, status int, says string) {
	t.Helper()
	if p.status != status || !strings.Contains(p.body, says) || status >= 300 && p.fields["status"] != float64(status) {
		t.Errorf("status %d, %s; want %d, %q", p.status, p.body, status, says)
	}
}

// The senders of the presets, as their documentation has them.
func bearerOf(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

func hubOf(secret, body string) []string {
	return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(macOf([]byte(secret), body))}
}

func standardOf(t *testing.T, secret, id, body string, at time.Time) []string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	must(t, err)
	unix := strconv.FormatInt(at.Unix(), 10)
	return []string{"webhook-id", id, "webhook-timestamp", unix,
		"webhook-signature", "v1," + base64.StdEncoding.EncodeToString(macOf(key, id+"."+unix+"."+body))}
}

func macOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestAPostIsHeard(t *testing.T) {
	s := newStreet(t)
	const body = `{"text":"U1 Plärrer, 2 Kontis"}`
	for i, preset := range []inbound.Preset{inbound.Bearer, inbound.SHA256, inbound.StandardWebhooks} {
		t.Run(string(preset), func(t *testing.T) {
			name := fmt.Sprint("way-", i)
			made := s.let(way(name, preset))
			if made.Secret == "" || made.Address != "http://tickets.example/city/nuernberg/stream/in/"+name || !made.Created {
				t.Fatalf("made %+v", made)
			}
			headers := bearerOf(made.Secret)
			switch preset {
			case inbound.SHA256:
				headers = hubOf(made.Secret, body)
			case inbound.StandardWebhooks:
				headers = standardOf(t, made.Secret, "msg_1", body, s.Now())
			}
			p := s.post(name, body, headers...)
			p.wants(t, http.StatusAccepted, "")
			heard := s.Inbox.All()
			in := heard[len(heard)-1]
			if len(heard) != i+1 || in.Text != "U1 Plärrer, 2 Kontis" || in.Author != name || in.Visibility != report.Public {
				t.Errorf("heard %+v", in)
			}
			if id := s.Heard(s.Bots(s.city)[0], in).ID; p.fields["id"] != id {
				t.Errorf("answered %v, the report is %s", p.fields, id)
			}
			headers[len(headers)-1] += "x"
			s.post(name, body, headers...).wants(t, http.StatusUnauthorized, "")
			s.post(name, body).wants(t, http.StatusUnauthorized, "")
			last, err := s.triggers().Get(t.Context(), s.city.ID, name)
			if err != nil || last.Last == nil || last.Last.OK || last.Last.Text == "" || last.Secret != "" {
				t.Errorf("shown as %+v, %v", last, err)
			}
		})
	}
	if n := len(s.Inbox.All()); n != 3 {
		t.Errorf("heard %d times", n)
	}
}

// Nothing of a browser is asked for, and none can be made to post.
func TestPostsOfOtherSites(t *testing.T) {
	s := newStreet(t)
	secret := s.let(way("a", inbound.Bearer)).Secret
	s.post("a", `{"text":"U1"}`, append(bearerOf(secret), "Origin", "https://sender.example", "Sec-Fetch-Site", "cross-site")...).wants(t, http.StatusAccepted, "")
	s.post("a", `{"text":"U1"}`, "Origin", "https://sender.example").wants(t, http.StatusUnauthorized, "Authorization")
}

func TestWhatIsRefused(t *testing.T) {
	s := newStreet(t)
	want := way("a", inbound.Bearer)
	want.Text, want.ID, want.Time = `body.alert.title + " " + body.stop`, "body.id", "body.at"
	secret := s.let(want).Secret
	off := way("off", inbound.Bearer)
	off.Running = false
	offSecret := s.let(off).Secret
	feed := NewTrigger(PresetFeed)
	feed.Name, feed.URL = "feed", "https://operator.example/rss"
	s.let(feed)
	now := s.Now().Unix()
	good := fmt.Sprintf(`{"alert":{"title":"U1"},"stop":"Plärrer","id":7,"at":%d}`, now)
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		status     int
		says       string
	}{
		"no such trigger":   {"b", good, nil, 404, "no such trigger"},
		"a feed":            {"feed", good, nil, 404, "no such trigger"},
		"off":               {"off", good, bearerOf(offSecret), 409, "switched off"},
		"sent by us":        {"a", good, []string{"X-Ticketfrei-Report", "abc"}, 409, "circles"},
		"too long":          {"a", good + strings.Repeat(" ", inbound.MaxBody), nil, 413, "64 KiB"},
		"form":              {"a", "text=U1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		"xml":               {"a", "<a/>", []string{"Content-Type", "text/xml"}, 415, "text/xml"},
		"gzip":              {"a", good, []string{"Content-Encoding", "gzip"}, 415, "not compressed"},
		"no JSON":           {"a", "{", nil, 400, "not JSON"},
		"two bodies":        {"a", good + good, nil, 400, "something follows"},
		"nothing":           {"a", "", nil, 400, "not JSON"},
		"no alert":          {"a", `{"stop":"Plärrer"}`, nil, 400, `{\"stop\":\"Plärrer\"}`},
		"number in words":   {"a", `{"alert":{"title":5},"stop":"x","id":1}`, nil, 400, "expression text"},
		"an object":         {"a", `{"alert":{"title":{}},"stop":"x","id":1}`, nil, 400, "expression text"},
		"no id":             {"a", `{"alert":{"title":"U1"},"stop":"x"}`, nil, 400, "expression id"},
		"id is a list":      {"a", `{"alert":{"title":"U1"},"stop":"x","id":[1]}`, nil, 400, "expression id"},
		"empty text":        {"a", `{"alert":{"title":" "},"stop":"","id":1}`, nil, 400, "nothing was found"},
		"time is no time":   {"a", `{"alert":{"title":"U1"},"stop":"x","id":1,"at":"noon"}`, nil, 400, "noon"},
		"yesterday":         {"a", fmt.Sprintf(`{"alert":{"title":"U1"},"stop":"x","id":1,"at":%d}`, now-86400), nil, 400, "older than"},
		"a list":            {"a", `[1]`, nil, 400, "expression text"},
		"deep":              {"a", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), nil, 400, "not JSON"},
		"a mark before it":  {"a", "\ufeff{", nil, 400, "unexpected EOF"},
		"what curl -d says": {"a", good, []string{"Content-Type", "application/x-www-form-urlencoded"}, 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.post(c.path, c.body, append(bearerOf(secret), c.headers...)...)
			p.wants(t, c.status, c.says)
		})
	}
	p := s.request(http.MethodGet, "/city/nuernberg/stream/in/a", "")
	p.wants(t, http.StatusMethodNotAllowed, "POST")
	if p.header.Get("Allow") != http.MethodPost {
		t.Error("what is allowed is not said")
	}
	s.request(http.MethodPost, "/city/nowhere/stream/in/a", good).wants(t, http.StatusNotFound, "no such trigger")
	if heard := s.Inbox.All(); len(heard) != 1 || heard[0].Text != "U1 Plärrer" || heard[0].Time.Unix() != now {
		t.Errorf("heard %+v", heard)
	}
}

// What was sent out comes back neither by a post nor by a feed: the city's own feed says
// where it is from.
func TestOwnFeedIsMarked(t *testing.T) {
	s := newStreet(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/city/nuernberg/feed.atom", nil)
	w := httptest.NewRecorder()
	s.Site.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("X-Ticketfrei-Report") == "" {
		t.Errorf("status %d, header %v", w.Code, w.Header())
	}
}

// A city's triggers are its own.
func TestTriggersOfAnotherCity(t *testing.T) {
	s := newStreet(t)
	secret := s.let(way("a", inbound.Bearer)).Secret
	other := s.AddCity("fuerth", "de")
	_, err := s.network.Streams().Bot(t.Context(), other.ID)
	must(t, err)
	s.request(http.MethodPost, "/city/fuerth/stream/in/a", `{"text":"U1"}`, bearerOf(secret)...).wants(t, http.StatusNotFound, "")
	if _, err := s.triggers().Get(t.Context(), other.ID, "a"); !errors.Is(err, db.ErrNotFound) {
		t.Error(err)
	}
	if list, err := s.triggers().List(t.Context(), other.ID); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// What tells two posts apart: the id that the mapping finds, that of the sender, or what
// they say within the hour.
func TestTheSameIsOneReport(t *testing.T) {
	s := newStreet(t)
	withID := way("id", inbound.Bearer)
	withID.ID = "body.id"
	byID, byBody, byMessage := s.let(withID).Secret, s.let(way("body", inbound.SHA256)).Secret, s.let(way("message", inbound.StandardWebhooks)).Secret
	s.Clock.Move(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + time.Minute))) // an hour has just begun
	id := func(body string) any { return s.post("id", body, bearerOf(byID)...).fields["id"] }
	sameBody := func(body string) any { return s.post("body", body, hubOf(byBody, body)...).fields["id"] }
	message := func(id, body string) any {
		s.Clock.Move(time.Second)
		return s.post("message", body, standardOf(t, byMessage, id, body, s.Now())...).fields["id"]
	}
	for name, c := range map[string]struct {
		a, b any
		same bool
	}{
		"id":                  {id(`{"id":1,"text":"U1"}`), id(`{"id":1,"text":"U1 Plärrer"}`), true},
		"another id":          {id(`{"id":1,"text":"U1"}`), id(`{"id":2,"text":"U1"}`), false},
		"a long id":           {id(`{"id":12345678901234567890,"text":"U1"}`), id(`{"id":12345678901234567891,"text":"U1"}`), false},
		"body":                {sameBody(`{"text":"U1"}`), sameBody(`{"text":"U1"}`), true},
		"another body":        {sameBody(`{"text":"U1"}`), sameBody(`{"text":"U1" }`), false},
		"sender's message":    {message("1", `{"text":"U1"}`), message("1", `{"text":"U1"}`), true},
		"sender's second one": {message("1", `{"text":"U1"}`), message("2", `{"text":"U1"}`), false},
		"id of two triggers":  {id(`{"text":"U1","id":1}`), sameBody(`{"text":"U1","id":1}`), false},
	} {
		if c.a == nil || c.b == nil || (c.a == c.b) != c.same {
			t.Errorf("%s: %v and %v", name, c.a, c.b)
		}
	}
	before := sameBody(`{"text":"U1"}`)
	s.Clock.Move(time.Hour)
	if before == sameBody(`{"text":"U1"}`) {
		t.Error("what happens again an hour later is not heard")
	}
}

// A post that somebody has recorded is not taken a second time, one that the sender tries
// again is.
func TestReplay(t *testing.T) {
	s := newStreet(t)
	secret := s.let(way("a", inbound.StandardWebhooks)).Secret
	const body = `{"text":"U1"}`
	recorded := standardOf(t, secret, "msg_1", body, s.Now())
	first := s.post("a", body, recorded...)
	first.wants(t, http.StatusAccepted, "")
	s.Clock.Move(time.Minute)
	s.post("a", body, recorded...).wants(t, http.StatusConflict, "already")
	again := s.post("a", body, standardOf(t, secret, "msg_1", body, s.Now())...)
	again.wants(t, http.StatusAccepted, "")
	if again.fields["id"] != first.fields["id"] {
		t.Error("another attempt is another report")
	}
	s.Clock.Move(5 * time.Minute)
	s.post("a", body, recorded...).wants(t, http.StatusUnauthorized, "5 minutes")
}

// What could not be stored is tried again with the same signature.
func TestWhatIsNotTakenIn(t *testing.T) {
	s := newStreet(t)
	secret := s.let(way("a", inbound.StandardWebhooks)).Secret
	const body = `{"text":"U1"}`
	sent := standardOf(t, secret, "msg_1", body, s.Now())
	hearer := &failing{s.Inbox, errors.New("the disk is full")}
	s.network.host.Hearer = hearer
	p := s.post("a", body, sent...)
	p.wants(t, http.StatusServiceUnavailable, "try again")
	if p.header.Get("Retry-After") == "" || strings.Contains(p.body, "disk") {
		t.Errorf("%v, %s", p.header, p.body)
	}
	warned := `level=WARN msg="a post to a way in was not taken in" err="way in a of city nuernberg: the disk is full"`
	if log := s.Lines.String(); strings.Count(log, warned) != 1 || strings.Contains(log, "U1") {
		t.Errorf("the operator reads %s", log)
	}
	hearer.err = bots.ErrBacklog
	s.post("a", body, sent...).wants(t, http.StatusServiceUnavailable, "try again")
	hearer.err = db.ErrPaused
	s.post("a", body, sent...).wants(t, http.StatusConflict, "paused")
	if log := s.Lines.String(); strings.Count(log, "level=WARN") != 1 {
		t.Errorf("the operator reads %s", log)
	}
	hearer.err = fmt.Errorf("nothing is left: %w", bots.ErrMessage)
	s.post("a", body, sent...).wants(t, http.StatusBadRequest, "cannot be a report")
	hearer.err = nil
	s.post("a", body, sent...).wants(t, http.StatusAccepted, "")
	_, _, err := s.DB.Pause(t.Context(), s.city.ID)
	must(t, err)
	s.post("a", `{"text":"U2"}`, standardOf(t, secret, "msg_2", `{"text":"U2"}`, s.Now())...).wants(t, http.StatusConflict, "paused")
}

// failing is a hearer that fails.
type failing struct {
	bots.Hearer
	err error
}

func (f *failing) Hear(ctx context.Context, b report.Bot, in bots.Incoming) error {
	if f.err != nil {
		return f.err
	}
	return f.Hearer.Hear(ctx, b, in)
}

func TestHowOften(t *testing.T) {
	s := newStreet(t)
	secret := s.let(way("a", inbound.Bearer)).Secret
	s.let(way("b", inbound.Bearer))
	for range postsPerMinute {
		s.post("a", `{}`).wants(t, http.StatusUnauthorized, "")
	}
	p := s.post("a", `{"text":"U1"}`, bearerOf(secret)...)
	p.wants(t, http.StatusTooManyRequests, "60 posts a minute")
	if p.header.Get("Retry-After") == "" {
		t.Error("when to try again is not said")
	}
	s.post("b", `{}`).wants(t, http.StatusUnauthorized, "")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/city/nuernberg/stream/in/a", strings.NewReader(`{"text":"U1"}`))
	r.RemoteAddr = "198.51.100.7:1"
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	if s.Site.ServeHTTP(w, r); w.Code != http.StatusAccepted {
		t.Errorf("somebody else is answered %d", w.Code)
	}
}

func TestSNS(t *testing.T) {
	service := snstest.Start(t, time.Now())
	s := newStreet(t, "TICKETFREI_STREAM_SNS_HOSTS="+service.URL)
	want := way("a", inbound.SNS)
	want.Text = `body.Message.text + ", " + body.Subject`
	if made := s.let(want); made.Secret != "" {
		t.Errorf("a secret was made: %s", made.Secret)
	}
	post := func(body []byte) posted {
		return s.post("a", string(body), "Content-Type", "text/plain; charset=UTF-8", "x-amz-sns-message-type", "Notification")
	}
	note := service.Notification("1", `{"text":"U1 Plärrer"}`)
	note["Subject"] = "Kontrolle"
	post(service.Sign(note)).wants(t, http.StatusUnauthorized, "no subscription")
	post(service.Sign(service.Subscription("token"))).wants(t, http.StatusAccepted, "{}")
	if got := service.Confirmed(); len(got) != 1 || got[0] != "token" {
		t.Errorf("confirmed %q", got)
	}
	post(service.Sign(note)).wants(t, http.StatusAccepted, "id")
	heard := s.Inbox.All()
	if len(heard) != 1 || heard[0].Text != "U1 Plärrer, Kontrolle" || time.Since(heard[0].Time) > time.Minute {
		t.Fatalf("heard %+v", heard)
	}
	if got, err := s.triggers().Get(t.Context(), s.city.ID, "a"); err != nil || got.Topic != snstest.Topic {
		t.Errorf("%+v, %v", got, err)
	}
	for _, m := range []map[string]string{service.Notification("2", "x"), service.Subscription("evil")} {
		m["TopicArn"] = "arn:aws:sns:eu-central-1:999999999999:evil"
		post(service.Sign(m)).wants(t, http.StatusUnauthorized, "another topic")
	}
	plain := service.Notification("3", "U2")
	post(service.Sign(plain)).wants(t, http.StatusBadRequest, "expression text")
	service.Fail(http.StatusBadGateway)
	post(service.Sign(service.Subscription("again"))).wants(t, http.StatusServiceUnavailable, "SNS could not be asked")
	if log := s.Lines.String(); strings.Contains(log, "Token=") {
		t.Error("the log has the token of a subscription")
	}
	if len(service.Confirmed()) != 1 {
		t.Errorf("confirmed %q", service.Confirmed())
	}
}

// Nothing that anybody posts makes a report of something else, or a crash.
func FuzzMapping(f *testing.F) {
	f.Add("body.text", "body.id", "body.time", []byte(`{"text":"U1","id":1,"time":1795780800}`))
	f.Add(`body.a[0].b + " " + string(body.c)`, "", "", []byte(`{"a":[{"b":"x"}],"c":1e400}`))
	f.Add(`lower(body.text)`, `body["id"]`, `body.t`, []byte(`{"text":null,"id":{},"t":-1}`))
	f.Fuzz(func(t *testing.T, text, id, at string, body []byte) {
		w := Trigger{Preset: string(inbound.Bearer), Text: text, ID: id, Time: at}
		w.tidy()
		var wrong Invalid
		m := w.compile(&wrong)
		if len(wrong) > 0 || len(body) > inbound.MaxBody {
			return
		}
		h, err := m.read(inbound.Message{Body: body}, time.Now())
		if _, refused := errors.AsType[*inbound.Refusal](err); err != nil && !refused {
			t.Error(err)
		}
		if err == nil && (strings.TrimSpace(h.Text) == "" || h.ID == "") {
			t.Errorf("read %+v", h)
		}
	})
}
