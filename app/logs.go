package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ticketfrei/db"
	"ticketfrei/manage"
)

// logsCommand shows what bots have logged.
type logsCommand struct {
	settingsFlags
	jsonFlag
	Follow  bool          `short:"f" help:"Go on with what is logged from now on."`
	City    string        `help:"Only bots of this city." placeholder:"SLUG"`
	Network string        `help:"Only bots of this network." placeholder:"NAME"`
	Level   string        `enum:"info,warn,error" default:"info" help:"The least level: info, warn or error." placeholder:"LEVEL"`
	Since   time.Duration `help:"Only what was logged within that time, such as 15m or 24h." placeholder:"TIME"`
	Lines   int           `short:"n" default:"200" help:"How many lines at most of those that there are." placeholder:"N"`
}

// listedLine is a line as scripts read it: one JSON object a line.
type listedLine struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	City    string    `json:"city"`
	Network string    `json:"network"`
	Bot     int64     `json:"bot"`
	Text    string    `json:"text"`
}

// followEvery is how often the database is asked for new lines.
const followEvery = time.Second

// followAtOnce is how many new lines are read at once.
const followAtOnce = 1000

// Run prints the lines, the oldest first.
func (cmd *logsCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		f := manage.LogFilter{City: cmd.City, Network: cmd.Network, Level: cmd.Level, Limit: max(cmd.Lines, 1)}
		if cmd.Since > 0 {
			f.Since = time.Now().Add(-cmd.Since)
		}
		list, err := s.cities.Logs(c.ctx, f)
		if err != nil {
			return noCity(cmd.City, err)
		}
		if len(list) == 0 && !cmd.Follow {
			fmt.Fprintln(c.stderr, "no bot has logged anything of the kind")
		}
		if err := cmd.print(c, list); err != nil || !cmd.Follow {
			return err
		}
		return cmd.follow(c, s, f, list)
	})
}

// follow prints what is new until the command is interrupted.
func (cmd *logsCommand) follow(c *console, s *server, f manage.LogFilter, seen []db.CityLogLine) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	f.Limit, f.After = followAtOnce, 1
	for {
		for _, l := range seen {
			f.After = max(f.After, l.ID)
		}
		select {
		case <-c.ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if seen, err = s.cities.Logs(c.ctx, f); err != nil {
			if c.ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := cmd.print(c, seen); err != nil {
			return err
		}
	}
}

// print prints lines that are the newest first.
func (cmd *logsCommand) print(c *console, list []db.CityLogLine) error {
	for _, l := range slices.Backward(list) {
		var err error
		if cmd.JSON {
			err = json.NewEncoder(c.stdout).Encode(listedLine{l.At.UTC(), strings.ToLower(l.Level), l.Slug, l.Network, l.BotID, l.Text})
		} else {
			_, err = fmt.Fprintf(c.stdout, "%s  %-5s  %s %s %d  %s\n", l.At.Local().Format("2006-01-02 15:04:05"), l.Level, l.Slug, l.Network, l.BotID, l.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
