package i18n_test

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/i18n"
)

// source makes a source with the two files.
func source(en, de string) fs.FS {
	return fstest.MapFS{
		"en.toml": {Data: []byte(en)},
		"de.toml": {Data: []byte(de)},
	}
}

func sample(tb testing.TB) *i18n.Catalogue {
	tb.Helper()
	c, err := i18n.New(
		source(`
home.title = "No ticket? <No> problem"
[settings.rules]
title = "Rules of {{.City}}"
description = "What passes, and what {{ .City }} drops after {{.Hours}} hours"
id = "Number"
[settings.subscribers]
one = "One subscriber in {{.City}}"
other = "{{.Count}} subscribers in {{.City}}"
`, `
[home]
title = "Ohne Fahrschein? <Kein> Problem"
[settings]
"rules.title" = "Regeln für {{.City}}"
rules.description = "Was durchkommt, und was {{.City}} nach {{.Hours}} Stunden verwirft"
rules.id = "Nummer"
subscribers = { one = "{{.Count}} Abo in {{.City}}", other = "{{.Count}} Abos in {{.City}}" }
`),
		source(`mail.confirm = "Confirm"`, `mail.confirm = "Bestätigen"`),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestT(t *testing.T) {
	c := sample(t)
	type count int64
	tests := []struct {
		name, lang, id string
		data           []any
		want           string
	}{
		{"plain, not escaped", "en", "home.title", nil, "No ticket? <No> problem"},
		{"dotted and nested keys are the same", "de", "home.title", nil, "Ohne Fahrschein? <Kein> Problem"},
		{"second source", "de", "mail.confirm", nil, "Bestätigen"},
		{"filled", "de", "settings.rules.title", []any{"City", "Nürnberg <1>"}, "Regeln für Nürnberg <1>"},
		{"filled twice", "en", "settings.rules.description", []any{"City", "X", "Hours", 2}, "What passes, and what X drops after 2 hours"},
		{"words that go-i18n reserves", "de", "settings.rules.id", nil, "Nummer"},
		{"singular", "en", "settings.subscribers", []any{"Count", 1, "City", "X"}, "One subscriber in X"},
		{"plural", "en", "settings.subscribers", []any{"Count", 0, "City", "X"}, "0 subscribers in X"},
		{"singular, German", "de", "settings.subscribers", []any{"Count", int64(1), "City", "X"}, "1 Abo in X"},
		{"plural, named type", "de", "settings.subscribers", []any{"Count", count(12), "City", "X"}, "12 Abos in X"},
		{"plural, unsigned", "en", "settings.subscribers", []any{"Count", uint8(1), "City", "X"}, "One subscriber in X"},
		{"count that is no number", "en", "settings.subscribers", []any{"Count", "many", "City", "X"}, "many subscribers in X"},
		{"no count", "en", "settings.subscribers", []any{"City", "X"}, "<no value> subscribers in X"},
		{"name without value", "en", "settings.rules.title", []any{"City"}, "Rules of <no value>"},
		{"value without name", "en", "settings.rules.title", []any{7, "City"}, "Rules of <no value>"},
		{"struct for a name", "en", "settings.rules.title", []any{"City", struct{ Name string }{"X"}}, "Rules of <no value>"},
		{"list for a name", "en", "settings.rules.title", []any{"City", []string{"X"}}, "Rules of <no value>"},
		{"unknown id", "en", "home.nothing", nil, "!home.nothing!"},
		{"id of a table", "en", "settings.rules", nil, "!settings.rules!"},
		{"empty id", "en", "", nil, "!!"},
		{"language without that text", "fr", "mail.confirm", nil, "Confirm"},
		{"plural in a language without that text", "ar", "settings.subscribers", []any{"Count", 2, "City", "X"}, "2 subscribers in X"},
		{"unknown language", "xx", "mail.confirm", nil, "Confirm"},
		{"no language", "", "settings.rules.title", []any{"City", "X"}, "Rules of X"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := c.T(tt.lang, tt.id, tt.data...); got != tt.want {
				t.Errorf("T(%q, %q, %v) = %q, want %q", tt.lang, tt.id, tt.data, got, tt.want)
			}
		})
	}
}

func TestHasAndLanguages(t *testing.T) {
	c := sample(t)
	for id, want := range map[string]bool{
		"home.title": true, "settings.rules.title": true, "settings.subscribers": true,
		"settings": false, "settings.subscribers.one": false, "": false,
	} {
		if got := c.Has(id); got != want {
			t.Errorf("Has(%q) = %v, want %v", id, got, want)
		}
	}
	if diff := cmp.Diff([]string{"en", "de", "tr", "ar", "uk", "fr"}, c.Languages()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"en", "de"}, c.ModeratorLanguages()); diff != "" {
		t.Error(diff)
	}
	c.Languages()[0] = "xx"
	if got := c.Languages()[0]; got != "en" {
		t.Errorf("a caller changed the languages: %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name    string
		sources []fs.FS
		want    []string
	}{
		{"file missing", []fs.FS{fstest.MapFS{"en.toml": {Data: []byte(`a = "x"`)}}},
			[]string{"de.toml", "does not exist"}},
		{"file broken", []fs.FS{source("a = \"x\"\nb = x", `a = "x"`)},
			[]string{"en.toml", "line 2"}},
		{"ids that are in one language only, all at once",
			[]fs.FS{source("a = \"x\"\nb.c = \"x\"\nb.d = \"x\"", "a = \"x\"\nz = \"x\"")},
			[]string{"b.c: is in en.toml but not in de.toml", "b.d: is in en.toml", "z: is in de.toml but not in en.toml"}},
		{"id in two sources", []fs.FS{source(`a.b = "x"`, `a.b = "x"`), source(`a.b = "y"`, `a.b = "y"`)},
			[]string{"en.toml:1: a.b: is defined twice", "de.toml:1: a.b: is defined twice"}},
		{"id twice in one file", []fs.FS{source("\"a.b\" = \"x\"\n[a]\nb = \"y\"", `a.b = "x"`)},
			[]string{"en.toml:1: a.b: is defined twice"}},
		{"placeholders differ", []fs.FS{source(`a = "{{.City}} {{.Slug}}"`, `a = "{{.Stadt}}"`)},
			[]string{"a: placeholders differ: en has City, Slug, de has Stadt"}},
		{"placeholder in one language only", []fs.FS{source(`a = "x"`, `a = "{{.City}}"`)},
			[]string{"en has none, de has City"}},
		{"plural in one language only", []fs.FS{source(`a = {one = "one", other = "{{.Count}}"}`, `a = "some"`)},
			[]string{"en has Count, de has none"}},
		{"template language", []fs.FS{source(`a = "{{if .X}}y{{end}}"`, `a = "{{.X}"`)},
			[]string{"en.toml:1: a: only {{.Name}} may", "de.toml:1: a: only {{.Name}} may"}},
		{"not a text", []fs.FS{source(`a = 1`, `a = ["x"]`)},
			[]string{"en.toml:1: a: is not a text", "de.toml:1: a: is not a text"}},
		{"empty text", []fs.FS{source(`a = " "`, `a = {one = "", other = "x"}`)},
			[]string{"en.toml:1: a: is empty", "de.toml:1: a.one: is empty"}},
		{"key that nobody can write", []fs.FS{source(`"a b" = "x"`, `"a." = "x"`)},
			[]string{`"a b" cannot be part of a key`, `"" cannot be part of a key`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := i18n.New(tt.sources...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

// TestUnreadFileIsAllThatIsWrong checks that a mistake in one line does not end
// in a line about every text of the file.
func TestUnreadFileIsAllThatIsWrong(t *testing.T) {
	for name, files := range map[string]fs.FS{
		"broken":  source("a = \"x\"\nb = x", "a = \"x\"\nb = \"x\""),
		"missing": fstest.MapFS{"de.toml": {Data: []byte(`a = "x"`)}},
	} {
		_, err := i18n.New(files)
		if err == nil || !strings.Contains(err.Error(), "en.toml") || strings.Contains(err.Error(), "is in de.toml") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMatch(t *testing.T) {
	c := sample(t)
	for header, want := range map[string]string{
		"":                                   "en",
		"de":                                 "de",
		"DE-at":                              "de",
		"de-CH, de;q=0.9, en;q=0.8":          "de",
		"en-GB,en;q=0.5":                     "en",
		"en;q=0.3,de;q=0.8":                  "de",
		"fr,de;q=0.5,en;q=0.3":               "fr",
		"fr-CA, fr":                          "fr",
		"ar-EG":                              "ar",
		"uk-UA,ru;q=0.9,en;q=0.8":            "uk",
		"tr":                                 "tr",
		"ja-JP, tr;q=0.2":                    "tr",
		"ja-JP, ja":                          "en",
		"*":                                  "en",
		"ja, *;q=0.1":                        "en",
		"de;q=0":                             "en",
		"not a language, de":                 "de",
		"x-klingon-very-long-indeed;q=,, de": "de",
		"de;q=NaN":                           "de",
		";;;=,,\x00\xff":                     "en",
		strings.Repeat("a-", 5000):           "en",
		strings.Repeat("ja,", 5000) + "de":   "en", // longer than what is read
	} {
		if got := c.Match(header); got != want {
			t.Errorf("Match(%.40q) = %q, want %q", header, got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	c := sample(f)
	for _, seed := range []string{"", "de-AT,de;q=0.9,*;q=0.1", "en", "*", "x-a;q=1e9", "de;q=NaN,en;q=-1", "\xff,-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := c.Match(header); !slices.Contains(c.Languages(), got) {
			t.Errorf("Match(%q) = %q", header, got)
		}
	})
}

// FuzzNew feeds anything to the reader of catalogues. T must show whatever it
// accepts.
func FuzzNew(f *testing.F) {
	f.Add(`a.b = "x {{.City}}"`)
	f.Add(`a = {one = "1", other = "{{.Count}}"}`)
	f.Add("\"a.b\" = 'x'\n[a]\nc = '''{{ .Y }}'''")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := i18n.New(source(text, text))
		if err != nil {
			return
		}
		for _, id := range []string{"a", "a.b", "a.c", "b"} {
			if got := c.T("de", id, "City", "X", "Y", 1, "Count", 1); got == "!"+id+"!" && c.Has(id) {
				t.Errorf("T does not know %q of %q", id, text)
			}
		}
	})
}

func TestConcurrent(t *testing.T) {
	c := sample(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 200 {
				c.T("de", "settings.subscribers", "Count", n, "City", "X")
				c.T("en", "settings.rules.title", "City", "X")
				c.Match("fr, de;q=0.5")
			}
		})
	}
	wg.Wait()
}

// named is a source that errors can name.
type named struct{ fstest.MapFS }

func (named) String() string { return "pages" }

func TestReload(t *testing.T) {
	files := named{fstest.MapFS{
		"en.toml": {Data: []byte(`title = "First"`)},
		"de.toml": {Data: []byte(`title = "Erster"`)},
	}}
	c, err := i18n.New(files)
	if err != nil {
		t.Fatal(err)
	}
	files.MapFS["de.toml"] = &fstest.MapFile{Data: []byte("title = \"Zweiter\"\n=")}
	if err := c.Reload(); err == nil || !strings.Contains(err.Error(), "pages/de.toml: toml: line 2") {
		t.Errorf("error %v", err)
	}
	if got := c.T("de", "title"); got != "Erster" {
		t.Errorf("after a broken file the text is %q", got)
	}
	files.MapFS["de.toml"] = &fstest.MapFile{Data: []byte(`title = "Zweiter"`)}
	if err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := c.T("de", "title"); got != "Zweiter" {
		t.Errorf("the changed text is %q", got)
	}
}

func BenchmarkT(b *testing.B) {
	c := sample(b)
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.T("de", "home.title")
		}
	})
	b.Run("filled", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.T("de", "settings.rules.title", "City", "Nürnberg")
		}
	})
	b.Run("plural", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.T("de", "settings.subscribers", "City", "Nürnberg", "Count", 3)
		}
	})
}
