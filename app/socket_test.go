package app

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/all"
)

// bySocket is a browser whose requests come through a Unix socket, as those of a proxy.
func (a *app) bySocket(path string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	a.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// TestPagesAtASocket are what a proxy reaches that may write to it, and it says who visits.
func TestPagesAtASocket(t *testing.T) {
	definitions := all.Networks()
	dir, box := t.TempDir(), startMailbox(t)
	path := filepath.Join(t.TempDir(), "web.sock")
	cfg := appConfig(t, dir, box, definitions)
	cfg.Web.Listen = "unix:" + path
	// One is left behind by a program that was killed.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	a := runApp(t, cfg, definitions)
	city := a.addCity("nuernberg", "*", "")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	client := a.bySocket(path)
	resp, err := client.Get("http://tickets.example/city/" + city.Slug)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Nuernberg") {
		t.Errorf("status %d\n%s", resp.StatusCode, page)
	}
	for _, from := range []string{"198.51.100.7", ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://tickets.example/login", strings.NewReader(url.Values{"email": {"x@x.example"}, "password": {"wrong"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		if from != "" {
			req.Header.Set("X-Forwarded-For", from)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("the login answers %d", resp.StatusCode)
		}
	}
	for _, line := range []string{`msg="login failed" client=198.51.100.7`, `msg="login failed" client=unknown`} {
		if !strings.Contains(a.log.String(), line) {
			t.Errorf("no %s in the log", line)
		}
	}
	t.Setenv("TICKETFREI_DATA", dir)
	t.Setenv("TICKETFREI_WEB_LISTEN", cfg.Web.Listen)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "health"); code != exitOK {
		t.Errorf("health: exit code %d\n%s", code, &out)
	}
	if _, err := listenWeb(t.Context(), cfg.Web.Listen); err == nil || !strings.Contains(err.Error(), "another program serves at "+path) {
		t.Errorf("a second server: %v", err)
	}
	a.stop()
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenWeb(t.Context(), "unix:"+file); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file in its place: %v", err)
	}
}
