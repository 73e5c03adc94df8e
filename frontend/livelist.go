package frontend

import (
	"bytes"
	"slices"
	"time"

	"ticketfrei/internal/report"
)

// liveList is what a city's page shows of its reports, newest first.
type liveList struct {
	version string
	items   []liveItem
}

// liveItem is a report as the page shows it.
type liveItem struct {
	id    string
	look  string // changes when it is shown otherwise; its age does not count
	time  time.Time
	lines report.Lines
	html  []byte
}

// changeSince returns the update that turns the list before into l. A page puts each
// report where its time has it, and in the place of what it showed of it.
func (l liveList) changeSince(before liveList) []byte {
	had, has := before.looks(), l.looks()
	var events events
	for _, it := range before.items {
		if _, ok := has[it.id]; !ok {
			events.add("removed", []byte(it.id))
		}
	}
	for _, it := range slices.Backward(l.items) {
		if had[it.id] != it.look {
			events.add("report", it.html)
		}
	}
	return events.end(l.version)
}

// looks returns how each report is shown, by its id.
func (l liveList) looks() map[string]string {
	looks := make(map[string]string, len(l.items))
	for _, it := range l.items {
		looks[it.id] = it.look
	}
	return looks
}

// of returns the part of the list that is about a line.
func (l liveList) of(line string) liveList {
	if line != "" {
		l.items = slices.DeleteFunc(slices.Clone(l.items), func(it liveItem) bool { return !it.lines.Has(line) })
	}
	return l
}

// split returns the reports of the last hour, and those before.
func (l liveList) split(now time.Time) (recent, older []liveItem) {
	i := slices.IndexFunc(l.items, func(it liveItem) bool { return now.Sub(it.time) >= foldsAfter })
	if i < 0 {
		return l.items, nil
	}
	return l.items[:i], l.items[i:]
}

// whole returns the update that carries the whole list.
func (l liveList) whole() []byte {
	var all []byte
	for _, it := range l.items {
		all = append(all, it.html...)
	}
	var events events
	events.add("list", all)
	return events.end(l.version)
}

// events builds one update of an event stream (HTML standard, 9.2.5).
type events struct{ buf bytes.Buffer }

func (e *events) add(name string, data []byte) {
	e.buf.WriteString("event: " + name + "\n")
	// A carriage return ends a line too.
	data = bytes.ReplaceAll(data, []byte{'\r'}, []byte{' '})
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		e.buf.WriteString("data: ")
		e.buf.Write(line)
		e.buf.WriteByte('\n')
	}
	e.buf.WriteByte('\n')
}

// end adds an event that does nothing but carry its id. A browser that has read
// it has the whole update, and sends the id when it comes back.
func (e *events) end(version string) []byte {
	e.buf.WriteString("event: version\nid: " + version + "\ndata:\n\n")
	return e.buf.Bytes()
}
