package mail

import (
	"context"
	"fmt"

	"ticketfrei/internal/report"
)

// People is how many subscribers a report is sent to, at once or with the others of an
// hour.
func (n *Network) People(ctx context.Context, b report.Bot, r report.Report) (int, error) {
	ids, err := n.subscribers.List(ctx, b.ID, r)
	return len(ids), err
}

// Waiting is how many subscribers a report still waits for, who get one mail an hour.
func (n *Network) Waiting(ctx context.Context, seq int64) (count int, err error) {
	var rows []struct {
		Lines report.Lines
		N     int
	}
	err = n.host.DB.Read(ctx).Raw(`SELECT s.lines, count(*) AS n FROM mail_digest_reports AS r JOIN mail_digests AS d ON d.bot_id = r.bot_id
		JOIN mail_recipients AS s ON s.id = d.recipient_id
		WHERE r.report = ? AND r.id > d.last AND (d.until IS NULL OR r.id <= d.until) AND s.suspended = 0 GROUP BY s.lines`, seq).Scan(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("count who waits for a mail: %w", err)
	}
	passed, err := n.host.DB.PassedReports(ctx, []int64{seq})
	if err != nil || len(passed) == 0 {
		return 0, err
	}
	for _, r := range rows {
		if wants(r.Lines, passed[0].Report) {
			count += r.N
		}
	}
	return count, nil
}
