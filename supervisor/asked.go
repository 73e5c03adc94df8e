package supervisor

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/mailer"
)

// How many mails strangers may cause, from all pages of all cities together.
const (
	mailsAnAddress = 3  // a day
	mailsAClient   = 20 // an hour
)

// StoreAsked stores a mail that a stranger has caused: see bots.AccountMails.
func (a *AccountMails) StoreAsked(ctx context.Context, m mailer.Mail, asked bots.Asked) error {
	if err := a.countClient(ctx, visible(asked.Client)); err != nil {
		return err
	}
	limits, err := a.limits(ctx, strings.ToLower(m.To), asked.WayIn)
	if err != nil {
		return err
	}
	switch reached, err := a.db.Count(ctx, limits...); {
	case err != nil:
		return err
	case reached != "":
		a.log.Debug("an address has had the mails of a day that strangers may cause; one more is not sent")
		asked.Nobody = true // the same work: how long it takes tells nothing
	}
	if asked.Nobody {
		m.To = ""
	}
	return a.StoreMail(ctx, m)
}

// countClient counts a mail that a client causes, also one that is not sent because its
// address has had enough: when a client has caused too many must not tell which
// addresses have an account. What a client may not cause does not count for the address.
func (a *AccountMails) countClient(ctx context.Context, client string) error {
	if client == "" {
		return nil
	}
	reached, err := a.db.Count(ctx, db.Limit{Key: a.secrets.Hash("mails of client", client), Max: mailsAClient, Within: time.Hour})
	if err == nil && reached != "" {
		err = bots.ErrTooManyMails
	}
	return err
}

// limits are those of a mail to an address. Of the mails to one that has an account
// one is kept for the way in.
func (a *AccountMails) limits(ctx context.Context, to string, wayIn bool) ([]db.Limit, error) {
	all := db.Limit{Key: a.secrets.Hash("mails to address", to), Max: mailsAnAddress, Within: 24 * time.Hour}
	others := db.Limit{Key: a.secrets.Hash("other mails to address", to), Max: mailsAnAddress, Within: 24 * time.Hour}
	switch _, err := a.db.FindModerator(ctx, to); {
	case err == nil:
		others.Max--
	case !errors.Is(err, db.ErrNotFound):
		return nil, err
	}
	if wayIn {
		return []db.Limit{all}, nil
	}
	return []db.Limit{all, others}, nil
}

// visible returns the client, or nothing where it cannot be told from others, as
// behind a gateway.
func visible(client string) string {
	network, _, _ := strings.Cut(client, "/")
	if ip, err := netip.ParseAddr(network); err != nil || clients.IsGateway(ip) {
		return ""
	}
	return client
}
