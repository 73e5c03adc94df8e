package stream

import (
	"context"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/bus"
)

// mention is who is called with an event; "" where nobody is, or somebody was a moment ago.
func (n *Network) mention(e *entry, ev event) string {
	due := time.UnixMilli(e.mentioned.Load()).Add(time.Duration(e.MentionEvery) * time.Minute)
	if ev.name != bus.ReportPassed || n.host.Now().Before(due) {
		return ""
	}
	return e.Mention
}

// mentioned notes that somebody was called.
func (n *Network) mentioned(ctx context.Context, e *entry) {
	now := n.host.Now().UnixMilli()
	e.mentioned.Store(now)
	err := n.host.DB.WriteSoon(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE stream_streams SET mentioned = ? WHERE id = ?", now, e.row.ID).Error
	})
	if err != nil {
		n.host.Log.Warn("it is not stored that a stream has called somebody", "stream", e.row.ID, "err", err)
	}
}
