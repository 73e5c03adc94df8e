package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
)

type doctorCommand struct {
	settingsFlags
	To string `help:"Domain whose mail server is tried where mail goes to each recipient's server directly; no mail is sent." placeholder:"DOMAIN"`
}

// doctorTimeout bounds the whole examination.
const doctorTimeout = 45 * time.Second

// Run looks at what the server needs, and prints a line for each thing. The exit code
// is 0 if all is well, 1 with warnings, 2 if something is wrong.
func (cmd *doctorCommand) Run(c *console) error {
	ctx, cancel := context.WithTimeout(c.ctx, doctorTimeout)
	defer cancel()
	results := cmd.examine(c.with(ctx))
	count := map[doctor.Level]int{}
	for _, r := range results {
		count[r.Level]++
		fmt.Fprintln(c.stdout, r)
	}
	fmt.Fprintf(c.stdout, "\n%d wrong, %d to look at, %d fine\n", count[doctor.Wrong], count[doctor.Warning], count[doctor.OK])
	if code := exitCodeOf(results); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// exitCodeOf is how bad the worst result is.
func exitCodeOf(results []doctor.Result) int {
	worst := doctor.OK
	for _, r := range results {
		worst = max(worst, r.Level)
	}
	return int(worst)
}

// examine does the checks; what the settings or the database lack is a result too.
func (cmd *doctorCommand) examine(c *console) []doctor.Result {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		var list []doctor.Result
		for line := range strings.Lines(err.Error()) {
			list = append(list, doctor.Result{Level: doctor.Wrong, What: "settings", Found: strings.TrimSpace(line)})
		}
		return list
	}
	send := mailer.New(cfg, slog.New(slog.DiscardHandler), time.Now)
	defer send.Close()
	o := doctor.Options{Config: cfg, Mailer: send, DNS: c.resolver(), To: cmd.To, Addresses: doctor.OwnAddresses(), Now: time.Now}
	first := lookIntoDatabase(c.ctx, cfg, definitions, &o)
	return append([]doctor.Result{first}, doctor.Examine(c.ctx, o)...)
}

// lookIntoDatabase fills in what the checks need of the database. One that is not there
// yet is not made.
func lookIntoDatabase(ctx context.Context, cfg *config.Config, definitions []bots.Definition, o *doctor.Options) doctor.Result {
	const what = "database"
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); errors.Is(err, fs.ErrNotExist) {
		return doctor.Result{Level: doctor.Warning, What: what, Found: "there is none in " + cfg.Data + " yet", Todo: `start the program ("ticketfrei serve"), which makes it, and look again`}
	}
	unlock, err := lockFile(cfg.Data, "migrate.lock", false)
	if errors.Is(err, errLocked) {
		return doctor.Result{Level: doctor.Warning, What: what, Found: "another program is just opening it or bringing it up to date", Todo: "look again in a minute"}
	}
	if err == nil {
		unlock()
	}
	if err := readDatabase(ctx, cfg, definitions, o); err != nil {
		return doctor.Result{Level: doctor.Wrong, What: what, Found: err.Error(), Todo: "docs/OPERATING.md says more under \"When something is wrong\""}
	}
	return doctor.Result{Level: doctor.OK, What: what, Found: "it can be opened with its secret key"}
}

func readDatabase(ctx context.Context, cfg *config.Config, definitions []bots.Definition, o *doctor.Options) error {
	log := slog.New(slog.DiscardHandler)
	d, box, err := openDatabase(ctx, cfg, definitions, log, false)
	if err != nil {
		return err
	}
	defer d.Close()
	if o.Keys, err = openKeys(ctx, d.Secrets(box), nil, cfg.Mail.Domain, log); err != nil {
		return err
	}
	o.Instance = frontend.Instance(box)
	cities, err := d.Cities(ctx, "", 1)
	if err == nil && len(cities) > 0 {
		o.Sender = cities[0].Slug + "@" + cfg.Mail.Domain
	}
	return err
}
