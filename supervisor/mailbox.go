package supervisor

import "time"

// mailbox has the deliveries that wait for one bot in this process. It hands
// them out report by report in turn, so that a report with thousands of
// recipients does not starve one that comes after it; the deliveries of one
// report in the order they came.
type mailbox struct {
	size    int
	count   int
	reports []*waiting // in turn
	byID    map[string]*waiting

	taken time.Time     // when the last was taken out, or the first put in
	pace  time.Duration // from one taken out to the next, on average
	room  time.Time     // when there is room for the next that finds none
}

// waiting is what waits of one report.
type waiting struct {
	id         string
	deliveries []queued
}

// put takes q in. It is false where there is no room: the box is full, or the
// report has had its share, half of the box, and the rest is kept for others.
func (b *mailbox) put(q queued, now time.Time) bool {
	id := q.Body.Report.ID
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
	w.deliveries = append(w.deliveries, q)
	if b.count == 0 {
		b.taken = now
	}
	b.count++
	return true
}

// The shortest wait of what finds no room, and half the longest of the first time;
// the longest doubles with each time, up to 4 s.
const (
	shortestWait = 50 * time.Millisecond
	roomWait     = 250 * time.Millisecond
)

// hanging is after what time a bot that takes nothing out is taken to be as slow
// as that from then on.
const hanging = time.Second

// wait is how long q, which found no room, is to wait: until those that were told
// to wait before it have had their room, at the pace the mailbox empties. It is a
// quarter less, so that the mailbox does not run empty, and not long at first,
// when the pace is not well known.
func (b *mailbox) wait(q queued, now time.Time) time.Duration {
	pace := b.pace
	if since := now.Sub(b.taken); since > hanging {
		pace = since
	}
	if b.room.Before(now) {
		b.room = now
	}
	longest := roomWait << min(q.Attempt, 4)
	room := b.room.Add(pace * 3 / 4)
	if room.Sub(now) > longest {
		return longest
	}
	b.room = room
	return max(room.Sub(now), shortestWait)
}

// take takes the next delivery out; false where there is none.
func (b *mailbox) take(now time.Time) (queued, bool) {
	if b.count == 0 {
		return nil, false
	}
	b.pace += (now.Sub(b.taken) - b.pace) / 64
	b.taken = now
	w := b.reports[0]
	b.reports = b.reports[1:]
	q := w.deliveries[0]
	w.deliveries = w.deliveries[1:]
	b.count--
	if len(w.deliveries) > 0 {
		b.reports = append(b.reports, w)
		return q, true
	}
	delete(b.byID, w.id)
	if b.count == 0 { // an idle bot costs no memory
		b.reports, b.byID = nil, nil
	}
	return q, true
}
