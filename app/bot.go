package app

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// botCommand is about the bots of all cities.
type botCommand struct {
	List    botListCommand    `cmd:"" help:"List the bots, those in trouble first."`
	Enable  botEnableCommand  `cmd:"" help:"Switch a bot on."`
	Disable botDisableCommand `cmd:"" help:"Switch a bot off."`
}

type botListCommand struct {
	settingsFlags
	jsonFlag
	City    string `help:"Only those of this city." placeholder:"SLUG"`
	Network string `help:"Only those of this network." placeholder:"NAME"`
	State   string `enum:",starting,running,trouble,attention,off" default:"" help:"Only those: starting, running, trouble, attention (only a moderator can help) or off." placeholder:"STATE"`
}

// listedBot is a bot as scripts read it.
type listedBot struct {
	ID       int64           `json:"id"`
	City     string          `json:"city"`
	Network  string          `json:"network"`
	Enabled  bool            `json:"enabled"`
	State    report.BotState `json:"state"`
	Trouble  string          `json:"trouble,omitempty"`
	Since    *time.Time      `json:"since,omitempty"` // when that was last so
	Limit    string          `json:"limit,omitempty"` // what it works without
	Restarts int             `json:"restarts"`
}

// Run lists the bots.
func (cmd *botListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		list, err := s.cities.EveryBot(c.ctx, manage.BotFilter{City: cmd.City, Network: cmd.Network, State: report.BotState(cmd.State)})
		if err != nil {
			return noCity(cmd.City, err)
		}
		all := make([]listedBot, len(list))
		for i, b := range list {
			all[i] = listedBot{ID: b.ID, City: b.City.Slug, Network: b.Network, Enabled: b.Enabled, State: b.Now(), Limit: b.Limit(), Restarts: b.Restarts}
			if b.InTrouble() {
				all[i].Trouble, all[i].Since = b.LastError, timeOrNone(b.ErrorAt)
			}
		}
		if cmd.JSON {
			return printJSON(c.stdout, all)
		}
		if len(all) == 0 {
			fmt.Fprintln(c.stderr, "There are no such bots.")
			return nil
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tCITY\tNETWORK\tSTATE\tRESTARTS\tTROUBLE")
		for _, b := range all {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\n", b.ID, b.City, b.Network, b.State, b.Restarts, b.Trouble)
		}
		return w.Flush()
	})
}

type botEnableCommand struct{ botSwitch }

// Run switches the bot on.
func (cmd *botEnableCommand) Run(c *console) error { return cmd.enable(c, true) }

type botDisableCommand struct{ botSwitch }

// Run switches the bot off.
func (cmd *botDisableCommand) Run(c *console) error { return cmd.enable(c, false) }

// botSwitch says which bot is switched.
type botSwitch struct {
	settingsFlags
	jsonFlag
	ID int64 `arg:"" help:"Number of the bot: ticketfrei bot list has it."`
}

// switchedBot is a bot that was switched as scripts read it.
type switchedBot struct {
	ID      int64  `json:"id"`
	City    string `json:"city"`
	Network string `json:"network"`
	Enabled bool   `json:"enabled"`
}

func (a botSwitch) enable(c *console, on bool) error {
	return a.withCities(c, func(c *console, s *server) error {
		b, err := s.cities.EnableAny(c.ctx, a.ID, on)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("there is no bot %d (see ticketfrei bot list)", a.ID)
		}
		if err != nil {
			return err
		}
		now := switchedBot{b.ID, s.db.Slug(c.ctx, b.CityID), b.Network, on}
		return a.tell(c, now, "bot %d (%s of %s) is %s\n", b.ID, b.Network, now.City, either(on, "on", "off"))
	})
}

// noCity says how to find a city where err is that there is none with that slug.
func noCity(slug string, err error) error {
	if slug != "" && errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is no city %s (see ticketfrei city list)", slug)
	}
	return err
}

// timeOrNone is a time as scripts read it; nil where it is zero.
func timeOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
