package filter_test

import (
	"strings"
	"testing"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
)

// BenchmarkWorst evaluates the expressions that take the most of those that are allowed.
func BenchmarkWorst(b *testing.B) {
	w, s := filtertest.MustCity(b), filtertest.Worst()
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
	s := filtertest.Report()
	spec := filter.Spec{When: `passed and network != "mail" and line in ["U1", "U2", "U3"] and not (stop in ["Messe"]) and author.passed >= 2 and hour >= 6 and hour < 22 and not (text contains "test")`}
	w := filtertest.MustCity(b)
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
	w := filtertest.MustCity(b)
	for b.Loop() {
		if _, err := filter.Compile(spec, w); err != nil {
			b.Fatal(err)
		}
	}
}
