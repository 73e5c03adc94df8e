package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/web/pushtest"
	"ticketfrei/internal/report"
)

func TestAReportIsPushed(t *testing.T) {
	p := newPocket(t)
	phone := p.service.Phone()
	p.follow(phone, map[string]any{"lines": []string{"u1"}, "language": "tr"})
	r := p.about("U1 Plärrer 2 Kontis Richtung Fürth", onU1)
	if errs := p.send(r); len(errs) != 1 || errs[0] != nil {
		t.Fatal(errs)
	}
	got := phone.Got()[0]
	for key, want := range map[string]any{"v": 1.0, "title": "U1 Plärrer → Fürth", "body": r.Text, "tag": r.ID,
		"url": "/city/nuernberg#report-" + r.ID, "lang": "tr", "city": "nuernberg", "at": float64(r.Time.UnixMilli())} {
		if got.Text[key] != want {
			t.Errorf("%s is %v, want %v", key, got.Text[key], want)
		}
	}
	if many := fmt.Sprint(got.Text["manyLine"]); !strings.HasPrefix(many, "[U1: 2 bildirim U1: 3 bildirim") {
		t.Errorf("together: %s", many)
	}
	if expire := int(p.Config.Reports.Expire.Seconds()); got.TTL > expire || got.TTL < expire-60 {
		t.Errorf("kept for %d s", got.TTL)
	}
	if got.Topic == "" || strings.Contains(got.Raw, phone.Endpoint) {
		t.Errorf("topic %q, %s", got.Topic, got.Raw)
	}
}

// What the title says where little was read, and of an all-clear.
func TestTitles(t *testing.T) {
	p := newPocket(t)
	phone := p.service.Phone()
	p.follow(phone, nil)
	for _, r := range []report.Report{
		p.about("Kontis am Rathaus", report.Reading{}),
		p.about("Plärrer sauber", report.Reading{Stop: "Plärrer", Clear: true, Lines: report.NewLines("U1", "U2")}),
		p.about("wieder weg", report.Reading{Clear: true}),
		p.about(strings.Repeat("الكل \u0001\"", 5000), onU1),
	} {
		if errs := p.send(r); errs[0] != nil {
			t.Fatal(errs)
		}
	}
	want := []string{"Nuernberg-Köln", "✓ Plärrer", "✓ Nuernberg-Köln", "U1 Plärrer → Fürth"}
	if diff := cmp.Diff(want, titles(phone)); diff != "" {
		t.Error(diff)
	}
	if body := phone.Got()[3].Text["body"].(string); !strings.HasSuffix(body, "…") {
		t.Errorf("cut to %q", body)
	}
}

func TestOnlyWhatIsWanted(t *testing.T) {
	p := newPocket(t)
	all, one, other := p.service.Phone(), p.service.Phone(), p.service.Phone()
	p.follow(all, nil)
	p.follow(one, map[string]any{"lines": []string{"U1"}})
	p.follow(other, map[string]any{"lines": []string{"U2"}})
	p.send(p.about("U1", onU1))
	p.send(p.about("am Rathaus", report.Reading{}))
	p.send(p.about("Plärrer", report.Reading{Stop: "Plärrer", Lines: report.NewLines("U1", "U2")}))
	for name, c := range map[string]struct {
		phone *pushtest.Phone
		want  int
	}{"all lines": {all, 3}, "U1": {one, 2}, "U2": {other, 1}} {
		if got := len(c.phone.Got()); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	// The same browser changes its mind.
	p.follow(one, map[string]any{"lines": []string{"U2"}})
	p.send(p.about("U1 wieder", onU1))
	if n, err := p.Network.(bots.Recipients).CountRecipients(t.Context(), p.bot); n != 3 || err != nil || len(one.Got()) != 2 {
		t.Errorf("%d follow, %v, the one got %d", n, err, len(one.Got()))
	}
}

func TestQuietHours(t *testing.T) {
	p := newPocket(t)
	night, day := p.service.Phone(), p.service.Phone()
	p.follow(night, map[string]any{"quiet": map[string]int{"from": 22, "to": 6}})
	p.follow(day, map[string]any{"quiet": map[string]int{"from": 8, "to": 16}})
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	for hour, want := range map[int][2]int{21: {1, 1}, 22: {0, 1}, 0: {0, 1}, 5: {0, 1}, 6: {1, 1}, 8: {1, 0}, 15: {1, 0}, 16: {1, 1}} {
		now := p.Now().In(berlin)
		p.Clock.Move(time.Date(now.Year(), now.Month(), now.Day()+1, hour, 59, 0, 0, berlin).Sub(now))
		before := [2]int{len(night.Got()), len(day.Got())}
		for _, err := range p.send(p.about(fmt.Sprint("U1 um ", hour), onU1)) {
			must(t, err)
		}
		if got := [2]int{len(night.Got()) - before[0], len(day.Got()) - before[1]}; got != want {
			t.Errorf("at %d: %v, want %v", hour, got, want)
		}
	}
}

func TestTakenBack(t *testing.T) {
	p := newPocket(t)
	phone := p.service.Phone()
	p.follow(phone, map[string]any{"language": "fr"})
	r := p.about("U1", onU1)
	d := p.Deliveries(p.bot, r)[0]
	receipt, err := p.page.Send(t.Context(), d)
	must(t, err)
	if receipt.ID == "" {
		t.Fatal("what has no receipt is never taken back")
	}
	d.Retract = &receipt
	must(t, p.page.(bots.Retracter).Retract(t.Context(), d))
	got := phone.Got()
	if got[1].Text["close"] != r.ID || got[1].Text["title"] != "Retiré" || got[1].Topic != got[0].Topic {
		t.Errorf("got %s, topic %s", got[1].Raw, got[1].Topic)
	}
	if strings.Contains(got[1].Raw, r.Text+`"`) {
		t.Errorf("what was taken back is said again: %s", got[1].Raw)
	}
	if status, _ := p.ask(http.MethodDelete, "/push", phone.Subscription(nil)); status != http.StatusNoContent {
		t.Fatal(status)
	}
	must(t, p.page.(bots.Retracter).Retract(t.Context(), d))
}

// What each answer of a push service means.
func TestAnswers(t *testing.T) {
	p := newPocket(t)
	wait := http.Header{"Retry-After": {"42"}}
	for status, want := range map[int]bots.Kind{200: -1, 202: -1, 204: -1, 302: bots.KindPermanent, 400: bots.KindPermanent, 401: bots.KindPermanent,
		403: bots.KindPermanent, 404: bots.KindGone, 410: bots.KindGone, 408: bots.KindTemporary, 413: bots.KindPermanent, 500: bots.KindTemporary,
		502: bots.KindTemporary, 429: bots.KindLater, 503: bots.KindLater} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			phone := p.service.Phone()
			p.follow(phone, nil)
			p.service.Answer(func(*pushtest.Phone) (int, http.Header) { return status, wait })
			err := p.send(p.about("U1", onU1))[0]
			kind, after := bots.KindOf(err)
			if err == nil {
				kind = -1
			}
			if kind != want || kind == bots.KindLater && after != 42*time.Second {
				t.Errorf("kind %d after %s: %v", kind, after, err)
			}
			if err != nil && (strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "/send/")) {
				t.Errorf("the error leads to somebody: %v", err)
			}
			if text := bots.Words(err, func(id string, data ...any) string { return p.Texts.T("en", id, data...) }); err != nil && strings.Contains(text, "!") {
				t.Errorf("a moderator reads %q", text)
			}
			p.service.Answer(nil)
			p.send(p.about("U1 noch einmal", onU1)) // the service is well
			_, _ = p.ask(http.MethodDelete, "/push", phone.Subscription(nil))
		})
	}
}

// A service that wants shorter messages gets them.
func TestShorterMessages(t *testing.T) {
	p := newPocket(t)
	phone := p.service.Phone()
	p.follow(phone, nil)
	first := true
	p.service.Answer(func(*pushtest.Phone) (int, http.Header) {
		if first {
			first = false
			return http.StatusRequestEntityTooLarge, nil
		}
		return 0, nil
	})
	must(t, p.send(p.about(strings.Repeat("Kontis ", 50), onU1))[0])
	if raw := phone.Got()[0].Raw; len(raw) > 500 || !strings.Contains(raw, "Kontis") {
		t.Errorf("got %s", raw)
	}
}

// A service that takes nothing is not asked for everybody, and the others are served.
func TestOneServiceIsAway(t *testing.T) {
	p := newPocket(t)
	away, stop := pushtest.Start()
	t.Cleanup(stop)
	for range 20 {
		p.follow(away.Phone(), nil)
	}
	phone := p.service.Phone()
	p.follow(phone, nil)
	away.Answer(func(*pushtest.Phone) (int, http.Header) {
		return http.StatusServiceUnavailable, http.Header{"Retry-After": {"120"}}
	})
	errs := p.send(p.about("U1", onU1))
	for _, err := range errs[:20] {
		if kind, _ := bots.KindOf(err); kind != bots.KindLater {
			t.Errorf("%v", err)
		}
	}
	if errs[20] != nil || len(phone.Got()) != 1 || away.Calls() != manyBrowsers {
		t.Errorf("%v, the other got %d, the one that is away was asked %d times", errs[20], len(phone.Got()), away.Calls())
	}
	away.Answer(nil)
	p.Clock.Move(2 * time.Minute)
	if errs := p.send(p.about("U2", onU1)); !slices.Equal(errs, make([]error, 21)) {
		t.Errorf("after that: %v", errs)
	}
}

// A few browsers that a service takes nothing for do not hold up the others.
func TestFewBrowsersHoldUpNobody(t *testing.T) {
	p := newPocket(t)
	for range manyBrowsers - 1 {
		p.follow(p.service.Phone(), nil)
	}
	r := p.about("U1", onU1)
	for range 5 { // they are tried again and again
		p.service.Answer(func(*pushtest.Phone) (int, http.Header) { return http.StatusServiceUnavailable, nil })
		p.send(r)
	}
	p.service.Answer(nil)
	phone := p.service.Phone()
	p.follow(phone, nil)
	p.send(r)
	if got := len(phone.Got()); got != 1 {
		t.Errorf("the other got %d", got)
	}
}

func TestNobodyAnswers(t *testing.T) {
	p := newPocket(t)
	gone, stop := pushtest.Start()
	for range manyBrowsers + 2 {
		p.follow(gone.Phone(), nil)
	}
	stop()
	errs := p.send(p.about("U1", onU1))
	for i, err := range errs {
		kind, after := bots.KindOf(err)
		if i < manyBrowsers && kind != bots.KindTemporary || i >= manyBrowsers && (kind != bots.KindLater || after > longestPause) {
			t.Errorf("%d: kind %d after %s: %v", i, kind, after, err)
		}
		if strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("the error leads to somebody: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Clock.Move(time.Hour)
	if _, err := p.page.Send(ctx, p.Deliveries(p.bot, p.about("U1", onU1))[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The key stays the same after a restart: browsers take messages of the one alone that
// they subscribed with.
func TestTheKeyIsKept(t *testing.T) {
	p := newPocket(t)
	page := p.Browser().Get("/city/nuernberg/web/", http.StatusOK)
	first, err := newPusher(p.Host.Host).key(t.Context())
	must(t, err)
	if !strings.Contains(page.Body, `data-key="`+first.Public()+`"`) {
		t.Errorf("the page has another key than %s:\n%s", first.Public(), page.Body)
	}
	phone := p.service.Phone()
	p.follow(phone, nil)
	p.send(p.about("U1", onU1))
	if phone.Got()[0].Signed != first.Public() {
		t.Error("signed by another")
	}
	private, err := first.Private()
	must(t, err)
	var stored string
	must(t, p.DB.ReadRow(t.Context(), "SELECT value FROM secrets WHERE name = ?", signerName).Scan(&stored))
	if strings.Contains(stored, private) {
		t.Error("the key is not sealed")
	}
}
