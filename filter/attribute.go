package filter

import (
	"slices"
	"strings"
	"time"

	"ticketfrei/internal/report"
)

// sort is what an attribute's values are.
type sort int

const (
	isText   sort = iota
	isList        // of texts
	isNumber      // whole
	isYesNo
)

// attribute is something that filters ask of a report.
type attribute struct {
	name string
	sort sort
	// within: a value that is listed need only be part of the text.
	within bool
	// most are how many characters a text, or each text of a list, may have.
	most int
	// low and high bound numbers; open: a range ends before its last.
	low, high int
	open      bool
	// values are all that it can have; nil: any.
	values func(World) []string
	of     func(*evaluation) any
}

// The kinds of reports.
const (
	KindReport = "report"
	KindClear  = "clear" // an all-clear
)

const many = 1 << 30

// attributes are all of them, in the order in which they are listed.
var attributes = []attribute{
	{name: "city", most: 100, values: func(w World) []string { return list(w.City) }, of: func(e *evaluation) any { return e.world.City }},
	{name: "network", most: 100, values: func(w World) []string { return w.Networks }, of: func(e *evaluation) any { return e.Report.Network }},
	{name: "line", most: 100, values: World.lines, of: func(e *evaluation) any { return e.Report.Line }},
	{name: "lines", sort: isList, most: 100, values: World.lines, of: func(e *evaluation) any { return first(e.Report.Lines.List(), maxLines) }},
	{name: "stop", most: 100, values: World.stops, of: func(e *evaluation) any { return e.Report.Stop }},
	{name: "stops", sort: isList, most: 100, values: World.stops, of: func(e *evaluation) any { return list(e.Report.Stop, e.Report.Toward) }},
	{name: "toward", most: 500, of: func(e *evaluation) any { return cut(e.Report.Toward, 500) }},
	{name: "kind", most: 10, values: func(World) []string { return []string{KindReport, KindClear} }, of: (*evaluation).kind},
	{name: "clear", sort: isYesNo, of: func(e *evaluation) any { return e.Report.Clear }},
	{name: "people", sort: isNumber, high: many, of: func(e *evaluation) any { return e.Report.People }},
	{name: "text", within: true, most: maxText, of: func(e *evaluation) any { return cut(e.Report.Text, maxText) }},
	{name: "words", sort: isList, most: maxText, of: func(e *evaluation) any { return words(e.Report.Text) }},
	{name: "hour", sort: isNumber, high: 23, open: true, of: func(e *evaluation) any { return e.time().Hour() }},
	{name: "weekday", most: 10, values: func(World) []string { return weekdays }, of: func(e *evaluation) any { return weekdays[(e.time().Weekday()+6)%7] }},
	{name: "age", sort: isNumber, high: many, of: (*evaluation).age},
	{name: "private", sort: isYesNo, of: func(e *evaluation) any { return e.Report.Visibility == report.Private }},
	{name: "passed", sort: isYesNo, of: func(e *evaluation) any { return e.Verdict.Passed }},
	{name: "reason", most: 20, values: func(World) []string { return reasons }, of: func(e *evaluation) any { return string(e.Verdict.Reason) }},
	{name: "detail", most: 500, of: func(e *evaluation) any { return cut(e.Verdict.Detail, 500) }},
	{name: "author.known", sort: isYesNo, of: func(e *evaluation) any { return e.author.Passed > 0 }},
	{name: "author.passed", sort: isNumber, high: many, of: func(e *evaluation) any { return e.author.Passed }},
	{name: "author.refused", sort: isNumber, high: many, of: func(e *evaluation) any { return e.author.Refused }},
}

// results is the attribute with what the city's tasks made of a report, by program.
const results = "results"

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

var reasons = texts(report.ReasonTrigger, report.ReasonPlace, report.ReasonClear, report.ReasonLetThrough, report.ReasonEmpty, report.ReasonTooLong,
	report.ReasonNoTrigger, report.ReasonBlocked, report.ReasonSlur, report.ReasonRepeated, report.ReasonMuted, report.ReasonExpired,
	report.ReasonTask, report.ReasonTrouble, report.ReasonTakenBack, report.ReasonQuestion, report.ReasonFlood, report.ReasonFloodClient,
	report.ReasonFloodDomain, report.ReasonFloodCity)

func texts(reasons ...report.Reason) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = string(r)
	}
	return all
}

// Attributes returns the names of all attributes but results.
func Attributes() []string {
	names := make([]string, len(attributes))
	for i, a := range attributes {
		names[i] = a.name
	}
	return names
}

func find(name string) (attribute, bool) {
	i := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return attributes[i], true
}

// known returns the values that the attribute can have in a city; nil: any.
func (a attribute) known(w World) []string {
	if a.values == nil {
		return nil
	}
	return a.values(w)
}

// list returns those of the texts that are not empty.
func list(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

func first(all []string, n int) []string { return all[:min(n, len(all))] }

// cut returns the first n characters of a text.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// kind, time and age are those of the report.
func (e *evaluation) kind() any {
	if e.Report.Clear {
		return KindClear
	}
	return KindReport
}

func (e *evaluation) time() time.Time { return e.Report.Time.In(e.world.Zone) }

func (e *evaluation) age() any { return max(0, int(e.world.Now().Sub(e.Report.Time)/time.Minute)) }

// words returns the words of a text in lower case.
func words(text string) []string {
	all := strings.FieldsFunc(strings.ToLower(cut(text, maxText)), func(r rune) bool { return !inWord(r) })
	return first(all, maxWords)
}
