package app

import (
	"database/sql"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/slow"
)

// cleanedWithin is how long after reports.keep a report may be in the files.
const cleanedWithin = 30 * time.Second

// TestOldReportIsInNoFile waits until a report that passed and one that was held are
// older than reports.keep. Soon after that no file in the data directory holds a word
// of them, while the program goes on.
func TestOldReportIsInNoFile(t *testing.T) {
	slow.Test(t, "waits until reports are deleted")
	t.Parallel()
	const keep = 5 * time.Second
	dir, box := t.TempDir(), startMailbox(t)
	p := startAlone(t, dir, box, "TICKETFREI_REPORTS_EXPIRE=2s", "TICKETFREI_REPORTS_KEEP="+keep.String())
	p.allow("m@nuernberg.example", "kontis")
	p.subscribe(box, "nuernberg", "one@riders.example")

	words := make([]string, 40)
	for i := range words {
		words[i] = randomWord()
	}
	p.mustSend("a@x.example", here, "passes@x", "", "Kontis "+strings.Join(words[:20], " "))
	p.mustSend("b@x.example", here, "is-held@x", "", strings.Join(words[20:], " "))
	heard := time.Now()
	box.waitFor(t, "one@riders.example", words[0])
	if n := len(wordsIn(t, dir, words)); n < len(words) {
		t.Fatalf("only %d of %d words are in the files before: the test sees not enough", n, len(words))
	}

	left := words
	for time.Since(heard) < keep+cleanedWithin && len(left) > 0 {
		p.mustReport() // new ones come all the time
		time.Sleep(200 * time.Millisecond)
		left = wordsIn(t, dir, words)
	}
	if len(left) > 0 {
		t.Errorf("%s after reports.keep, %d of %d words are still in the files", cleanedWithin, len(left), len(words))
	}
	t.Logf("the reports were in no file %s after they had come, with reports.keep at %s", time.Since(heard).Round(time.Millisecond), keep)
	p.program.stop()
	if left := wordsIn(t, dir, words); len(left) > 0 {
		t.Errorf("after the program's end %d words are in the files", len(left))
	}
}

// TestUnsubscribedIsInNoFile has somebody unsubscribe. Soon after that no file holds
// what was stored of them, sealed as it was.
func TestUnsubscribedIsInNoFile(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	dir, box := t.TempDir(), startMailbox(t)
	p := startAlone(t, dir, box)
	p.subscribe(box, "nuernberg", "one@riders.example")
	p.mustReport()
	link := box.waitFor(t, "one@riders.example", "Report 1.").link(t, "/unsubscribe/")
	stored := sealedRecipients(t, dir)
	if len(stored) != 2 || len(wordsIn(t, dir, stored)) != 2 {
		t.Fatalf("the files hold %q of who has subscribed: the test sees not enough", stored)
	}
	resp, err := http.PostForm(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	gone := time.Now()
	waitUntil(t, "the address to be in no file", func() bool {
		return len(wordsIn(t, dir, stored)) == 0 || time.Since(gone) > cleanedWithin
	})
	if left := wordsIn(t, dir, stored); len(left) > 0 {
		t.Errorf("%s after somebody has unsubscribed the files hold %q", cleanedWithin, left)
	}
}

// sealedRecipients are the keys and sealed addresses of all who receive mails, in
// lower case.
func sealedRecipients(t *testing.T, dir string) []string {
	t.Helper()
	file, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, db.FileName)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var key, address string
	if err := file.QueryRowContext(t.Context(), "SELECT key, address FROM mail_recipients").Scan(&key, &address); err != nil {
		t.Fatal(err)
	}
	return []string{strings.ToLower(key), strings.ToLower(address)}
}

func randomWord() string {
	word := make([]byte, 12)
	for i := range word {
		word[i] = 'a' + byte(rand.IntN(26))
	}
	return string(word)
}

// wordsIn returns the words that are in files of dir.
func wordsIn(t *testing.T, dir string, words []string) []string {
	t.Helper()
	var all strings.Builder
	for _, content := range contents(t, dir) {
		all.WriteString(strings.ToLower(content))
	}
	var found []string
	for _, w := range words {
		if strings.Contains(all.String(), w) {
			found = append(found, w)
		}
	}
	return found
}
