package queue

import (
	"bytes"
	"errors"

	"ticketfrei/internal/report"
)

// queued is a delivery as a batch holds it: only the first of one report's
// deliveries carries the report.
type queued struct {
	ID        string
	BotID     int64
	CityID    int64
	Network   string
	Recipient string
	Report    *report.Report `json:",omitempty"` // nil: the report of the delivery before
	Retract   *report.Receipt
}

// packDeliveries encodes ds for publishing, in as few batches as the bounds
// allow.
func packDeliveries(ds []report.Delivery) (batches [][]byte, err error) {
	var open bytes.Buffer
	n := 0
	for i := range ds {
		if n == batchMessages || open.Len() > batchBytes {
			batches = append(batches, closeArray(&open))
			n = 0
		}
		d := &ds[i]
		q := queued{ID: d.ID, BotID: d.BotID, CityID: d.CityID, Network: d.Network, Recipient: d.Recipient, Retract: d.Retract}
		if n == 0 || d.Report.ID != ds[i-1].Report.ID {
			q.Report = &d.Report
		}
		data, err := encode(q)
		if err != nil {
			return nil, err
		}
		addToArray(&open, data)
		n++
	}
	if n > 0 {
		batches = append(batches, closeArray(&open))
	}
	return batches, nil
}

// unpackDeliveries reads one batch of packDeliveries.
func unpackDeliveries(data []byte) ([]report.Delivery, error) {
	list, err := unpack[queued](data)
	if err != nil {
		return nil, err
	}
	ds := make([]report.Delivery, len(list))
	for i, q := range list {
		ds[i] = report.Delivery{ID: q.ID, BotID: q.BotID, CityID: q.CityID, Network: q.Network, Recipient: q.Recipient, Retract: q.Retract}
		switch {
		case q.Report != nil:
			ds[i].Report = *q.Report
		case i > 0:
			ds[i].Report = ds[i-1].Report
		default:
			return nil, errors.New("a delivery without its report")
		}
	}
	return ds, nil
}
