package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/internal/config"
	"ticketfrei/internal/freeport"
	"ticketfrei/internal/slow"
)

// needs skips a test without a program of Debian's package, or fails it where all tests run.
func needs(t *testing.T, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no %s: install Debian's package %s", program, pkg)
	}
	t.Skipf("install Debian's package %s to run this test", pkg)
}

// deployed returns a file of deploy/ in which names and addresses are replaced, as an operator
// does. Each must be there.
func deployed(t *testing.T, name string, replace ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(raw, []byte(replace[i])) {
			t.Fatalf("%s has no %q", name, replace[i])
		}
		raw = bytes.ReplaceAll(raw, []byte(replace[i]), []byte(replace[i+1]))
	}
	file := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// selfSigned writes a certificate for localhost and its key into dir.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: raw}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// runProxy runs a command until the test ends, when its output is shown if it has failed.
func runProxy(t *testing.T, address, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	waitUntil(t, program, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// behindProxy runs the program as deploy/'s proxies expect it, with listen, or at a port.
func behindProxy(t *testing.T, public, listen string) *app {
	t.Helper()
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), startMailbox(t), definitions, "TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1,::1")
	cfg.Web.URL = public
	if listen != "" {
		cfg.Web.Listen = listen
	}
	a := runApp(t, cfg, definitions)
	a.addCity("nuernberg", "*", "")
	return a
}

// ownAddress is where this machine reaches itself as visitors do, whose address is not that of
// a proxy on it; its loopback where it has no other.
func ownAddress(t *testing.T) string {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	t.Log("whether the program sees who visits is not looked at: this machine has no address but its loopback")
	return "127.0.0.1"
}

// otherClient is a browser.
func otherClient(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ownHost is the address in a URL.
func ownHost(public string) string {
	u, err := url.Parse(public)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// worksBehind looks at what a proxy can get wrong: who visits, streams, large forms, links.
func (a *app) worksBehind(public string) {
	a.Helper()
	client := otherClient(a.T)
	ctx, cancel := context.WithTimeout(a.Context(), patience)
	defer cancel()
	do := func(method, path, contentType string, body io.Reader) *http.Response {
		a.Helper()
		req, err := http.NewRequestWithContext(ctx, method, public+path, body)
		if err != nil {
			a.Fatal(err)
		}
		if body != nil {
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Origin", public)
		}
		resp, err := client.Do(req)
		if err != nil {
			a.Fatal(err)
		}
		a.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	if resp := do(http.MethodGet, "/city/nuernberg", "", nil); resp.StatusCode != http.StatusOK {
		a.Fatalf("the page answers %s", resp.Status)
	}
	const form = "application/x-www-form-urlencoded"
	if resp := do(http.MethodPost, "/login", form, strings.NewReader(url.Values{"email": {"x@x.example"}, "password": {"wrong"}}.Encode())); resp.StatusCode != http.StatusUnauthorized {
		a.Errorf("a wrong password is answered %s", resp.Status)
	}
	if host := ownHost(public); host != "127.0.0.1" && !strings.Contains(a.log.String(), `msg="login failed" client=`+host) {
		a.Error("the program does not see who visits")
	}
	// A form as large as a timetable is read and answered by the program, which asks for a login.
	large := io.LimitReader(zeros{}, 100<<20)
	if resp := do(http.MethodPost, "/settings/places/feed", form, large); resp.StatusCode == http.StatusRequestEntityTooLarge || resp.StatusCode >= 500 {
		a.Errorf("a large form is answered %s", resp.Status)
	}
	live := do(http.MethodGet, "/city/nuernberg/live", "", nil)
	lines := bufio.NewScanner(live.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry:") { // while the stream goes on
		a.Errorf("the stream begins with %q, %v", lines.Text(), lines.Err())
	}
	a.mustSend("x@x.example", here, "m1@x", "", "Kontis am Plärrer")
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			return
		}
	}
	a.Errorf("no report comes by the stream: %v", lines.Err())
}

// TestNginx has deploy/nginx.conf in front, with the program at a port and at a socket.
func TestNginx(t *testing.T) {
	slow.Test(t, "starts nginx")
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where Debian has it
	needs(t, "nginx", "nginx-light")
	for _, listen := range []string{"", "unix:" + filepath.Join(t.TempDir(), "web.sock")} {
		dir := t.TempDir()
		plain, secure := freePort(t), freePort(t)
		own := ownAddress(t)
		public := "https://" + net.JoinHostPort(own, secure)
		a := behindProxy(t, public, listen)
		upstream := a.server.cfg.Web.Listen
		if path, ok := config.Socket(upstream); ok {
			upstream = "unix:" + path
			if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cert, key := selfSigned(t, dir)
		site := deployed(t, "nginx.conf", "listen 80;", "listen "+own+":"+plain+";", "\tlisten [::]:80;\n", "",
			"listen 443 ssl", "listen "+own+":"+secure+" ssl", "\tlisten [::]:443 ssl http2;\n", "", "server_name tickets.example.org", "server_name "+own,
			"/etc/letsencrypt/live/tickets.example.org/fullchain.pem", cert, "/etc/letsencrypt/live/tickets.example.org/privkey.pem", key,
			"proxy_pass http://127.0.0.1:8080", "proxy_pass http://"+upstream)
		user := ""
		if os.Getuid() == 0 {
			user = "user root;\n"
		}
		whole := filepath.Join(dir, "whole.conf")
		if err := os.WriteFile(whole, fmt.Appendf(nil, "%sdaemon off;\npid %[2]s/pid;\nerror_log stderr;\nevents {}\nhttp {\nclient_body_temp_path %[2]s/body;\nproxy_temp_path %[2]s/proxy;\nfastcgi_temp_path %[2]s/fastcgi;\nuwsgi_temp_path %[2]s/uwsgi;\nscgi_temp_path %[2]s/scgi;\ninclude %s;\n}\n", user, dir, site), 0o600); err != nil {
			t.Fatal(err)
		}
		runProxy(t, net.JoinHostPort(own, secure), "nginx", "-p", dir, "-e", "stderr", "-c", whole)
		a.worksBehind(public)
		resp, err := otherClient(t).Get("http://" + net.JoinHostPort(own, plain) + "/city/nuernberg?x=1")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != "https://"+own+"/city/nuernberg?x=1" {
			t.Errorf("by http: %s to %s", resp.Status, resp.Header.Get("Location"))
		}
	}
}

// TestCaddy has deploy/Caddyfile in front.
func TestCaddy(t *testing.T) {
	slow.Test(t, "starts Caddy")
	needs(t, "caddy", "caddy")
	for _, listen := range []string{"", "unix:" + filepath.Join(t.TempDir(), "web.sock")} {
		port := freePort(t)
		own := ownAddress(t)
		public := "http://" + net.JoinHostPort(own, port) // a certificate would have to come from an authority
		a := behindProxy(t, public, listen)
		upstream := a.server.cfg.Web.Listen
		if path, ok := config.Socket(upstream); ok {
			upstream = "unix/" + path
		}
		file := deployed(t, "Caddyfile", "tickets.example.org {", "{\n\tadmin off\n}\n"+public+" {", "reverse_proxy 127.0.0.1:8080", "reverse_proxy "+upstream)
		runProxy(t, net.JoinHostPort(own, port), "caddy", "run", "--adapter", "caddyfile", "--config", file)
		a.worksBehind(public)
	}
}

// freePort returns a port of this machine that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	return port
}

// TestSystemdUnit has systemd look at deploy/ticketfrei.service: without mistakes, and as well
// kept from the rest of the machine as before. It is not started, which takes a machine that
// systemd runs.
func TestSystemdUnit(t *testing.T) {
	needs(t, "systemd-analyze", "systemd")
	const worst = 25 // tenths; systemd calls up to 40 good
	unit := deployed(t, "ticketfrei.service", "/usr/local/bin/ticketfrei serve", "/bin/true")
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput(); err != nil || strings.Contains(string(out), unit) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+strconv.Itoa(worst), unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Log("checked, not started:", strings.TrimSpace(lines[len(lines)-1]))
}

// TestDeployedSettings reads deploy/config.toml, and with a proxy in front.
func TestDeployedSettings(t *testing.T) {
	proxied := []string{"acme = \"you", "# acme = \"you", "listen = \":80\"", "", "listen_tls = \":443\"", "",
		"# listen = \"127", "listen = \"127", "# trusted", "trusted"}
	for _, replace := range [][]string{nil, proxied} {
		var out, warnings bytes.Buffer
		code := runCommand(t.Context(), t, &out, &warnings, "check-config", "--config", deployed(t, "config.toml", replace...))
		if code != exitOK || warnings.Len() > 0 {
			t.Errorf("%v: exit code %d\n%s", replace, code, &warnings)
		}
	}
}

// TestCompose has compose read its files. No container is started.
func TestCompose(t *testing.T) {
	compose := []string{"docker", "compose"}
	if exec.CommandContext(t.Context(), "docker", "compose", "version").Run() != nil {
		needs(t, "docker-compose", "docker-compose")
		compose = []string{"docker-compose"}
	}
	for _, file := range []string{"../deploy/compose.yaml", "../deploy/cluster/compose.yaml", "home/compose.yaml"} {
		cmd := exec.CommandContext(t.Context(), compose[0], append(compose[1:], "-f", file, "config")...)
		cmd.Env = append(os.Environ(), "TICKETFREI_SECRET="+testSecret)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
	t.Log("checked, not started:", strings.Join(compose, " "), "config")
}
