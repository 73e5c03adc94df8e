package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
)

// What is wrong is said with where, and nothing is stored.
func TestWrongSubscriptions(t *testing.T) {
	p := newPocket(t)
	with := func(change map[string]any) string {
		raw := p.service.Phone().Subscription(change)
		return raw
	}
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"nothing":           {"", 400, ""},
		"no JSON":           {"endpoint=x", 400, ""},
		"more than JSON":    {with(nil) + "{", 400, ""},
		"an array":          {"[]", 400, ""},
		"a number":          {with(map[string]any{"endpoint": 1}), 400, "endpoint"},
		"lines as a text":   {with(map[string]any{"lines": "U1"}), 400, "lines"},
		"no endpoint":       {with(map[string]any{"endpoint": ""}), 422, "endpoint"},
		"another scheme":    {with(map[string]any{"endpoint": "ftp://push.example/1"}), 422, "endpoint"},
		"script":            {with(map[string]any{"endpoint": "javascript:alert(1)"}), 422, "endpoint"},
		"a login":           {with(map[string]any{"endpoint": "https://a:b@push.example/1"}), 422, "endpoint"},
		"a space":           {with(map[string]any{"endpoint": "https://push.example/a b"}), 422, "endpoint"},
		"no host":           {with(map[string]any{"endpoint": "https:///1"}), 422, "endpoint"},
		"a path":            {with(map[string]any{"endpoint": "/1"}), 422, "endpoint"},
		"too long a URL":    {with(map[string]any{"endpoint": "https://push.example/" + strings.Repeat("x", maxEndpoint)}), 422, "endpoint"},
		"no keys":           {with(map[string]any{"keys": nil}), 422, "keys.p256dh"},
		"no point":          {with(map[string]any{"keys": map[string]string{"p256dh": "BAAA", "auth": "AAAA"}}), 422, "keys.p256dh"},
		"a short auth":      {with(map[string]any{"keys": map[string]string{"p256dh": p256dhOf(t, with(nil)), "auth": "AAAA"}}), 422, "keys.auth"},
		"an unknown line":   {with(map[string]any{"lines": []string{"U1", "U9"}}), 422, "lines"},
		"an empty line":     {with(map[string]any{"lines": []string{""}}), 422, "lines"},
		"another language":  {with(map[string]any{"language": "tlh"}), 422, "language"},
		"quiet at 24":       {with(map[string]any{"quiet": map[string]int{"from": 22, "to": 24}}), 422, "quiet"},
		"quiet for ever":    {with(map[string]any{"quiet": map[string]int{"from": 5, "to": 5}}), 422, "quiet"},
		"quiet without end": {with(map[string]any{"quiet": map[string]int{"from": 5}}), 422, "quiet"},
		"too long":          {with(map[string]any{"more": strings.Repeat("x", maxPushBody)}), 413, ""},
	} {
		status, answer := p.ask(http.MethodPost, "/push", c.body)
		field, _ := answer["field"].(string)
		if text, _ := answer["error"].(string); status != c.status || field != c.field || text == "" || strings.Contains(text, "!") {
			t.Errorf("%s: %d %v, want %d about %q", name, status, answer, c.status, c.field)
		}
	}
	if rows := p.Rows(p.bot); len(rows) > 0 {
		t.Errorf("stored %v", rows)
	}
}

func p256dhOf(t *testing.T, subscription string) string {
	t.Helper()
	var a asked
	must(t, json.Unmarshal([]byte(subscription), &a))
	return a.Keys.P256dh
}

// Without network.allow_private nothing is sent within the operator's network.
func TestEndpointsOfStrangers(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://fcm.googleapis.com/fcm/send/x": true,
		"https://push.example:8443/x?y":         true,
		"http://push.example/x":                 false,
		"https://127.0.0.1/x":                   false,
		"https://127.1/x":                       false,
		"https://2130706433/x":                  false,
		"https://[::1]/x":                       false,
		"https://[::ffff:10.0.0.1]/x":           false,
		"https://10.1.2.3/x":                    false,
		"https://169.254.169.254/latest":        false,
		"https://localhost/x":                   false,
		"https://a.localhost./x":                false,
		"https://intranet/x":                    false,
		"https://192.0.2.1.example/x":           true,
		"https://8.8.8.8/x":                     true,
		"https://8.8.8.8:65535/x":               true,
		"https://8.8.8.8:65536/x":               false,
		"https://8.8.8.8:0/x":                   false,
		"https://[2606:4700:4700::1111]/x":      true,
	} {
		if got := isEndpoint(endpoint, false); got != want {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
	if !isEndpoint("http://127.0.0.1:1/x", true) || isEndpoint("file:///x", true) {
		t.Error("allow_private")
	}
}

func TestUnsubscribe(t *testing.T) {
	p := newPocket(t)
	for _, way := range []struct{ method, path string }{{http.MethodDelete, "/push"}, {http.MethodPost, "/push/remove"}} {
		phone := p.service.Phone()
		p.follow(phone, nil)
		for range 2 { // the second time there is nobody
			if status, _ := p.ask(way.method, way.path, fmt.Sprintf(`{"endpoint":%q}`, phone.Endpoint)); status != http.StatusNoContent {
				t.Errorf("%s: %d", way.method, status)
			}
		}
		if errs := p.send(p.about("U1", onU1)); len(errs) > 0 {
			t.Errorf("still sent: %v", errs)
		}
		if rows := p.Rows(p.bot); len(rows) > 0 {
			t.Errorf("left: %v", rows)
		}
	}
	if status, answer := p.ask(http.MethodDelete, "/push", "{}"); status != http.StatusUnprocessableEntity || answer["field"] != "endpoint" {
		t.Errorf("%d %v", status, answer)
	}
}

// Nothing on disk or in the log leads to whoever follows.
func TestSubscriptionsAreSealed(t *testing.T) {
	dbtest.OnlyFile(t, "it looks into the files")
	p := newPocket(t)
	phone := p.service.Phone()
	p.follow(phone, map[string]any{"lines": []string{"U1"}})
	p.send(p.about("U1", onU1))
	var a asked
	must(t, json.Unmarshal([]byte(phone.Subscription(nil)), &a))
	var path string
	must(t, p.DB.ReadRow(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path))
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		for _, secret := range []string{a.Endpoint, a.Keys.P256dh, a.Keys.Auth} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s holds %s", file, secret)
			}
		}
	}
	if log := p.Lines.String(); strings.Contains(log, "/send/") || strings.Contains(log, a.Keys.Auth) {
		t.Errorf("the log tells: %s", log)
	}
}

func TestOneClientSubscribesTooOften(t *testing.T) {
	p := newPocket(t)
	for range subscribesPerHour {
		p.ask(http.MethodPost, "/push/remove", "{}") // which is counted with it
	}
	status, answer := p.ask(http.MethodPost, "/push", p.service.Phone().Subscription(nil))
	if status != http.StatusTooManyRequests || answer["error"] == "" {
		t.Errorf("%d %v", status, answer)
	}
}

// A browser that posts twice at once follows once.
func TestSubscribedTwiceAtOnce(t *testing.T) {
	p := newPocket(t)
	phone := p.service.Phone()
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { p.follow(phone, nil) })
	}
	group.Wait()
	if n, err := p.Network.(bots.Recipients).CountRecipients(t.Context(), p.bot); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestSwitchedOff(t *testing.T) {
	p := newPocket(t)
	must(t, p.DB.EnableBot(t.Context(), p.bot.ID, false))
	if status, answer := p.ask(http.MethodPost, "/push", p.service.Phone().Subscription(nil)); status != http.StatusNotFound || answer["error"] == "" {
		t.Errorf("%d %v", status, answer)
	}
	p.Browser().Get("/city/nuernberg/web/", http.StatusOK).Shows("Following on phones is switched off")
	must(t, p.Network.Forget(t.Context(), p.bot))
}

func FuzzSubscription(f *testing.F) {
	f.Add(`{"endpoint":"https://push.example/1","keys":{"p256dh":"x","auth":"y"},"lines":["U1"],"quiet":{"from":1,"to":2}}`, true)
	f.Add(`{"endpoint":"http://[::1]:0/%zz"}`, false)
	f.Fuzz(func(t *testing.T, body string, private bool) {
		var a asked
		if json.Unmarshal([]byte(body), &a) != nil {
			return
		}
		if isEndpoint(a.Endpoint, private) {
			if _, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.Endpoint, nil); err != nil {
				t.Errorf("%q cannot be asked: %v", a.Endpoint, err)
			}
		}
		_, _ = readLines(a.Lines, nil)
	})
}
