package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Result says what became of a delivery.
type Result string

// The results of a delivery.
const (
	Sent      Result = "sent"
	Failed    Result = "failed"  // permanently
	Expired   Result = "expired" // the report got too old first
	Retracted Result = "retracted"
)

// Outcome is the end of a delivery.
type Outcome struct {
	Delivery report.Delivery // only ID, BotID and Report.ID are stored
	Result   Result
	Receipt  report.Receipt
	Error    string // only with Failed, in plain words
}

type deliveryRow struct {
	ID       string `gorm:"primaryKey"`
	ReportID string
	BotID    int64
	Result   string
	RemoteID string
	URL      string
	Error    string
	At       int64
}

func (deliveryRow) TableName() string { return "deliveries" }

// RecordOutcome stores the end of a delivery. It replaces an earlier outcome.
// The delivery may leave the queue once AfterSync says that the outcome is on
// disk.
func (d *DB) RecordOutcome(ctx context.Context, o Outcome) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, `INSERT OR REPLACE INTO deliveries (id, report_id, bot_id, result, remote_id, url, error, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, o.Delivery.ID, o.Delivery.Report.ID, o.Delivery.BotID,
			string(o.Result), o.Receipt.ID, o.Receipt.URL, o.Error, millis(d.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	return nil
}

// Ended is how and when a delivery ended.
type Ended struct {
	Result  Result
	Receipt report.Receipt
	Error   string
	At      time.Time
}

// DeliveryEnd returns how a delivery ended, or ErrNotFound if it has not.
func (d *DB) DeliveryEnd(ctx context.Context, id string) (Ended, error) {
	var e Ended
	var at int64
	err := d.ReadRow(ctx, "SELECT result, remote_id, url, error, at FROM deliveries WHERE id = ?", id).
		Scan(&e.Result, &e.Receipt.ID, &e.Receipt.URL, &e.Error, &at)
	if err != nil {
		return Ended{}, fmt.Errorf("delivery: %w", err)
	}
	e.At = fromMillis(at)
	return e, nil
}

// SentReceipt is a delivery that was sent, with the network's answer.
type SentReceipt struct {
	DeliveryID string
	BotID      int64
	Receipt    report.Receipt
}

// Receipts returns the networks' answers to the sent deliveries of a report.
func (d *DB) Receipts(ctx context.Context, reportID string) ([]SentReceipt, error) {
	var rows []deliveryRow
	if err := d.Read(ctx).Where("report_id = ? AND result = ?", reportID, string(Sent)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return mapRows(rows, func(r deliveryRow) SentReceipt {
		return SentReceipt{DeliveryID: r.ID, BotID: r.BotID, Receipt: report.Receipt{ID: r.RemoteID, URL: r.URL}}
	}), nil
}

// CountDeliveries counts the deliveries of a report by result.
func (d *DB) CountDeliveries(ctx context.Context, reportID string) (map[Result]int, error) {
	var rows []struct {
		Result string
		N      int
	}
	err := d.Read(ctx).Raw("SELECT result, count(*) AS n FROM deliveries WHERE report_id = ? GROUP BY result", reportID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	counts := make(map[Result]int, len(rows))
	for _, r := range rows {
		counts[Result(r.Result)] = r.N
	}
	return counts, nil
}
