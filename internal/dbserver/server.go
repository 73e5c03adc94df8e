// Package dbserver gives a test a PostgreSQL of its own, for what a shared one is not for:
// it is stopped, killed, cut off, and a standby takes over from it.
package dbserver

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start, to end, and to do what it is told.
const patience = time.Minute

// Server is a PostgreSQL on loopback that trusts everybody there. It does not wait for
// the disk; what was committed outlives a killed server all the same, as the system has it.
// Its methods are for the goroutine of the test.
type Server struct {
	tb      testing.TB
	dir     string // its data, its log and its socket
	address string
	run     *program // nil while it does not run
}

// Start starts a server, which ends with the test. Where PostgreSQL is not installed the
// test is skipped, or fails with CI=true.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := empty(tb)
	// Words are sorted as people do, since that is what servers come with: what must be in
	// the order of its bytes has to say so.
	must(tb, "initdb", "-D", s.data(), "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8",
		"--locale=C", "--locale-provider=icu", "--icu-locale=en")
	s.Start()
	return s
}

// empty returns a server that has no data yet.
func empty(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, dir: directory(tb), address: freeAddress(tb)}
	tb.Cleanup(func() {
		if s.run != nil {
			s.end(syscall.SIGQUIT)
		}
		if tb.Failed() {
			log, _ := os.ReadFile(s.log())
			tb.Logf("PostgreSQL at %s said:\n%s", s.address, log[max(0, len(log)-8<<10):])
		}
	})
	return s
}

// Address is its host and port.
func (s *Server) Address() string { return s.address }

// URL is where its database "postgres" is found.
func (s *Server) URL() string { return URL(s.address) }

// URL is that of the database "postgres" at one of these addresses: where there are
// several, at the one that takes writes.
func URL(addresses ...string) string {
	url := "postgres://postgres@" + strings.Join(addresses, ",") + "/postgres?sslmode=disable"
	if len(addresses) > 1 {
		url += "&target_session_attrs=read-write"
	}
	return url
}

// Dir is the directory of all that it has written: tables, the log it recovers by, and what
// it has said.
func (s *Server) Dir() string { return s.dir }

// Copy makes a base backup, as its operator does, and returns its directory.
func (s *Server) Copy() string {
	s.tb.Helper()
	to := filepath.Join(directory(s.tb), "copy")
	must(s.tb, "pg_basebackup", "-D", to, "-d", s.URL(), "-X", "stream", "-c", "fast", "--no-sync")
	return to
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// Start starts it again where it was, after Stop or Kill, and returns when it takes
// queries.
func (s *Server) Start() {
	s.tb.Helper()
	// What serves connections of a server that was killed ends a moment later, and until
	// then none can start.
	for deadline := time.Now().Add(patience); !s.start(deadline); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatalf("PostgreSQL does not start at %s", s.address)
		}
	}
}

// start tells whether it runs and takes queries.
func (s *Server) start(deadline time.Time) bool {
	s.tb.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	s.run = begin(s.tb, s.log(), "postgres", "-D", s.data(), "-h", host, "-p", port, "-k", s.dir,
		"-c", "max_connections=100", "-c", "shared_buffers=32MB", "-c", "wal_retrieve_retry_interval=100ms", "-c", "fsync=off", "-c", "full_page_writes=off")
	for time.Now().Before(deadline) {
		select {
		case <-s.run.ended:
			s.run = nil
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if command(s.tb, "pg_isready", "-q", "-h", host, "-p", port).Run() == nil {
			return true
		}
	}
	return false
}

// Stop ends it as its operator does: what is under way is broken off, and connections
// are told so.
func (s *Server) Stop() { s.tb.Helper(); s.end(syscall.SIGINT) }

// Kill ends it as kill -9 does.
func (s *Server) Kill() { s.tb.Helper(); s.end(syscall.SIGKILL) }

// Restart is Stop and Start.
func (s *Server) Restart() { s.tb.Helper(); s.Stop(); s.Start() }

func (s *Server) end(by syscall.Signal) {
	s.tb.Helper()
	if s.run == nil {
		s.tb.Fatal("PostgreSQL does not run")
	}
	s.run.end(s.tb, by)
	s.run = nil
}

// Query runs a statement beside everybody else and returns what psql prints of its rows.
func (s *Server) Query(sql string) string {
	s.tb.Helper()
	return strings.TrimSpace(must(s.tb, "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.URL(), "-c", sql))
}

// Standby starts a second server that has everything the first has: from now on, the
// first commits nothing that the second does not have.
func (s *Server) Standby() *Server {
	s.tb.Helper()
	standby := empty(s.tb)
	must(s.tb, "pg_basebackup", "-D", standby.data(), "-d", s.URL(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	standby.Start()
	s.Query("ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.Query("SELECT pg_reload_conf()")
	s.await("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")
	return standby
}

// Promote makes a standby take writes.
func (s *Server) Promote() {
	s.tb.Helper()
	must(s.tb, "pg_ctl", "promote", "-w", "-D", s.data())
	s.await("SELECT pg_is_in_recovery()", "f")
}

// await waits until a query answers that.
func (s *Server) await(sql, want string) {
	s.tb.Helper()
	for deadline := time.Now().Add(patience); s.Query(sql) != want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatalf("PostgreSQL at %s: %s is not %s", s.address, sql, want)
		}
	}
}
