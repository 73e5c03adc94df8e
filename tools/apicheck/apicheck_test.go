package apicheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// TestGeneratedClient has a client that was generated from the document set up a city, until a
// report has reached the target of a stream. What it sends and gets is as the document says.
func TestGeneratedClient(t *testing.T) {
	s := startServer(t)
	document := s.get("/api/v1/openapi.json")
	checker := check(t, document)
	generate(t, document)
	got := make(chan string, 1)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Get("webhook-id") + " " + string(body)
	}))
	defer target.Close()
	between := httptest.NewServer(s.checked(checker))
	defer between.Close()
	key := strings.TrimSpace(s.run("key", "add", "--operator", "--right", "all"))
	said := run(t, ".", "go", "run", "./testdata/setup", between.URL+"/api/v1", key, target.URL+"/hook")
	if said != "U1 Plärrer Fürth\n" {
		t.Errorf("the client has said %q", said)
	}
	select {
	case body := <-got:
		if !strings.Contains(body, "Two at Plärrer on the U1 to Fürth") || strings.HasPrefix(body, " ") {
			t.Errorf("the target has got %s", body)
		}
	case <-time.After(patience):
		t.Error("the target has got nothing")
	}
}

// check has the document checked, and returns what checks requests and answers against it.
func check(t *testing.T, document []byte) validator.Validator {
	t.Helper()
	d, err := libopenapi.NewDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(d)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, list := v.ValidateDocument(); !ok {
		t.Errorf("the document is wrong:%s", say(list))
	}
	return v
}

func say(list []*errors.ValidationError) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "\n%s: %s", e.Message, e.Reason)
		for _, part := range e.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n  %s at %s", part.Reason, part.KeywordLocation)
		}
	}
	return b.String()
}

// generate makes the client.
func generate(t *testing.T, document []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", "go", "tool", "ogen", "--loglevel", "error", "--config", "testdata/ogen.yml", "--target", "testdata/client", "--package", "client", "--clean", file)
}

// server is a running program.
type server struct {
	*testing.T
	binary, url string
	env         []string
}

// startServer builds the program and runs it on a directory of its own until the test ends.
func startServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	web := freeAddress(t)
	s := &server{T: t, binary: filepath.Join(dir, "ticketfrei"), url: "http://" + web}
	s.env = append(os.Environ(), "TICKETFREI_DATA="+filepath.Join(dir, "data"), "TICKETFREI_WEB_LISTEN="+web, "TICKETFREI_WEB_URL="+s.url,
		"TICKETFREI_MAIL_LISTEN=127.0.0.1:0", "TICKETFREI_METRICS_LISTEN=", "TICKETFREI_NETWORK_ALLOW_PRIVATE=true", "TICKETFREI_API_REQUESTS=1000")
	run(t, "../..", "go", "build", "-o", s.binary, ".")
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, s.binary, "serve")
	cmd.Env, cmd.Stderr = s.env, t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get(s.url + "/api/v1/health"); err == nil {
			resp.Body.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not come up")
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run runs a command of the program.
func (s *server) run(args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), s.binary, args...)
	cmd.Env, cmd.Stderr = s.env, s.Output()
	out, err := cmd.Output()
	if err != nil {
		s.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

func (s *server) get(path string) []byte {
	s.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	return body
}

// checked is a proxy in front of the server that has requests and answers checked.
func (s *server) checked(v validator.Validator) http.Handler {
	to, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	var mu sync.Mutex
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		answer := *resp
		answer.Body, resp.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		if ok, list := v.ValidateHttpResponse(resp.Request, &answer); !ok {
			s.Errorf("the answer to %s %s (%d %s) is not as the document says:%s", resp.Request.Method, resp.Request.URL, resp.StatusCode, body, say(list))
		}
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.Error(err)
		}
		asked := r.Clone(r.Context())
		asked.URL.Scheme, asked.URL.Host = to.Scheme, to.Host
		asked.Body, r.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		if ok, list := v.ValidateHttpRequest(asked); !ok {
			s.Errorf("%s %s (%s) is not as the document says:%s", r.Method, r.URL, body, say(list))
		}
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	})
}

// run runs a command in a directory and returns what it prints.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	return string(out)
}
