package app

import (
	"database/sql"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The reports that waited in the old queue, which is not read any more. The first
// had been posted on Mastodon, and mailed to eins and drei. The second was not
// judged yet.
const (
	unsent   = "Kontis am Rathenauplatz, es hängt"
	unjudged = "Kontis in Langwasser, noch ungelesen"
)

// interrupted is a report that the database says had passed, and was sent to nobody.
const interrupted = "Kontis in Gostenhof, nicht verteilt"

// interrupt stores a report as the old program did between its verdict and its way
// to the others.
func (w *oldWorld) interrupt() {
	w.Helper()
	w.change(`INSERT INTO reports (id, city_id, bot_id, network, network_id, author, text, normalized, visibility, time, received, passed, reason, detail)
		SELECT 'wurde-nicht-verteilt--', id, 1, 'mail', 'x', '', ?, '', 'private', ?, ?, 1, 'trigger', 'kontis'
		FROM cities WHERE slug = 'nuernberg'`, interrupted, w.old.Written, w.old.Written)
}

// change changes the old database.
func (w *oldWorld) change(statement string, args ...any) {
	w.Helper()
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(w.dir, "ticketfrei.db"))
	if err != nil {
		w.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Exec(statement, args...); err != nil {
		w.Fatal(err)
	}
}

// checkInterrupted checks that the report that had reached nobody reaches everybody.
func (w *oldWorld) checkInterrupted() {
	w.Helper()
	for _, rider := range []string{"eins", "zwei", "drei", "geht", "weg"} {
		w.mailed(rider, interrupted)
	}
	for _, chat := range []string{"early rider", "late rider", "Pendelnde", "Frühschicht"} {
		w.waitTold("kontis_nbg_bot", chat, interrupted)
	}
	w.waitPosted("kontis_nbg", interrupted)
}

// signUpAgain has somebody sign up again whose mail waited in the old queue.
func (w *oldWorld) signUpAgain() {
	w.Helper()
	form := url.Values{"email": {"neu@erfurt.example"}, "city": {"Erfurt"}}
	w.browser().post("/register", form, http.StatusOK)
	link, err := url.Parse(w.box.waitFor(w.T, "neu@erfurt.example", "/confirm/").link(w.T, "/confirm/"))
	if err != nil {
		w.Fatal(err)
	}
	w.browser().post(link.Path, url.Values{"password": {password}}, http.StatusOK)
	w.browser().get("/city/erfurt", http.StatusOK)
	if page := w.login("neu@erfurt.example").get("/settings", http.StatusOK); !strings.Contains(page, "Erfurt") {
		w.Error("who signed up again does not have the city")
	}
}

// checkQueueIsLeft checks that the log names the old queue, that nothing in it was
// touched, and that the mail in it was not sent.
func (w *oldWorld) checkQueueIsLeft(before map[string]string) {
	w.Helper()
	dir := filepath.Join(w.dir, "queue")
	if !strings.Contains(w.log.String(), dir) {
		w.Errorf("the log does not name %s", dir)
	}
	if diff := cmp.Diff(before, contents(w.T, dir)); diff != "" {
		w.Errorf("the old queue has changed (-before +now):\n%s", diff)
	}
	if n := len(w.box.to(w.T, "neu@erfurt.example", "/confirm/")); n != 1 {
		w.Errorf("who signed up again was mailed %d links, want one", n)
	}
}

// contents returns the content of every file in dir, by path. A program may be at work
// there.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile
		}
		files[path] = string(raw)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in %s, %v", len(files), dir, err)
	}
	return files
}
