package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// noteKey finds the keys of notes in the sources.
var noteKey = regexp.MustCompile(`(?:\bNote\{(?:Key: )?|\bnote\(|\bnote, shown = |\bnote = |\bkey = |\bkey, what(?: :)?= )"([a-z0-9_]+)"`)

// TestEveryNoteOfAMoveHasAText compares the notes that readers and MoveIn make with their texts.
func TestEveryNoteOfAMoveHasAText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../moving/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range append(files, "../manage/movein.go", "../manage/moveinfit.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(raw)
	}
	for _, language := range []string{"en", "de"} {
		var texts struct{ Moving map[string]any }
		if _, err := toml.DecodeFile("../templates/settings/"+language+".toml", &texts); err != nil {
			t.Fatal(err)
		}
		for _, found := range noteKey.FindAllStringSubmatch(source.String(), -1) {
			if texts.Moving[found[1]] == nil {
				t.Errorf("%s: there is no text moving.%s", language, found[1])
			}
		}
		for key := range texts.Moving {
			onPage := key == "title" || key == "lead" || key == "read" || key == "is_read"
			if !onPage && !strings.Contains(source.String(), `"`+key+`"`) {
				t.Errorf("%s: nothing says moving.%s", language, key)
			}
		}
	}
}
