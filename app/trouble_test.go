package app

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ticketfrei/internal/freeport"
	"ticketfrei/internal/slow"
)

// mountSmall mounts a file system of that size on a new directory.
func mountSmall(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("needs the right to mount a file system (root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// environment returns settings for a program on free ports with its data in
// dir, and the program as visitors see it.
func environment(t *testing.T, dir string, box *mailbox) (env []string, a *app) {
	t.Helper()
	addresses := make([]string, 3)
	for i := range addresses {
		var err error
		if addresses[i], err = freeport.Address(); err != nil {
			t.Fatal(err)
		}
	}
	a = &app{T: t, url: "http://" + addresses[0], smtp: addresses[1], metrics: addresses[2]}
	return []string{"TICKETFREI_DATA=" + dir, "TICKETFREI_WEB_LISTEN=" + addresses[0], "TICKETFREI_WEB_URL=" + a.url,
		"TICKETFREI_MAIL_LISTEN=" + a.smtp, "TICKETFREI_MAIL_DOMAIN=tickets.example",
		"TICKETFREI_MAIL_RELAY=smtp://" + box.Addr, "TICKETFREI_METRICS_LISTEN=" + a.metrics}, a
}

func mustAddCity(t *testing.T, binary string, env []string, slug string) {
	t.Helper()
	for _, setting := range env {
		if dir, is := strings.CutPrefix(setting, "TICKETFREI_DATA="); is {
			mustBegin(t, dir)
		}
	}
	add := exec.CommandContext(t.Context(), binary, "city", "add", slug, "--email", "m@"+slug+".example", "--password", password)
	add.Env = append(os.Environ(), env...)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("city add: %v\n%s", err, out)
	}
}

// TestFullDisk fills the disk under a running server and makes room again. Little
// room is left for what must go on, such as unsubscribing.
func TestFullDisk(t *testing.T) {
	slow.Test(t, "builds the program and fills a disk")
	const size, left = 64 << 20, 4 << 20 // new reports need an eighth of it
	disk := mountSmall(t, strconv.Itoa(size))
	box := startMailbox(t)
	p := startAlone(t, filepath.Join(disk, "data"), box)
	p.subscribe(box, "nuernberg", "one@riders.example", "leaves@riders.example")
	p.mustReport()
	leave := box.waitFor(t, "leaves@riders.example", "Report 1.").link(t, "/mail/unsubscribe/")

	filling := filepath.Join(disk, "fill")
	fill(t, filling, size, left)
	p.waitReady(http.StatusServiceUnavailable)
	p.mustRefuse(10)
	p.browser().post(strings.TrimPrefix(leave, p.url), nil, http.StatusOK)
	fill(t, filling, size, 0)
	p.mustRefuse(10)
	if err := os.Remove(filling); err != nil {
		t.Fatal(err)
	}
	p.waitReady(http.StatusOK)
	p.mustReport()
	p.drained()
	for _, text := range p.accepted {
		if n := len(box.to(t, "one@riders.example", text)); n != 1 {
			t.Errorf("%q came %d times, want once", text, n)
		}
	}
	if n := len(box.to(t, "leaves@riders.example", "Report ")); n != 1 {
		t.Errorf("who unsubscribed was mailed %d reports, want the first", n)
	}
	p.checkStartedOnce()
}

// alone is the real program with a city that lets everything pass.
type alone struct {
	*app
	*program
	accepted []string // the texts of the reports that were acknowledged
	serial   int
}

func startAlone(t *testing.T, dir string, box *mailbox, more ...string) *alone {
	t.Helper()
	binary := buildProgram(t)
	env, a := environment(t, dir, box)
	env = append(append(env, unbraked...), more...)
	mustAddCity(t, binary, env, "nuernberg")
	p := &alone{app: a, program: startProgram(t, binary, env...)}
	p.allowEverything("m@nuernberg.example")
	return p
}

// report mails a report of an author of its own.
func (p *alone) report() error {
	p.serial++
	text := fmt.Sprintf("Report %d.", p.serial)
	err := p.send(fmt.Sprintf("r%d@x.example", p.serial), here, fmt.Sprintf("%d@x", p.serial), "", text+strings.Repeat(" Kontis", 100))
	if err == nil {
		p.accepted = append(p.accepted, text)
	}
	return err
}

func (p *alone) mustReport() {
	p.Helper()
	if err := p.report(); err != nil {
		p.Fatal(err)
	}
}

// mustRefuse mails n reports, which must all be put off.
func (p *alone) mustRefuse(n int) {
	p.Helper()
	for range n {
		if answer, ok := errors.AsType[*textproto.Error](p.report()); !ok || answer.Code != 451 {
			p.Fatalf("the answer is %v, want 451", answer)
		}
	}
}

// waitReady waits until /readyz has that status.
func (p *alone) waitReady(status int) {
	p.Helper()
	waitUntil(p, fmt.Sprintf("/readyz to be %d", status), func() bool {
		resp, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == status
	})
}

// checkStartedOnce checks that the program did not start again by itself, and that
// it has not filled its log.
func (p *alone) checkStartedOnce() {
	p.Helper()
	log := p.program.log.String()
	if n := strings.Count(log, "msg=ready"); n != 1 {
		p.Errorf("it started %d times:\n%s", n, log)
	}
	if n := strings.Count(log, "level=ERROR"); n > 10 {
		p.Errorf("the log has %d errors:\n%s", n, log)
	}
}

// fill writes a file until as much is left of a disk of that size.
func fill(t *testing.T, path string, size, left int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 0; n < size && free(t, path) > left; {
		written, err := f.Write(make([]byte, min(1<<16, free(t, path)-left)))
		if n += written; err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// free returns how many bytes are left on the disk of a file.
func free(t *testing.T, path string) int {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		t.Fatal(err)
	}
	return int(s.Bavail) * int(s.Bsize)
}

func TestReadOnlyDataDirectory(t *testing.T) {
	dir := mountSmall(t, "8m")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "cannot be written to") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestDamagedDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ticketfrei.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "restore your last backup") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

// TestDatabaseDamagedInTheMiddle overwrites pages of a database that holds reports.
// The program says what to do. It goes on with what it can, and ends where it finds
// none of what it has to send.
func TestDatabaseDamagedInTheMiddle(t *testing.T) {
	slow.Test(t, "builds the program and damages its database")
	t.Parallel()
	dir, box := t.TempDir(), startMailbox(t)
	p := startAlone(t, dir, box)
	for range 100 {
		p.mustReport()
	}
	p.drained()
	p.program.stop()
	path := filepath.Join(dir, "ticketfrei.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		part   string // a table or an index
		goesOn bool
	}{{"reports", true}, {"reports_heard", true}, {"fanouts_bot", false}} {
		t.Run(c.part, func(t *testing.T) {
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			damage(t, path, c.part)
			p := p.again(t)
			if c.goesOn {
				p.mustRefuse(20)
				p.waitReady(http.StatusServiceUnavailable)
				p.browser().get("/", http.StatusOK)
				p.program.stop()
			}
			if code := p.program.exitCode(); code == 0 != c.goesOn {
				t.Errorf("exit code %d", code)
			}
			for _, words := range []string{"ticketfrei.db is damaged", "restore your last backup"} {
				if !strings.Contains(p.program.log.String(), words) {
					t.Errorf("the log does not say %q", words)
				}
			}
			p.checkStartedOnce()
		})
	}
}

// again starts the program once more.
func (p *alone) again(t *testing.T) *alone {
	t.Helper()
	a := &app{T: t, url: p.url, smtp: p.smtp}
	return &alone{app: a, program: startProgram(t, p.cmd.Path, p.cmd.Env...), serial: p.serial}
}

// damage overwrites the first page of a table.
func damage(t *testing.T, path, table string) {
	t.Helper()
	d, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var page, size int64
	err = d.QueryRow("SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = ?", table).Scan(&page, &size)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte("damaged "), int(size)/8), (page-1)*size)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
