package db

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketfrei/internal/report"
	"ticketfrei/internal/valid"
)

// hearing is a report that is to be stored, and what became of it.
type hearing struct {
	report *report.Report
	seq    int64 // its place: 0 where it is known already, or its city is gone, paused or off
	known  bool
	err    error // it is not known what became of it
}

// storedID is the id of the report as it is stored: see checkText.
func (h *hearing) storedID() string { return valid.Text(h.report.ID) }

// hearingsOf are those of a group, in its order.
func hearingsOf(group []*job) (list []*hearing) {
	for _, j := range group {
		if j.hearing != nil {
			list = append(list, j.hearing)
		}
	}
	return list
}

// hearTogether stores the reports of a group with one statement for all of them, in their
// order. A city is locked against being paused or switched off meanwhile: see Pause.
const hearTogether = `INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, left_out, unverified, client, domain,
		text, visibility, time, received, reason, state)
	SELECT nextval('reports_seq'), h.id, h.city_id, h.bot_id, h.network, h.network_id, h.author, h.left_out, h.unverified, h.client, h.domain,
		h.text, h.visibility, h.time, h.received, h.reason, 'heard'
	FROM (SELECT l.* FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[], $10::text[],
		$11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::text[]) WITH ORDINALITY
		AS l(id, city_id, bot_id, network, network_id, author, left_out, unverified, client, domain, text, visibility, time, received, reason, n)
		JOIN cities AS c ON c.id = l.city_id AND c.paused = 0 AND c.suspended = 0 AND c.deleted = 0 AND NOT c.waiting
		ORDER BY l.n FOR KEY SHARE OF c) AS h
	ON CONFLICT (id) DO NOTHING RETURNING id, seq`

// hear has the reports stored. Their places are known as soon as the transaction is
// committed.
func (p *pipeline) hear(ctx context.Context, list []*hearing) error {
	if len(list) == 0 {
		return nil
	}
	q, err := p.add(hearTogether, columnsOf(list))
	if err != nil {
		return err
	}
	byID := make(map[string]*hearing, len(list))
	for _, h := range slices.Backward(list) { // of two with one id the first is stored
		h.seq, h.known, h.err = 0, false, nil
		byID[h.storedID()] = h
	}
	q.Query(func(rows pgx.Rows) error {
		var id string
		var seq int64
		_, err := pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
			byID[id].seq = seq
			return nil
		})
		return err
	})
	if p.careful {
		return p.send(ctx)
	}
	return nil
}

// lookUp finds out what became of the reports that have no place after the commit: whether
// they were there before. lost says that the answer to the commit was lost, and theirs with
// it.
func (w *serverWriter) lookUp(ctx context.Context, conn *sql.Conn, list []*hearing, lost bool) {
	left := make(map[string][]*hearing)
	for _, h := range list {
		if h.seq == 0 {
			left[h.storedID()] = append(left[h.storedID()], h)
		}
	}
	if len(left) == 0 {
		return
	}
	if err := findPlaces(ctx, conn, left, lost); err != nil {
		for _, same := range left {
			for _, h := range same {
				h.err = &awayError{w.server.name, err}
			}
		}
	}
}

// findPlaces is lookUp of those, by their ids.
func findPlaces(ctx context.Context, conn *sql.Conn, left map[string][]*hearing, lost bool) error {
	rows, err := conn.QueryContext(ctx, "SELECT id, seq, state = 'heard' FROM reports WHERE id = ANY($1)", slices.Collect(maps.Keys(left)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var seq int64
		var waits bool
		if err := rows.Scan(&id, &seq, &waits); err != nil {
			return err
		}
		for _, h := range left[id] {
			h.known = true
		}
		if lost && waits { // whoever judges it a second time finds that it was
			left[id][0].seq = seq
		}
	}
	return rows.Err()
}

// columnsOf are the arguments of hearTogether.
func columnsOf(list []*hearing) []any {
	n := len(list)
	cities, bots, times, received := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	unverified := make([]bool, n)
	var texts [10][]string
	for i, h := range list {
		r := h.report
		cities[i], bots[i], times[i], received[i], unverified[i] = r.CityID, r.BotID, millis(r.Time), millis(r.Received), r.Unverified
		for k, text := range [len(texts)]string{r.ID, r.Network, r.NetworkID, r.Author, r.LeftOut, r.Client, r.Domain, r.Text, string(r.Visibility), heardReason(r)} {
			texts[k] = append(texts[k], text)
		}
	}
	return []any{texts[0], cities, bots, texts[1], texts[2], texts[3], texts[4], unverified, texts[5], texts[6], texts[7], texts[8], times, received, texts[9]}
}
