package frontend

import "bytes"

// liveList is what a city's page shows of its reports, newest first.
type liveList struct {
	version string
	items   []liveItem
}

type liveItem struct {
	id   string
	html []byte
}

// changeSince returns the update that turns the list before into l.
func (l liveList) changeSince(before liveList) []byte {
	have, want := before.byID(), l.byID()
	var fresh []liveItem
	for _, it := range l.items {
		if _, ok := have[it.id]; ok {
			break
		}
		fresh = append(fresh, it)
	}
	var events events
	kept := 0
	for _, it := range before.items {
		now, ok := want[it.id]
		switch {
		case !ok:
			events.add("removed", []byte(it.id))
		case bytes.Equal(now, it.html):
			kept++
		}
	}
	if kept+len(fresh) != len(l.items) {
		return l.whole() // something new stands between the old reports, or one of them was changed
	}
	for i := len(fresh) - 1; i >= 0; i-- {
		events.add("report", fresh[i].html)
	}
	return events.end(l.version)
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

func (l liveList) byID() map[string][]byte {
	items := make(map[string][]byte, len(l.items))
	for _, it := range l.items {
		items[it.id] = it.html
	}
	return items
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
