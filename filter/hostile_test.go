package filter_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ticketfrei/filter"
	"ticketfrei/internal/report"
)

// parts are what hostile expressions are made of.
var parts = []string{
	`line`, `text`, `words`, `lines`, `stops`, `hour`, `author.known`, `results.gtfs`, `results.gtfs.tags`, `results`, `passed`, `"U1"`, `"a"`, `1`, `0.5`, `true`, `nil`, `#`, `.x`,
	`[`, `]`, `(`, `)`, `{`, `}`, `,`, `:`, `?`, `??`, `?.`, `.`, `|`, `;`, `..`, `**`, `^`, `==`, `!=`, `<`, `>=`, `and`, `or`, `not`, `in`, `contains`, `matches`, `startsWith`,
	`+`, `-`, `*`, `/`, `%`, `any(`, `none(`, `all(`, `map(`, `filter(`, `reduce(`, `repeat(`, `lower(`, `len(`, `near(`, `let x =`, `if`, `else`, `$env`, `"(a+)+$"`, `1..1000000`,
	`any(words, `, `any(results.gtfs.tags, `, `lower(text)`, `text + text`, `text matches "(a|a)*b"`, `# contains "a"`,
}

// shapes are hostile in a way that is known; %s is repeated within itself.
var shapes = []string{
	`(%s)`, `not %s`, `any(words, %s)`, `none(lines, %s)`, `any(results.gtfs.tags, %s)`, `lower(%s) == ""`, `%s and text contains text`, `1 < (%s) < 2`, `[%s] == []`, `(%s) ? text : text + text`,
	`%s or text matches "(a*)*b"`, `(%s) == results.gtfs`, `all(1..100000, %s)`, `reduce(1..1000000, # + (%s), 0) > 0`, `repeat(text, 1000000) == (%s)`, `(%s) | any(true)`, `text + text + (%s) == ""`,
	`len(%s) > 0`, `{"a": %s} == nil`, `let x = %s; x`, `lower(lower(lower(%s)))`, `any([text, text, text], %s)`, `any(words, # == text and (%s))`, `results.gtfs.a.b.c.d.e == (%s)`,
}

var ends = []string{`true`, `passed`, `text`, `words`, `# == "a"`, `# contains "aaaaaaaab"`, `lower(text) contains "b"`, `text matches "(x+x+)+y"`, `line in ["U1", "U2"]`, `results.gtfs.tags == results.gtfs.tags`, `hour`}

// hostile makes the expression of a number.
func hostile(r *rand.Rand) string {
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

// worst is a report that makes the most work.
func worst() filter.Subject {
	s := subject()
	s.Report.Text = strings.Repeat("ä ", 400) + strings.Repeat("a", 4000)
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprint("U", i))
	}
	s.Report.Lines = report.NewLines(names...)
	s.Report.Results = `{"gtfs":{"tags":[` + strings.Repeat("1,", 2000) + `1]},"judge":{"text":"` + strings.Repeat("a", 4000) + `"}}`
	return s
}

// takes returns what do takes of the processor: at best of some times, as what others do
// counts too.
func takes(do func()) time.Duration {
	best := time.Hour
	for range 5 {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
		if best < 2*time.Millisecond {
			break
		}
	}
	return best
}

// BenchmarkHostile compiles and evaluates hostile expressions, and tells the longest that
// one took.
func BenchmarkHostile(b *testing.B) {
	w, s := nuremberg(b), worst()
	r := rand.New(rand.NewPCG(1, 2))
	var compiled, matched time.Duration
	var slow, slower string
	passed := 0
	for b.Loop() {
		source := hostile(r)
		var f *filter.Filter
		var err error
		if took := takes(func() { f, err = filter.Compile(filter.Spec{When: source}, w) }); took > compiled {
			compiled, slow = took, source
		}
		if err != nil {
			continue
		}
		passed++
		if took := takes(func() { _, _ = f.Matches(s) }); took > matched {
			matched, slower = took, source
		}
	}
	b.ReportMetric(float64(compiled.Microseconds()), "µs-compile-max")
	b.ReportMetric(float64(matched.Microseconds()), "µs-match-max")
	b.ReportMetric(float64(passed), "taken")
	if testing.Verbose() {
		b.Log(slow, "\n", slower)
	}
}

// BenchmarkWorst evaluates the expressions that take the most of those that are allowed.
func BenchmarkWorst(b *testing.B) {
	w, s := nuremberg(b), worst()
	for name, source := range map[string]string{
		"pattern":  `text matches "` + strings.Repeat("(a|b)", 12) + `c"`,
		"pattern2": `text matches "(a*)*(a*)*(a*)*(a*)*b"`,
		"pattern3": `text matches "(?:a?){15}a{15}b"`,
		"classes":  `text matches "[\\pL\\pN][\\pL\\pN][\\pL\\pN][\\pL\\pN]$"`,
		"words":    `any(words, any(lines, # == "a"))`,
		"deep":     `any(results.gtfs.tags, results.gtfs == results.gtfs)`,
		"same":     `results.gtfs == results.gtfs and results.gtfs.tags == results.gtfs.tags`,
		"tags":     `any(results.gtfs.tags, # == 2)`,
		"in":       `any(words, # in lines)`,
		"lower":    strings.Repeat(`lower(text) contains "b" or `, 20) + "passed",
		"contains": `any(words, # contains "aaaaaaaab")`,
		"text":     `any(lines, text contains "aaaaaaaab")`,
		"plus":     strings.Repeat(`text + text + text + text == "" or `, 30) + "passed",
	} {
		f, err := filter.Compile(filter.Spec{When: source}, w)
		if err != nil {
			b.Logf("%s: %v", name, err)
			continue
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = f.Matches(s)
			}
			b.ReportMetric(float64(filter.Steps(f))*10, "ns-counted")
		})
	}
}

// BenchmarkEight evaluates a filter of eight parts.
func BenchmarkEight(b *testing.B) {
	s := subject()
	spec := filter.Spec{When: `passed and network != "mail" and line in ["U1", "U2", "U3"] and not (stop in ["Messe"]) and author.passed >= 2 and hour >= 6 and hour < 22 and not (text contains "test")`}
	w := nuremberg(b)
	w.Places = nil
	f, err := filter.Compile(spec, w)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := f.Matches(s); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkCompile compiles that filter.
func BenchmarkCompile(b *testing.B) {
	spec := filter.Spec{Include: map[string][]string{"line": {"U1"}}, When: `network != "mail" and hour >= 6 and hour < 22 and not (text contains "test")`}
	w := nuremberg(b)
	for b.Loop() {
		if _, err := filter.Compile(spec, w); err != nil {
			b.Fatal(err)
		}
	}
}
