package relay

import (
	"time"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// brakeWindow is the time in which reports are counted, and in which an author says
// the same text once.
const brakeWindow = 10 * time.Minute

// Brake refuses or holds a report that its city's rules let pass, for how often or
// how alike such reports come. The database asks it while it stores the report, so
// that of two at once only one can be the first.
type Brake config.Brakes

var _ db.Brake = Brake{}

// Window is how far before and after a report others by its author count.
func (Brake) Window() time.Duration { return brakeWindow }

// Crowd tells whether unverified reports are counted.
func (b Brake) Crowd() bool { return b.Client > 0 || b.Domain > 0 || b.City > 0 }

// Sameness makes of a text what it is compared by: that of two texts which a
// reader takes for the same is equal.
func (Brake) Sameness(text string) string { return censor.Normalize(text) }

// Judge returns the verdict that stands, given the rules' own and what came before.
func (b Brake) Judge(v report.Verdict, said db.History) report.Verdict {
	switch {
	case said.Muted:
		return report.Verdict{Reason: report.ReasonMuted}
	case said.Same > 0:
		return report.Verdict{Reason: report.ReasonRepeated}
	case over(said.All, b.Author):
		return report.Verdict{Reason: report.ReasonFlood}
	case over(said.Client, b.Client):
		return report.Verdict{Reason: report.ReasonFloodClient}
	case over(said.Domain, b.Domain):
		return report.Verdict{Reason: report.ReasonFloodDomain}
	case over(said.City, b.City):
		return report.Verdict{Reason: report.ReasonFloodCity}
	default:
		return v
	}
}

// over tells whether one more is too many; a limit of 0 is none.
func over(n, limit int) bool { return limit > 0 && n >= limit }
