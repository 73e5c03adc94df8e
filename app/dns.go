package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
)

type dnsCommand struct {
	settingsFlags
	jsonFlag
}

// listedRecord is a record as scripts read it.
type listedRecord struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Value  string `json:"value"`
	Why    string `json:"why"`
	Advice bool   `json:"advice,omitempty"` // to be filled in, or asked the hoster for
}

// lookTimeout bounds how long DNS is asked for the server's addresses.
const lookTimeout = 5 * time.Second

// Run prints the records that DNS needs. It makes nothing: what cannot be known yet is
// missing, and the exit code is not 0 then.
func (cmd *dnsCommand) Run(c *console) error {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	if doctor.UnsetMail(cfg) {
		fmt.Fprintln(c.stderr, "ticketfrei: there is nothing to print yet:")
		for _, r := range doctor.Unset(cfg) {
			fmt.Fprintln(c.stderr, r)
		}
		return exitCode(exitUsage)
	}
	keys, missing := lookForKeys(c.ctx, cfg, definitions)
	records := doctor.Records(cfg, keys, serverAddresses(c, cfg))
	if cmd.JSON {
		if err := printRecords(c, records); err != nil || missing == nil {
			return err
		}
		return fmt.Errorf("the records of DKIM are missing: %w", missing)
	}
	fmt.Fprintf(c.stdout, "; What DNS needs for %s, as in a zone file. Lines that begin with ; are comments.\n", cfg.Mail.Domain)
	if !config.IsPublic(cfg.Mail.Domain) {
		fmt.Fprintln(c.stdout, "; These are of no use before mail.domain is set to a domain that others know.")
	}
	if doctor.UnsetURL(cfg) {
		fmt.Fprintf(c.stdout, "; The record of the pages is missing: web.url is %s. Set it, and run this again.\n", cfg.Web.URL)
	}
	if missing != nil {
		fmt.Fprintf(c.stdout, "; The records of DKIM are missing: %v.\n", missing)
	}
	if err := doctor.WriteZone(c.stdout, records); err != nil || missing == nil {
		return err
	}
	return fmt.Errorf("the records of DKIM are missing: %w", missing)
}

func printRecords(c *console, records []doctor.Record) error {
	list := make([]listedRecord, len(records))
	for i, r := range records {
		list[i] = listedRecord(r)
	}
	return printJSON(c.stdout, list)
}

// lookForKeys returns the keys that mails are signed with, or why they are not known.
func lookForKeys(ctx context.Context, cfg *config.Config, definitions []bots.Definition) (*dkim.Keys, error) {
	const start = `the keys are made when the server starts for the first time: start it ("ticketfrei serve"), then run this again`
	v, err := openView(ctx, cfg, definitions)
	if errors.Is(err, errNoDatabase) {
		return nil, fmt.Errorf("%w; %s", err, start)
	}
	if err != nil {
		return nil, err
	}
	defer v.Close()
	keys, err := storedKeys(ctx, v.Secrets(v.box))
	switch {
	case err == nil:
		return keys, nil
	case v.other != nil:
		return nil, v.other
	case errors.Is(err, db.ErrNotFound):
		return nil, errors.New(start)
	}
	return nil, err
}

// serverAddresses are the public addresses that lead to the server, as far as known: this
// machine's, or else those of its names.
func serverAddresses(c *console, cfg *config.Config) []netip.Addr {
	if own := c.own(); len(own) > 0 {
		return own
	}
	ctx, cancel := context.WithTimeout(c.ctx, lookTimeout)
	defer cancel()
	return doctor.Addresses(ctx, c.resolver(), cfg)
}
