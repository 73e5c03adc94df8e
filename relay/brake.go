package relay

import (
	"time"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// What one author may say in a city: the same text once, and so many reports,
// within the window.
const (
	brakeWindow = 10 * time.Minute
	brakeFlood  = 5
)

// Brake holds a report that its city's rules let pass, for how often or how alike
// its author's come. The database asks it while it stores the report, so that of
// two at once only one can be the first.
type Brake struct{}

var _ db.Brake = Brake{}

// Window is how far before and after a report others by its author count.
func (Brake) Window() time.Duration { return brakeWindow }

// Sameness makes of a text what it is compared by: that of two texts which a
// reader takes for the same is equal.
func (Brake) Sameness(text string) string { return censor.Normalize(text) }

// Judge returns the verdict that stands, given the rules' own and what the
// author said.
func (Brake) Judge(v report.Verdict, said db.History) report.Verdict {
	switch {
	case said.Muted:
		return report.Verdict{Reason: report.ReasonMuted}
	case said.Same > 0:
		return report.Verdict{Reason: report.ReasonRepeated}
	case said.All >= brakeFlood:
		return report.Verdict{Reason: report.ReasonFlood}
	default:
		return v
	}
}
