package mail

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/mailer"
)

const (
	// maxUnwanted bounds what is remembered of reports that servers refuse.
	maxUnwanted = 1000
	// maxPartsRefused is after how many refusals in a row it is not one of the reports
	// that the server does not want.
	maxPartsRefused = 12
)

// parts mails somebody the reports of an hour: in one mail or, where the server refuses
// that, in several, so that a report that it does not want holds up no other.
type parts struct {
	n       *Network
	hour    hour
	to      recipients.Recipient
	last    int64 // the last of the reports that are done with; 0: none is
	taken   bool  // one of the mails was
	row     int   // how many were refused since
	refused []refusedReport
}

// refusedReport is one that was refused alone.
type refusedReport struct {
	id  int64
	err error
}

// mail mails reports. After an error those up to last are done with.
func (p *parts) mail(ctx context.Context, reports []digestReport) error {
	err := p.each(ctx, reports)
	if !p.taken {
		if i := slices.IndexFunc(p.refused, p.mayBeWanted); i >= 0 {
			p.last = 0
			return cmp.Or(err, p.refused[i].err)
		}
	}
	for _, r := range p.refused {
		if p.n.digests.unwant(r.id) {
			p.n.host.Log.Warn("mail: a report is refused for what it says, the others of its hour are mailed without it", "city", p.hour.city.Slug, "err", r.err)
		}
	}
	return err
}

// mayBeWanted tells whether the refusal of a report may be about something else than
// what it says, where nothing else was taken.
func (p *parts) mayBeWanted(r refusedReport) bool {
	answer, ok := errors.AsType[*mailer.Error](r.err)
	return !(ok && answer.Content() || p.n.digests.isUnwanted(r.id))
}

// each mails lists of reports in the order in which they wait.
func (p *parts) each(ctx context.Context, lists ...[]digestReport) error {
	for _, list := range lists {
		if len(list) == 0 {
			continue
		}
		if err := p.send(ctx, list); err != nil {
			return err
		}
		p.last = list[len(list)-1].id
	}
	return nil
}

// send mails reports in one mail; those that were refused before, and where the server
// refuses it, in several.
func (p *parts) send(ctx context.Context, list []digestReport) error {
	unwanted := slices.IndexFunc(list, func(r digestReport) bool { return p.n.digests.isUnwanted(r.id) })
	if unwanted >= 0 && len(list) > 1 {
		return p.each(ctx, list[:unwanted], list[unwanted:unwanted+1], list[unwanted+1:])
	}
	err := p.n.host.Mailer.Send(ctx, p.n.digestMail(p.hour, p.to, list))
	if err == nil {
		p.taken, p.row = true, 0
		return nil
	}
	if p.row++; !refusesReports(err) || p.row > maxPartsRefused {
		return err
	}
	if len(list) == 1 {
		p.refused = append(p.refused, refusedReport{list[0].id, err})
		return nil
	}
	return p.each(ctx, list[:len(list)/2], list[len(list)/2:])
}

// refusesReports tells whether a server has refused a mail for good, and may have done
// so for what it says.
func refusesReports(err error) bool {
	if away, ok := errors.AsType[*mailer.Away](err); ok && !away.Tried && !away.Report {
		return false
	}
	answer, ok := errors.AsType[*mailer.Error](err)
	return ok && answer.Permanent() && !answer.Gone() && (answer.Stage == mailer.StageData || answer.Content())
}

// unwant notes that a server does not want a report. It tells whether that is new.
func (d *digests) unwant(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unwanted[id] {
		return false
	}
	if len(d.unwanted) >= maxUnwanted {
		clear(d.unwanted)
	}
	d.unwanted[id] = true
	return true
}

func (d *digests) isUnwanted(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unwanted[id]
}
