package app

import (
	"fmt"
	"text/tabwriter"
	"time"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

type cityListCommand struct {
	settingsFlags
	jsonFlag
	Search string `arg:"" optional:"" help:"Only those whose name or slug contains it."`
	State  string `enum:",on,paused,waiting,suspended,deleted" default:"" help:"Only those: on, paused, waiting, suspended or deleted." placeholder:"STATE"`
}

// listedCity is a city as scripts read it.
type listedCity struct {
	Slug        string           `json:"slug"`
	Name        string           `json:"name"`
	State       report.CityState `json:"state"`
	Reason      string           `json:"reason,omitempty"`
	GoneAfter   *time.Time       `json:"gone_after,omitempty"`
	Created     time.Time        `json:"created"`
	Reports     int              `json:"reports"` // that passed within seven days
	LastReport  *time.Time       `json:"last_report"`
	Subscribers int              `json:"subscribers"`
	Page        string           `json:"page"`
	Mail        string           `json:"mail"`
}

// Run lists the cities, the newest first.
func (cmd *cityListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		list, err := s.cities.Overviews(c.ctx, cmd.Search, report.CityState(cmd.State))
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(c.stdout, s.listed(list))
		}
		if len(list) == 0 {
			none := "There are no cities yet. Add one: ticketfrei city add SLUG --email ADDRESS"
			if cmd.Search != "" || cmd.State != "" {
				none = "There are no such cities."
			}
			fmt.Fprintln(c.stderr, none)
			return nil
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SLUG\tNAME\tSTATE\tREPORTS (7 DAYS)\tSUBSCRIBERS\tLAST REPORT\tSINCE\tMAIL")
		for _, o := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s@%s\n", o.Slug, o.Name, o.State(), o.Reports, o.Subscribers, day(o.Last), day(o.Created), o.Slug, s.cfg.Mail.Domain)
		}
		return w.Flush()
	})
}

// listed are cities as scripts read them.
func (s *server) listed(list []manage.Overview) []listedCity {
	all := make([]listedCity, len(list))
	for i, o := range list {
		all[i] = listedCity{Slug: o.Slug, Name: o.Name, State: o.State(), Reason: o.SuspendedFor, Created: o.Created.UTC(), Reports: o.Reports, Subscribers: o.Subscribers,
			Page: s.cfg.Web.URL + "/city/" + o.Slug, Mail: o.Slug + "@" + s.cfg.Mail.Domain}
		if !o.Last.IsZero() {
			last := o.Last.UTC()
			all[i].LastReport = &last
		}
		if !o.Deleted.IsZero() {
			gone := manage.GoneAfter(o.City).UTC()
			all[i].GoneAfter = &gone
		}
	}
	return all
}
