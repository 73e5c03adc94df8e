package dbserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Pooler starts pgbouncer before the server at an address and returns the URL of the
// database "postgres" through it. Every transaction may get another of the server's
// connections. It ends with the test; where it is not installed the test is skipped, or
// fails with CI=true.
func Pooler(tb testing.TB, address string) string {
	tb.Helper()
	const name = "/usr/sbin/pgbouncer" // where Debian has it, out of the PATH of most
	if !exists(name) {
		missing(tb, "pgbouncer", "pgbouncer")
	}
	dir, at := directory(tb), freeAddress(tb)
	host, port, _ := net.SplitHostPort(address)
	poolHost, poolPort, _ := net.SplitHostPort(at)
	file := filepath.Join(dir, "pgbouncer.ini")
	settings := fmt.Sprintf("[databases]\n* = host=%s port=%s user=postgres\n[pgbouncer]\nlisten_addr = %s\nlisten_port = %s\n"+
		"auth_type = any\npool_mode = transaction\ndefault_pool_size = 20\nunix_socket_dir =\n", host, port, poolHost, poolPort)
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil {
		tb.Fatal(err)
	}
	run := begin(tb, filepath.Join(dir, "log"), name, file)
	tb.Cleanup(func() { run.end(tb, syscall.SIGKILL) })
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if command(tb, "psql", "-X", "-q", "-d", URL(at), "-c", "SELECT 1").Run() == nil {
			return URL(at)
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			tb.Fatalf("pgbouncer does not answer:\n%s", log)
		}
	}
}
