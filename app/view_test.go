package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dnstest"
	"ticketfrei/internal/secret"
)

// looker runs commands that only look at a data directory.
func looker(t *testing.T, dir string) *patient {
	t.Helper()
	t.Setenv("TICKETFREI_DATA", dir)
	t.Setenv("TICKETFREI_MAIL_DOMAIN", "tickets.example")
	return &patient{app: &app{T: t}, names: dnstest.Start(t)}
}

// files are the names and contents of all files in a directory; nil: it is not there.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		list[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// looks runs a command, and checks what it says and that it changes nothing.
func (p *patient) looks(code int, says string, args ...string) (stdout string) {
	p.Helper()
	dir := os.Getenv("TICKETFREI_DATA")
	before := files(p.T, dir)
	got, stdout, stderr := p.command(args...)
	if got != code || !strings.Contains(stdout+stderr, says) {
		p.Errorf("%s: exit code %d, want %d and %q:\n%s%s", args, got, code, says, stdout, stderr)
	}
	if diff := cmp.Diff(before, files(p.T, dir)); diff != "" {
		p.Errorf("%s has changed the data directory: %.2000s", args, diff)
	}
	return stdout
}

// TestLookingBeforeTheFirstStart looks at directories in which no server ever ran.
func TestLookingBeforeTheFirstStart(t *testing.T) {
	empty, begun := t.TempDir(), t.TempDir()
	d, err := db.Open(t.Context(), begun, time.Now, testLog(t, &logbook{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(empty, "mistyped"), empty, begun} {
		p := looker(t, dir)
		zone := p.looks(exitError, "the records of DKIM are missing: there is no database", "dns")
		for _, want := range []string{"tickets.example. 3600 IN MX 10 tickets.example.\n", `"v=spf1 mx -all"`, "_dmarc.tickets.example.", dir, "ticketfrei serve"} {
			if !strings.Contains(zone, want) {
				t.Errorf("%s: no %q:\n%s", dir, want, zone)
			}
		}
		if strings.Contains(zone, "_domainkey") {
			t.Errorf("%s: a key was made up:\n%s", dir, zone)
		}
		p.looks(2, "warning  database: there is no database", "doctor")
	}
}

// TestDNSNeedsTheServersKeys prints the records after a city was added and before the
// server ran, and then what the server signs with.
func TestDNSNeedsTheServersKeys(t *testing.T) {
	dbtest.OnlyFile(t, "the key in a file beside it")
	dir := t.TempDir()
	mustBegin(t, dir)
	p := looker(t, dir)
	if code, _, words := p.command("city", "add", "fuerth", "--email", "m@fuerth.example"); code != exitOK {
		t.Fatal(words)
	}
	p.looks(exitError, "the records of DKIM are missing: the keys are made when the server starts", "dns")
	definitions := all.Networks()
	runApp(t, appConfig(t, dir, startMailbox(t), definitions), definitions).stop()
	zone := p.looks(exitOK, "", "dns")
	for _, r := range testKeys().Records("tickets.example") {
		if !strings.Contains(zone, r.Text) {
			t.Errorf("the record %s is not there:\n%s", r.Name, zone)
		}
	}
	key := filepath.Join(dir, secret.FileName)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if zone = p.looks(exitError, key, "dns"); !strings.Contains(zone, "v=DMARC1") || strings.Contains(zone, "_domainkey") {
		t.Errorf("without the secret key it prints\n%s", zone)
	}
	p.looks(2, "wrong    database: the secret key", "doctor")
}

// TestNothingOfLocalhostIsPrinted has settings that were not made yet.
func TestNothingOfLocalhostIsPrinted(t *testing.T) {
	p := looker(t, filepath.Join(t.TempDir(), "none"))
	zone := p.looks(exitError, "web.url is http://localhost:8080", "dns")
	if strings.Contains(zone, "localhost. ") || strings.Contains(zone, "localhost 3600") {
		t.Errorf("a record of localhost:\n%s", zone)
	}
	for key, value := range map[string]string{"HELO": "localhost", "DOMAIN": "localhost"} {
		t.Setenv("TICKETFREI_MAIL_"+key, value)
		setting := "setting mail." + strings.ToLower(key) + ": it is localhost"
		if zone := p.looks(exitUsage, setting, "dns"); zone != "" {
			t.Errorf("it prints\n%s", zone)
		}
		p.looks(exitUsage, `setting web.url: it is http://localhost:8080, which nobody else can open: links in mails lead nowhere – set it to the address of the pages, such as "https://`, "dns")
		p.looks(2, "wrong    "+setting, "doctor")
	}
}

// TestLookingAtAnotherVersionsDatabase changes nothing of it, and everything else is
// looked at.
func TestLookingAtAnotherVersionsDatabase(t *testing.T) {
	old, _ := unpackOld(t)
	p := looker(t, old)
	out := p.looks(2, "warning  database: it was written by an earlier version of Ticketfrei (without core_0002, ", "doctor")
	for _, want := range []string{"back it up", "ticketfrei serve", "MX of tickets.example", "clock"} {
		if !strings.Contains(out, want) {
			t.Errorf("the doctor says nothing of %q:\n%s", want, out)
		}
	}
	p.looks(exitError, "the records of DKIM are missing: the database was written by an earlier version", "dns")
	p.looks(exitError, "the database was written by an earlier version of Ticketfrei (without core_0002, ", "intent", "try", "Danke!", "--city", "nuernberg")

	dbtest.OnlyFile(t, "on a server programs of two versions may work at once")
	dir := t.TempDir()
	definitions := all.Networks()
	a := runApp(t, appConfig(t, dir, startMailbox(t), definitions), definitions)
	err := a.server.db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO mail_migrations (id) VALUES ('mail_9999')").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	a.stop()
	p = looker(t, dir)
	p.looks(2, "wrong    database: it was written by a newer version of Ticketfrei (with mail_9999) – use that version", "doctor")
	p.looks(exitOK, testKeys().Records("tickets.example")[0].Text[:200], "dns") // which that version has not changed
}

// TestNothingIsUpgradedUnderAnEarlierVersion, which could not write any more.
func TestNothingIsUpgradedUnderAnEarlierVersion(t *testing.T) {
	old, _ := unpackOld(t)
	unlock, err := lockFile(old, serveLock, false) // as a program that runs has
	if err != nil {
		t.Fatal(err)
	}
	p, add := looker(t, old), []string{"city", "add", "fuerth", "--email", "m@fuerth.example"}
	for _, args := range [][]string{add, {"city", "list"}} {
		p.looks(exitError, "an earlier version of ticketfrei is running on "+old, args...)
	}
	unlock()
	if code, _, words := p.command(add...); code != exitOK {
		t.Errorf("when it has ended: exit code %d\n%s", code, words)
	}
}
