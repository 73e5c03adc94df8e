package app

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// queueCommand is about what waits to be sent.
type queueCommand struct {
	List  queueListCommand  `cmd:"" help:"List what waits, for whom, and how old it is."`
	Retry queueRetryCommand `cmd:"" help:"Try at once what waits to be sent."`
	Drop  queueDropCommand  `cmd:"" help:"Throw away what waits to be sent."`
}

// queueFlags say what of the queue is meant.
type queueFlags struct {
	City      string        `help:"Only what this city's bots send." placeholder:"SLUG"`
	Bot       int64         `help:"Only what this bot sends." placeholder:"ID"`
	Network   string        `help:"Only what bots of this network send." placeholder:"NAME"`
	OlderThan time.Duration `help:"Only what is older, such as 90m or 24h." placeholder:"TIME"`
}

func (f queueFlags) filter() manage.QueueFilter {
	return manage.QueueFilter{City: f.City, BotID: f.Bot, Network: f.Network, OlderThan: f.OlderThan}
}

type queueListCommand struct {
	settingsFlags
	jsonFlag
	queueFlags
}

// listedQueue is what waits, as scripts read it.
type listedQueue struct {
	Reports    listedWaiting     `json:"reports"`    // to be judged
	Deliveries listedWaiting     `json:"deliveries"` // each of a report through a bot to up to 64 recipients
	Mails      listedWaiting     `json:"mails"`      // confirmations and the like
	Bots       []listedBotsQueue `json:"bots"`
}

type listedWaiting struct {
	Count  int        `json:"count"`
	Oldest *time.Time `json:"oldest,omitempty"`
}

type listedBotsQueue struct {
	Bot        int64           `json:"bot"`
	City       string          `json:"city"`
	Network    string          `json:"network"`
	State      report.BotState `json:"state"`
	Reports    int             `json:"reports"`
	Deliveries int             `json:"deliveries"`
	Oldest     time.Time       `json:"oldest"`
	Next       *time.Time      `json:"next,omitempty"` // when it is tried
	Why        string          `json:"why,omitempty"`
}

// listedQueueOf is a queue as scripts read it.
func listedQueueOf(q manage.Queue) listedQueue {
	l := listedQueue{Bots: []listedBotsQueue{}}
	for _, w := range q.All {
		one := listedWaiting{w.Count, timeOrNone(w.Oldest)}
		switch w.Kind {
		case "reports":
			l.Reports = one
		case "deliveries":
			l.Deliveries = one
		case "mails":
			l.Mails = one
		}
	}
	for _, b := range q.Bots {
		l.Bots = append(l.Bots, listedBotsQueue{Bot: b.BotID, City: b.City.Slug, Network: b.Network, State: b.State, Reports: b.Reports, Deliveries: b.Fanouts,
			Oldest: b.Oldest.UTC(), Next: timeOrNone(b.Due), Why: b.Why})
	}
	return l
}

// Run lists what waits.
func (cmd *queueListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		q, err := s.cities.Queue(c.ctx, cmd.filter())
		if err != nil {
			return noCity(cmd.City, err)
		}
		l := listedQueueOf(q)
		if cmd.JSON {
			return printJSON(c.stdout, l)
		}
		for _, w := range []struct {
			what string
			listedWaiting
		}{{"reports to be judged", l.Reports}, {"deliveries to be sent", l.Deliveries}, {"account mails to be sent", l.Mails}} {
			line := fmt.Sprintf("%d %s", w.Count, w.what)
			if w.Oldest != nil {
				line += ", the oldest " + howOld(*w.Oldest) + " old"
			}
			fmt.Fprintln(c.stdout, line)
		}
		if len(l.Bots) == 0 {
			return nil
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "\nBOT\tCITY\tNETWORK\tSTATE\tREPORTS\tDELIVERIES\tOLDEST\tWHY")
		for _, b := range l.Bots {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", b.Bot, b.City, b.Network, b.State, b.Reports, b.Deliveries, howOld(b.Oldest), b.Why)
		}
		return w.Flush()
	})
}

// howOld is how long ago something was, as people say it.
func howOld(at time.Time) string {
	switch d := time.Since(at); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

type queueRetryCommand struct {
	settingsFlags
	jsonFlag
	queueFlags
}

// changedQueue is what was done with what waits, as scripts read it.
type changedQueue struct {
	Bots int `json:"bots"` // whose it is
}

// Run has a running server try at once.
func (cmd *queueRetryCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		n, err := s.cities.RetryQueue(c.ctx, cmd.filter())
		if err != nil {
			return noCity(cmd.City, err)
		}
		return cmd.tell(c, changedQueue{n}, "%d bots try at once.\n", n)
	})
}

type queueDropCommand struct {
	settingsFlags
	jsonFlag
	yesFlag
	queueFlags
	All bool `help:"Everything that waits to be sent."`
}

// Run throws away what waits.
func (cmd *queueDropCommand) Run(c *console) error {
	if (cmd.queueFlags == queueFlags{}) != cmd.All {
		return &usageError{errors.New("say what is to be dropped: --city, --bot, --network or --older-than; or --all")}
	}
	return cmd.withCities(c, func(c *console, s *server) error {
		q, err := s.cities.Queue(c.ctx, cmd.filter())
		if err != nil {
			return noCity(cmd.City, err)
		}
		deliveries := 0
		for _, b := range q.Bots {
			deliveries += b.Fanouts
		}
		if deliveries == 0 {
			return cmd.tell(c, changedQueue{}, "Nothing like that waits.\n")
		}
		if err := cmd.confirm(c, fmt.Sprintf("Throw away %d deliveries of %d bots? Nobody will be sent them.", deliveries, len(q.Bots))); err != nil {
			return err
		}
		n, err := s.cities.DropQueue(c.ctx, cmd.filter())
		if err != nil {
			return err
		}
		return cmd.tell(c, changedQueue{n}, "What %d bots had to send is thrown away.\n", n)
	})
}
