package remote_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
)

// ask is a call as libraries make them.
func ask(t *testing.T, c *remote.Client, url string, out any) error {
	t.Helper()
	resp, err := c.Library().Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

func TestLibrary(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		trouble remote.Trouble
	}{
		"success":  {answers(200, `{}`), ""},
		"limited":  {answers(429, `{"error":"slow"}`), remote.Limited},
		"refused":  {answers(401, `{"error":"no"}`), remote.Refused},
		"firewall": {answers(401, `<html>`), remote.NotTheAPI},
		"a page":   {answers(200, `<html>`), remote.NotTheAPI},
		"huge":     {answers(200, `{"a":"`+strings.Repeat("x", 9<<20)+`"}`), remote.NotTheAPI},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, tt.handler)
			err := c.Explain(t.Context(), ask(t, c, c.Base+"/x", new(map[string]any)))
			if tt.trouble == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := problem(t, err); e.Trouble != tt.trouble {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// Some servers answer what they do not accept with a page, unless JSON is asked for.
func TestJSONIsAskedFor(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/json" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
	})
	if e := problem(t, c.Get(t.Context(), "/x", nil, new(map[string]any))); e.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %+v", e)
	}
}

func TestExplainKeepsTheContractsKinds(t *testing.T) {
	c := clientOf("https://zulip.example")
	if err := bots.Gone(errors.New("x")); c.Explain(t.Context(), err) != err {
		t.Error("an error that has a kind was changed")
	}
}

// net/http itself sends a request again whose connection ended, where it holds
// an Idempotency-Key. Some servers have posted by then.
func TestNothingIsPostedTwice(t *testing.T) {
	var posts atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
			_, _ = io.ReadAll(r.Body)
			panic(http.ErrAbortHandler)
		}
	})
	if err := c.Get(t.Context(), "/", nil, nil); err != nil { // a connection to be used again
		t.Fatal(err)
	}
	e := problem(t, c.With("Idempotency-Key", "k").Post(t.Context(), "/", "text", nil))
	if posts.Load() != 1 || e.Trouble != remote.Unreachable {
		t.Errorf("posted %d times, %v", posts.Load(), e)
	}
}

func TestLoginStaysWithItsHost(t *testing.T) {
	seen := make(chan http.Header, 2)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	t.Cleanup(elsewhere.Close)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	})
	c.Header.Set("X-Api-Key", secret)
	if err := c.Get(t.Context(), "/", nil, nil); err != nil {
		t.Fatal(err)
	}
	if h := <-seen; h.Get("X-Api-Key") != secret || h.Get("Authorization") == "" {
		t.Errorf("the host itself got %v", h)
	}
	if h := <-seen; h.Get("X-Api-Key") != "" || h.Get("Authorization") != "" {
		t.Errorf("another host got %v", h)
	}
}

// A connection that becomes something else is longer than any answer.
func TestUpgradeIsLeftAlone(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.CopyN(conn, conn, 4)
	})
	c.MaxAnswer, c.HTTP.Timeout = 1, 0
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Base, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := c.Library().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatal("it cannot be written to")
	}
	_, _ = io.WriteString(conn, "ping")
	if got, err := io.ReadAll(conn); string(got) != "ping" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestKind(t *testing.T) {
	for trouble, want := range map[remote.Trouble]bots.Kind{
		remote.Refused: bots.KindRefused, remote.Limited: bots.KindRetryAfter, remote.Gone: bots.KindGone, remote.Rejected: bots.KindPermanent,
		remote.UnknownHost: bots.KindTemporary, remote.PrivateHost: bots.KindTemporary, remote.NoAnswer: bots.KindTemporary, remote.Unreachable: bots.KindTemporary,
		remote.BadCertificate: bots.KindTemporary, remote.NotTheAPI: bots.KindTemporary, remote.Broken: bots.KindTemporary,
	} {
		t.Run(string(trouble), func(t *testing.T) {
			e := &remote.Error{Name: "Zulip", Trouble: trouble, After: 7 * time.Second}
			err := remote.Kind(e)
			kind, after := bots.KindOf(err)
			if kind != want || remote.As(err) != e || (want == bots.KindRetryAfter) != (after == 7*time.Second) {
				t.Errorf("%v of kind %d, wait %s", err, kind, after)
			}
		})
	}
	if remote.Kind(nil) != nil {
		t.Error("nothing is an error")
	}
	other, known := errors.New("x"), bots.Gone(&remote.Error{Trouble: remote.Refused})
	if remote.Kind(other) != other || remote.Kind(known) != known {
		t.Error("an error that is another's was changed")
	}
}
