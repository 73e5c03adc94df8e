package mail

import (
	"context"
	"fmt"
)

// Waiting is how many subscribers a report still waits for, who get one mail an hour.
func (n *Network) Waiting(ctx context.Context, seq int64) (count int, err error) {
	err = n.host.DB.ReadRow(ctx, `SELECT count(*) FROM mail_digest_reports AS r JOIN mail_digests AS d ON d.bot_id = r.bot_id
		JOIN mail_recipients AS s ON s.id = d.recipient_id
		WHERE r.report = ? AND r.id > d.last AND (d.until IS NULL OR r.id <= d.until) AND s.suspended = 0`, seq).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count who waits for a mail: %w", err)
	}
	return count, nil
}
