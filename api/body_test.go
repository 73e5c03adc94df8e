package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/slow"
)

// oddBodies are what no route reads, by the status of the answer.
var oddBodies = []struct {
	status  int
	why     string
	body    string
	headers []string
}{
	{400, "UTF-8", "{\"text\": \"Pl\xe4rrer\"}", nil},
	{400, "UTF-8", "\xff\xfe{\x00}\x00", []string{"Content-Type", "application/json; charset=utf-16le"}},
	{413, "longer than 1048576 bytes", `{"text": "` + strings.Repeat("x", 1<<20) + `"}`, nil},
	{415, "compressed", "{}", []string{"Content-Encoding", "gzip"}},
	{415, "send JSON", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}},
}

// TestOddBodies sends every route what it cannot read. The document has what is answered.
func TestOddBodies(t *testing.T) {
	w := newWorld(t, "TICKETFREI_API_REQUESTS=10000")
	operator := w.key(apikey.Cities, apikey.All)
	var d document
	w.do("GET", "/openapi.json", "", nil).want(200).into(&d)
	for path, operations := range d.Paths {
		where := strings.NewReplacer("{city}", "gotham", "{id}", "1", "{name}", "u1", "{key}", "position").Replace(path)
		for method, op := range operations {
			t.Run(method+" "+path, func(t *testing.T) {
				w := &world{T: t, url: w.url}
				w.odd(op, strings.ToUpper(method), where, operator)
			})
		}
	}
}

func (w *world) odd(op operation, method, path, key string) {
	w.do(method, path+"?a=%zz", key, nil).problem(400, "the query", "")
	w.documented(op, 400)
	if method == http.MethodGet {
		return
	}
	if op.RequestBody.Content == nil {
		w.do(method, path, key, `{"secret": "mine"}`).problem(422, "leave it out", "body")
		w.do(method, path, key, strings.Repeat("x", 1<<20+1)).problem(413, "longer than", "")
		w.documented(op, 408, 413, 415, 422)
		return
	}
	w.documented(op, 408, 413, 415, 422)
	if op.RequestBody.Content["application/json"] == nil {
		return // it takes anything
	}
	for _, odd := range oddBodies {
		w.do(method, path, key, odd.body, odd.headers...).problem(odd.status, odd.why, "")
	}
	for _, kind := range []string{"Application/JSON", "application/json; charset=UTF-8"} {
		if a := w.do(method, path, key, `{"nobody knows": 1}`, "Content-Type", kind); a.status != 422 {
			w.Errorf("%s: %d %s", kind, a.status, a.body)
		}
	}
}

func (w *world) documented(op operation, statuses ...int) {
	for _, status := range statuses {
		if _, ok := op.Responses[fmt.Sprint(status)]; !ok {
			w.Errorf("the document has no %d", status)
		}
	}
}

// TestDocumentHasHeaders looks for what of headers holds everywhere.
func TestDocumentHasHeaders(t *testing.T) {
	w := newWorld(t)
	var d document
	w.do("GET", "/openapi.json", "", nil).want(200).into(&d)
	for path, operations := range d.Paths {
		for method, op := range operations {
			var names []string
			for _, p := range op.Parameters {
				names = append(names, p.Name)
			}
			if got := slices.Contains(names, "Idempotency-Key"); got != (method != "get") {
				t.Errorf("%s %s: Idempotency-Key %v", method, path, got)
			}
			if _, has := op.Responses["304"]; has != (method == "get" && slices.Contains(names, "If-None-Match")) {
				t.Errorf("%s %s: 304 %v", method, path, has)
			}
		}
	}
}

// TestLargestValue stores as much as the document says, of anything.
func TestLargestValue(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Store)
	const path = "/cities/gotham/store/large"
	value := strings.Repeat("\x00\xffä", db.MaxStoreValue/4)
	w.do("PUT", path, key, value).want(204)
	if got := w.do("GET", path, key, nil).want(200); got.body != value {
		t.Errorf("it has %d bytes of %d", len(got.body), len(value))
	}
	w.do("PUT", path, key, value+"x").problem(413, "longer than 65536 bytes", "")
}

// TestConditions changes only what is there, or is not, as the headers have it.
func TestConditions(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Store, apikey.Streams)
	for path, body := range map[string]any{"/store/position": "here", "/streams/u1": map[string]any{"target": "http://127.0.0.1:9/"},
		"/triggers/works": map[string]any{"preset": "bearer", "text": "body.text"}} {
		t.Run(path, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			path := "/cities/gotham" + path
			put := func(headers ...string) answer { return w.do("PUT", path, key, body, headers...) }
			put("If-Match", "*").want(412)
			put("If-Match", `"1"`, "If-None-Match", "*").problem(422, "leave one of them out", "header.If-None-Match")
			w.do("GET", path, key, nil).want(404)
			put("If-None-Match", "*")
			put("If-None-Match", "*").want(412)
			put("If-Match", "*")
			seen := w.do("GET", path, key, nil).want(200).header.Get("ETag")
			put("If-Match", `"1", `+seen).problem(422, "several ETags", "header.If-Match")
			if a := put("If-Match", "W/"+seen); a.status > 204 {
				t.Errorf("a proxy has made the ETag weak: %d %s", a.status, a.body)
			}
			put("If-Match", seen).want(412)
			w.do("GET", path, key, nil, "If-None-Match", "*").want(304)
		})
	}
}

// TestBrokenOff sends bodies that end too early, or never.
func TestBrokenOff(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Report)
	if got := w.raw(key, "Transfer-Encoding: chunked\r\n\r\nzz\r\n"); got != 400 {
		t.Errorf("chunks that are none: %d", got)
	}
	slow.Test(t, "a body is waited for")
	for _, header := range []string{"", "Idempotency-Key: a\r\n"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			w := &world{T: t, url: w.url}
			if got := w.raw(key, header+"Content-Length: 100\r\n\r\n{"); got != 408 {
				t.Errorf("a body that never comes: %d", got)
			}
		})
	}
}

// raw posts a report, and returns the status of the answer.
func (w *world) raw(key, rest string) int {
	address := strings.TrimPrefix(w.url, "http://")
	address, _, _ = strings.Cut(address, "/")
	conn := must(net.Dial("tcp", address))(w.T)
	defer conn.Close()
	_ = must(io.WriteString(conn, "POST /api/v1/cities/gotham/reports HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.1\r\n"+
		"Content-Type: application/json\r\nAuthorization: Bearer "+key+"\r\n"+rest))(w.T)
	resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(w.T)
	_ = resp.Body.Close()
	return resp.StatusCode
}
