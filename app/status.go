package app

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// statusCommand says how the server is doing.
type statusCommand struct {
	settingsFlags
	jsonFlag
}

// statusTimeout bounds how long the server may take to say that it can work.
const statusTimeout = 5 * time.Second

// listedStatus is how the server is doing, as scripts read it.
type listedStatus struct {
	OK           bool                      `json:"ok"`
	Problems     []string                  `json:"problems"`
	Reachable    bool                      `json:"reachable"`
	Version      string                    `json:"version"` // of this program
	Running      []string                  `json:"running"` // versions of the processes that run
	Queue        listedQueue               `json:"queue"`
	Mail         []manage.MailVital        `json:"mail_away"`
	Free         int64                     `json:"disk_free_bytes,omitempty"`
	Certificates []manage.CertificateVital `json:"certificates"`
	Backup       *manage.BackupVital       `json:"backup"`
	Cities       map[string]int            `json:"cities"`
	Bots         map[string]int            `json:"bots"`
	Suspended    int                       `json:"suspended_subscribers"`

	onServer bool // the database is, which is backed up there
}

// Run prints how the server is doing. The exit code is 1 where anything is in trouble.
func (cmd *statusCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		l, err := s.status(c.ctx)
		if err != nil {
			return err
		}
		if cmd.JSON {
			err = printJSON(c.stdout, l)
		} else {
			err = l.print(c)
		}
		if err == nil && !l.OK {
			err = exitCode(exitError)
		}
		return err
	})
}

// status asks the server that runs, and the database.
func (s *server) status(ctx context.Context) (listedStatus, error) {
	is, err := s.cities.Status(ctx)
	if err != nil {
		return listedStatus{}, err
	}
	l := listedStatus{Version: version(), Running: append([]string{}, is.Versions...), Queue: listedQueueOf(manage.Queue{All: is.Queue}), Mail: append([]manage.MailVital{}, is.Mail...),
		Free: is.Free, Certificates: append([]manage.CertificateVital{}, is.Certificates...), Backup: is.Backup, Suspended: is.Suspended, Problems: []string{},
		Cities: make(map[string]int), Bots: make(map[string]int), onServer: is.OnServer}
	for state, n := range is.Cities {
		l.Cities[string(state)] = n
	}
	for state, n := range is.Bots {
		l.Bots[string(state)] = n
	}
	asking, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if err := doctor.Ready(asking, s.cfg.Web.Listen); err != nil {
		l.Problems = append(l.Problems, err.Error())
	} else {
		l.Reachable = true
	}
	for _, p := range is.Problems {
		l.Problems = append(l.Problems, p.Say(func(id string, data ...any) string { return s.cities.Letters.Texts.T("en", id, data...) }))
	}
	l.OK = len(l.Problems) == 0
	return l, nil
}

// print prints one screen.
func (l listedStatus) print(c *console) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	line := func(what, found string) { fmt.Fprintf(w, "%s\t%s\n", what, found) }
	line("server", either(l.Reachable, "is ready", "is not ready"))
	line("version", l.Version)
	for _, v := range l.Running {
		if v != l.Version {
			line("", "running: "+v)
		}
	}
	line("reports", waiting(l.Queue.Reports, "to be judged"))
	line("deliveries", waiting(l.Queue.Deliveries, "to be sent"))
	line("mails", waiting(l.Queue.Mails, "to be sent"))
	line("mail", either(len(l.Mail) == 0, "is taken", "is not taken"))
	if l.Free > 0 {
		line("disk", fmt.Sprintf("%d MB free", l.Free>>20))
	}
	for _, one := range l.Certificates {
		line("certificate", one.For+", until "+day(one.Until))
	}
	if len(l.Certificates) == 0 {
		line("certificate", "none that the program holds: a proxy in front has them")
	}
	switch {
	case l.onServer:
		line("backup", "the database is on PostgreSQL: pg_dump")
	case l.Backup != nil:
		line("backup", fmt.Sprintf("%s ago, %d MB", howOld(l.Backup.At), l.Backup.Bytes>>20))
	default:
		line("backup", "none is known")
	}
	line("cities", counted(l.Cities, report.CityOn, report.CityPaused, report.CityWaiting, report.CitySuspended, report.CityDeleted))
	line("bots", counted(l.Bots, report.BotRunning, report.BotStarting, report.BotTrouble, report.BotAttention, report.BotOff))
	line("suspended", fmt.Sprintf("%d subscribers", l.Suspended))
	if err := w.Flush(); err != nil {
		return err
	}
	if l.OK {
		_, err := fmt.Fprintln(c.stdout, "\nAll is well.")
		return err
	}
	_, err := fmt.Fprintln(c.stdout, "\nIn trouble:\n- "+strings.Join(l.Problems, "\n- "))
	return err
}

func waiting(w listedWaiting, what string) string {
	if w.Oldest == nil {
		return "none " + what
	}
	return fmt.Sprintf("%d %s, the oldest %s old", w.Count, what, howOld(*w.Oldest))
}

// counted lists how many there are in each state, in that order.
func counted[S ~string](counts map[string]int, order ...S) string {
	var list []string
	for _, state := range order {
		if n := counts[string(state)]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
