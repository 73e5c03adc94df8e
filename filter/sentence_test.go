package filter_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
	"ticketfrei/internal/i18n"
)

func TestSentence(t *testing.T) {
	texts, err := i18n.New(filter.Texts)
	if err != nil {
		t.Fatal(err)
	}
	values := func(pairs ...string) map[string][]string {
		all := map[string][]string{}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = append(all[pairs[i]], pairs[i+1])
		}
		return all
	}
	for _, c := range []struct {
		spec   filter.Spec
		en, de string
	}{
		{filter.Spec{}, "every report", "alle Meldungen"},
		{filter.Spec{Include: values("line", "U1", "line", "U2", "hour", "6-22"), Exclude: values("network", "mail")},
			"U1 or U2, 6–22 h, not from mail", "U1 oder U2, 6–22 Uhr, nicht von mail"},
		{filter.Spec{Include: values("stop", "Plärrer", "weekday", "saturday", "weekday", "sunday", "weekday", "monday", "toward", "Fürth")},
			"Plärrer, toward Fürth, Saturday, Sunday or Monday", "Plärrer, Richtung Fürth, Samstag, Sonntag oder Montag"},
		{filter.Spec{Include: values("text", "Gleis", "author.known", "true"), Exclude: values("kind", "clear", "reason", "place")},
			"with “Gleis”, by people of whom a report has passed before, not all-clears, not reason: place",
			"mit „Gleis“, von Leuten, von denen schon eine Meldung weitergegeben wurde, nicht Entwarnungen, nicht reason: place"},
		{filter.Spec{Include: values("hour", "20-", "hour", "-5", "hour", "12")}, "from 20 h, until 5 h or at 12 h", "ab 20 Uhr, bis 5 Uhr oder um 12 Uhr"},
		{filter.Spec{Include: values("lines", "*", "results.gtfs.delay", "*"), When: " hour > 5 "}, "with a line, results.gtfs.delay: any, only if hour > 5", "mit einer Linie, results.gtfs.delay: egal was, nur wenn hour > 5"},
	} {
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			if got := c.spec.Sentence(func(id string, data ...any) string { return texts.T(lang, id, data...) }); got != want {
				t.Errorf("%s:\n %s, want\n %s", lang, got, want)
			}
		}
	}
}

// TestErrorsHaveWords compiles what is refused, and wants words for it and its place.
func TestErrorsHaveWords(t *testing.T) {
	texts, err := i18n.New(filter.Texts)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, spec := range []filter.Spec{
		{When: "line =="}, {When: `line = "U1"`}, {When: `hour > "6"`}, {When: "line"}, {When: `zzzzzzzzzz == 1`}, {When: `lien == "U1"`}, {When: `reason == "weather"`},
		{When: `line == "U11"`}, {When: `hour == 99`}, {Include: map[string][]string{"people": {"viele"}}}, {Include: map[string][]string{"hour": {"20 Uhr-5"}}}, {When: "let x = 1; x"}, {When: "near(stop, 1)"}, {When: `text matches "("`}, {When: strings.Repeat(" ", 2001) + "true"},
		{When: strings.Repeat("not ", 299) + "passed and passed"}, {When: "any(words, any(words, any(words, any(words, true))))"}, {When: "any(words, any(words, any(words, passed)))"},
		{Include: map[string][]string{"network": {"fax"}}},
	} {
		_, err := filter.Compile(spec, filtertest.MustCity(t))
		e, ok := errors.AsType[*filter.Error](err)
		if !ok {
			t.Fatal(err)
		}
		id, data := e.Message()
		said[id] = true
		for _, lang := range []string{"en", "de"} {
			if text := texts.T(lang, id, data...); strings.Contains(text, "!filter") || strings.Contains(text, "<no value>") || strings.Contains(text, "““") || lang == "de" && strings.Contains(text, " to ") {
				t.Errorf("%s: %s", lang, text)
			}
		}
	}
	w := filtertest.MustCity(t)
	w.Places = nil
	_, err = filter.Compile(filter.Spec{When: `near("Plärrer", 1)`}, w)
	if e, ok := errors.AsType[*filter.Error](err); !ok || e.Kind != filter.NoPlaces {
		t.Errorf("near without stops: %v", err)
	}
	if len(said) != 18 {
		t.Errorf("%d kinds of errors, want 18: %v", len(said), said)
	}
}

func TestPlaceOfAnError(t *testing.T) {
	_, err := filter.Compile(filter.Spec{When: "hour > 5 and\n  ort == \"Plärrer\" or line"}, filtertest.MustCity(t))
	e, ok := errors.AsType[*filter.Error](err)
	if !ok {
		t.Fatal(err)
	}
	line, column := e.Position()
	before, after := e.Marked()
	if line != 2 || column != 3 || before != "  " || after != `ort == "Plärrer" or line` {
		t.Errorf("%d:%d, %q, %q", line, column, before, after)
	}
}

// TestLinesOfACityWithout lets a filter name lines that are not there yet, as nothing says
// which are right.
func TestLinesOfACityWithout(t *testing.T) {
	w := filtertest.MustCity(t)
	w.Places = nil
	f, err := filter.Compile(filter.Spec{Include: map[string][]string{"line": {"U1"}}}, w)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := f.Matches(filtertest.Report()); !ok || err != nil {
		t.Error(ok, err)
	}
}

// TestRefusedLists has what is refused in include and exclude.
func TestRefusedLists(t *testing.T) {
	for want, spec := range map[string]filter.Spec{
		`include.lien: unknown name "lien"; did you mean "line"?`:                                                      {Include: map[string][]string{"lien": {"U1"}}},
		`exclude.network: network is never "mial"; it is one of mail, mastodon, telegram; did you mean "mail"?`:        {Exclude: map[string][]string{"network": {"mial"}}},
		`include.hour: hour is never "6-25"; it is one of 0 to 23`:                                                     {Include: map[string][]string{"hour": {"6-25"}}},
		`include.hour: hour is never "six"`:                                                                            {Include: map[string][]string{"hour": {"six"}}},
		`include.hour: hour is never "-"`:                                                                              {Include: map[string][]string{"hour": {"-"}}},
		`include.age: age is never "9-5"; it is one of 0 and more`:                                                     {Include: map[string][]string{"age": {"9-5"}}},
		`include.private: private is never "maybe"; it is one of true, false`:                                          {Include: map[string][]string{"private": {"maybe"}}},
		`include.results.gtsf.line: results.gtsf.line is never "gtsf"; it is one of gtfs, judge; did you mean "gtfs"?`: {Include: map[string][]string{"results.gtsf.line": {"U1"}}},
		`include.results.: unknown name "results."`:                                                                    {Include: map[string][]string{"results.": {"U1"}}},
		`include.results: unknown name "results"`:                                                                      {Include: map[string][]string{"results": {"U1"}}},
		`include.line: it is too long`:                                                                                 {Include: map[string][]string{"line": {strings.Repeat("U", 201)}}},
	} {
		_, err := filter.Compile(spec, filtertest.MustCity(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
