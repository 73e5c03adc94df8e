package mail

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// acceptTimeout bounds the storing of one mail.
const acceptTimeout = 30 * time.Second

// envelope is what is known of a mail before it is read.
type envelope struct {
	client netip.Addr // who brings it; the zero Addr where that cannot be known
	from   string     // in lower case; empty for what mail servers write
	to     []target
}

// accept decides what becomes of a mail and returns the answer: nil when it
// has done so for good.
func (n *Network) accept(ctx context.Context, e envelope, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	var err error
	if e.to, err = n.endSubscriptions(ctx, e.to); err != nil {
		return n.trouble(err)
	}
	cities, operator := sortTargets(e.to)
	m, err := mailtext.Read(l.raw, n.textEnvelope(e))
	if operator.wants(m, err) {
		if err := n.keepForOperator(ctx, l.raw); err != nil {
			return n.trouble(err)
		}
	}
	if err := n.takeComplaint(ctx, m.Complaint); err != nil {
		return n.trouble(err)
	}
	cities, refused, troubled := n.takeSamples(ctx, cities, e, l)
	switch {
	case troubled != nil:
		return troubled
	case len(cities) == 0:
		return refused
	}
	return n.acceptAtCities(ctx, e, cities, m, err, l)
}

// acceptAtCities is accept for the addresses of cities. The mail was read as m, or
// could not be read because of unread.
func (n *Network) acceptAtCities(ctx context.Context, e envelope, cities []target, m mailtext.Message, unread error, l letter) (err error) {
	if unread == nil && m.Skip == "" {
		if m.Skip, err = n.unwanted(ctx, e.from, m.Author); err != nil {
			return n.trouble(err)
		}
	}
	if m.Skip == "" {
		if cities, err = n.fromPeople(cities); err != nil {
			return err
		}
	}
	if unread != nil {
		return n.refuseMail(unread, cities)
	}
	e.to = cities
	m.ID = n.identity(m.ID, l.raw)
	m.Gone = m.Gone && e.from == "" // so are bounces; others are made up
	return n.acceptRead(ctx, e, m, l)
}

// fromPeople returns whom a mail of a person is for: at an address that takes bounces
// its city, as some programs answer the sender of the envelope. The error is the
// answer where no city takes reports.
func (n *Network) fromPeople(to []target) (cities []target, err error) {
	var refused error
	for _, t := range to {
		t.bounceOf = 0
		if closed := n.closed(t); closed != nil {
			refused = closed
			continue
		}
		cities = append(cities, t)
	}
	if len(cities) == 0 {
		return nil, refused
	}
	cities, _ = sortTargets(cities)
	return cities, nil
}

// acceptRead is accept of a mail that was read.
func (n *Network) acceptRead(ctx context.Context, e envelope, m mailtext.Message, l letter) error {
	cities := e.to
	unverified, err := n.origin(ctx, e, m, l)
	if err != nil {
		n.ignore(cities, "forged")
		return err
	}
	if goesOn, err := n.obey(ctx, cities, &m, unverified); err != nil || !goesOn {
		return err
	}
	if m.Skip != "" {
		n.ignore(cities, m.Skip)
	}
	for _, t := range cities {
		err := n.deliver(ctx, t, m, unverified)
		if errors.Is(err, db.ErrPaused) { // since a moment ago
			return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, t.city, "mail.refused.paused")
		}
		if err != nil {
			return n.trouble(err)
		}
	}
	return nil
}

// endSubscriptions ends those that a mail's addresses name, whatever it says, and returns
// the other addresses.
func (n *Network) endSubscriptions(ctx context.Context, to []target) (others []target, err error) {
	for _, t := range to {
		if t.endOf == 0 {
			others = append(others, t)
		} else if err := n.subscribers.Remove(ctx, t.bot.ID, t.endOf); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// identity is the id of a mail. One that has neither a Message-ID nor a date is
// another one an hour later, as the same words may be new then; its server, which was
// not sure of our answer, sends it again before.
func (n *Network) identity(id string, raw []byte) string {
	if mailtext.IsNamed(raw) {
		return id
	}
	return id + n.host.Now().UTC().Format(" 2006010215")
}

// textEnvelope is what the reader of a mail knows of its envelope.
func (n *Network) textEnvelope(e envelope) mailtext.Envelope {
	t := mailtext.Envelope{From: e.from, Domains: n.host.Config.Mail.Taken()}
	for _, to := range e.to {
		if to.city.ID != 0 {
			t.To = append(t.To, n.address(to.city))
		}
	}
	return t
}

// sortTargets tells cities, each once, from the addresses of the operator.
func sortTargets(to []target) (cities []target, operator operator) {
	type key struct {
		city, bounceOf int64
		sample         bool
	}
	seen := map[key]bool{}
	for _, t := range to {
		k := key{t.city.ID, t.bounceOf, t.sample}
		operator = max(operator, t.operator)
		if t.operator == nobody && !seen[k] {
			cities = append(cities, t)
		}
		seen[k] = true
	}
	return cities, operator
}

// refuseMail tells the sender's server why a mail is not taken.
func (n *Network) refuseMail(err error, cities []target) error {
	reason := refusalOf(err)
	n.ignore(cities, reason)
	n.host.Log.Debug("mail server: a mail could not be read", "reason", reason) // the error may quote it
	return n.refuse(554, smtp.EnhancedCode{5, 6, 0}, cities[0].city, "mail.refused."+reason)
}

// refusalOf is the word for why a mail cannot be read: one of refusals.
func refusalOf(err error) string {
	for cause, reason := range map[error]string{
		mailtext.ErrComplicated: "complicated",
		mailtext.ErrEncrypted:   "encrypted",
		mailtext.ErrOnlyFiles:   "files",
		mailtext.ErrWinmail:     "winmail",
		mailtext.ErrAbsence:     "absence",
		mailtext.ErrNothing:     "nothing",
		mailtext.ErrEmpty:       "empty",
	} {
		if errors.Is(err, cause) {
			return reason
		}
	}
	return "unreadable"
}

// unwanted says why the senders of a mail make it no report, or "". It is one of
// mailtext.Skips.
func (n *Network) unwanted(ctx context.Context, envelope, author string) (string, error) {
	for _, address := range []string{envelope, author} {
		ours, err := n.isOurs(ctx, address)
		if err != nil || ours {
			return mailtext.SkipOwn, err
		}
	}
	return "", nil
}

// isOurs says whether an address is the program's or a city's.
func (n *Network) isOurs(ctx context.Context, address string) (bool, error) {
	if strings.EqualFold(address, n.host.Config.Mail.From) {
		return true, nil
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !n.host.Config.Mail.Takes(address[at+1:]) {
		return false, nil
	}
	local, _, _ := strings.Cut(address[:at], "+")
	city, _, err := n.cities.find(ctx, local)
	if errors.Is(err, db.ErrNotFound) {
		return city.ID != 0, nil
	}
	return err == nil, err
}

// deliver hands the mail over to one city.
func (n *Network) deliver(ctx context.Context, t target, m mailtext.Message, unverified *bots.Origin) error {
	if t.bounceOf != 0 {
		return n.takeBounce(ctx, t, m)
	}
	if m.Skip != "" {
		n.host.Log.Debug("mail server: a mail is no report", "city", t.city.Slug, "reason", m.Skip)
		return nil
	}
	if unverified == nil {
		if err := n.wake(ctx, t.bot.ID, m.Author); err != nil {
			n.host.Log.Warn("mail: who writes again is not sent to again", "err", err)
		}
	}
	in := bots.Incoming{
		ID:         m.ID,
		Author:     m.Author,
		Text:       m.Text,
		Visibility: report.Private,
		Language:   m.Language,
		Unverified: unverified,
	}
	if unverified == nil {
		in.Answer = n.answering(t, m)
	}
	err := n.host.Hearer.Hear(ctx, t.bot, in)
	if err == nil && m.Files && unverified == nil {
		if err := n.tellOfPictures(ctx, t, m.Author); err != nil {
			// The report is taken all the same.
			n.host.Log.Warn("mail server: somebody is not told that pictures stay behind", "err", err)
		}
	}
	return err
}

// takeBounce counts a delivery report that gives a subscriber up. What else
// comes to such an address is nothing that anybody wrote.
func (n *Network) takeBounce(ctx context.Context, t target, m mailtext.Message) error {
	if !m.Gone {
		return nil
	}
	suspended, err := n.strike(ctx, t.bot.ID, t.bounceOf, strikeBounce)
	if suspended {
		n.host.Log.Info("mail: a subscriber whose mails come back is sent none for now", "city", t.city.Slug)
	}
	return err
}
