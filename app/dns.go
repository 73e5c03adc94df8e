package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/bots/all"
	"ticketfrei/internal/config"
)

type dnsCommand struct{ settingsFlags }

// lookTimeout bounds how long DNS is asked for the server's addresses.
const lookTimeout = 5 * time.Second

// Run prints the records that DNS needs. The keys for mails are made if there are none.
func (cmd *dnsCommand) Run(c *console) error {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	d, box, err := openDatabase(c.ctx, cfg, definitions, log, false)
	if err != nil {
		return err
	}
	defer d.Close()
	keys, err := openKeys(c.ctx, d.Secrets(box), nil, cfg.Mail.Domain, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, lookTimeout)
	defer cancel()
	addresses := doctor.Addresses(ctx, c.resolver(), cfg)
	fmt.Fprintf(c.stdout, "; What DNS needs for %s, as in a zone file. Lines that begin with ; are comments.\n", cfg.Mail.Domain)
	if !config.IsPublic(cfg.Mail.Domain) {
		fmt.Fprintln(c.stdout, "; These are of no use before mail.domain is set to a domain that others know.")
	}
	return doctor.WriteZone(c.stdout, doctor.Records(cfg, keys, addresses))
}

// resolver is what the commands ask for names.
func (c *console) resolver() *net.Resolver {
	if c.dns != nil {
		return c.dns
	}
	return &net.Resolver{PreferGo: true, StrictErrors: true}
}
