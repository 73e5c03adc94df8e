package supervisor

import (
	"ticketfrei/queue"
	"ticketfrei/report"
)

type message = *queue.Message[report.Delivery]

// mailbox holds the deliveries that wait for one bot in this process. It hands
// them out report by report in turn, so that a report with thousands of
// recipients does not starve one that comes after it; the deliveries of one
// report in the order they came.
type mailbox struct {
	size    int
	count   int
	reports []*waiting // in turn
	byID    map[string]*waiting
}

// waiting is what waits of one report.
type waiting struct {
	id         string
	deliveries []message
}

// put takes m in. It is false where there is no room: the box is full, or the
// report has had its share, half of the box, and the rest is kept for others.
func (b *mailbox) put(m message) bool {
	id := m.Body.Report.ID
	w := b.byID[id]
	if b.count >= b.size || w != nil && len(w.deliveries) >= b.size/2 {
		return false
	}
	if w == nil {
		if b.byID == nil {
			b.byID = make(map[string]*waiting)
		}
		w = &waiting{id: id}
		b.byID[id] = w
		b.reports = append(b.reports, w)
	}
	w.deliveries = append(w.deliveries, m)
	b.count++
	return true
}

// take takes the next delivery out; false where there is none.
func (b *mailbox) take() (message, bool) {
	if b.count == 0 {
		return nil, false
	}
	w := b.reports[0]
	b.reports = b.reports[1:]
	m := w.deliveries[0]
	w.deliveries = w.deliveries[1:]
	b.count--
	if len(w.deliveries) > 0 {
		b.reports = append(b.reports, w)
		return m, true
	}
	delete(b.byID, w.id)
	if b.count == 0 { // an idle bot holds no memory
		b.reports, b.byID = nil, nil
	}
	return m, true
}
