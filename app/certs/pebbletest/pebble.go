// Package pebbletest runs a certificate authority for tests: Debian's pebble.
package pebbletest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ticketfrei/bots/mail/certificate/certificatetest"
	"ticketfrei/internal/freeport"
)

// patience is how long an authority may take to start.
const patience = 30 * time.Second

// Options is what an authority is started with.
type Options struct {
	// HTTPPort and TLSPort are where it asks whether a name is ours. It takes
	// every name for one of this machine.
	HTTPPort, TLSPort int
	Validity          time.Duration // of certificates; 0 is years
	Refused           []string      // names that it gives no certificate for
	// Dir has its own certificate, which is made where there is none. Authorities
	// that one process trusts must share it. Empty: a new directory.
	Dir string
}

// CAFile is the file with the certificate of an authority in dir.
func CAFile(dir string) string { return filepath.Join(dir, "cert.pem") }

// Server is a running authority.
type Server struct {
	Directory string // its address, for web.acme_directory
	CAFile    string // PEM of its own certificate, for SSL_CERT_FILE
	roots     string
	client    *http.Client
}

// Start starts an authority on loopback that asks in earnest whether a name is
// ours. It ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	for _, program := range []string{"pebble", "pebble-challtestsrv"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(tb, program)
		}
	}
	dns, listen, management := FreeAddress(tb), FreeAddress(tb), FreeAddress(tb)
	run(tb, "pebble-challtestsrv", "-dns01", dns, "-management", FreeAddress(tb), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "")
	if o.Dir == "" {
		o.Dir = tb.TempDir()
	}
	certFile := CAFile(o.Dir)
	if _, err := os.Stat(certFile); err != nil {
		certificatetest.MustWrite(tb, o.Dir, "localhost", 1)
	}
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management, "certificate": certFile, "privateKey": filepath.Join(o.Dir, "key.pem"),
		"httpPort": o.HTTPPort, "tlsPort": o.TLSPort, "certificateValidityPeriod": int(o.Validity.Seconds()), "domainBlocklist": o.Refused,
	}})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "pebble.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		tb.Fatal(err)
	}
	run(tb, "pebble", "-config", file, "-dnsserver", dns)
	s := &Server{Directory: "https://localhost:" + port(listen) + "/dir", CAFile: certFile, roots: "https://localhost:" + port(management) + "/roots/0",
		client: &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: mustPool(tb, certFile)}}}}
	tb.Cleanup(s.client.CloseIdleConnections)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		_, err := s.get(s.Directory)
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			tb.Fatalf("pebble does not answer: %v", err)
		}
	}
}

// Roots are what a client trusts that knows the authority.
func (s *Server) Roots(tb testing.TB) *x509.CertPool {
	tb.Helper()
	root, err := s.get(s.roots)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		tb.Fatalf("pebble's root is %q", root)
	}
	return pool
}

func (s *Server) get(address string) ([]byte, error) {
	resp, err := s.client.Get(address)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// missing ends a test that needs a program: as a failure where all tests must run.
func missing(tb testing.TB, program string) {
	tb.Helper()
	const hint = "no %s: install Debian's pebble package"
	if os.Getenv("CI") == "true" {
		tb.Fatalf(hint, program)
	}
	tb.Skipf(hint, program)
}

// run runs a program until the test ends; what it says is shown if that fails.
func run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = tb.Output(), tb.Output()
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// FreeAddress returns an address of loopback at which nobody listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	address, err := freeport.Address()
	if err != nil {
		tb.Fatal(err)
	}
	return address
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// Port returns the port of an address, as for Options.
func Port(tb testing.TB, address string) int {
	tb.Helper()
	n, err := strconv.Atoi(port(address))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func mustPool(tb testing.TB, file string) *x509.CertPool {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		tb.Fatalf("%s holds no certificate", file)
	}
	return pool
}
