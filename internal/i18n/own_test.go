package i18n_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"ticketfrei/internal/i18n"
)

// TestOwnTexts has an operator say some texts in other words.
func TestOwnTexts(t *testing.T) {
	base := fstest.MapFS{
		"en.toml": {Data: []byte("[a]\nhello = \"Hello {{.Name}}\"\nplain = \"Plain\"\n[a.n]\none = \"one {{.Count}}\"\nother = \"{{.Count}}\"\n")},
		"de.toml": {Data: []byte("[a]\nhello = \"Hallo {{.Name}}\"\nplain = \"Schlicht\"\n[a.n]\none = \"eins {{.Count}}\"\nother = \"{{.Count}}\"\n")},
	}
	texts, err := i18n.New(base, i18n.Own(fstest.MapFS{"de.toml": {Data: []byte("[a]\nhello = \"Moin\"\n[a.n]\none = \"einer\"\nother = \"{{.Count}} viele\"\n")}}))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{texts.T("de", "a.hello", "Name", "X"), texts.T("en", "a.hello", "Name", "X"), texts.T("de", "a.plain"), texts.T("de", "a.n", "Count", 1), texts.T("de", "a.n", "Count", 2)}
	if want := "Moin|Hello X|Schlicht|einer|2 viele"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, c := range []struct{ file, text, want string }{
		{"de.toml", "[a]\nplain = \"x\"\nhelo = \"y\"\n", "de.toml:3: a.helo: there is no such text"},
		{"de.toml", "[a]\nhello = \"{{.Nome}}\"\n", "de.toml:2: a.hello: {{.Nome}} has no value here; these have: Name"},
		{"riders.de.toml", "[a]\nplain = \"x\"\n", "riders.de.toml:2: a.plain: it is read from de.toml"},
		{"de.toml", "[a\n", "line 2"},
		{"de.toml", "[a]\n\nplain = 3\n", "de.toml:3: a.plain: is not a text"},
		{"de.toml", "[a]\n\nplain = \"{{if}\"\n", "de.toml:3: a.plain: only {{.Name}} may"},
		{"xx.toml", "[a]\n", "xx.toml: no such file is read"},
		{"de.toml", "[a.n]\none = \"einer\"\nfew = \"x\"\nother = \"y\"\n", "a.n.few: de has no such plural form"},
	} {
		_, err := i18n.New(base, i18n.Own(fstest.MapFS{c.file: {Data: []byte(c.text)}}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}
