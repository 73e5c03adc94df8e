package standin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/kit/standin"
)

// patience bounds everything that a test waits for.
const patience = 10 * time.Second

// toy is a stand-in of the least kind.
type toy struct {
	*standin.Server
	*standin.Book[string]
}

var _ standin.Service = (*toy)(nil)

// Write keeps a text.
func (s *toy) Write(n int, m standin.Message) {
	s.Happen(n, func(id string) string { return id + " " + m.Place() + ": " + m.Text })
}

func start(t *testing.T) *toy {
	t.Helper()
	routes := http.NewServeMux()
	server, err := standin.Start(routes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := &toy{server, standin.NewBook[string](server)}
	s.Paths = map[standin.Call]string{standin.Listen: "/news", standin.Post: "/lines"}
	routes.HandleFunc("GET /news", s.As(func(n int, w http.ResponseWriter, r *http.Request) {
		standin.JSON(w, http.StatusOK, s.After(r, n, r.FormValue("after"), standin.Seconds(r.FormValue("wait"))))
	}))
	routes.HandleFunc("POST /lines", s.As(func(n int, w http.ResponseWriter, r *http.Request) {
		var line struct{ Key, Text string }
		if standin.Body(w, r, &line) {
			standin.JSON(w, http.StatusCreated, s.Wrote(n, line.Key, standin.Line{Text: line.Text}))
		}
	}))
	routes.HandleFunc("DELETE /lines/{id}", s.As(s.Remove))
	return s
}

// do makes a request as account n, and returns the status and the body; 0 where no
// answer comes.
func (s *toy) do(t *testing.T, n int, method, path, body string) (int, string, http.Header) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), patience)
	defer done()
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token(n))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

func TestFaults(t *testing.T) {
	s := start(t)
	tests := []struct {
		name   string
		fault  standin.Fault
		status int
		body   string
		wait   string
	}{
		{"error", s.Answer(http.StatusInternalServerError, 0), 500, `{"error":"internal server error"}`, ""},
		{"wait", s.Answer(http.StatusTooManyRequests, 7*time.Second), 429, `"error"`, "7"},
		{"limited", standin.Limited(3, `{}`), 429, `{}`, "3"},
		{"page", standin.HTML(http.StatusForbidden), 403, "<h1>", ""},
		{"cut", standin.Cut(), 0, "EOF", ""},
		{"answer lost", s.LoseAnswer(), 0, "EOF", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.Fail("/lines", 1, tt.fault)
			if status, _, _ := s.do(t, 0, http.MethodGet, "/news", ""); status != http.StatusOK {
				t.Errorf("another path meets the fault: %d", status)
			}
			status, body, header := s.do(t, 0, http.MethodPost, "/lines", `{"text": "x"}`)
			if status != tt.status || !strings.Contains(body, tt.body) || header.Get("Retry-After") != tt.wait {
				t.Errorf("%d %q %v", status, body, header)
			}
			if status, _, _ := s.do(t, 0, http.MethodPost, "/lines", `{"text": "x"}`); status != http.StatusCreated {
				t.Errorf("the fault stays: %d", status)
			}
		})
	}
	if got, want := len(s.Lines(0)), len(tests)+1; got != want {
		t.Errorf("%d lines, want %d: only what lost its answer was done", got, want)
	}
}

func TestFaultsUntilTheyAreMended(t *testing.T) {
	s := start(t)
	s.Fail("/lines", -1, standin.Status(http.StatusBadGateway, ""))
	for range 3 {
		if status, _, _ := s.do(t, 0, http.MethodPost, "/lines", `{}`); status != http.StatusBadGateway {
			t.Errorf("status %d", status)
		}
	}
	s.Mend()
	if status, _, _ := s.do(t, 0, http.MethodPost, "/lines", `{}`); status != http.StatusCreated {
		t.Errorf("status %d after it was mended", status)
	}
}

func TestRequestsAreRemembered(t *testing.T) {
	s := start(t)
	s.do(t, 0, http.MethodPost, "/lines?a=b", `{"text": "x"}`)
	s.do(t, 0, http.MethodGet, "/news", "")
	got := s.Requests("/lines")
	if len(got) != 1 || got[0].Path != "/lines?a=b" || got[0].Body != `{"text": "x"}` || got[0].Header.Get("Authorization") == "" {
		t.Errorf("%+v", got)
	}
}

func TestTokens(t *testing.T) {
	s := start(t)
	old := s.Login(0)["token"]
	if old == s.Login(1)["token"] {
		t.Error("two accounts have one token")
	}
	s.Revoke(0)
	if n, ok := s.AccountOf(old); ok {
		t.Errorf("the former token is that of account %d", n)
	}
	if n, ok := s.AccountOf(s.Token(0)); !ok || n != 0 {
		t.Errorf("the token is that of account %d, %v", n, ok)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/news", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d without a token", resp.StatusCode)
	}
}

func TestNewsAreWaitedFor(t *testing.T) {
	s := start(t)
	s.Write(0, standin.Message{Author: "anna", Text: "old"})
	s.Write(1, standin.Message{Author: "anna", Text: "another's"})
	got := make(chan string, 1)
	go func() {
		_, body, _ := s.do(t, 0, http.MethodGet, "/news?wait=10&after="+s.Newest(0), "")
		got <- body
	}()
	ctx, done := context.WithTimeout(t.Context(), patience)
	defer done()
	if err := s.Wait(ctx, func() bool { return len(s.Requests("/news")) == 1 }); err != nil {
		t.Fatal(err)
	}
	s.Write(0, standin.Message{Author: "anna", Group: "tram", Text: "new"})
	if body := <-got; body != `["2 tram: new"]` {
		t.Errorf("news: %s", body)
	}
}

func TestLinesAreWrittenOnceAndTakenBack(t *testing.T) {
	s := start(t)
	for range 2 {
		if _, body, _ := s.do(t, 0, http.MethodPost, "/lines", `{"key": "k", "text": "x"}`); body != `"1"` {
			t.Errorf("id %s", body)
		}
	}
	for range 2 {
		s.do(t, 0, http.MethodPost, "/lines", `{"text": "y"}`)
	}
	for i, want := range []int{http.StatusNoContent, http.StatusGone} {
		if status, _, _ := s.do(t, 0, http.MethodDelete, "/lines/2", ""); status != want {
			t.Errorf("attempt %d: status %d", i+1, status)
		}
	}
	if status, _, _ := s.do(t, 0, http.MethodDelete, "/lines/no", ""); status != http.StatusGone {
		t.Errorf("status %d for what never was", status)
	}
	var texts []string
	for _, l := range s.Lines(0) {
		texts = append(texts, l.Text)
	}
	if !slices.Equal(texts, []string{"x", "y"}) {
		t.Errorf("lines %q", texts)
	}
	if status, _, _ := s.do(t, 0, http.MethodPost, "/lines", `no JSON`); status != http.StatusBadRequest {
		t.Errorf("status %d for what is no JSON", status)
	}
}

// TestCloseEndsEverything has a request that hangs, and somebody who waits.
func TestCloseEndsEverything(t *testing.T) {
	s := start(t)
	s.Fail("/news", 1, standin.Hang())
	ended := make(chan int, 1)
	go func() {
		status, _, _ := s.do(t, 0, http.MethodGet, "/news", "")
		ended <- status
	}()
	ctx, done := context.WithTimeout(t.Context(), patience)
	defer done()
	if err := s.Wait(ctx, func() bool { return len(s.Requests("/news")) == 1 }); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- s.Wait(ctx, func() bool { return false }) }()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if status := <-ended; status != 0 {
		t.Errorf("the request was answered with %d", status)
	}
	if err := <-waited; !errors.Is(err, standin.ErrClosed) {
		t.Errorf("the wait ended with %v", err)
	}
	_ = s.Close() // a second time is harmless
}

func TestWaitEndsWithTheContext(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v", err)
	}
}

func TestJSON(t *testing.T) {
	s := start(t)
	s.Fail("/x", 1, func(w http.ResponseWriter, _ *http.Request) { standin.JSON(w, http.StatusOK, func() {}) })
	status, body, header := s.do(t, 0, http.MethodGet, "/x", "")
	if status != http.StatusInternalServerError || !json.Valid([]byte(body)) || header.Get("Content-Type") != "application/json" {
		t.Errorf("what cannot be encoded is answered with %d %s", status, body)
	}
}
