package stream

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/filter"
	"ticketfrei/internal/report"
)

// offered are the attributes whose values can be ticked, in their order. Others are shown
// where a stream has them, as a script may have put them in.
var offered = []string{"lines", "stop", network, "kind", "weekday"}

// network is the attribute whose values have names of their own on pages.
const network = "network"

// fixed are the values of attributes that have the same everywhere.
var fixed = map[string][]string{
	"kind":    {filter.KindReport, filter.KindClear},
	"weekday": {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
}

const (
	usedIn = 7 * 24 * time.Hour // what is offered was used in that time
	usedBy = 500                // of so many reports at most
	most   = 12                 // values that are offered of an attribute
)

// group is one attribute with its values.
type group struct {
	Attribute        string
	Label            string // empty: the attribute is its own name
	Fixed            bool   // no more can be typed
	Include, Exclude []choice
	Wrong, WrongNot  string // with what is included, and what is excluded
}

// Used tells whether something is included or excluded.
func (g group) Used() bool {
	return g.Wrong != "" || g.Unwanted() || slices.ContainsFunc(g.Include, func(c choice) bool { return c.On })
}

// Unwanted tells whether something is excluded.
func (g group) Unwanted() bool {
	return g.WrongNot != "" || slices.ContainsFunc(g.Exclude, func(c choice) bool { return c.On })
}

// used counts the values of the last reports that passed, by attribute.
func (n *Network) used(ctx context.Context, cityID int64) (map[string]map[string]int, error) {
	last, err := n.host.DB.Reports(ctx, cityID, true, min(usedIn, n.host.Config.Reports.Keep), usedBy)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]int{"lines": {}, "stop": {}, network: {}, "kind": {}}
	for _, r := range last {
		for _, line := range r.Report.Lines.List() {
			all["lines"][line]++
		}
		all["stop"][r.Report.Stop]++
		all[network][r.Report.Network]++
		all["kind"][kindOf(r.Report)]++
	}
	delete(all["stop"], "")
	return all, nil
}

func kindOf(r report.Report) string {
	if r.Clear {
		return filter.KindClear
	}
	return filter.KindReport
}

// groups are the attributes that are offered, and those that the stream has besides.
func (e *editor) groups(used map[string]map[string]int, say bots.T) []group {
	names := slices.Clone(offered)
	others := slices.Concat(slices.Collect(maps.Keys(e.Include)), slices.Collect(maps.Keys(e.Exclude)))
	slices.Sort(others)
	for _, name := range slices.Compact(others) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	list := make([]group, len(names))
	for i, name := range names {
		g := group{Attribute: name, Fixed: fixed[name] != nil, Wrong: e.Wrong["include."+name], WrongNot: e.Wrong["exclude."+name]}
		if i < len(offered) {
			g.Label = say("stream.settings.of_" + name)
		}
		values := e.values(name, used[name])
		g.Include, g.Exclude = choices(name, values, e.Include[name], used[name], say), choices(name, values, e.Exclude[name], used[name], say)
		list[i] = g
	}
	return list
}

// values are those of an attribute that can be ticked: what it was lately, most often
// first, and what is ticked.
func (e *editor) values(name string, used map[string]int) []string {
	values := fixed[name]
	if values == nil {
		values = slices.SortedFunc(maps.Keys(used), func(a, b string) int { return cmp.Or(used[b]-used[a], strings.Compare(a, b)) })
		values = values[:min(most, len(values))]
	}
	for _, v := range slices.Concat(e.Include[name], e.Exclude[name]) {
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

func choices(name string, values, ticked []string, used map[string]int, say bots.T) []choice {
	list := make([]choice, len(values))
	for i, v := range values {
		list[i] = choice{Value: v, Label: label(name, v, say), Count: used[v], On: slices.Contains(ticked, v)}
	}
	return list
}

// label is a value as it is shown.
func label(name, value string, say bots.T) string {
	switch {
	case value == filter.Any:
		return say("filter.any")
	case slices.Contains(fixed[name], value):
		return say("filter." + name + "." + value)
	case name == network:
		return titleOf(value, say)
	default:
		return value
	}
}

// titleOf is how a network is called on pages; one that this server does not have goes by its
// short name.
func titleOf(name string, say bots.T) string {
	id := name + ".title"
	if title := say(id); title != "!"+id+"!" {
		return title
	}
	return name
}

// sentence puts a filter into words, with networks by their titles.
func sentence(spec filter.Spec, say bots.T) string {
	spec.Include, spec.Exclude = titled(spec.Include, say), titled(spec.Exclude, say)
	return spec.Sentence(filter.T(say))
}

// titled are values with networks by their titles.
func titled(values map[string][]string, say bots.T) map[string][]string {
	if len(values[network]) == 0 {
		return values
	}
	titles := make([]string, len(values[network]))
	for i, name := range values[network] {
		titles[i] = label(network, name, say)
	}
	values = maps.Clone(values)
	values[network] = titles
	return values
}
