// Package filter decides which reports somebody wants, by lists of values and by an
// expression; the same fence lets expressions read values out of foreign bodies. Whoever
// writes them is not trusted: what may take long, and what can never be, is refused when
// it is compiled.
package filter

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// Bounds of a filter.
const (
	MaxLength = 2000 // characters of an expression
	MaxNodes  = 300  // parts of an expression
	MaxNested = 3    // any(…) and none(…) in each other
	MaxValues = 500  // values of include and exclude together
	maxValue  = 200  // characters of one of them
)

// Bounds of what is looked at of a report.
const (
	maxText    = 1000 // characters of its text
	maxWords   = 200
	maxLines   = 64
	maxResults = report.MaxResults
)

// The fields of a Spec, as errors name them.
const (
	include = "include"
	exclude = "exclude"
	when    = "when"
)

// Spec says which reports are wanted. The zero Spec wants all.
type Spec struct {
	// Include are the values that are wanted, by attribute: one of each attribute's must
	// fit. "*" fits any value that is there; of numbers, "6-22" is a range.
	Include map[string][]string `json:"include,omitempty"`
	// Exclude are values that are not wanted: it wins.
	Exclude map[string][]string `json:"exclude,omitempty"`
	// When is an expression; empty: true.
	When string `json:"when,omitempty"`
}

// World is what a city has, so that a filter for what can never be is refused.
type World struct {
	City     string        // slug
	Networks []string      // that reports may come from; nil: not known, any will do
	Places   *place.Places // nil: it has none, and filters may name any line and stop
	Tasks    []string      // programs that have results; nil: not known, any will do
	Zone     *time.Location
	Now      func() time.Time
}

func (w World) lines() []string {
	var names []string
	for _, l := range w.Places.Lines() {
		names = append(names, l.Name)
	}
	return names
}

func (w World) stops() []string { return w.Places.Stops() }

// Subject is a report that is asked about.
type Subject struct {
	Report  report.Report
	Verdict report.Verdict
	// Author counts the reports of its author; it is called only where the filter asks for
	// them. nil: nothing is known of the author.
	Author func() (Author, error)
}

// Author is what is counted of who wrote a report, as long as reports are kept.
type Author struct {
	Passed, Refused int // their reports, without this one
}

// Filter is a compiled Spec. It may be used by many goroutines.
type Filter struct {
	world   World
	program *vm.Program // nil: every report is wanted
	uses    []attribute
	author  bool // it asks for what is counted of the author
	lower   bool // it asks for the text in lower case
	results bool
	steps   float64 // that it takes at most
}

// Compile compiles a spec for a city. What is wrong with it is an *Error.
func Compile(s Spec, w World) (*Filter, error) {
	if w.Zone == nil {
		w.Zone = time.Local
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	f := newFence(when, s.When, w)
	all, err := f.lists(s)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(s.When) != "" {
		asked, err := f.parse(filterConfig())
		if err != nil {
			return nil, err
		}
		all = append(all, asked)
	}
	return f.filter(all)
}

// filter makes the filter of conditions that must all hold.
func (f *fence) filter(all []ast.Node) (*Filter, error) {
	made := &Filter{world: *f.world, lower: f.uses[lowerText], results: f.uses[results]}
	for _, a := range attributes {
		if f.uses[a.name] {
			made.uses = append(made.uses, a)
		}
	}
	made.author = made.Uses("author")
	if len(all) == 0 {
		return made, nil
	}
	var err error
	made.program, made.steps, err = f.program(join("and", all), filterConfig())
	return made, err
}

// Uses tells whether the filter asks for an attribute, as "line" or "author.known", or
// for something of "author" or "results".
func (f *Filter) Uses(name string) bool {
	return name == results && f.results || slices.ContainsFunc(f.uses, func(a attribute) bool {
		return a.name == name || strings.HasPrefix(a.name, name+".")
	})
}

// Matches tells whether a report is wanted. What is compared with something that is not
// there, as results that no task has made, does not fit. The error is that of counting
// the author's reports.
func (f *Filter) Matches(s Subject) (bool, error) {
	if f.program == nil {
		return true, nil
	}
	e := evaluation{Subject: s, world: &f.world}
	if s.Author != nil && f.author {
		var err error
		if e.author, err = s.Author(); err != nil {
			return false, err
		}
	}
	m := machines.Get().(*machine)
	defer m.done()
	f.fill(m.values, &e)
	answer, err := m.Run(f.program, m.values)
	return err == nil && answer == true, nil
}

// fill puts in what the filter asks for.
func (f *Filter) fill(all map[string]any, e *evaluation) {
	for _, a := range f.uses {
		all[a.name] = a.of(e)
	}
	if f.lower {
		all[lowerText] = strings.ToLower(cut(e.Report.Text, maxText))
	}
	if f.results {
		all[results] = readResults(e.Report.Results)
	}
}

// evaluation is a report while it is asked about.
type evaluation struct {
	Subject
	author Author
	world  *World
}

// readResults reads what the tasks made, by program. What one made too much of is left out.
func readResults(raw string) map[string]any {
	var each map[string]json.RawMessage
	if raw == "" || json.Unmarshal([]byte(raw), &each) != nil {
		return nil
	}
	all := make(map[string]any, len(each))
	for program, made := range each {
		var v any
		if len(made) <= maxResults && json.Unmarshal(made, &v) == nil {
			all[program] = v
		}
	}
	return all
}

// machine is what runs expressions, with room for what they ask for.
type machine struct {
	vm.VM
	values map[string]any
}

var machines = sync.Pool{New: func() any { return &machine{values: map[string]any{}} }}

// done gives the machine back, without what it had of a report.
func (m *machine) done() {
	clear(m.values)
	clear(m.Stack[:cap(m.Stack)])
	machines.Put(m)
}
