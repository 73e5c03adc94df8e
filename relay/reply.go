package relay

import (
	"context"
	"strings"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// tells says whether an answer to what the bot has posted holds a report's words: those
// of the city's rules, or of the rules that every city begins with. People also just
// talk there ("no, gone"), and a city whose rules let everything pass means reports.
func (c *Customs) tells(ctx context.Context, r *report.Report) (bool, error) {
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
	rules, err := censor.Compile(strings.Join(own, "\n")+"\n"+censor.DefaultTriggers(city.Language), "")
	if err != nil {
		return true, nil // whoever judges it says so
	}
	reason := rules.Judge(r.Text).Reason
	return reason != report.ReasonNoTrigger && reason != report.ReasonEmpty, nil
}
