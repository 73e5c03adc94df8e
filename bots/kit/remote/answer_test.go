package remote_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ticketfrei/bots/kit/remote"
)

func TestHowLongToWait(t *testing.T) {
	const slower = `{"error":"slow"}`
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		header map[string]string
		body   string
		want   time.Duration
	}{
		"seconds":                    {map[string]string{"Retry-After": "42"}, slower, 42 * time.Second},
		"with a fraction":            {map[string]string{"Retry-After": "1.5"}, slower, 1500 * time.Millisecond},
		"a time":                     {map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:00:30 GMT"}, slower, 30 * time.Second},
		"a time by their clock":      {map[string]string{"Retry-After": "Fri, 02 Jan 2026 13:00:30 GMT", "Date": "Fri, 02 Jan 2026 13:00:00 GMT"}, slower, 30 * time.Second},
		"at once":                    {map[string]string{"Retry-After": "0"}, slower, time.Second},
		"before now":                 {map[string]string{"Retry-After": "-5"}, slower, time.Second},
		"for ever":                   {map[string]string{"Retry-After": "1e300"}, slower, 15 * time.Minute},
		"until the reset":            {map[string]string{"X-RateLimit-Reset": "2026-01-02T03:02:30.5Z"}, slower, 150*time.Second + 500*time.Millisecond},
		"reset by their clock":       {map[string]string{"X-RateLimit-Reset": "2026-01-02T13:02:30Z", "Date": "Fri, 02 Jan 2026 13:02:00 GMT"}, slower, 30 * time.Second},
		"reset in the past":          {map[string]string{"X-RateLimit-Reset": "2026-01-02T02:00:00Z"}, slower, time.Second},
		"reset in a year":            {map[string]string{"X-RateLimit-Reset": "2027-01-02T03:00:00Z"}, slower, 15 * time.Minute},
		"reset since 1970":           {map[string]string{"X-RateLimit-Reset": "1767322820"}, slower, 20 * time.Second},
		"reset in seconds":           {map[string]string{"X-RateLimit-Reset": "20"}, slower, 20 * time.Second},
		"both":                       {map[string]string{"X-RateLimit-Reset": "20", "Retry-After": "30"}, slower, 30 * time.Second},
		"in the body":                {map[string]string{"Retry-After": "65"}, `{"code":0,"message":"slow","retry_after":64.57}`, 64570 * time.Millisecond},
		"in the body, with a dash":   {nil, `{"code":"RATE_LIMIT_HIT","msg":"slow","retry-after":28.5}`, 28500 * time.Millisecond},
		"nothing said":               {nil, slower, 5 * time.Minute},
		"nothing that could be read": {map[string]string{"X-RateLimit-Reset": "soon", "Retry-After": "NaN"}, slower, 5 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil // ours is not that of the test
				for name, value := range tt.header {
					w.Header().Set(name, value)
				}
				answers(http.StatusTooManyRequests, tt.body)(w, r)
			})
			c.UsualWait, c.Now = 5*time.Minute, func() time.Time { return now }
			if e := problem(t, c.Get(t.Context(), "/", nil, nil)); e.Trouble != remote.Limited || e.After != tt.want {
				t.Errorf("%+v, want to wait %s", e, tt.want)
			}
		})
	}
	t.Run("a firewall asks for it", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3600")
			answers(http.StatusTooManyRequests, "<html>")(w, r)
		})
		if e := problem(t, c.Get(t.Context(), "/", nil, nil)); e.Trouble != remote.Limited || e.After != 20*time.Second {
			t.Errorf("%+v, want to wait 20 s", e)
		}
	})
	t.Run("by default", func(t *testing.T) {
		if e := problem(t, serve(t, answers(429, slower)).Get(t.Context(), "/", nil, nil)); e.After != time.Minute {
			t.Errorf("waits %s", e.After)
		}
	})
}

func TestParseOfANetwork(t *testing.T) {
	c := serve(t, answers(420, "calm down; 7"))
	c.Parse = func(status int, _ http.Header, body []byte) (code string, after time.Duration, ok bool) {
		return "CALM", 7 * time.Second, strings.HasSuffix(string(body), "; 7") && status == 420
	}
	c.Kinds["CALM"] = remote.Limited
	e := problem(t, c.Get(t.Context(), "/", nil, nil))
	if e.Trouble != remote.Limited || e.Code != "CALM" || e.After != 7*time.Second {
		t.Errorf("got %+v", e)
	}
}

// What a library has read itself is taken for the same as what the client reads.
func TestAnswered(t *testing.T) {
	c := clientOf("https://zulip.example")
	for status, want := range map[int]remote.Trouble{400: remote.Rejected, 401: remote.Refused, 410: remote.Gone, 429: remote.Limited, 502: remote.Broken} {
		e := problem(t, c.Answered(status, "x", 3*time.Second))
		if e.Trouble != want || e.Code != "x" || e.Status != status || (want == remote.Limited) != (e.After == 3*time.Second) {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"error":"x"}`, `{"code":7,"message":"\ud800"}`, `{"error":{"error":"x"}}`, `{"errcode":"A","error":"b","retry_after":1e999}`, `<html>`, `null`, `{"retry-after":"NaN","error":"x"}`} {
		f.Add([]byte(s), 400)
	}
	c := clientOf("https://zulip.example")
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		code, after, ok := remote.ParseJSON(status, nil, body)
		if ok && code == "" || after < 0 || after > 24*time.Hour {
			t.Errorf("ParseJSON(%q) = %q, %s, %v", body, code, after, ok)
		}
		if !ok && (code != "" || after != 0) {
			t.Errorf("%q is none of the API, and says %q, %s", body, code, after)
		}
		e := c.Answered(status, code, after)
		if len(e.Code) > 64 || strings.ContainsAny(e.Error(), "\r\n\x00@") || !utf8.ValidString(e.Error()) {
			t.Errorf("%q says %q", body, e.Error())
		}
	})
}
