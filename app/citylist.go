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

// changedCity is a city as scripts read it.
type changedCity struct {
	Slug      string           `json:"slug"`
	Name      string           `json:"name"`
	State     report.CityState `json:"state"`
	Reason    string           `json:"reason,omitempty"`
	GoneAfter *time.Time       `json:"gone_after,omitempty"`
	Created   time.Time        `json:"created"`
	Page      string           `json:"page"`
	Mail      string           `json:"mail"`
}

func (s *server) changedCity(c report.City) changedCity {
	changed := changedCity{Slug: c.Slug, Name: c.Name, State: c.State(), Reason: c.SuspendedFor, Created: c.Created.UTC(),
		Page: s.cfg.Web.URL + "/city/" + c.Slug, Mail: c.Slug + "@" + s.cfg.Mail.Domain}
	if !c.Deleted.IsZero() {
		gone := manage.GoneAfter(c).UTC()
		changed.GoneAfter = &gone
	}
	return changed
}

// listedCity is a city in a list as scripts read it.
type listedCity struct {
	changedCity
	Reports     int        `json:"reports"` // that passed within seven days
	LastReport  *time.Time `json:"last_report"`
	Subscribers int        `json:"subscribers"`
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
		all[i] = listedCity{changedCity: s.changedCity(o.City), Reports: o.Reports, Subscribers: o.Subscribers}
		if !o.Last.IsZero() {
			last := o.Last.UTC()
			all[i].LastReport = &last
		}
	}
	return all
}
