package app

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"os"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/freeport"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// demoPlaces are lines and stops of the sample city.
//
//go:embed demo_places.txt
var demoPlaces string

// What the demo is made of.
const (
	demoSlug     = "nuernberg"
	demoName     = "Nürnberg"
	demoEmail    = "moderator@example.org"
	demoPassword = "ticketfrei-demo"
	demoText     = "U1 Plärrer, 2 Kontis Richtung Fürth"
	// demoTimeout bounds how long the demo's own report may take.
	demoTimeout = 20 * time.Second
)

type demoCommand struct {
	devFlag
	Once bool `help:"Stop when the demo's own report has arrived."`
}

// demo is a running demo.
type demo struct {
	*console
	server *server
	city   report.City
	smtp   string // address of the mail server
}

// Run runs the real server in a temporary directory, with stand-ins for the
// networks on loopback, and sends one report through it.
func (cmd *demoCommand) Run(c *console) error {
	source, err := cmd.sourceTree()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ticketfrei-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	definitions := all.Networks()
	cfg, err := demoConfig(c.defaults, "", dir, definitions)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := newServer(c.ctx, cfg, definitions, log, mode{demo: true, source: source, undo: manage.UndoFor})
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	d := &demo{console: c.with(ctx), server: s, smtp: s.addresses["mail"]}
	if err := d.prepare(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	d.welcome()
	err = d.show()
	if cmd.Once || err != nil {
		stop()
	}
	return errors.Join(err, <-ended)
}

// demoConfig returns the demo's settings: the defaults and those of a file, if one is
// named, but on loopback, in dir, and with outgoing mail going to the demo's own mailbox.
func demoConfig(defaults []byte, file, dir string, definitions []bots.Definition) (*config.Config, error) {
	cfg, err := config.Load(config.Source{Defaults: defaults, File: file, Sections: sections(definitions)})
	if err != nil {
		return nil, err
	}
	cfg.Data, cfg.Secret, cfg.SecretFile, cfg.Database = dir, "", "", config.Database{}
	cfg.Web.ACME, cfg.Web.TrustedProxies = "", nil
	cfg.Mail.RelayPasswordFile, cfg.Mail.TLSCert, cfg.Mail.TLSKey = "", "", ""
	cfg.Network.AllowPrivate = true
	for _, a := range []struct {
		address   *string
		preferred string
	}{
		{&cfg.Web.Listen, devAddress},
		{&cfg.Mail.Listen, "127.0.0.1:2525"},
		{&cfg.Mail.Relay, "127.0.0.1:2526"},
		{&cfg.Metrics.Listen, "127.0.0.1:9464"},
	} {
		if *a.address, err = freeAddress(a.preferred); err != nil {
			return nil, err
		}
	}
	cfg.Web.URL = "http://" + strings.Replace(cfg.Web.Listen, "127.0.0.1", "localhost", 1)
	cfg.Mail.Relay = "smtp://" + cfg.Mail.Relay
	return cfg, nil
}

// freeAddress returns preferred if nobody listens there, otherwise an address
// with a free port.
func freeAddress(preferred string) (string, error) {
	l, err := net.Listen("tcp", preferred)
	if err != nil {
		return freeport.Address()
	}
	return preferred, l.Close()
}

// prepare creates the sample city and starts the stand-ins of the networks.
func (d *demo) prepare() error {
	hash, err := manage.HashPassword(demoPassword)
	if err != nil {
		return err
	}
	moderator, err := d.server.db.CreateModerator(d.ctx, demoEmail, hash)
	if errors.Is(err, db.ErrTaken) {
		return d.prepareAgain()
	}
	if err != nil {
		return err
	}
	made, err := d.server.cities.Create(d.ctx, manage.NewCity{Slug: demoSlug, Name: demoName, Language: demoLanguage(), Owner: moderator.ID})
	if err != nil {
		return err
	}
	d.city = made.City
	if _, err := d.server.db.AddOperator(d.ctx, demoEmail); err != nil { // to look at the pages of the operator too
		return err
	}
	if _, err := d.server.cities.SavePlaces(d.ctx, d.city.ID, demoPlaces, ""); err != nil {
		return err
	}
	return d.startStandIns()
}

// prepareAgain takes the sample city as an earlier run has left it, but for the bots of
// the stand-ins, which are gone.
func (d *demo) prepareAgain() (err error) {
	if d.city, err = d.server.db.FindCity(d.ctx, demoSlug); err != nil {
		return err
	}
	list, err := d.server.db.CityBots(d.ctx, d.city.ID)
	if err != nil {
		return err
	}
	for _, b := range list {
		_, shows := d.server.networks[b.Network].(bots.Demo)
		stays := slices.ContainsFunc(d.server.definitions, func(def bots.Definition) bool { return def.Name == b.Network && def.Everywhere })
		if !shows || stays {
			continue
		}
		if err := d.server.cities.Disconnect(d.ctx, b); err != nil {
			return err
		}
	}
	return d.startStandIns()
}

// startStandIns starts the stand-ins of the networks, each with its page.
func (d *demo) startStandIns() error {
	for name, network := range d.server.networks {
		n, ok := network.(bots.Demo)
		if !ok {
			continue
		}
		page, err := n.StartDemo(d.ctx, d.server.site, d.city)
		if err != nil {
			return fmt.Errorf("demo of network %s: %w", name, err)
		}
		d.server.site.HandleDemo(name, page)
	}
	return nil
}

// demoLanguage is German if the terminal's language is.
func demoLanguage() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "de") {
				return "de"
			}
			return "en"
		}
	}
	return "en"
}

func (d *demo) welcome() {
	url := d.server.cfg.Web.URL
	fmt.Fprintf(d.stdout, `Ticketfrei demo: everything in a temporary directory, nothing leaves this machine.

  Start page   %[1]s/
  City page    %[1]s/city/%[2]s
`, url, demoSlug)
	for _, def := range d.server.definitions {
		if _, ok := d.server.networks[def.Name].(bots.Demo); ok {
			fmt.Fprintf(d.stdout, "  %-12s %s/demo/%s\n", def.Name, url, def.Name)
		}
	}
	fmt.Fprintf(d.stdout, `  Log in       %[1]s/login   %[2]s   password: %[3]s

Send a report yourself:

  printf 'Subject: Kontrolle\n\nU2 Rathenauplatz, 3 Kontis\n' | curl -sS --url smtp://%[4]s --mail-from me@example.org --mail-rcpt %[5]s@%[6]s --upload-file -

Then look at the city page: %[1]s/city/%[5]s

`, url, demoEmail, demoPassword, d.smtp, demoSlug, d.server.cfg.Mail.Domain)
}

// show sends one report by mail and prints where it goes.
func (d *demo) show() error {
	start := time.Now()
	message := fmt.Sprintf("From: rider@example.org\r\nTo: %[1]s@%[2]s\r\nSubject: \r\nMessage-ID: <demo-%[3]d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%[4]s\r\n",
		demoSlug, d.server.cfg.Mail.Domain, start.UnixNano(), demoText)
	fmt.Fprintf(d.stdout, "A rider mails %q:\n", demoText)
	if err := sendMail(d.smtp, "rider@example.org", demoSlug+"@"+d.server.cfg.Mail.Domain, []byte(message)); err != nil {
		return fmt.Errorf("send the demo's report: %w", err)
	}
	d.step(start, time.Now(), "received by mail")
	ctx, cancel := context.WithTimeout(d.ctx, demoTimeout)
	defer cancel()
	if err := d.follow(ctx, start); err != nil {
		if d.ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("the demo's report did not arrive: %w", err)
	}
	fmt.Fprintln(d.stdout, "\nPress Ctrl+C to stop.")
	return nil
}

// sendMail hands a mail to a server of ours on this machine. It does so without
// TLS, for which that has a certificate that nobody knows.
func sendMail(address, from, to string, message []byte) error {
	c, err := smtp.Dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func (d *demo) step(start, at time.Time, what string) {
	fmt.Fprintf(d.stdout, "  %4d ms  %s\n", at.Sub(start).Milliseconds(), what)
}

// follow prints what happens to the report until every delivery has ended.
func (d *demo) follow(ctx context.Context, start time.Time) error {
	passed, err := d.passed(ctx)
	if err != nil {
		return err
	}
	d.step(start, time.Now(), "passed the censor, trigger: "+passed.Verdict.Detail)
	expected, err := d.expected(ctx, passed.Report)
	if err != nil {
		return err
	}
	for len(expected) > 0 {
		counts, err := d.server.db.CountsByBot(ctx, passed.Report.ID)
		if err != nil {
			return err
		}
		expected = slices.DeleteFunc(expected, func(e *expectation) bool { return e.follow(d, start, counts[e.bot.ID]) })
		if err := wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// expectation is what one bot has to send.
type expectation struct {
	bot        report.Bot
	recipients []int64
	seen       db.Counts
}

// follow prints what has ended since it was called last, and tells whether all has.
func (e *expectation) follow(d *demo, start time.Time, now db.Counts) (done bool) {
	e.print(d, start, db.Sent, e.seen.Sent, now.Sent)
	e.print(d, start, db.Failed, e.seen.Failed, now.Failed)
	e.print(d, start, db.Expired, e.seen.Expired, now.Expired)
	e.seen = now
	return now.Sent+now.Failed+now.Expired >= len(e.recipients)
}

func (e *expectation) print(d *demo, start time.Time, result db.Result, before, now int) {
	for n := before + 1; n <= now; n++ {
		to := "posted for everybody to see"
		if e.recipients[0] != 0 {
			to = fmt.Sprintf("#%d of %d", n, len(e.recipients))
		}
		d.step(start, time.Now(), fmt.Sprintf("%s: %s, %s", result, e.bot.Network, to))
	}
}

// passed waits until the censor has passed the report.
func (d *demo) passed(ctx context.Context) (db.Judged, error) {
	for {
		list, err := d.server.db.Reports(ctx, d.city.ID, true, time.Hour, 1)
		if err != nil {
			return db.Judged{}, err
		}
		if len(list) == 1 {
			return list[0], nil
		}
		if err := wait(ctx); err != nil {
			return db.Judged{}, err
		}
	}
}

// expected returns what the bots of the city have to send of a report.
func (d *demo) expected(ctx context.Context, r report.Report) ([]*expectation, error) {
	cityBots, err := d.server.db.CityBots(ctx, d.city.ID)
	if err != nil {
		return nil, err
	}
	var list []*expectation
	for _, b := range cityBots {
		recipients, err := d.server.relay.Recipients(ctx, b, r)
		if err != nil {
			return nil, err
		}
		if len(recipients) > 0 {
			list = append(list, &expectation{bot: b, recipients: recipients})
		}
	}
	return list, nil
}

// wait pauses between two looks at the database.
func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Millisecond):
		return nil
	}
}
