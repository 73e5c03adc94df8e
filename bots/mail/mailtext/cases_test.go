package mailtext

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// envelope is that of the mails in these tests.
var envelope = Envelope{From: "someone@example.org", To: []string{"gotham@reports.test"}, Domains: []string{"reports.test"}}

// mailCase is a mail with what must come of it; see testdata/README.md.
type mailCase struct {
	name string // of the file, below its folder
	raw  []byte
	want string
}

// TestCases reads every mail of testdata. A case that todo.txt names comes out
// wrong today, and must be taken off that list as soon as it does not.
func TestCases(t *testing.T) {
	for _, dir := range []string{"broken", "cases"} {
		t.Run(dir, func(t *testing.T) {
			dir := filepath.Join("testdata", dir)
			todo := readTodo(t, dir)
			for _, c := range readCases(t, dir) {
				t.Run(c.name, func(t *testing.T) {
					wrong := c.check()
					if wrong != nil && !todo[c.name] {
						t.Error(wrong)
					}
					if wrong == nil && todo[c.name] {
						t.Errorf("comes out right: take it off %s/todo.txt", dir)
					}
				})
				delete(todo, c.name)
			}
			for name := range todo {
				t.Errorf("%s/todo.txt names a case that does not exist: %s", dir, name)
			}
		})
	}
}

// readCases reads the mails of a folder. Each must stand in its expected.tsv.
func readCases(tb testing.TB, dir string) []mailCase {
	tb.Helper()
	var list []mailCase
	known := map[string]bool{}
	for _, line := range readLines(tb, filepath.Join(dir, "expected.tsv")) {
		name, want, ok := strings.Cut(line, "\t")
		if !ok || known[name] {
			tb.Fatalf("%s/expected.tsv: %q", dir, line)
		}
		known[name] = true
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, mailCase{name, raw, strings.ReplaceAll(want, `\n`, "\n")})
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if strings.HasSuffix(name, ".eml") && !known[filepath.ToSlash(name)] {
			tb.Errorf("%s is not in expected.tsv", path)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// readTodo returns the names in a folder's todo.txt, if it has one.
func readTodo(tb testing.TB, dir string) map[string]bool {
	tb.Helper()
	todo := map[string]bool{}
	path := filepath.Join(dir, "todo.txt")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return todo
	}
	for _, name := range readLines(tb, path) {
		todo[name] = true
	}
	return todo
}

func readLines(tb testing.TB, path string) []string {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	if s.Err() != nil || len(lines) == 0 {
		tb.Fatalf("%s: %d lines, %v", path, len(lines), s.Err())
	}
	return lines
}

// check says what is wrong with what comes of the mail.
func (c mailCase) check() error {
	m, err := Read(c.raw, envelope)
	relayed := err == nil && m.Skip == ""
	if err != nil && !isKnown(err) {
		return fmt.Errorf("an error that has no answer: %w", err)
	}
	if relayed {
		if bad := errors.Join(checkText(m.Text), c.checkLeft(m.Text)); bad != nil {
			return bad
		}
	}
	if !c.fits(m.Text, relayed, err) {
		return fmt.Errorf("text %q, skip %q, error %v; want %q", m.Text, m.Skip, err, c.want)
	}
	return nil
}

// fits says whether the outcome is the one that is wanted.
func (c mailCase) fits(text string, relayed bool, err error) bool {
	switch want := c.want[1:]; c.want[0] {
	case '=':
		return relayed && text == want
	case '~':
		return relayed && holdsAll(text, strings.Split(want, "|"))
	case '+':
		return relayed
	case '-':
		return !relayed
	case '!':
		return err != nil
	case '?':
		return err != nil || relayed && strings.Contains(text, want)
	}
	return false
}

func holdsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// isKnown says whether the error is one that the sender can be told.
func isKnown(err error) bool {
	for _, known := range []error{ErrComplicated, ErrUnreadable, ErrEncrypted, ErrOnlyFiles, ErrWinmail, ErrNothing, ErrEmpty, ErrAbsence} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// private is what leads to somebody in the mails of testdata: what is quoted,
// addresses, names, telephone numbers, links that only their owner should have.
var private = regexp.MustCompile(`SECRET|\S+@\S+|\b(Robin|Erika|Beispiel|Sam Example|Freundin|Friend|Musterweg)\b|\+?\d[\d /-]{6,}\d|https?://\S*/(unsubscribe|confirm)/`)

var (
	tagLike  = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	blobLike = regexp.MustCompile(`[A-Za-z0-9+/]{60,}`)
	wordLike = regexp.MustCompile(`=\?[^?\s]+\?[bBqQ]\?\S*\?=`)
	partLike = regexp.MustCompile(`(?im)^content-(type|transfer-encoding|disposition)\s*:`)
	boundary = regexp.MustCompile(`(?i)boundary\s*=\s*(?:"([^"\r\n]+)"|([^;\s"]+))`)
)

// checkLeft says what is left in the text of this mail that was never written,
// or not for everybody. A person may write what looks like MIME; in testdata
// nobody does.
func (c mailCase) checkLeft(text string) error {
	for _, like := range []*regexp.Regexp{private, wordLike, partLike} {
		if found := like.FindString(text); found != "" {
			return fmt.Errorf("%q must not be relayed: %q", found, text)
		}
	}
	for _, m := range boundary.FindAllSubmatch(c.raw, -1) {
		if b := "\n--" + string(m[1]) + string(m[2]); strings.Contains("\n"+text, b) {
			return fmt.Errorf("boundary %q in the text: %q", b, text)
		}
	}
	return nil
}

// checkText says what is in a report's text that must be in none.
func checkText(text string) error {
	if found := tagLike.FindString(text); found != "" {
		return fmt.Errorf("a tag in the text: %q", text)
	}
	for _, found := range blobLike.FindAllString(text, -1) {
		if manyLetters(found) { // "HAHAHAHA…" stays
			return fmt.Errorf("base64 in the text: %q", found)
		}
	}
	for _, part := range []string{"-----BEGIN PGP", "-----END PGP", "\x00", "\r"} {
		if strings.Contains(text, part) {
			return fmt.Errorf("%q in the text: %q", part, text)
		}
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxText || strings.TrimSpace(text) == "" {
		return fmt.Errorf("empty, too long or not UTF-8: %q", text)
	}
	return nil
}
