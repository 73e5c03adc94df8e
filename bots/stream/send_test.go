package stream

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ticketfrei/bots"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// What a program gets: the report's form, signed.
func TestWebhook(t *testing.T) {
	s := newStreet(t)
	stored := s.put(to("a", s.targets.Hook()))
	r := s.on("U1 Plärrer <b>&amp; 2 Kontis</b>", onU1)
	r.Author, r.NetworkID, r.Client = "anna", "message-17", "192.0.2.7"
	d, receipt := s.mustSend(r)
	if receipt.ID != "" {
		t.Errorf("it cannot be taken back, and has the receipt %v", receipt)
	}
	got := s.got(standin.HookPath)[0]
	body := fields(t, got.Body)
	if body["type"] != "report.passed" || body["timestamp"] == "" {
		t.Errorf("got %s", got.Body)
	}
	want := map[string]any{"id": r.ID, "city": "nuernberg", "time": r.Time.UTC().Truncate(time.Second).Format(time.RFC3339), "network": "telegram",
		"text": r.Text, "line": "U1", "stop": "Plärrer", "toward": "Fürth", "lines": []any{"U1"}, "people": 2.0, "reason": "trigger"}
	if diff := cmp.Diff(want, body["data"]); diff != "" {
		t.Error(diff)
	}
	for _, secret := range []string{"anna", "message-17", "192.0.2.7"} {
		if strings.Contains(got.Body, secret) {
			t.Errorf("%s is told", secret)
		}
	}
	for name, want := range map[string]string{"X-Ticketfrei-Report": r.ID, "Content-Type": "application/json", "Webhook-Id": d.ID, "User-Agent": "Ticketfrei/3"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	verify(t, stored.Secret, got)
}

// verify checks a signature by the library, and by the words of the specification
// (standardwebhooks.com: "Signature scheme"). It returns how many signatures there are.
func verify(tb testing.TB, secret string, got kit.Request) int {
	tb.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	must(tb, err)
	must(tb, w.Verify([]byte(got.Body), got.Header))
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	must(tb, err)
	if len(key) < 24 || len(key) > 64 {
		tb.Errorf("the secret has %d bytes", len(key))
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", got.Header.Get("webhook-id"), got.Header.Get("webhook-timestamp"), got.Body)
	all := strings.Fields(got.Header.Get("webhook-signature"))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, one := range all {
		if hmac.Equal([]byte(one), []byte(want)) {
			return len(all)
		}
	}
	tb.Errorf("none of %q is %s", all, want)
	return len(all)
}

// For a day after a rotation the old and the new secret sign.
func TestRotation(t *testing.T) {
	s := newStreet(t)
	old := s.put(to("a", s.targets.Hook()))
	renewed, err := s.streams().Rotate(t.Context(), s.city.ID, "a")
	must(t, err)
	if renewed.Secret == old.Secret || renewed.Rotated == nil || old.Secret == "" {
		t.Errorf("%s became %s", old.Secret, renewed.Secret)
	}
	if again := s.put(to("a", s.targets.Hook())); again.Secret != "" {
		t.Error("the secret is shown again")
	}
	for i, c := range []struct {
		later time.Duration
		signs int
	}{{0, 2}, {24*time.Hour - time.Minute, 2}, {time.Minute, 1}} {
		s.Clock.Move(c.later)
		s.mustSend(s.on(fmt.Sprint("U1 ", i), onU1))
		got := s.got(standin.HookPath)[i]
		got.Header.Set("webhook-timestamp", got.Header.Get("webhook-timestamp"))
		if n := signatures(got); n != c.signs {
			t.Errorf("%s later: %d signatures", c.later, n)
		}
	}
	first := s.got(standin.HookPath)[0]
	verify(t, old.Secret, first)
	verify(t, renewed.Secret, first)
	s.put(to("d", s.targets.Discord()))
	if _, err := s.streams().Rotate(t.Context(), s.city.ID, "d"); err == nil || !strings.Contains(s.inEnglish(err), "not signed") {
		t.Errorf("what is not signed: %v", err)
	}
}

func signatures(r kit.Request) int { return len(strings.Fields(r.Header.Get("webhook-signature"))) }

// Somebody else gets another secret.
func TestSecretOfAnotherHost(t *testing.T) {
	s := newStreet(t)
	first := s.put(to("a", s.targets.Hook()))
	if same := s.put(to("a", s.targets.Hook()+"/other")); same.Secret != "" {
		t.Error("another path has another secret")
	}
	elsewhere := s.put(to("a", "https://hooks.example.org/in"))
	if elsewhere.Secret == "" || elsewhere.Secret == first.Secret {
		t.Errorf("the secret went with it: %q", elsewhere.Secret)
	}
	if chat := s.put(to("a", s.targets.Slack())); chat.Secret != "" || chat.Kind != KindSlack {
		t.Errorf("Slack has the secret %q", chat.Secret)
	}
}

// A report from a private message does not say where it was written.
func TestPrivateReports(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Hook()))
	r := s.on("U1", onU1)
	r.Visibility = report.Private
	s.mustSend(r)
	if body := s.got(standin.HookPath)[0].Body; strings.Contains(body, "telegram") || strings.Contains(body, "network") {
		t.Errorf("got %s", body)
	}
}

// What a channel of Discord shows, and that nobody is called.
func TestDiscord(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Discord()))
	d, receipt := s.mustSend(s.on("@everyone U1 <@123> Kontis", onU1))
	got := s.got(standin.DiscordPath)[0]
	want := map[string]any{"content": "@everyone U1 <@123> Kontis", "allowed_mentions": map[string]any{"parse": []any{}}, "flags": 4.0}
	if diff := cmp.Diff(want, fields(t, got.Body)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(got.Path, "?wait=true") || got.Header.Get(bots.LoopHeader) != d.Report.ID || got.Header.Get("webhook-signature") != "" {
		t.Errorf("asked %s, %v", got.Path, got.Header)
	}
	s.takeBack(d, receipt)
	if left := s.targets.Messages(); len(left) != 0 {
		t.Errorf("after it was taken back: %v", left)
	}
	s.takeBack(d, receipt) // it is gone already
}

func (s *street) takeBack(d report.Delivery, receipt report.Receipt) {
	s.t.Helper()
	must(s.t, s.retract(d, receipt))
}

func (s *street) retract(d report.Delivery, receipt report.Receipt) error {
	s.t.Helper()
	open, err := s.Open(s.Bots(s.city)[0])
	must(s.t, err)
	d.Retract = &receipt
	return open.(bots.Retracter).Retract(s.t.Context(), d)
}

// A card shows what was read, and leads to the city's page.
func TestCards(t *testing.T) {
	s := newStreet(t)
	discord, slack := to("discord", s.targets.Discord()), to("slack", s.targets.Slack())
	discord.Look, slack.Look = LookCard, LookCard
	s.put(discord)
	s.put(slack)
	r := s.on("U1 <!channel> Plärrer & Fürth", onU1)
	r.Received = time.Date(2026, 11, 27, 9, 5, 0, 0, time.UTC)
	s.send(r)
	embed := fields(t, s.got(standin.DiscordPath)[0].Body)["embeds"].([]any)[0]
	field := func(name, value string) map[string]any {
		return map[string]any{"name": name, "value": value, "inline": true}
	}
	want := map[string]any{"title": "U1 Plärrer → Fürth", "url": "http://tickets.example/city/nuernberg#report-" + r.ID, "color": 11866651.0,
		"timestamp": "2026-11-27T09:05:00Z", "fields": []any{field("Linie", "U1"), field("Haltestelle", "Plärrer"), field("Richtung", "Fürth")}}
	if diff := cmp.Diff(want, embed); diff != "" {
		t.Error(diff)
	}
	message := fields(t, s.got(standin.SlackPath)[0].Body)
	text := "U1 &lt;!channel&gt; Plärrer &amp; Fürth"
	words := func(kind, text string, more ...any) map[string]any {
		return map[string]any{"type": kind, "text": text, more[0].(string): more[1]}
	}
	blocks := []any{
		map[string]any{"type": "header", "text": words("plain_text", "U1 Plärrer → Fürth", "emoji", false)},
		map[string]any{"type": "section", "text": words("mrkdwn", text, "verbatim", true)},
		map[string]any{"type": "context", "elements": []any{map[string]any{"type": "mrkdwn",
			"text": "27.11. 10:05 · <http://tickets.example/city/nuernberg#report-" + r.ID + "|Nuernberg-Köln>"}}},
	}
	if diff := cmp.Diff(map[string]any{"text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false}, message); diff != "" {
		t.Error(diff)
	}
}

// Whatever is in a report, the services take it: the stand-ins hold it to their limits.
func TestLimitsOfServices(t *testing.T) {
	s := newStreet(t)
	for i, look := range []string{LookText, LookCard} {
		for j, target := range []string{s.targets.Discord(), s.targets.Slack()} {
			want := to(fmt.Sprintf("s%d%d", i, j), target)
			want.Look = look
			if target == s.targets.Discord() {
				want.Mention = "@everyone"
			}
			s.put(want)
		}
	}
	for _, text := range []string{strings.Repeat("&<>", 2000), strings.Repeat("😀", 3000), strings.Repeat("ح", 5000), "\u0000\u202e<", strings.Repeat("a ", 3000)} {
		long := report.Reading{Line: strings.Repeat("<U1&>", 300), Stop: strings.Repeat("Ä😀", 900), Toward: strings.Repeat("&", 1100), Clear: true}
		for _, read := range []report.Reading{{}, {Clear: true}, long} {
			if _, _, errs := s.send(s.on(text, read)); errors.Join(errs...) != nil || len(errs) != 4 {
				t.Errorf("%.20q: %v", text, errs)
			}
		}
	}
}

// @here is called at most every so many minutes, and never by who wrote the report.
func TestMention(t *testing.T) {
	s := newStreet(t)
	want := to("a", s.targets.Discord())
	want.Mention, want.MentionEvery = "@here", 30
	s.put(want)
	for i, c := range []struct {
		later   time.Duration
		content string
		parse   []any
	}{
		{0, "@here @\u2060everyone U1 0", []any{"everyone"}},
		{29 * time.Minute, "@everyone U1 1", []any{}},
		{2 * time.Minute, "@here @\u2060everyone U1 2", []any{"everyone"}},
	} {
		s.Clock.Move(c.later)
		s.mustSend(s.on(fmt.Sprint("@everyone U1 ", i), onU1))
		s.Notices.Changed(s.city.ID) // as after a restart: it is remembered
		got := fields(t, s.got(standin.DiscordPath)[i].Body)
		if got["content"] != c.content || !cmp.Equal(got["allowed_mentions"], map[string]any{"parse": c.parse}) {
			t.Errorf("%d: %v", i, got)
		}
	}
	want.Mention = "<@&123>"
	want.MentionEvery = 0
	s.put(want)
	s.mustSend(s.on("U1 <@&456>", onU1))
	if got := fields(t, s.got(standin.DiscordPath)[3].Body); !cmp.Equal(got["allowed_mentions"], map[string]any{"parse": []any{}, "roles": []any{"123"}}) {
		t.Errorf("a role: %v", got)
	}
}

// What each answer of a target means: kind of error, how long to wait, and whether the
// stream stops.
func TestAnswers(t *testing.T) {
	s := newStreet(t)
	header := func(status int, name, value string) kit.Fault {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, value)
			kit.Status(status, "{}")(w, r)
		}
	}
	for name, c := range map[string]struct {
		fault       kit.Fault
		kind        bots.Kind
		least, most time.Duration
		stops       bool
	}{
		"400":             {fault: kit.Status(400, "{}"), kind: bots.KindPermanent},
		"401":             {fault: kit.Status(401, "{}"), kind: bots.KindPermanent, stops: true},
		"403":             {fault: kit.HTML(403), kind: bots.KindPermanent, stops: true},
		"404":             {fault: kit.Status(404, `{"code": 10015}`), kind: bots.KindPermanent, stops: true},
		"410":             {fault: kit.Status(410, "no_service"), kind: bots.KindPermanent, stops: true},
		"413":             {fault: kit.Status(413, ""), kind: bots.KindPermanent},
		"a redirect":      {fault: header(302, "Location", s.targets.Hook()), kind: bots.KindPermanent},
		"500":             {fault: kit.Status(500, "{}"), kind: bots.KindLater, least: 700 * time.Millisecond, most: 1300 * time.Millisecond},
		"408":             {fault: kit.Status(408, "{}"), kind: bots.KindLater, least: 700 * time.Millisecond, most: 1300 * time.Millisecond},
		"429":             {fault: kit.Limited(7, "{}"), kind: bots.KindLater, least: 7 * time.Second, most: 7 * time.Second},
		"429 of Discord":  {fault: kit.Limited(2, `{"message": "You are being rate limited.", "retry_after": 1.625, "global": false}`), kind: bots.KindLater, least: 1625 * time.Millisecond, most: 1625 * time.Millisecond},
		"429 for days":    {fault: kit.Status(429, `{"retry_after": 1e300}`), kind: bots.KindLater, least: time.Hour, most: time.Hour},
		"429 for nothing": {fault: kit.Status(429, `{"retry_after": -5}`), kind: bots.KindLater, least: 700 * time.Millisecond, most: 1300 * time.Millisecond},
		"503":             {fault: header(503, "Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)), kind: bots.KindLater, least: 50 * time.Second, most: 61 * time.Second},
		"cut":             {fault: kit.Cut(), kind: bots.KindLater, least: 700 * time.Millisecond, most: 1300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			stream := strings.ReplaceAll(strings.ToLower(name), " ", "-")
			s.put(to(stream, s.targets.Discord()))
			s.targets.Fail(standin.DiscordPath, -1, c.fault)
			_, _, errs := s.send(s.on("U1 "+name, onU1))
			s.targets.Mend()
			kind, after := bots.KindOf(errs[0])
			if kind != c.kind || after < c.least || after > c.most {
				t.Errorf("%v: kind %d, after %s", errs[0], kind, after)
			}
			got := s.get(stream)
			if got.Running == c.stops || (got.Paused != "") != c.stops || got.Last == nil || got.Last.OK {
				t.Errorf("it says %+v, %+v", got, got.Last)
			}
			for _, hidden := range []string{"made-up", "1177000", "127.0.0.1:1/"} {
				if strings.Contains(fmt.Sprint(errs[0], got.Paused, s.inEnglish(errs[0])), hidden) {
					t.Errorf("the target is told: %v, %q", errs[0], got.Paused)
				}
			}
			if n := len(s.got(standin.HookPath)); n > 0 {
				t.Errorf("a redirect was followed")
			}
			must(t, s.streams().Delete(t.Context(), s.city.ID, stream, Any))
		})
	}
}

// A target that asks to wait is left alone until then, and the waits grow.
func TestWaits(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Hook()))
	s.targets.Fail(standin.HookPath, 3, kit.Status(500, "{}"))
	before := time.Duration(0)
	for i := range 3 {
		_, _, errs := s.send(s.on(fmt.Sprint("U1 ", i), onU1))
		_, after := bots.KindOf(errs[0])
		if after <= before {
			t.Errorf("wait %d is %s, after %s", i, after, before)
		}
		if _, _, errs := s.send(s.on("U1 meanwhile", onU1)); len(s.got(standin.HookPath)) != i+1 {
			t.Errorf("it was asked meanwhile: %v", errs)
		}
		before = after
		s.Clock.Move(after)
	}
	s.mustSend(s.on("U1", onU1))
	if got := s.get("a"); !got.Running || !got.Last.OK || got.Last.Status != 204 {
		t.Errorf("at the end: %+v", got.Last)
	}
}

// Discord says when it takes no more for a moment: it is not asked until then.
func TestRestOfDiscord(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Discord()))
	s.targets.Fail(standin.DiscordPath, 1, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset-After", "1.5")
		kit.Status(200, `{"id": "5"}`)(w, r)
	})
	s.mustSend(s.on("U1", onU1))
	_, _, errs := s.send(s.on("U1 zwei", onU1))
	if kind, after := bots.KindOf(errs[0]); kind != bots.KindLater || after <= time.Second || len(s.got(standin.DiscordPath)) != 1 {
		t.Errorf("%v", errs)
	}
	s.Clock.Move(1500 * time.Millisecond)
	s.mustSend(s.on("U1 drei", onU1))
}

// One that stopped is not sent to; the switch starts it again.
func TestPauseAndResume(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Slack()))
	d, _ := s.mustSend(s.on("U1", onU1))
	s.targets.Fail(standin.SlackPath, 1, kit.Status(410, "no_service"))
	s.send(s.on("U1 zwei", onU1))
	if got := s.get("a"); got.Running || got.Paused != Shown(s.targets.Slack())+" is not there any more (HTTP 410). Put in a new address and save, or switch the stream on again when it is." {
		t.Errorf("it says %q", got.Paused)
	}
	if sent, _, _ := s.send(s.on("U1 drei", onU1)); len(sent) != 0 {
		t.Errorf("it is sent to %d times", len(sent))
	}
	open, err := s.Open(s.Bots(s.city)[0])
	must(t, err)
	if _, err := open.Send(t.Context(), d); !errors.Is(err, errOver) {
		t.Errorf("what waited: %v", err)
	}
	_, err = s.streams().Change(t.Context(), s.city.ID, "a", Any, func(w *Stream) error { w.Running = true; return nil })
	must(t, err)
	s.mustSend(s.on("U1 vier", onU1))
	if got := s.get("a"); got.Paused != "" || !got.Running {
		t.Errorf("again: %+v", got)
	}
}

// What a stream is told of: that a report was taken back, also alone.
func TestTakenBack(t *testing.T) {
	s := newStreet(t)
	both, only, slack, none := to("both", s.targets.Hook()+"/both"), to("only", s.targets.Hook()+"/only"), to("slack", s.targets.Slack()), to("none", s.targets.Hook()+"/none")
	both.Events, only.Events, slack.Events = []string{"report.*"}, []string{bus.ReportTakenBack}, []string{bus.ReportPassed, bus.ReportTakenBack}
	s.targets.Fail(standin.HookPath+"/", -1, kit.Status(204, ""))
	for _, w := range []Stream{both, only, slack, none} {
		s.put(w)
	}
	r := s.on("U1 Plärrer", onU1)
	sent, receipts, errs := s.send(r)
	must(t, errors.Join(errs...))
	if n := len(s.got(standin.HookPath + "/only")); len(sent) != 4 || n != 0 {
		t.Fatalf("sent %d, of which %d to who wants none", len(sent), n)
	}
	for i, d := range sent {
		if receipts[i].ID == "" {
			continue // never taken back
		}
		s.takeBack(d, receipts[i])
	}
	for path, want := range map[string]int{"/both": 2, "/only": 1, "/none": 1} {
		if got := s.got(standin.HookPath + path); len(got) != want {
			t.Errorf("%s was told %d times", path, len(got))
		}
	}
	all := s.got(standin.HookPath + "/both")
	told := fields(t, all[1].Body)
	if told["type"] != "report.taken_back" || told["data"].(map[string]any)["id"] != r.ID || all[1].Header.Get("webhook-id") == all[0].Header.Get("webhook-id") {
		t.Errorf("told %s, %v", all[1].Body, all[1].Header)
	}
	if text := fields(t, s.got(standin.SlackPath)[1].Body)["text"]; text != "Zurückgenommen: U1 Plärrer" {
		t.Errorf("Slack shows %q", text)
	}
	if err := s.retract(sent[0], report.Receipt{ID: "5@another"}); !errors.Is(err, bots.ErrCannotRetract) && err != nil {
		t.Errorf("a message of another webhook: %v", err)
	}
}

// What happens in the city besides.
func TestEvents(t *testing.T) {
	s := newStreet(t)
	hook, chat := to("hook", s.targets.Hook()), to("chat", s.targets.Discord())
	hook.Events = []string{"report.refused", "bot.*", "city.changed", "signal-*"}
	hook.Include = map[string][]string{"line": {"U1"}}
	chat.Events = []string{"bot.trouble", "signal-*"}
	s.put(hook)
	s.put(chat)
	s.run()
	told := s.on("U1 abgelehnt", onU1)
	other := s.on("U2 abgelehnt", onU2)
	for _, r := range []report.Report{other, told} {
		s.refuse(r)
		form, err := json.Marshal(r.Form(s.city.Slug, report.Verdict{Reason: report.ReasonNoTrigger}))
		must(t, err)
		s.publish(bus.ReportRefused, string(form))
	}
	s.publish(bus.ReportPassed, `{"id":"x"}`) // those are deliveries
	s.publish("bot.trouble", `{"bot":1,"network":"stream","state":"trouble"}`)
	s.publish(bus.CityChanged, ``)
	s.publish("signal-fire", `{"text":"Feueralarm","level":3}`)
	s.wait(func() bool { return len(s.got(standin.HookPath)) == 4 && len(s.targets.Messages()) == 2 })
	var types []string
	for _, got := range s.got(standin.HookPath) {
		verifyID := got.Header.Get("webhook-id")
		body := fields(t, got.Body)
		types = append(types, fmt.Sprint(body["type"], " ", got.Header.Get(bots.LoopHeader)))
		if verifyID == "" || body["timestamp"] == nil || body["data"] == nil {
			t.Errorf("got %s", got.Body)
		}
	}
	want := []string{"report.refused " + told.ID, "bot.trouble bot.trouble", "city.changed city.changed", "signal-fire signal-fire"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	messages := s.targets.Messages()
	if messages[1].Text != "Streams: hat Probleme" || messages[0].Text != "Feueralarm" {
		t.Errorf("the chat shows %v", messages)
	}
}

// brittle is an output that breaks at a word.
type brittle chan string

func (b brittle) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("kaputt")) {
		panic("the output breaks")
	}
	b <- string(line)
	return len(line), nil
}

// What breaks while a stream is told something ends neither the program nor what is told
// after it.
func TestEventsPanic(t *testing.T) {
	s := newStreet(t, "TICKETFREI_STREAM_STDOUT=true")
	lines := make(brittle, 1)
	s.network.stdout = lines
	log := to("log", "stdout:")
	log.Events = []string{"signal-*", "bot.*"}
	s.put(log)
	s.run()
	s.publish("signal-a", `{"text":"kaputt"}`)
	s.publish("signal-b", `{"text":"gut"}`)
	select {
	case got := <-lines:
		if fields(t, got)["type"] != "signal-b" {
			t.Errorf("told %s", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("it is told nothing more")
	}
}

// run has the bot receive until the test ends.
func (s *street) run() {
	s.t.Helper()
	open, err := s.Open(s.Bots(s.city)[0])
	must(s.t, err)
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error)
	go func() { ended <- open.Receive(ctx, nil) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("receive: %v", err)
		}
	})
	for range 10_000 { // as a bus tells nobody who follows it
		if s.Bus.Wanted(s.city.ID, "bot.trouble") {
			return
		}
		select {
		case <-s.t.Context().Done():
		case <-time.After(time.Millisecond):
		}
	}
	s.t.Error("it follows nothing")
}

func (s *street) publish(name, payload string) {
	s.Bus.Publish(bus.Event{CityID: s.city.ID, Name: name, Time: s.Now(), Payload: []byte(payload)})
}

func (s *street) wait(ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	if err := s.targets.Wait(ctx, ok); err != nil {
		s.t.Fatalf("%v: hooks %d, chat %d", err, len(s.got(standin.HookPath)), len(s.got(standin.DiscordPath)))
	}
}

// What an operator allows is written to the standard output.
func TestStdout(t *testing.T) {
	s := newStreet(t, "TICKETFREI_STREAM_STDOUT=true")
	s.put(to("log", "stdout:"))
	s.mustSend(s.on("U1\nPlärrer", onU1))
	lines := s.out.lines()
	if len(lines) != 1 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	got := fields(t, lines[0])
	if got["type"] != "report.passed" || got["stream"] != "log" || got["data"].(map[string]any)["text"] != "U1\nPlärrer" {
		t.Errorf("got %v", got)
	}
	if last := s.get("log").Last; last == nil || !last.OK {
		t.Errorf("it says %+v", last)
	}
}

// The test button sends a sample that says what it is, also of a stream that does not run.
func TestTest(t *testing.T) {
	s := newStreet(t)
	off := to("a", s.targets.Discord())
	off.Running, off.Mention = false, "@everyone"
	s.put(off)
	result, err := s.streams().Test(t.Context(), s.city.ID, "a")
	must(t, err)
	if text := s.targets.Messages()[0].Text; !result.OK || result.Status != 200 || text != "Das ist ein Test des Streams a von Nuernberg-Köln. Es ist keine Meldung." {
		t.Errorf("%+v: %q", result, text)
	}
	s.targets.Fail(standin.DiscordPath, 1, kit.Status(404, "{}"))
	result, err = s.streams().Test(t.Context(), s.city.ID, "a")
	if err == nil || result.Status != 404 || !strings.Contains(s.inEnglish(err), "is not there any more (HTTP 404)") {
		t.Errorf("%+v, %v", result, err)
	}
	if got := s.get("a"); got.Paused != "" {
		t.Errorf("one that is off says it has stopped by itself: %q", got.Paused)
	}
	s.put(to("b", s.targets.Hook()))
	if _, err := s.streams().Test(t.Context(), s.city.ID, "b"); err != nil || fields(t, s.got(standin.HookPath)[0].Body)["type"] != "stream.test" {
		t.Errorf("%v", err)
	}
}

// An answer may be as long as it likes.
func TestLongAnswers(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Hook()))
	s.targets.Fail(standin.HookPath, 1, func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		t.Error("64 MB of an answer were read")
	})
	s.mustSend(s.on("U1", onU1))
}

// Private addresses are refused where they are found out late, as behind a name.
func TestPrivateAddressBehindAName(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", strings.Replace(s.targets.Hook(), "127.0.0.1", "localhost", 1)))
	s.network.client.Transport = bots.NewHTTPClient(false, nil).Transport
	_, _, errs := s.send(s.on("U1", onU1))
	if kind, _ := bots.KindOf(errs[0]); kind != bots.KindPermanent || !strings.Contains(s.inEnglish(errs[0]), "private network") {
		t.Errorf("%v", errs)
	}
	if len(s.got("/")) != 0 {
		t.Error("it was sent")
	}
}

// The demo shows what its stream sends.
func TestDemo(t *testing.T) {
	s := newStreet(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	page, err := s.network.StartDemo(ctx, s.Site, s.city)
	must(t, err)
	s.Site.HandleDemo(Name, page)
	s.mustSend(s.on("U1 Plärrer", onU1))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/demo/stream", http.NoBody)
	r.Header.Set("Accept-Language", "de")
	s.Site.ServeHTTP(w, r)
	for _, want := range []string{"<h1>Discord", "U1 Plärrer → Fürth<br>U1 Plärrer"} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d without %q", w.Code, want)
		}
	}
}
