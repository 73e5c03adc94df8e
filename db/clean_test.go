package db_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// archive is a database of reports in a directory of its own, at a time that
// the test sets. Each report's text is made of a mark.
type archive struct {
	*db.DB
	t    *testing.T
	dir  string
	now  time.Time
	city report.City
}

func openArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{t: t, dir: t.TempDir(), now: noon}
	a.open()
	if err := a.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		t.Fatal(err)
	}
	a.city = dbtest.MustCreateCity(t, a.DB, "city", "toy")
	return a
}

func (a *archive) open() {
	a.t.Helper()
	var err error
	if a.DB, err = db.Open(a.t.Context(), a.dir, func() time.Time { return a.now }, silent); err != nil {
		a.t.Fatal(err)
	}
	opened := a.DB
	a.t.Cleanup(func() { _ = opened.Close() })
}

func (a *archive) exec(statement string, args ...any) {
	a.t.Helper()
	if err := a.Write(a.t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error }); err != nil {
		a.t.Fatal(err)
	}
}

// hear stores a report with all that belongs to it. It comes and is judged at
// different times, as it is in the program.
func (a *archive) hear(id, text string) {
	a.t.Helper()
	h := dbtest.MustHear(a.t, a.DB, newReport(a.city, id, "", text, a.now))
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "it names a line"}
	dbtest.MustJudge(a.t, a.DB, h, passed, dbtest.NoBrake{}, db.Audience{BotID: 1, Recipients: []int64{1}})
	a.exec("INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (?, 1, 1, '7', '')", h.Seq)
	a.exec("INSERT INTO outcomes (report, bot_id, sent) VALUES (?, 1, 1)", h.Seq)
}

func (a *archive) deleteExpired() {
	a.t.Helper()
	if err := a.DeleteExpired(a.t.Context(), 24*time.Hour); err != nil {
		a.t.Fatal(err)
	}
}

// rows counts those of the tables.
func (a *archive) rows(tables ...string) map[string]int {
	a.t.Helper()
	counts := map[string]int{}
	for _, table := range tables {
		var n int
		if err := a.ReadRow(a.t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			a.t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// files returns what is in all files of the directory.
func (a *archive) files() []byte {
	a.t.Helper()
	var all [][]byte
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(a.dir, e.Name()))
		if err != nil {
			a.t.Fatal(err)
		}
		all = append(all, data)
	}
	return bytes.Join(all, nil)
}

// found returns how often each of the marks is in the files.
func (a *archive) found(marks ...string) map[string]int {
	a.t.Helper()
	data := a.files()
	found := map[string]int{}
	for _, m := range marks {
		if n := bytes.Count(data, []byte(m)); n > 0 {
			found[m] = n
		}
	}
	return found
}

func TestDeleteExpired(t *testing.T) {
	a := openArchive(t)
	for i := range 120 { // more than a slice
		a.hear(fmt.Sprintf("old%d", i), "old")
	}
	a.now = a.now.Add(time.Hour)
	a.hear("new", "new")
	tables := []string{"reports", "fanouts", "receipts", "outcomes"}
	a.now = noon.Add(24 * time.Hour)
	a.deleteExpired()
	if diff := cmp.Diff(map[string]int{"reports": 121, "fanouts": 121, "receipts": 121, "outcomes": 121}, a.rows(tables...)); diff != "" {
		t.Errorf("before their time: %s", diff)
	}
	a.now = a.now.Add(time.Second)
	a.deleteExpired()
	if diff := cmp.Diff(map[string]int{"reports": 1, "fanouts": 1, "receipts": 1, "outcomes": 1}, a.rows(tables...)); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteExpiredAccounts(t *testing.T) {
	a := openArchive(t)
	ages := []struct {
		table, statement string
		keep             time.Duration
	}{
		{"registrations", "INSERT INTO registrations (email, city_name, slug, language, created) VALUES (?2, '', '', '', ?1)", 7 * 24 * time.Hour},
		{"invitations", "INSERT INTO invitations (city_id, email, created) VALUES (1, ?2, ?1)", 30 * 24 * time.Hour},
		{"sessions", "INSERT INTO sessions (token, data, expires) VALUES (?2, '', ?1)", 0},
		{"logins", "INSERT INTO logins (moderator_id, browser, made, used) VALUES (1, ?2, 0, ?1)", 31 * 24 * time.Hour},
		{"limits", "INSERT INTO limits (key, expires) VALUES (?2, ?1)", 0},
		{"former_cities", "INSERT INTO former_cities (slug, deleted) VALUES (?2, ?1)", 365 * 24 * time.Hour},
	}
	want := map[string]int{}
	for _, tt := range ages {
		for i := range 60 {
			a.exec(tt.statement, a.now.Add(-tt.keep-time.Second).UnixMilli(), fmt.Sprintf("old%d", i))
		}
		a.exec(tt.statement, a.now.Add(-tt.keep+time.Second).UnixMilli(), "new")
		want[tt.table] = 1
	}
	a.deleteExpired()
	if diff := cmp.Diff(want, a.rows("registrations", "invitations", "sessions", "logins", "limits", "former_cities")); diff != "" {
		t.Error(diff)
	}
}

// What was deleted, and what stood in a row before it was changed, is in no file
// any more: short texts, and long ones that need pages of their own.
func TestDeletedIsInNoFile(t *testing.T) {
	a := openArchive(t)
	long := func(mark string) string { return strings.Repeat(mark+" ", 3000) }
	a.hear("short", "shortmark")
	a.hear("long", long("longmark"))
	a.hear("changed", long("beforemark"))
	if found := a.found("shortmark", "longmark", "beforemark"); len(found) != 3 {
		t.Fatalf("found %v: this test would find nothing", found)
	}
	a.exec("UPDATE reports SET text = ?, normalized = '' WHERE id = 'changed'", "aftermark")
	a.now = a.now.Add(time.Minute)
	a.hear("kept", "keptmark")
	a.deleteExpired()
	if found := a.found("beforemark"); len(found) != 0 {
		t.Errorf("before the change: %v", found)
	}
	if found := a.found("shortmark", "longmark", "aftermark", "keptmark"); len(found) != 4 {
		t.Errorf("found %v: what is there is missing", found)
	}
	a.now = a.now.Add(24*time.Hour - time.Second)
	a.deleteExpired()
	if found := a.found("shortmark", "longmark", "beforemark", "aftermark"); len(found) != 0 {
		t.Errorf("still in the files: %v", found)
	}
	if found := a.found("keptmark"); len(found) != 1 {
		t.Error("what was kept is gone")
	}
}

// SQLite moves rows between pages while they grow and while others are deleted.
func TestMovedRowsLeaveNothing(t *testing.T) {
	slow.Test(t, "stores and changes 1,500 reports")
	a := openArchive(t)
	for i := range 1500 {
		a.now = a.now.Add(time.Second)
		id := fmt.Sprintf("mark%05d", i)
		err := a.WriteSoon(t.Context(), func(tx *gorm.DB) error {
			_, err := db.Exec(tx, `INSERT INTO reports (id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state)
				VALUES (?1, 1, 1, '', '', '', ?2, '', ?3, ?3, 'heard')`, id, strings.Repeat(id, 1+i*7%40), a.now.UnixMilli())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		a.exec("UPDATE reports SET state = 'judged', reason = 'it names the line and the stop', normalized = text WHERE seq = ?", i-i*11%60)
	}
	last := a.now
	for expired := 100; expired < 1500; expired += 330 {
		a.now = last.Add(24*time.Hour - time.Duration(1500-expired)*time.Second)
		a.deleteExpired()
		for _, mark := range regexp.MustCompile(`mark\d{5}`).FindAll(a.files(), -1) {
			if string(mark) < fmt.Sprintf("mark%05d", expired-1) {
				t.Fatalf("%s is still in a file after %d were deleted", mark, expired-1)
			}
		}
	}
}

// Somebody who reads for long keeps the log as it is; the next cleaning empties
// it. Nobody who writes waits for the reader.
func TestCleaningBesideAReader(t *testing.T) {
	a := openArchive(t)
	a.hear("1", "readmark")
	reader := a.Read(t.Context()).Begin()
	var n int
	if err := reader.Raw("SELECT count(*) FROM reports").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(25 * time.Hour)
	a.hear("2", "")
	began := time.Now()
	a.deleteExpired()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("cleaning waited %v for a reader", took)
	}
	if len(a.found("readmark")) == 0 {
		t.Error("the reader's text is gone from under it")
	}
	reader.Rollback()
	a.deleteExpired()
	if found := a.found("readmark"); len(found) != 0 {
		t.Errorf("found %v after the reader was gone", found)
	}
}

// What is deleted leaves the files also where the program was killed, or
// stopped, before it had emptied the log.
func TestCleaningAfterAStart(t *testing.T) {
	a := openArchive(t)
	a.hear("1", "startmark")
	a.exec("DELETE FROM reports")
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(a.dir)); err != nil {
		t.Fatal(err)
	}
	a.dir = copied
	a.open()
	if len(a.found("startmark")) == 0 {
		t.Fatal("the log is empty: this test finds nothing")
	}
	a.deleteExpired()
	if found := a.found("startmark"); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}
