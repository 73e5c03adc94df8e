package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
)

// secret stands where logins stand: in the URL and in a header.
const secret = "s3cr3t"

// serve starts a server and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *remote.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clientOf(server.URL)
}

func clientOf(address string) *remote.Client {
	return &remote.Client{
		HTTP: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}, Base: address + "/" + secret,
		Name: "Zulip", Header: http.Header{"Authorization": {"Bearer " + secret}},
		Kinds: remote.Kinds{"STREAM_GONE": remote.Gone, "410": remote.Gone, "INVALID_KEY": remote.Refused, "SLOWER": remote.Limited},
	}
}

// answers returns a handler that always answers the same.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// problem returns the error of a call that is to fail with one.
func problem(t *testing.T, err error) *remote.Error {
	t.Helper()
	e := remote.As(err)
	if e == nil {
		t.Fatalf("error %v, want a remote.Error", err)
	}
	if text := e.Error(); strings.Contains(text, secret) || strings.Contains(text, "://") {
		t.Errorf("the error holds a URL: %s", text)
	}
	return e
}

func TestCalls(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(strings.TrimSpace(fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Content-Type"), " ", string(body), " ",
			r.Header.Get("Authorization"), " ", r.Header.Get("Idempotency-Key"))))
	})
	ctx := t.Context()
	tests := map[string]struct {
		call func(out any) error
		want string
	}{
		"get":       {func(out any) error { return c.Get(ctx, "/me", nil, out) }, "GET /s3cr3t/me   Bearer s3cr3t"},
		"query":     {func(out any) error { return c.Get(ctx, "/me", url.Values{"a": {"ü"}}, out) }, "GET /s3cr3t/me?a=%C3%BC   Bearer s3cr3t"},
		"post":      {func(out any) error { return c.Post(ctx, "/posts", []int{1}, out) }, "POST /s3cr3t/posts application/json [1] Bearer s3cr3t"},
		"form":      {func(out any) error { return c.Form(ctx, "PATCH", "/posts", url.Values{"a": {"b c"}}, out) }, "PATCH /s3cr3t/posts application/x-www-form-urlencoded a=b+c Bearer s3cr3t"},
		"delete":    {func(out any) error { return c.Do(ctx, "DELETE", "/posts/7", nil, out) }, "DELETE /s3cr3t/posts/7   Bearer s3cr3t"},
		"with more": {func(out any) error { return c.With("Idempotency-Key", "k").Post(ctx, "/posts", 1, out) }, "POST /s3cr3t/posts application/json 1 Bearer s3cr3t k"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got string
			if err := tt.call(&got); err != nil || got != tt.want {
				t.Errorf("sent %q, %v; want %q", got, err, tt.want)
			}
			if err := tt.call(nil); err != nil {
				t.Errorf("without an answer to decode: %v", err)
			}
		})
	}
	if c.Header.Get("Idempotency-Key") != "" {
		t.Error("With changed the client itself")
	}
	if err := serve(t, answers(http.StatusNoContent, "")).Do(ctx, "DELETE", "/", nil, new(string)); err != nil {
		t.Errorf("no content: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	const page = "<html><h1>Who are you?</h1></html>"
	tests := map[string]struct {
		status  int
		body    string
		trouble remote.Trouble
		code    string
	}{
		"login refused":              {401, `{"error":"The access token is invalid"}`, remote.Refused, ""},
		"forbidden":                  {403, `{"error":"no"}`, remote.Rejected, "no"},
		"not there":                  {404, `{"code":"BAD","msg":"no such thing"}`, remote.Rejected, "BAD"},
		"gone by status":             {410, `{"error":"x"}`, remote.Gone, "x"},
		"gone by code":               {400, `{"code":"STREAM_GONE","message":"Stream 'x' is gone"}`, remote.Gone, "STREAM_GONE"},
		"refused by code":            {400, `{"errcode":"INVALID_KEY","error":"Bad key"}`, remote.Refused, "INVALID_KEY"},
		"words beside the error":     {400, `{"error":"INVALID_KEY","error_description":"Bad key"}`, remote.Refused, "INVALID_KEY"},
		"code in figures":            {400, `{"code":10015,"message":"Unknown Webhook"}`, remote.Rejected, "10015"},
		"as Telegram says it":        {403, `{"ok":false,"error_code":403,"description":"Forbidden"}`, remote.Rejected, "403"},
		"too long":                   {422, `{"error":"Text is too long"}`, remote.Rejected, ""},
		"slow request":               {408, `{"error":"slow"}`, remote.Broken, "slow"},
		"broken":                     {503, `{"error":"maintenance"}`, remote.Broken, "maintenance"},
		"slower, by code":            {400, `{"code":"SLOWER","msg":"Wait"}`, remote.Limited, "SLOWER"},
		"words with lines and links": {400, `{"error":"see\n https://zulip.example/s3cr3t \u0000 <b>"}`, remote.Rejected, ""},
		"a firewall's 401":           {401, page, remote.NotTheAPI, ""},
		"a firewall's 403":           {403, page, remote.NotTheAPI, ""},
		"a proxy's 404":              {404, "404 page not found", remote.NotTheAPI, ""},
		"a proxy's 410":              {410, "", remote.NotTheAPI, ""},
		"a proxy's JSON":             {403, `{"message":"Forbidden"}`, remote.NotTheAPI, ""},
		"JSON of something else":     {401, `["error"]`, remote.NotTheAPI, ""},
		"an error without words":     {401, `{"error":" "}`, remote.NotTheAPI, ""},
		"an error that is no text":   {401, `{"error":{"a":1}}`, remote.NotTheAPI, ""},
		"JSON that is cut":           {401, `{"error":"The acc`, remote.NotTheAPI, ""},
		"a proxy's 502":              {502, page, remote.Broken, ""},
		"a proxy's 429":              {429, page, remote.Limited, ""},
		"a redirect to nowhere":      {304, "", remote.NotTheAPI, ""},
		"a page in place of JSON":    {200, page, remote.NotTheAPI, ""},
		"nothing in place of JSON":   {200, "", remote.NotTheAPI, ""},
		"JSON of another kind":       {200, `{"a":1}`, remote.NotTheAPI, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := problem(t, serve(t, answers(tt.status, tt.body)).Get(t.Context(), "/x", nil, new([]string)))
			if e.Trouble != tt.trouble || e.Status != tt.status || e.Code != tt.code || e.Name != "Zulip" {
				t.Errorf("got %+v", e)
			}
			if (e.After != 0) != (tt.trouble == remote.Limited) {
				t.Errorf("asked to wait %s", e.After)
			}
		})
	}
}

// Who asks for something to be done, and reads no more than whether it was, is not told so
// by a page.
func TestDone(t *testing.T) {
	for body, done := range map[string]bool{"": true, " \n": true, "{}": true, `{"id":"1"}`: true, "ok": true, "[]": true, "null": true,
		"<html>": false, "\n<!doctype html><title>Attention required</title>": false, "<?xml version='1.0'?>": false} {
		for _, method := range []string{http.MethodDelete, http.MethodPost, http.MethodGet} {
			err := serve(t, answers(http.StatusOK, body)).Do(t.Context(), method, "/", nil, nil)
			if done != (err == nil) || err != nil && problem(t, err).Trouble != remote.NotTheAPI {
				t.Errorf("%s answered with %q: %v", method, body, err)
			}
		}
	}
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "Checking your browser")
	})
	if err := page.Do(t.Context(), http.MethodDelete, "/", nil, nil); err == nil || problem(t, err).Trouble != remote.NotTheAPI {
		t.Errorf("a page of words alone: %v", err)
	}
	moved := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			http.Redirect(w, r, "/login", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "<html>")
	})
	if err := moved.Do(t.Context(), http.MethodDelete, "/", nil, nil); err == nil || problem(t, err).Trouble != remote.NotTheAPI {
		t.Errorf("a page to log in at: %v", err)
	}
}

func TestNoAnswers(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	withTLS := httptest.NewUnstartedServer(answers(200, "{}"))
	withTLS.Config.ErrorLog = log.New(io.Discard, "", 0)
	withTLS.StartTLS()
	t.Cleanup(withTLS.Close)
	impatient := func(patience time.Duration, c *remote.Client) *remote.Client { c.HTTP.Timeout = patience; return c }
	guarded := serve(t, answers(200, "{}"))
	guarded.HTTP = bots.NewHTTPClient(false, nil)

	tests := map[string]struct {
		client  *remote.Client
		trouble remote.Trouble
		status  int
	}{
		"nobody there":  {clientOf(closed.URL), remote.Unreachable, 0},
		"no such name":  {clientOf("http://no..name"), remote.UnknownHost, 0},
		"no name":       {clientOf("http://a b"), remote.Unreachable, 0},
		"private":       {guarded, remote.PrivateHost, 0},
		"a certificate": {clientOf(withTLS.URL), remote.BadCertificate, 0},
		"no TLS":        {clientOf("http://" + withTLS.Listener.Addr().String()), remote.NotTheAPI, 400},
		"slow":          {impatient(50*time.Millisecond, serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })), remote.NoAnswer, 0},
		"slow body": {impatient(time.Second, serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"a":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})), remote.NoAnswer, 200},
		"cut body": {serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":`)
		}), remote.Broken, 200},
		"huge":       {serve(t, answers(200, `"`+strings.Repeat("x", 9<<20)+`"`)), remote.NotTheAPI, 200},
		"huge error": {serve(t, answers(401, `{"error":"`+strings.Repeat("x", 9<<20)+`"}`)), remote.NotTheAPI, 401},
		"endless redirects": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}), remote.Unreachable, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := problem(t, tt.client.Get(t.Context(), "/x", nil, new(any)))
			if e.Trouble != tt.trouble || e.Status != tt.status {
				t.Errorf("got %+v, cause %v", e, e.Cause)
			}
		})
	}
}

func TestCancelledCall(t *testing.T) {
	asked := make(chan struct{})
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if err := c.Get(ctx, "/", nil, nil); err != context.Canceled {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.Get(ctx, "/", nil, nil)
	if e := problem(t, err); e.Trouble != remote.NoAnswer || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestNameIsTheHost(t *testing.T) {
	c := serve(t, answers(500, ""))
	c.Name = ""
	host, _, _ := net.SplitHostPort(problem(t, c.Get(t.Context(), "/", nil, nil)).Name)
	if host != "127.0.0.1" {
		t.Errorf("called %q", host)
	}
}
