package i18n_test

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"ticketfrei/internal/i18n"
)

// people is a text in the plural forms of each language.
var people = map[string]string{
	"en": `{one = "{{.Count}} person", other = "{{.Count}} people"}`,
	"de": `{one = "{{.Count}} Person", other = "{{.Count}} Leute"}`,
	"tr": `{one = "{{.Count}} kişi", other = "{{.Count}} kişi"}`,
	"ar": `{zero = "لا أحد", one = "شخص", two = "شخصان", few = "{{.Count}} أشخاص", many = "{{.Count}} شخصًا", other = "{{.Count}} شخص"}`,
	"uk": `{one = "{{.Count}} людина", few = "{{.Count}} людини", many = "{{.Count}} людей", other = "{{.Count}} людини"}`,
	"fr": `{one = "{{.Count}} personne", other = "{{.Count}} personnes"}`,
}

// forRiders makes a source with a text for riders in each language; changes are other
// texts of some files, and files that are not there where the text is empty.
func forRiders(changes map[string]string) fs.FS {
	files := fstest.MapFS{}
	for lang, text := range people {
		files["riders."+lang+".toml"] = &fstest.MapFile{Data: []byte("people = " + text)}
	}
	for name, text := range changes {
		files[name] = &fstest.MapFile{Data: []byte(text)}
		if text == "" {
			delete(files, name)
		}
	}
	return files
}

func TestTextsForRidersHaveThePluralFormsOfTheirLanguage(t *testing.T) {
	c, err := i18n.New(forRiders(nil))
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]map[int]string{
		"en": {0: "0 people", 1: "1 person", 2: "2 people"},
		"tr": {1: "1 kişi", 5: "5 kişi"},
		"ar": {0: "لا أحد", 1: "شخص", 2: "شخصان", 3: "3 أشخاص", 10: "10 أشخاص", 11: "11 شخصًا", 100: "100 شخص", 103: "103 أشخاص"},
		"uk": {1: "1 людина", 2: "2 людини", 5: "5 людей", 11: "11 людей", 21: "21 людина", 34: "34 людини"},
		"fr": {0: "0 personne", 1: "1 personne", 2: "2 personnes"},
	} {
		for count, words := range want {
			if got := c.T(lang, "people", "Count", count); got != words {
				t.Errorf("%d in %s is %q, want %q", count, lang, got, words)
			}
		}
	}
}

// TestModeratorsTextsFallBack reads a source that has both kinds of texts.
func TestModeratorsTextsFallBack(t *testing.T) {
	c, err := i18n.New(forRiders(map[string]string{"en.toml": `rules = "Rules"`, "de.toml": `rules = "Regeln"`}))
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"de": "Regeln", "en": "Rules", "fr": "Rules", "ar": "Rules"} {
		if got := c.T(lang, "rules"); got != want {
			t.Errorf("in %s: %q", lang, got)
		}
	}
}

func TestNewRefusesIncompleteTextsForRiders(t *testing.T) {
	ukrainian := people["uk"]
	for name, tt := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"no file for a language": {map[string]string{"riders.ar.toml": ""}, "riders.ar.toml"},
		"a text is missing":      {map[string]string{"riders.en.toml": "people = " + people["en"] + "\nhello = \"Hello\""}, "hello: is in riders.en.toml but not in riders.tr.toml"},
		"a text too many":        {map[string]string{"riders.fr.toml": "people = " + people["fr"] + "\nsalut = \"Salut\""}, "salut: is in riders.fr.toml but not in riders.en.toml"},
		"a form is missing":      {map[string]string{"riders.uk.toml": "people = " + strings.Replace(ukrainian, "few = ", "two = ", 1)}, "riders.uk.toml:1: people.few: is empty"},
		"a form too many":        {map[string]string{"riders.uk.toml": "people = " + strings.Replace(ukrainian, "few = ", "two = ", 1)}, "riders.uk.toml:1: people.two: uk has no such plural form"},
		"placeholders differ":    {map[string]string{"riders.tr.toml": "people = " + strings.ReplaceAll(people["tr"], "Count", "Sayi")}, "people: placeholders differ"},
		"for moderators in one language": {map[string]string{"en.toml": "[x]\ny = \"y\"", "de.toml": "people = " + people["de"],
			"riders.de.toml": "[x]\ny = \"y\""}, "is in en.toml but in riders.de.toml"},
		"an unknown language":            {map[string]string{"riders.es.toml": "people = " + people["fr"]}, "riders.es.toml: no such file is read"},
		"texts for moderators in French": {map[string]string{"fr.toml": "a = \"b\""}, "fr.toml: no such file is read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := i18n.New(forRiders(tt.changes))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is not %q:\n%v", tt.want, err)
			}
		})
	}
}

// TestDirection holds the only language of riders that is written from the right.
func TestDirection(t *testing.T) {
	for lang := range maps.Keys(people) {
		want := "ltr"
		if lang == "ar" {
			want = "rtl"
		}
		if got := i18n.Direction(lang); got != want {
			t.Errorf("%s is written %s", lang, got)
		}
	}
}
