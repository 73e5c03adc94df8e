package app

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/freeport"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/slow"
)

// vault is a data directory with a city, and a directory with backups of it.
type vault struct {
	*testing.T
	data, backups string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	if dbtest.OnServer() {
		t.Skip("a server has backups of its own")
	}
	v := &vault{t, filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")}
	v.use(v.data)
	web, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_WEB_LISTEN", web) // where nobody answers
	mustBegin(t, v.data)
	v.run(0, "city", "add", "gotham", "--email", "m@x.example", "--password", password)
	return v
}

// use has commands work on a data directory.
func (v *vault) use(data string) {
	v.Helper()
	v.Setenv("TICKETFREI_DATA", data)
}

func (v *vault) run(code int, args ...string) string {
	v.Helper()
	var out, errs bytes.Buffer
	if got := runCommand(v.Context(), v.T, &out, &errs, args...); got != code {
		v.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// kept are the files among the backups, without their times.
func (v *vault) kept() []string {
	v.Helper()
	list, err := os.ReadDir(v.backups)
	if err != nil {
		v.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// ending returns the newest backup that ends so.
func (v *vault) ending(end string) string {
	v.Helper()
	for _, name := range slices.Backward(v.kept()) {
		if strings.HasSuffix(name, end) {
			return filepath.Join(v.backups, name)
		}
	}
	v.Fatalf("no backup ends with %s: %v", end, v.kept())
	return ""
}

// older renames the backups, as if they had been made a day before.
func (v *vault) older() {
	v.Helper()
	for _, name := range v.kept() {
		at, err := time.Parse(backupTime, name[len(backupPrefix):len(backupPrefix)+len(backupTime)])
		if err != nil {
			v.Fatal(err)
		}
		to := backupPrefix + at.AddDate(0, 0, -1).Format(backupTime) + filepath.Ext(name)
		if err := os.Rename(filepath.Join(v.backups, name), filepath.Join(v.backups, to)); err != nil {
			v.Fatal(err)
		}
	}
}

// TestBackupsAreKeptAndRestored makes one a day, of which two are kept, and restores the last
// on another machine.
func TestBackupsAreKeptAndRestored(t *testing.T) {
	v := newVault(t)
	for range 3 {
		if said := v.run(0, "backup", "--to", v.backups, "--keep", "2"); !strings.Contains(said, "cities: 1, moderators: 1") {
			t.Errorf("it says %s", said)
		}
		v.older()
	}
	if kept := v.kept(); len(kept) != 4 { // each with its key
		t.Errorf("kept are %v", kept)
	}
	for _, name := range v.kept() {
		if info, err := os.Stat(filepath.Join(v.backups, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if is := v.run(1, "status"); !strings.Contains(is, "backup") || strings.Contains(is, "none is known") {
		t.Errorf("the status does not know of it\n%s", is)
	}
	other := filepath.Join(t.TempDir(), "other")
	v.use(other)
	if said := v.run(0, "restore", v.ending(copyEnd)); !strings.Contains(said, "cities: 1,") {
		t.Errorf("it says %s", said)
	}
	if list := v.run(0, "city", "list"); !strings.Contains(list, "gotham") {
		t.Errorf("restored is %s", list)
	}
	v.run(0, "city", "add", "metropolis", "--email", "m@x.example")
	if said := v.run(1, "restore", v.ending(copyEnd)); !strings.Contains(said, "--yes") {
		t.Errorf("over what is there: %s", said)
	}
	v.run(0, "restore", v.ending(copyEnd), "--yes")
	if list := v.run(0, "city", "list"); strings.Contains(list, "metropolis") {
		t.Errorf("what was there is there: %s", list)
	}
	if left, err := filepath.Glob(filepath.Join(other, ".restore-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBackupUnderAPassphrase makes one file of database and key, which nothing else opens.
func TestBackupUnderAPassphrase(t *testing.T) {
	slow.Test(t, "derives keys of passphrases")
	v := newVault(t)
	phrase := filepath.Join(t.TempDir(), "passphrase")
	write := func(text string) {
		if err := os.WriteFile(phrase, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("short")
	v.run(1, "backup", "--to", v.backups, "--passphrase-file", phrase)
	write("correct horse battery staple")
	v.run(0, "backup", "--to", v.backups, "--passphrase-file", phrase)
	if kept := v.kept(); len(kept) != 1 || !strings.HasSuffix(kept[0], sealedEnd) {
		t.Fatalf("there are %v", kept)
	}
	raw, err := os.ReadFile(v.ending(sealedEnd))
	if err != nil || bytes.Contains(raw, []byte("SQLite")) || bytes.Contains(raw, []byte("gotham")) {
		t.Errorf("it can be read: %v", err)
	}
	v.use(filepath.Join(t.TempDir(), "other"))
	if said := v.run(1, "restore", v.ending(sealedEnd)); !strings.Contains(said, "--passphrase-file") {
		t.Errorf("without the passphrase: %s", said)
	}
	write("another horse battery staple")
	if said := v.run(1, "restore", v.ending(sealedEnd), "--passphrase-file", phrase); !strings.Contains(said, errPassphrase.Error()) {
		t.Errorf("with another: %s", said)
	}
	t.Setenv("TICKETFREI_BACKUP_PASSPHRASE", "correct horse battery staple")
	v.run(0, "restore", v.ending(sealedEnd))
	if list := v.run(0, "city", "list"); !strings.Contains(list, "gotham") {
		t.Errorf("restored is %s", list)
	}
}

// TestRestoreRefuses has restore leave everything as it is where the backup is of no use, or
// the server runs.
func TestRestoreRefuses(t *testing.T) {
	v := newVault(t)
	v.run(0, "backup", "--to", v.backups)
	good, key := v.ending(copyEnd), v.ending(keyEnd)
	damaged, newer := filepath.Join(t.TempDir(), "damaged.db"), filepath.Join(t.TempDir(), "newer.db")
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	copyKey := func(to string) {
		text, err := os.ReadFile(key)
		if err == nil {
			err = os.WriteFile(strings.TrimSuffix(to, copyEnd)+keyEnd, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(damaged, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	damage(t, damaged, "cities")
	copyKey(damaged)
	v.fromTheFuture(newer)
	copyKey(newer)
	other := filepath.Join(t.TempDir(), "other")
	refused := func(says string, args ...string) {
		t.Helper()
		if said := v.run(1, append([]string{"restore"}, args...)...); !strings.Contains(said, says) {
			t.Errorf("restore %v: %s", args, said)
		}
		if _, err := os.Stat(other); err == nil {
			t.Errorf("restore %v has made a data directory", args)
		}
	}
	v.use(other)
	refused("no such file", filepath.Join(v.backups, "nothing.db"))
	refused("damaged", damaged)
	refused("newer version", newer)
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	refused("the key of the backup is missing", good)
	if err := os.WriteFile(key, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("another secret key", good)
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	// Another one was killed: what it has left, which is a whole database, goes.
	left := filepath.Join(other, unfinished+"123")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	v.run(0, "restore", good)
	if _, err := os.Stat(left); err == nil {
		t.Error("what a restore has left that was killed is still there")
	}

	// The key is lost afterwards, or another one.
	if err := os.WriteFile(filepath.Join(other, secret.FileName), []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := v.run(1, "serve"); !strings.Contains(said, "was written with another secret key") {
		t.Errorf("the server starts with another key: %s", said)
	}
	unlock, err := lockFile(other, serveLock, false)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if said := v.run(1, "restore", good, "--yes"); !strings.Contains(said, "stop it first") {
		t.Errorf("while the server runs: %s", said)
	}
}

// fromTheFuture makes a backup of a newer version.
func (v *vault) fromTheFuture(path string) {
	v.Helper()
	v.run(0, "backup", path)
	d, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		v.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Exec("INSERT INTO core_migrations (id) VALUES ('core_9999')"); err != nil {
		v.Fatal(err)
	}
}

// TestBackupOfAnEarlierVersion backs up a database as an earlier version has left it, and restores
// it on another machine, where it is brought up to date.
func TestBackupOfAnEarlierVersion(t *testing.T) {
	dbtest.OnlyFile(t, "a server has backups of its own")
	old, _ := unpackOld(t)
	v := &vault{t, old, filepath.Join(t.TempDir(), "backups")}
	v.use(old)
	v.run(0, "backup", "--to", v.backups)
	v.use(filepath.Join(t.TempDir(), "other"))
	v.run(0, "restore", v.ending(copyEnd))
	if list := v.run(0, "city", "list"); !strings.Contains(list, "nuernberg") {
		t.Errorf("restored is %s", list)
	}
}

// TestRootRestoresForAnother has root restore a backup, and a city, into data directories of another
// user: the files are theirs.
func TestRootRestoresForAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be mistaken for another user")
	}
	const nobody = 65534
	v := newVault(t)
	city := filepath.Join(t.TempDir(), "gotham")
	v.run(0, "backup", "--to", v.backups)
	v.run(0, "city", "export", "gotham", city)
	for _, args := range [][]string{{"restore", v.ending(copyEnd)}, {"city", "import", city}} {
		theirs := t.TempDir()
		if err := os.Chown(theirs, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		v.use(theirs)
		v.run(0, args...)
		v.run(0, "city", "list")
		list, err := os.ReadDir(theirs)
		if err != nil || len(list) < 3 {
			t.Fatalf("%v has made %v, %v", args, list, err)
		}
		for _, e := range list {
			if info, err := e.Info(); err != nil || info.Sys().(*syscall.Stat_t).Uid != nobody {
				t.Errorf("%v: %s is not theirs (%v)", args, e.Name(), err)
			}
		}
	}
}
