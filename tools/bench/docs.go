package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// docs is the product's directory of documents. results.json in it holds the
// last full run of every experiment, PERFORMANCE.md a table of the figures with
// a target, charts/ those charts that the page shows.
type docs struct{ dir string }

func docsOf(product string) docs { return docs{filepath.Join(product, "docs")} }

func (d docs) results() string { return filepath.Join(d.dir, "results.json") }
func (d docs) page() string    { return filepath.Join(d.dir, "PERFORMANCE.md") }
func (d docs) charts() string  { return filepath.Join(d.dir, "charts") }

// records are the last full runs, by experiment.
type records map[string]record

// record is one full run of an experiment.
type record struct {
	Commit  string    `json:"commit"` // of the program that was measured
	Began   time.Time `json:"began"`
	Machine Machine   `json:"machine"`
	What    string    `json:"what"`
	Figures []Figure  `json:"figures"`
}

// keep replaces the records of the experiments that ran to their end, and the
// table and the charts with them. All others stay as they are.
func (d docs) keep(r *Report) error {
	kept, err := d.read()
	if err != nil {
		return err
	}
	for _, result := range r.Results {
		if result.complete() {
			kept[result.Experiment] = record{r.Commit, r.Began.UTC().Truncate(time.Second), r.Machine, result.What, result.Figures}
		}
	}
	if err := writeJSON(d.results(), kept); err != nil {
		return err
	}
	page, err := d.writeTable(kept)
	if err != nil {
		return err
	}
	return r.draw(d.charts(), func(result *Result) bool {
		return result.complete() && strings.Contains(page, "(charts/"+result.Experiment+".svg)")
	})
}

func (d docs) read() (records, error) {
	raw, err := os.ReadFile(d.results())
	if err != nil {
		return nil, err
	}
	kept := records{}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fmt.Errorf("%s: %w", d.results(), err)
	}
	return kept, nil
}

// writeTable puts the table into the page and returns the page. What people
// wrote around the table stays.
func (d docs) writeTable(kept records) (string, error) {
	raw, err := os.ReadFile(d.page())
	if err != nil {
		return "", err
	}
	page, err := replaceTable(string(raw), kept.table())
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.page(), err)
	}
	return page, os.WriteFile(d.page(), []byte(page), 0o644)
}

// The lines of the page that the table stands between.
const (
	tableBegins = "<!-- begin table -->\n"
	tableEnds   = "<!-- end table -->"
)

// replaceTable returns the page with another table.
func replaceTable(page, table string) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("there is no line %q followed by %q", strings.TrimSpace(tableBegins), tableEnds)
	}
	return before + tableBegins + table + tableEnds + after, nil
}

// table is the figures that have a target, in Markdown, and where they were
// measured.
func (kept records) table() string {
	var s strings.Builder
	s.WriteString("| | measured | target | |\n| --- | ---: | ---: | --- |\n")
	var where []string
	for _, name := range kept.names() {
		k := kept[name]
		for _, f := range k.Figures {
			if f.Target != nil {
				s.WriteString(row(name, f))
			}
		}
		if on := k.on(); !slices.Contains(where, on) {
			where = append(where, on)
		}
	}
	return s.String() + "\nMeasured on " + strings.Join(where, "; on ") + ".\n"
}

// names are those of the experiments and their variants that ran, in the order of
// the page.
func (kept records) names() []string {
	var names []string
	for _, e := range new(commands).every() {
		for _, v := range variants {
			if _, ok := kept[e.name()+v]; ok {
				names = append(names, e.name()+v)
			}
		}
	}
	return names
}

// on says where and when.
func (k record) on() string { return k.Machine.String() + ", " + k.Began.Format("2006-01-02") }

func row(experiment string, f Figure) string {
	value, note := f.value(), f.Note
	if f.verdict() == "missed" {
		value, note = "**"+value+"**", strings.TrimSuffix("missed; "+note, "; ")
	}
	return fmt.Sprintf("| **%s** %s | %s | %s | %s |\n", experiment, cell(f.Name), value, f.target(), cell(note))
}

// cell is a text that cannot end its cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}
