// Package filtertest has a city, a report, and filters for tests and benchmarks: right ones,
// and such as strangers write to do harm.
package filtertest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ticketfrei/filter"
	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// Written is when the report was written: a Sunday, 21:30 in the city.
var Written = time.Date(2026, 5, 17, 19, 30, 0, 0, time.UTC)

const lines = `U1: Langwasser, Messe, Hasenbuck, Hauptbahnhof, Plärrer, Gostenhof, Fürth
U2: Röthenbach, Plärrer, Opernhaus, Hauptbahnhof, Rathenauplatz, Flughafen
*: Depot
`

// City is a city with two lines, almost ten minutes after the report was written.
func City() (filter.World, error) {
	places, err := place.Parse(lines)
	if err != nil {
		return filter.World{}, err
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	return filter.World{City: "nuernberg", Networks: []string{"mail", "mastodon", "telegram"}, Places: places, Tasks: []string{"gtfs", "judge"}, Zone: berlin,
		Now: func() time.Time { return Written.Add(9*time.Minute + 50*time.Second) }}, err
}

// MustCity is City for tests.
func MustCity(tb testing.TB) filter.World {
	tb.Helper()
	w, err := City()
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// Report is a report of that city.
func Report() filter.Subject {
	return filter.Subject{
		Report: report.Report{Network: "telegram", Text: "U1 Plärrer: 2 KONTIS Richtung Fürth", Visibility: report.Public, Time: Written,
			Results: `{"gtfs":{"line":"U1","delay":3,"late":true,"tags":["a","b"]}}`,
			Reading: report.Reading{Line: "U1", Stop: "Plärrer", Toward: "Fürth", People: 2, Lines: report.NewLines("U1")}},
		Verdict: report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontis"},
		Author:  func() (filter.Author, error) { return filter.Author{Passed: 3, Refused: 1}, nil },
	}
}

// Worst is a report that makes the most work.
func Worst() filter.Subject {
	s := Report()
	s.Report.Text = strings.Repeat("ä ", 400) + strings.Repeat("a", 4000)
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprint("U", i))
	}
	s.Report.Lines = report.NewLines(names...)
	s.Report.Results = `{"gtfs":{"tags":[` + strings.Repeat("1,", 2000) + `1]},"judge":{"text":"` + strings.Repeat("a", 4000) + `"}}`
	return s
}

// parts are what hostile expressions are made of.
var parts = []string{
	`line`, `text`, `words`, `lines`, `stops`, `hour`, `author.known`, `results.gtfs`, `results.gtfs.tags`, `results`, `passed`, `"U1"`, `"a"`, `1`, `0.5`, `true`, `nil`, `#`, `.x`,
	`[`, `]`, `(`, `)`, `{`, `}`, `,`, `:`, `?`, `??`, `?.`, `.`, `|`, `;`, `..`, `**`, `^`, `==`, `!=`, `<`, `>=`, `and`, `or`, `not`, `in`, `contains`, `matches`, `startsWith`,
	`+`, `-`, `*`, `/`, `%`, `any(`, `none(`, `all(`, `map(`, `filter(`, `reduce(`, `repeat(`, `lower(`, `len(`, `near(`, `let x =`, `if`, `else`, `$env`, `"(a+)+$"`, `1..1000000`,
	`any(words, `, `any(results.gtfs.tags, `, `lower(text)`, `text + text`, `text matches "(a|a)*b"`, `# contains "a"`,
	`text matches "(?i)[B-𞥂]"`, `text matches "(?i)[\\pL\\PL]"`, `text matches "(a{99}){9}"`,
}

// shapes are hostile in a way that is known; %s is repeated within itself.
var shapes = []string{
	`(%s)`, `not %s`, `any(words, %s)`, `none(lines, %s)`, `any(results.gtfs.tags, %s)`, `lower(%s) == ""`, `%s and text contains text`, `1 < (%s) < 2`, `[%s] == []`, `(%s) ? text : text + text`,
	`%s or text matches "(a*)*b"`, `text matches "(?i)[B-𞥂]+" and %s`, `line matches "(?i)\\pL" or %s`, `(%s) == results.gtfs`, `all(1..100000, %s)`, `reduce(1..1000000, # + (%s), 0) > 0`, `repeat(text, 1000000) == (%s)`, `(%s) | any(true)`, `text + text + (%s) == ""`,
	`len(%s) > 0`, `{"a": %s} == nil`, `let x = %s; x`, `lower(lower(lower(%s)))`, `any([text, text, text], %s)`, `any(words, # == text and (%s))`, `results.gtfs.a.b.c.d.e == (%s)`,
}

var ends = []string{`true`, `passed`, `text`, `words`, `# == "a"`, `# contains "aaaaaaaab"`, `lower(text) contains "b"`, `text matches "(x+x+)+y"`, `line in ["U1", "U2"]`, `results.gtfs.tags == results.gtfs.tags`, `hour`}

// Hostile makes a hostile expression.
func Hostile(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		var b strings.Builder
		for range 1 + r.IntN(60) {
			b.WriteString(parts[r.IntN(len(parts))] + " ")
		}
		return b.String()
	}
	source := ends[r.IntN(len(ends))]
	shape := shapes[r.IntN(len(shapes))]
	for range 1 + r.IntN(40) {
		if r.IntN(4) == 0 {
			shape = shapes[r.IntN(len(shapes))]
		}
		if longer := strings.ReplaceAll(shape, "%s", source); len(longer) < 3000 {
			source = longer
		}
	}
	return source
}

// Right are filters as people write them.
var Right = []string{
	`line in ["U1", "U2"] and not (stop == "Messe")`, `any(words, # startsWith "a")`, `near("Plärrer", 2) and hour >= 6 and hour < 22`, `author.known and network != "mail"`,
	`results.gtfs.line == "U1" or results.judge.score > 0.5`, `text matches "(?i)kontis?" ? clear : people > 1`, `6 <= hour < 22 and weekday not in ["saturday", "sunday"]`,
	`lower(text) contains "plärrer" || none(lines, # == "U1") && age <= 10`, `(results.judge.score ?? 0) * 2 + 1 > people`, `"U1" in lines and reason in ["trigger", "place"]`,
}

// Fuzzed is one of them with some signs changed.
func Fuzzed(r *rand.Rand) string {
	source := []byte(Right[r.IntN(len(Right))])
	for range 1 + r.IntN(3) {
		i := r.IntN(len(source))
		switch r.IntN(4) {
		case 0:
			source[i] = byte(r.IntN(256))
		case 1:
			source = append(source[:i], source[i+1:]...)
		case 2:
			source = append(source[:i:i], append([]byte(parts[r.IntN(len(parts))]), source[i:]...)...)
		default:
			source[i] = source[r.IntN(len(source))]
		}
	}
	return string(source)
}
