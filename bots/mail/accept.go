package mail

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// acceptTimeout bounds the storing of one mail.
const acceptTimeout = 30 * time.Second

// accept decides what becomes of a mail and returns the answer: nil when it
// has done so for good.
func (n *Network) accept(ctx context.Context, from string, to []target, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	cities, postmaster := n.sort(to)
	if postmaster {
		if err := n.keepForPostmaster(raw); err != nil {
			return err
		}
	}
	if len(cities) == 0 {
		return nil
	}
	m, err := parseSafely(raw)
	if err != nil && from != "" {
		return n.refuseMail(err, cities[0].city)
	}
	if m.from == "" {
		m.from = from
	}
	if m.skip == "" {
		if m.skip, err = n.unwanted(ctx, from, m.from); err != nil {
			return n.trouble(err)
		}
	}
	for _, t := range cities {
		if err := n.deliver(ctx, t, m); err != nil {
			return n.trouble(err)
		}
	}
	return nil
}

// sort tells cities, each once, from the postmaster.
func (n *Network) sort(to []target) (cities []target, postmaster bool) {
	type key struct{ city, bounceOf int64 }
	seen := map[key]bool{}
	for _, t := range to {
		k := key{t.city.ID, t.bounceOf}
		if t.postmaster {
			postmaster = true
		} else if !seen[k] {
			cities = append(cities, t)
		}
		seen[k] = true
	}
	return cities, postmaster
}

// parseSafely is parse, where a mail that the reader stumbles over is one that
// cannot be read.
func parseSafely(raw []byte) (m incoming, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = incoming{}, fmt.Errorf("%w: panic: %v\n%s", errUnreadable, p, debug.Stack())
		}
	}()
	return parse(raw)
}

// refuseMail tells the sender's server why a mail is not taken.
func (n *Network) refuseMail(err error, city report.City) error {
	for cause, id := range map[error]string{
		errComplicated: "mail.refused.complicated",
		errEncrypted:   "mail.refused.encrypted",
		errOnlyFiles:   "mail.refused.files",
	} {
		if errors.Is(err, cause) {
			return n.refuse(554, smtp.EnhancedCode{5, 6, 0}, city, id)
		}
	}
	n.host.Log.Debug("mail server: a mail could not be read", "error", err)
	return n.refuse(554, smtp.EnhancedCode{5, 6, 0}, city, "mail.refused.unreadable")
}

// unwanted says why the senders of a mail make it no report: a word for the
// log, or "".
func (n *Network) unwanted(ctx context.Context, envelope, author string) (string, error) {
	if envelope == "" || isMachine(envelope) {
		return "bounce", nil
	}
	for _, address := range []string{envelope, author} {
		ours, err := n.isOurs(ctx, address)
		if err != nil || ours {
			return "our own", err
		}
	}
	return "", nil
}

// isOurs says whether an address is the program's or a city's.
func (n *Network) isOurs(ctx context.Context, address string) (bool, error) {
	if strings.EqualFold(address, n.host.Config.Mail.From) {
		return true, nil
	}
	local, domain, _ := strings.Cut(address, "@")
	if !strings.EqualFold(domain, n.host.Config.Mail.Domain) {
		return false, nil
	}
	slug, _, _ := strings.Cut(local, "+")
	_, err := n.host.DB.FindCity(ctx, slug)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// deliver hands the mail over to one city.
func (n *Network) deliver(ctx context.Context, t target, m incoming) error {
	if t.bounceOf != 0 {
		return n.takeBounce(ctx, t, m)
	}
	if m.skip != "" {
		n.host.Log.Debug("mail server: a mail is no report", "city", t.city.Slug, "reason", m.skip)
		return nil
	}
	return n.host.Relay.Hear(ctx, t.bot, bots.Incoming{
		ID:         m.id(),
		Author:     m.from,
		Text:       m.text,
		Visibility: report.Private,
	})
}

// takeBounce counts a delivery report that gives a subscriber up. What else
// comes to such an address is nothing that anybody wrote.
func (n *Network) takeBounce(ctx context.Context, t target, m incoming) error {
	if m.failures == 0 {
		return nil
	}
	removed, err := n.bounced(ctx, t.bot.ID, t.bounceOf)
	if removed {
		n.host.Log.Info("mail: a subscriber whose mails came back was removed", "city", t.city.Slug)
	}
	return err
}

// id names the mail: the same one, sent again, has the same id. It is a hash,
// since a Message-ID often tells more of its author than they know.
func (m incoming) id() string {
	name := strings.Trim(m.header.get("Message-ID"), "<> \t")
	if name == "" {
		name = strings.Join([]string{m.from, m.header.get("Date"), m.text}, "\n")
	}
	sum := sha256.Sum256([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
