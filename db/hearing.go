package db

import (
	"context"
	"fmt"
	"strconv"

	"ticketfrei/internal/report"
)

// hearing is a report that is to be stored, and what became of it.
type hearing struct {
	report *report.Report
	seq    int64 // its place: 0 where it is known already, or its city is gone or paused
	known  bool
}

// hearingsOf are those of a group, in its order.
func hearingsOf(group []*job) (list []*hearing) {
	for _, j := range group {
		if j.hearing != nil {
			list = append(list, j.hearing)
		}
	}
	return list
}

// takeSeqs is the statement that takes n places of reports.
func takeSeqs(n int) string {
	return fmt.Sprintf("SELECT nextval('reports_seq') FROM generate_series(1, %d)", n)
}

// readSeqs gives the places that takeSeqs has answered to the reports, in their order.
func readSeqs(list []*hearing, rows [][][]byte) error {
	for i, h := range list {
		seq, err := strconv.ParseInt(string(rows[i][0]), 10, 64)
		if err != nil {
			return fmt.Errorf("take places of reports: %w", err)
		}
		h.seq, h.known = seq, false
	}
	return nil
}

// hearTogether stores the reports of a group with one statement for all of them. A city is
// locked against being paused meanwhile: see Pause.
const hearTogether = `INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, left_out, unverified, client, domain,
		text, visibility, time, received, reason, state)
	SELECT h.seq, h.id, c.id, h.bot_id, h.network, h.network_id, h.author, h.left_out, h.unverified, h.client, h.domain,
		h.text, h.visibility, h.time, h.received, h.reason, 'heard'
	FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[], $11::text[],
		$12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::text[])
		AS h(seq, id, city_id, bot_id, network, network_id, author, left_out, unverified, client, domain, text, visibility, time, received, reason)
	JOIN cities AS c ON c.id = h.city_id AND c.paused = 0
	FOR KEY SHARE OF c
	ON CONFLICT (id) DO NOTHING RETURNING seq`

// hear stores the reports, whose places are known, in the transaction under way.
func (w *serverWriter) hear(ctx context.Context, list []*hearing) error {
	if len(list) == 0 {
		return nil
	}
	added, err := column[int64](ctx, w, hearTogether, columnsOf(list)...)
	if err != nil || len(added) == len(list) {
		return err
	}
	there := make(map[int64]bool, len(added))
	for _, seq := range added {
		there[seq] = true
	}
	var left []*hearing
	var ids []string
	for _, h := range list {
		if !there[h.seq] {
			h.seq, left, ids = 0, append(left, h), append(ids, h.report.ID)
		}
	}
	known, err := column[int](ctx, w, `SELECT a.n FROM unnest($1::text[]) WITH ORDINALITY AS a(id, n)
		WHERE EXISTS (SELECT 1 FROM reports AS r WHERE r.id = a.id)`, ids)
	for _, n := range known {
		left[n-1].known = true
	}
	return err
}

// columnsOf are the arguments of hearTogether.
func columnsOf(list []*hearing) []any {
	n := len(list)
	seqs, cities, bots, times, received := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	unverified := make([]bool, n)
	var texts [10][]string
	for i, h := range list {
		r := h.report
		seqs[i], cities[i], bots[i], times[i], received[i], unverified[i] = h.seq, r.CityID, r.BotID, millis(r.Time), millis(r.Received), r.Unverified
		for k, text := range [len(texts)]string{r.ID, r.Network, r.NetworkID, r.Author, r.LeftOut, r.Client, r.Domain, r.Text, string(r.Visibility), heardReason(r)} {
			texts[k] = append(texts[k], text)
		}
	}
	return []any{seqs, texts[0], cities, bots, texts[1], texts[2], texts[3], texts[4], unverified, texts[5], texts[6], texts[7], texts[8], times, received, texts[9]}
}

// column asks for the one column of rows in the transaction under way.
func column[T any](ctx context.Context, w *serverWriter, query string, args ...any) (list []T, err error) {
	rows, err := w.tx.Statement.ConnPool.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, rows.Err()
}
