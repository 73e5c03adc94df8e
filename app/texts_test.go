package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/BurntSushi/toml"

	"ticketfrei/bots/all"
	"ticketfrei/internal/i18n"
)

// sameEverywhere are the texts for riders that are the same in English and in the
// language, for a reason: names, times, and what is only made of placeholders.
var sameEverywhere = map[string][]string{
	"":   {"layout.brand", "layout.time.today", "city.feed_title", "mail.report.subject", "mail.zone.CET", "mail.zone.CEST", "mail.digest.subject.one", "demo.title"},
	"de": {"city.state.live", "city.follow.feed"},
	"tr": {"kit.demo.bot"},
	"fr": {"city.via", "mail.title", "city.age.hours", "city.age.minutes", "contact.link", "contact.title", "contact.message", "privacy.ask.title"},
}

// letters are those that a text in a language has, where they are not Latin.
var letters = map[string]*unicode.RangeTable{"ar": unicode.Arabic, "uk": unicode.Cyrillic}

// riderTexts are the texts for riders of all sources in a language, by id; those in
// plural forms by id and form.
func riderTexts(t *testing.T, lang string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, source := range textSources("", all.Networks()) {
		raw, err := fs.ReadFile(source, "riders."+lang+".toml")
		if err != nil {
			continue // the catalogue itself refuses where only some are missing
		}
		var root map[string]any
		if err := toml.Unmarshal(raw, &root); err != nil {
			t.Fatal(err)
		}
		flatten(texts, "", root)
	}
	if len(texts) < 200 {
		t.Fatalf("%s has only %d texts", lang, len(texts))
	}
	return texts
}

func flatten(texts map[string]string, prefix string, table map[string]any) {
	for key, value := range table {
		switch value := value.(type) {
		case string:
			texts[prefix+key] = value
		case map[string]any:
			flatten(texts, prefix+key+".", value)
		}
	}
}

// straight is an apostrophe between letters that the languages but English write as ’.
var straight = regexp.MustCompile(`\pL'\pL`)

// TestEveryTextForRidersIsTranslated finds texts that were copied and never translated,
// and those in the letters of another language. That none is missing, the start of the
// program checks.
func TestEveryTextForRidersIsTranslated(t *testing.T) {
	english := riderTexts(t, "en")
	placeholder := regexp.MustCompile(`\{\{[^}]*\}\}`)
	for _, lang := range []string{"de", "tr", "ar", "uk", "fr"} {
		for id, text := range riderTexts(t, lang) {
			same := slices.Contains(slices.Concat(sameEverywhere[""], sameEverywhere[lang]), id)
			words := strings.IndexFunc(placeholder.ReplaceAllString(text, ""), unicode.IsLetter) >= 0
			if words && !same && text == english[id] {
				t.Errorf("%s: %s is not translated: %q", lang, id, text)
			}
			if straight.MatchString(text) {
				t.Errorf("%s: %s has the apostrophe of a typewriter: %q", lang, id, text)
			}
			if script := letters[lang]; script != nil && words && !same && !strings.Contains(id, ".time") &&
				strings.IndexFunc(text, func(r rune) bool { return unicode.Is(script, r) }) < 0 {
				t.Errorf("%s: %s is in other letters: %q", lang, id, text)
			}
		}
	}
}

// forModeratorsAlone are the templates that no rider sees.
var forModeratorsAlone = []string{"closed.tmpl", "settings.tmpl", "confirmed.tmpl", "sent.tmpl", "register.tmpl", "login.tmpl", "password.tmpl",
	"newpassword.tmpl", "invitation.tmpl", "fields.tmpl", "again.tmpl"}

var textID = regexp.MustCompile(`\.T "([a-z0-9_.]+)"`)

// TestRidersPagesAreInTheirLanguage finds texts on riders' pages that are there in the
// languages of moderators alone.
func TestRidersPagesAreInTheirLanguage(t *testing.T) {
	known := riderTexts(t, "en")
	var pages []string
	for _, pattern := range []string{"../templates/*.tmpl", "../templates/*/*.tmpl", "../bots/*/*.tmpl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, files...)
	}
	for _, file := range pages {
		own := strings.HasPrefix(file, "../bots/")
		if strings.HasPrefix(file, "../templates/settings/") || strings.HasPrefix(file, "../templates/operator/") || strings.HasPrefix(file, "../bots/stream/") || slices.Contains(forModeratorsAlone, filepath.Base(file)) || !own && filepath.Base(file) == "confirm.tmpl" {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range textID.FindAllStringSubmatch(string(raw), -1) {
			id := match[1]
			// Only moderators have several cities to switch between, and only operators a room.
			if known[id] == "" && known[id+".other"] == "" && !strings.HasPrefix(id, "layout.switch.") && id != "room.link" {
				t.Errorf("%s: %s is in the languages of moderators alone", file, id)
			}
		}
	}
}

// TestCityAddKnowsEveryLanguage compares the flag with the languages that there are.
func TestCityAddKnowsEveryLanguage(t *testing.T) {
	texts, err := i18n.New(textSources("", all.Networks())...)
	if err != nil {
		t.Fatal(err)
	}
	flag, _ := reflect.TypeFor[cityAddCommand]().FieldByName("Language")
	known := strings.Split(flag.Tag.Get("enum"), ",")
	slices.Sort(known)
	languages := texts.Languages()
	slices.Sort(languages)
	if !slices.Equal(known, languages) {
		t.Errorf("--language takes %v, there are %v", known, languages)
	}
	for _, language := range languages {
		if id := "settings.texts.language_" + language; !texts.Has(id) {
			t.Errorf("the settings do not offer %s: %s is missing", language, id)
		}
	}
}
