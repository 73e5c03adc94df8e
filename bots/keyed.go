package bots

import (
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// maxKeptID bounds an id of a network that is kept, in bytes. A message with a longer
// one is relayed as one whose id need not be kept.
const maxKeptID = 1000

// KeyReport adds to a report which message it was made of and who wrote it, in the
// form that may be stored: nobody can be found by it without the key of the box. The
// city, bot and network of r are set.
func KeyReport(box *secret.Box, r *report.Report, in Incoming) {
	r.ID = box.ReportID(r.Network, r.BotID, in.ID)
	if in.Author != "" {
		r.Author = box.Author(r.CityID, r.Network, in.Author)
	}
	if in.Chat != "" {
		r.LeftOut = box.Author(r.CityID, r.Network, in.Chat)
	}
	if in.Unverified != nil {
		keyUnverified(box, r, *in.Unverified)
	}
	if in.KeepID && len(in.ID) <= maxKeptID {
		r.NetworkID = box.Seal(report.MessagePlace(r.ID), in.ID)
	}
}

// keyUnverified keeps apart what somebody wrote and what others wrote in that name,
// or as a message with that id.
func keyUnverified(box *secret.Box, r *report.Report, o Origin) {
	r.Unverified, r.ID = true, box.Unverified(r.ID)
	if r.Author != "" {
		r.LeftOut, r.Author = r.Author, box.Unverified(r.Author)
	}
	if o.Client != "" {
		r.Client = box.Hash("client", o.Client)
	}
	if o.Domain != "" {
		r.Domain = box.Hash("domain", o.Domain)
	}
}

// MessageID returns the network's own id of the message that r was made of; "" where
// it was not kept: see Incoming.KeepID.
func MessageID(box *secret.Box, r report.Report) (string, error) {
	if r.NetworkID == "" {
		return "", nil
	}
	return box.Open(report.MessagePlace(r.ID), r.NetworkID)
}
