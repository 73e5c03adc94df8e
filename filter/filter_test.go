package filter_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
)

func TestWhen(t *testing.T) {
	w := filtertest.MustCity(t)
	for source, want := range map[string]bool{
		"": true, " \n": true, `line == "U1"`: true, `line in ["U2", "U1"]`: true, `line not in ["U2"]`: true, `"U1" in lines`: true, `"Fürth" in stops`: true,
		`network == "mail"`: false, `network != "mail" and not private`: true, `stop == "Plärrer" && toward == "Fürth"`: true,
		`text contains "kontis"`: false, `lower(text) contains "kontis"`: true, `"kontis" in words`: true, `text matches "(?i)kontis"`: true, `text matches "(?i)^[a-z0-9]+ [а-я]"`: false, `text matches "KONTIS [\\x{41}-\\x{ff}]"`: true,
		`text matches "(?s)^[^B-𞥂]"`:      false,
		`any(words, # startsWith "plär")`: true, `none(words, # == "u2")`: true, `hour == 21`: true, `21 <= hour < 22`: true, `hour >= 22 or hour < 5`: false,
		`weekday == "sunday"`: true, `weekday in ["monday"]`: false, `age == 9`: true, `age < 5`: false, `passed and reason == "trigger" and detail == "kontis"`: true,
		`author.known and author.passed == 3 and author.refused < 2`: true, `people >= 2`: true, `clear`: false, `kind == "report"`: true,
		`near("Plärrer", 0)`: true, `near("Hauptbahnhof", 1)`: true, `near("Langwasser", 3)`: false, `near("Langwasser", 4)`: true, `near("Flughafen", 4)`: true, `near("Depot", 9)`: false,
		`results.gtfs.line == "U1"`: true, `results.gtfs.delay > 2`: true, `results.gtfs.late`: true, `"a" in results.gtfs.tags`: true, `any(results.gtfs.tags, # == "b")`: true,
		`results.judge.score > 3`: false, `results.judge.a.b.c == 1`: false, `results.gtfs.line > 3`: false, `results?.judge?.score == nil`: true,
		`city == "nuernberg"`: true, `hour > 20 ? line == "U1" : false`: true, `line == ""`: false, `len(words) == 6`: true, `words[0] == "u1"`: true, `words[99] == "u1"`: false,
		`(results.judge.score ?? 0) == 0`: true, `if clear { true } else { line == "U1" }`: true,
	} {
		f, err := filter.Compile(filter.Spec{When: source}, w)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, err := f.Matches(filtertest.Report()); err != nil || got != want {
			t.Errorf("%s: %t, %v", source, got, err)
		}
	}
}

func TestLists(t *testing.T) {
	w := filtertest.MustCity(t)
	for _, c := range []struct {
		include, exclude map[string][]string
		want             bool
	}{
		{nil, nil, true},
		{map[string][]string{"line": {"U2", "U1"}}, map[string][]string{"network": {"mail"}}, true},
		{map[string][]string{"line": {"U1"}}, map[string][]string{"network": {"telegram"}}, false},
		{map[string][]string{"line": {"U1"}, "network": {"mail"}}, nil, false},
		{map[string][]string{"line": {"*"}, "lines": {"*"}, "network": {"*"}, "hour": {"*"}}, nil, true},
		{nil, map[string][]string{"line": {"*"}}, false},
		{map[string][]string{"lines": {"U1"}, "stops": {"Fürth"}}, nil, true},
		{map[string][]string{"hour": {"6-22"}}, nil, true}, {map[string][]string{"hour": {"20-5"}}, nil, true}, {map[string][]string{"hour": {"22-6"}}, nil, false},
		{map[string][]string{"hour": {"6-21"}}, nil, false}, {map[string][]string{"hour": {"21"}}, nil, true}, {map[string][]string{"hour": {"1", "20-24"}}, nil, true},
		{map[string][]string{"hour": {"21–"}}, nil, true}, {map[string][]string{"hour": {"-21"}}, nil, false},
		{map[string][]string{"age": {"-10"}}, nil, true}, {map[string][]string{"age": {"10-"}}, nil, false}, {map[string][]string{"people": {"2-4"}}, nil, true},
		{map[string][]string{"text": {"kontis"}}, nil, true}, {map[string][]string{"text": {"Gleis", "U2"}}, nil, false}, {map[string][]string{"words": {"Kontis"}}, nil, true},
		{map[string][]string{"author.known": {"true"}}, nil, true}, {nil, map[string][]string{"author.known": {"true"}}, false},
		{map[string][]string{"kind": {"clear"}}, nil, false}, {map[string][]string{"weekday": {"saturday", "sunday"}}, nil, true},
		{map[string][]string{"results.gtfs.line": {"U1"}}, nil, true}, {map[string][]string{"results.gtfs.delay": {"3"}}, nil, true}, {map[string][]string{"results.gtfs.late": {"true"}}, nil, true},
		{map[string][]string{"results.judge.score": {"*"}}, nil, false}, {map[string][]string{"results.gtfs.delay": {"*"}}, nil, true}, {map[string][]string{"line": {}}, nil, true},
	} {
		f, err := filter.Compile(filter.Spec{Include: c.include, Exclude: c.exclude}, w)
		if err != nil {
			t.Errorf("%v %v: %v", c.include, c.exclude, err)
			continue
		}
		if got, err := f.Matches(filtertest.Report()); err != nil || got != c.want {
			t.Errorf("%v %v: %t, %v", c.include, c.exclude, got, err)
		}
	}
}

// TestRefused has what is refused, with what is said of it.
func TestRefused(t *testing.T) {
	w := filtertest.MustCity(t)
	for source, want := range map[string]string{
		`lien == "U1"`:                  `unknown name "lien"; did you mean "line"? (1:1)`,
		`line == "U1" and author.knwon`: `unknown name "author.knwon"; did you mean "author.known"? (1:18)`,
		`network == "telgram"`:          `network is never "telgram"; it is one of mail, mastodon, telegram; did you mean "telegram"? (1:12)`,
		`"u1" == line`:                  `did you mean "U1"? (1:1)`,
		`line in ["U1", "U12"]`:         `line is never "U12"`,
		`"Plärer" in stops`:             `did you mean "Plärrer"?`,
		`near("Plaerrer", 2)`:           `stop is never "Plaerrer"`,
		`near(stop, 2)`:                 `near needs fixed values`,
		`near("Plärrer")`:               `near needs fixed values`,
		`nera("Plärrer", 2)`:            `did you mean "near"?`,
		`hour == 25`:                    `hour is never "25"; it is one of 0 to 23`,
		`weekday == "sun"`:              `did you mean "sunday"?`,
		`reason == "trigered"`:          `did you mean "trigger"?`,
		`city == "fuerth"`:              `it is one of nuernberg`,
		`results.gtsf.line == "U1"`:     `results is never "gtsf"; it is one of gtfs, judge; did you mean "gtfs"?`,
		`results == nil`:                `unknown name "results"`,
		`line = "U1"`:                   `did you mean "=="?`,
		`line`:                          `it must be true or false for a report`,
		`len(text)`:                     `it must be true or false for a report`,
		`hour > "6"`:                    `mismatched types int and string`,
		`line ==`:                       `unexpected token EOF`,
		`text matches "("`:              `is no pattern`,
		`text matches text`:             `matches needs fixed values`,
		`1..9 == []`:                    `.. is not allowed`,
		`hour ** 2 == 4`:                `** is not allowed`,
		`hour ^ 2 == 4`:                 `^ is not allowed`,
		`let x = 1; x == 1`:             `let is not allowed`,
		`{"a": 1} == nil`:               `{…} is not allowed`,
		`text[0:2] == "U1"`:             `[…:…] is not allowed`,
		`words[hour] == "U1"`:           `[…] needs fixed values`,
		`words | any(true)`:             `| is not allowed`,
		`all(words, true)`:              `all(…) is not allowed`,
		`repeat(text, 9) == ""`:         `unknown name "repeat"`,
		`text.foo() == ""`:              `is not allowed`,
		`$env == nil`:                   `unknown name "$env"`,
		`any(words, #index > 1)`:        `#index is not allowed`,
		`any(words, any(words, any(words, any(words, true))))`:    `at most 3`,
		`any(words, any(words, any(words, text contains "abc")))`: `it may take too long`,
		strings.Repeat("not ", 299) + "passed and passed":         `too many parts`,
		`passed and ` + strings.Repeat(" ", 2000) + `passed`:      `too long`,
		`1 < (1 < (1 < (1 < hour < 2) < 2) < 2) < 2`:              `a comparison with a calculation in its middle`,
		`text matches "((((a{99}){99}){99}){99})"`:                `is no pattern`,
		`text matches "` + strings.Repeat("(a|b)", 39) + `"`:      `it may take too long`,
		`text matches "` + strings.Repeat("a", 201) + `"`:         `it is too long`,
	} {
		_, err := filter.Compile(filter.Spec{When: source}, w)
		e, ok := errors.AsType[*filter.Error](err)
		if !ok || e.Field != "when" || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v", source, err)
		}
	}
}

// TestAuthorIsCountedWhereAsked counts the reports of an author only for filters that ask
// for it, and tells when that fails.
func TestAuthorIsCountedWhereAsked(t *testing.T) {
	s := filtertest.Report()
	failed := errors.New("the database is away")
	s.Author = func() (filter.Author, error) { return filter.Author{}, failed }
	for source, want := range map[string]error{`line == "U1"`: nil, `author.passed > 2`: failed, `not author.known`: failed} {
		f, err := filter.Compile(filter.Spec{When: source}, filtertest.MustCity(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Matches(s); !errors.Is(err, want) {
			t.Errorf("%s: %v", source, err)
		}
		if f.Uses("author") != (want != nil) || f.Uses("line") == (want != nil) || f.Uses("results") {
			t.Errorf("%s: uses author: %t", source, f.Uses("author"))
		}
	}
}

// TestMuchIsLookedAtInPart has a report that is longer than what filters look at.
func TestMuchIsLookedAtInPart(t *testing.T) {
	s := filtertest.Report()
	s.Report.Text = strings.Repeat("ä", 1000) + " Gleis"
	s.Report.Results = `{"gtfs":{"line":"` + strings.Repeat("U", 5000) + `"},"judge":{"score":4}}`
	for source, want := range map[string]bool{`text contains "Gleis"`: false, `len(text) == 1000`: true, `results.gtfs.line == nil`: true, `results.judge.score == 4`: true} {
		f, err := filter.Compile(filter.Spec{When: source}, filtertest.MustCity(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := f.Matches(s); got != want {
			t.Errorf("%s: %t", source, got)
		}
	}
	s.Report.Results = `broken`
	f, err := filter.Compile(filter.Spec{When: `results.gtfs.line == nil`}, filtertest.MustCity(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Matches(s); !got || err != nil {
		t.Error(got, err)
	}
}
