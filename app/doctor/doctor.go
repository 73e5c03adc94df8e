// Package doctor looks at what a server needs from the world around it, and says
// what is wrong and what to do: DNS, mail out and in, the pages from outside, the
// machine. It also knows the records that DNS should have.
package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
	"ticketfrei/internal/mailer"
)

// checkTimeout bounds each check. They run at the same time.
const checkTimeout = 10 * time.Second

// Level says how bad something is.
type Level int

// The levels, from good to bad, are the exit codes of the command.
const (
	OK Level = iota
	Warning
	Wrong
)

func (l Level) String() string { return [...]string{"ok", "warning", "wrong"}[l] }

// Result is what was found about one thing. It holds no secrets.
type Result struct {
	Level Level
	What  string // what was looked at, such as "MX of example.org"
	Found string // what was found, in plain words
	Todo  string // what to do about it; empty where nothing is to be done
}

// String is the result as one line.
func (r Result) String() string {
	line := fmt.Sprintf("%-8s %s: %s", r.Level, r.What, r.Found)
	if r.Todo != "" {
		line += " – " + r.Todo
	}
	return line
}

// Options is what the checks need.
type Options struct {
	Config *config.Config
	Mailer *mailer.Mailer
	Keys   *dkim.Keys    // nil: not known
	DNS    *net.Resolver // asked for everything that is in DNS
	// Instance is what this program's pages say of themselves, and no other's: see
	// frontend.InstanceHeader. Empty: not known.
	Instance string
	Sender   string // the address of some city
	To       string // a domain whose mail server is tried in direct mode; empty: none
	// Addresses are the public ones of this machine, as far as they can be seen.
	Addresses []netip.Addr
	SMTPPort  string // of other servers; empty: 25
	Now       func() time.Time
}

// doctor does the checks.
type doctor struct {
	Options
	host    string // name of the mail server
	domain  string // that of the cities' addresses
	running func() bool
}

// Examine does all checks, and returns what it found in an order that is always the
// same. It takes little more than checkTimeout at most.
func Examine(ctx context.Context, o Options) []Result {
	d := &doctor{Options: o, host: o.Config.Mail.Name(), domain: o.Config.Mail.Domain}
	if d.SMTPPort == "" {
		d.SMTPPort = "25"
	}
	d.running = sync.OnceValue(func() bool { return listens(ctx, o.Config.Web.Listen) })
	checks := d.checks()
	found := make([][]Result, len(checks))
	var group sync.WaitGroup
	for i, check := range checks {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			found[i] = check(ctx)
		})
	}
	group.Wait()
	var all []Result
	for _, list := range found {
		all = append(all, list...)
	}
	return all
}

// checks are in the order in which somebody mends what they find.
func (d *doctor) checks() []func(context.Context) []Result {
	list := []func(context.Context) []Result{d.settings, d.directory, d.disk, d.clock, d.server}
	switch {
	case UnsetMail(d.Config): // which settings says
	case d.local():
		list = append(list, d.localDomain)
	default:
		list = append(list, d.addresses, d.mx, d.spf, d.dkim, d.dmarc, d.alignment, d.reverse, d.portIn)
	}
	list = append(list, d.mailServer, d.portOut)
	if d.Config.Mail.Relay != "" {
		list = append(list, d.relay)
	}
	return append(list, d.web, d.redirect)
}

// local tells whether mail has no domain that others could know.
func (d *doctor) local() bool { return !config.IsPublic(d.domain) }

// direct tells whether mail goes to others from this machine's own address.
func (d *doctor) direct() bool { return isDirect(d.Config.Mail) }

// settings are what has to be set, and what check-config warns of.
func (d *doctor) settings(context.Context) []Result {
	list := Unset(d.Config)
	for _, w := range d.Config.Warnings {
		r := Result{Warning, "setting " + w.Key, w.Problem, w.Hint}
		if !slices.ContainsFunc(list, func(said Result) bool { return said.What == r.What }) {
			list = append(list, r)
		}
	}
	if list == nil {
		list = []Result{{OK, "settings", "they fit together", ""}}
	}
	return list
}

func (d *doctor) localDomain(context.Context) []Result {
	return []Result{{Warning, "setting mail.domain", d.domain + " is known on this machine alone: no mail from outside reaches the cities, and DNS was not looked at",
		`set it to the domain of their addresses, such as "ticketfrei.example.org"`}}
}
