package supervisor

import (
	"time"

	"ticketfrei/bots"
)

// inWords puts a time into words for people: "20 seconds", "3 minutes", "1 hour".
func inWords(d time.Duration, t bots.T) string {
	switch {
	case d < 100*time.Second:
		return t("supervisor.span.seconds", "Count", max(1, int(d.Round(time.Second)/time.Second)))
	case d < 100*time.Minute:
		return t("supervisor.span.minutes", "Count", int(d.Round(time.Minute)/time.Minute))
	default:
		return t("supervisor.span.hours", "Count", int(d.Round(time.Hour)/time.Hour))
	}
}
