package supervisor

import (
	"context"
	"errors"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// sendLoop works through the outbox and ends when nothing in it can be sent: a bot
// with nothing to send costs no goroutine.
func (r *runner) sendLoop(b *outbox) {
	for {
		i, instance := b.next(r)
		if instance == nil {
			r.sup.tidy(b)
			return
		}
		held, err := r.sup.outcomes.takeSlot(r.sending, r.bot.Network)
		if err != nil { // the program stops, or the city is not ours any more
			b.putBack(i)
			continue
		}
		if !b.still(r, i) {
			held.Leave()
			continue
		}
		r.carryOut(instance, i, held)
	}
}

// carryOut sends a delivery, or takes it back where it asks for that. The slot is
// held until what became of it is on disk.
func (r *runner) carryOut(instance bots.Bot, i item, held *slot) {
	w := i.row
	if w.Retract {
		r.takeBack(instance, i, held)
		return
	}
	d := report.NewDelivery(*w.Report, r.bot, w.Recipients[i.index])
	receipt, err := r.callSend(bots.WithTurn(r.sending, turnOf{held, w}), instance, d)
	switch {
	case errors.Is(err, errOver):
		held.Leave()
		if w.box.still(r, i) { // which drops it
			w.box.putBack(i)
		}
		return
	case err != nil:
		r.failedToSend(i, err, held)
		return
	}
	r.sup.metrics.latency.WithLabelValues(r.bot.Network).Observe(r.sup.Now().Sub(w.Report.Received).Seconds())
	r.end(i, db.Sent, receipt, held)
	r.setHealth("", func(h *health) { h.cannotSend, h.sending = false, refusals{} })
}

// errOver is that a report was taken back, is gone, or is another process's to send, while
// a delivery of it waited for its turn.
var errOver = errors.New("the report is not to be sent any more")

// turnOf is the turn of a delivery.
type turnOf struct {
	*slot
	row *row
}

// Return is that of the slot, unless there is nothing to send any more.
func (t turnOf) Return(ctx context.Context) error {
	sup, cityID := t.row.box.sup, t.row.Report.CityID
	if sup.isTakenBack(t.row.Seq) || sup.isWiped(cityID, t.row.Seq) {
		return errOver
	}
	if err := t.slot.Return(ctx); err != nil {
		return err
	}
	if !t.row.box.mayAct(cityID) {
		t.Leave()
		return errOver
	}
	return nil
}

// callSend calls Send with its timeout. A panic is an error.
func (r *runner) callSend(ctx context.Context, instance bots.Bot, d report.Delivery) (receipt report.Receipt, err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return instance.Send(ctx, d)
}

// takeBack takes back what was sent, where the bot can do so. What it cannot take
// back stays counted as sent.
func (r *runner) takeBack(instance bots.Bot, i item, held *slot) {
	w := i.row
	s, err := r.sup.DB.Receipt(r.sending, w.Recipients[i.index])
	if err == nil {
		d := report.NewDelivery(*w.Report, r.bot, s.Recipient)
		d.Retract = &s.Receipt
		err = bots.ErrCannotRetract
		if retracter, ok := instance.(bots.Retracter); ok {
			err = r.callRetract(bots.WithTurn(r.sending, held), retracter, d)
		}
	}
	switch {
	case err == nil:
		r.end(i, db.Retracted, report.Receipt{}, held)
	case errors.Is(err, bots.ErrCannotRetract), errors.Is(err, db.ErrNotFound):
		r.end(i, db.Kept, report.Receipt{}, held)
	default:
		r.failedToSend(i, err, held)
	}
}

// callRetract calls Retract with its timeout. A panic is an error.
func (r *runner) callRetract(ctx context.Context, retracter bots.Retracter, d report.Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return retracter.Retract(ctx, d)
}
