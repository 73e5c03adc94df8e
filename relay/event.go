package relay

import (
	"context"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// maxTold is how much of what tasks say stands in an event, in bytes: the rest of it needs
// some room, too.
const maxTold = bus.MaxPayload * 3 / 4

// publish tells the bus what became of a report that was judged.
func (rl *Relay) publish(r *report.Report, v report.Verdict) {
	rl.publishAs(eventOf(v), r, v)
}

// publishAs tells the bus of a report, where somebody wants to know.
func (rl *Relay) publishAs(name string, r *report.Report, v report.Verdict) {
	if rl.elsewhere.isNew(r.CityID, r.ID, name) {
		rl.tellBus(name, r, v)
	}
}

// tellBus is publishAs for what another process may have done.
func (rl *Relay) tellBus(name string, r *report.Report, v report.Verdict) {
	if v.Reason == report.ReasonTest || !rl.Bus.Wanted(r.CityID, name) {
		return
	}
	ctx := context.Background()
	c, err := rl.cities.get(ctx, r.CityID)
	if err != nil {
		rl.Log.Warn("those who follow a city are not told of a report", "report", r.ID, "city", rl.DB.Slug(ctx, r.CityID), "err", err)
		return
	}
	f := r.Form(c.slug, v)
	if len(f.Results) > maxTold {
		f.Results = nil
	}
	rl.Bus.Tell(r.CityID, name, rl.Now(), f)
}

// publishWithdrawn tells the bus of a report that its author has taken back: without its
// words, which its author does not want to stand anywhere.
func (rl *Relay) publishWithdrawn(r *report.Report) {
	bare := *r
	bare.Text, bare.Results = "", ""
	rl.publishAs(bus.ReportTakenBack, &bare, report.Verdict{Reason: report.ReasonTakenBack})
}

// cityChanged forgets what is kept of a city, or of all, and tells the bus.
func (rl *Relay) cityChanged(cityID int64) {
	rl.cities.forget(cityID)
	if cityID == notice.All { // nobody knows which did
		rl.aside.allChanged()
		return
	}
	rl.aside.changed(cityID)
	rl.Bus.Tell(cityID, bus.CityChanged, rl.Now(), nil)
}
