package relay

import (
	"context"
	"strings"
	"sync"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// usual are the rules that every city begins with. Their order does not matter here.
var usual = sync.OnceValues(func() (*censor.Rules, error) { return censor.Compile(censor.DefaultTriggers("en"), "") })

// tells says whether an answer to what the bot has posted holds a report's words: those
// of the rules that every city begins with, or of the city's own, or the name of a line
// or stop. People also just
// talk there ("no, gone"), and a city whose rules let everything pass means reports.
func (c *Customs) tells(ctx context.Context, r *report.Report) (bool, error) {
	rules, err := usual()
	if err != nil || holds(rules, r) {
		return err == nil, err
	}
	city, err := c.db.City(ctx, r.CityID)
	if err != nil {
		return false, err
	}
	own := strings.Split(city.Triggers, "\n")
	for i, line := range own {
		if strings.TrimSpace(line) == censor.Anything {
			own[i] = ""
		}
	}
	if rules, err = censor.Compile(strings.Join(own, "\n"), ""); err != nil || holds(rules, r) {
		return true, nil // whoever judges it says so
	}
	read, err := c.places.readIn(ctx, r.CityID, r.Text)
	return read.Named(), err
}

// holds tells whether a report holds words of the rules, or is refused for others.
func holds(rules *censor.Rules, r *report.Report) bool {
	reason := rules.Judge(r.Text).Reason
	return reason != report.ReasonNoTrigger && reason != report.ReasonEmpty
}
