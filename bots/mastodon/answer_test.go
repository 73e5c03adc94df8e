package mastodon

import (
	"net/http"
	"testing"
	"time"

	"ticketfrei/bots"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
)

// TestWordsOfAProxy has something between answer in JSON of its own: it says neither
// that the login is refused nor that something was done.
func TestWordsOfAProxy(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fault.Fault{
		"401": fault.Status(http.StatusUnauthorized, `{"code":401,"message":"Unauthorized"}`),
		"403": fault.Status(http.StatusForbidden, `{"message":"blocked","code":"waf"}`),
		"404": fault.Status(http.StatusNotFound, `{"code":404,"msg":"no route"}`),
		"410": fault.Status(http.StatusGone, `{"code":"gone","message":"gone"}`),
		"200": fault.Status(http.StatusOK, `{"blocked":true}`),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			d, _ := w.heard(row, standin.Mention{Text: "U1", Visibility: "public"})
			b := w.load(row)
			w.server.Fail("/api/v1/statuses", 1, answer)
			if _, err := b.Send(w.ctx, d); err == nil {
				t.Error("it counts as done")
			} else if kind, _ := bots.KindOf(err); kind != bots.KindTemporary {
				t.Errorf("%v of kind %d", err, kind)
			}
			w.server.Mend()
			must(b.Send(w.ctx, d))(t)
			if n := len(w.account.Boosts()); n != 1 {
				t.Errorf("boosted %d times", n)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"error":"x"}`, `{"error":" ","message":"x","code":1}`, `{"error":{}}`, `<html>`, `null`, `{"error":"x","retry_after":1e999}`} {
		f.Add([]byte(s), 401)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		code, after, ok := parse(status, nil, body)
		if ok && code == "" || !ok && (code != "" || after != 0) || after < 0 || after > 24*time.Hour {
			t.Errorf("parse(%q) = %q, %s, %v", body, code, after, ok)
		}
	})
}
