package app

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// cleanedWithin is how long after reports.keep a report may be in the files.
const cleanedWithin = 30 * time.Second

// TestOldReportIsInNoFile waits until a report that passed and one that was held are
// older than reports.keep. Soon after that no file in the data directory holds a word
// of them, while the program goes on.
func TestOldReportIsInNoFile(t *testing.T) {
	slow.Test(t, "waits until reports are deleted")
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
	var all []byte
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile
		}
		all = append(all, bytes.ToLower(raw)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, w := range words {
		if bytes.Contains(all, []byte(w)) {
			found = append(found, w)
		}
	}
	return found
}
