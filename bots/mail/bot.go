// Package mail is the network of mail: reports come to <slug>@<mail domain>
// and go to the subscribers of the city, who confirmed that they want them.
//
// A mail that comes in: one server for all bots (server.go, behind gate) holds a
// dialogue on each connection (session.go) and reads the mail (letter.go). accept.go
// decides what becomes of it: mailtext says what was written in it, verify who wrote it
// (origin.go). Beside reports there are commands (command.go), bounces (strike.go),
// complaints (complaint.go), samples of moderators (sample.go) and mail to the operator
// (postmaster.go). Who reports may be answered (respond.go). What is no report is counted
// (ignored.go), and who sends pictures is told once that they stay behind (pictures.go).
//
// A mail that goes out: Bot.Send here has compose.go write it. Those who chose one mail
// an hour get it from digest.go, with its tables in digestdb.go. What a refusal costs a
// subscriber is in strike.go. Connections are internal/mailer's, of which postmaster.go
// tells the operator when they take no mails.
//
// The pages: webui.go has the routes and the moderators' section, public.go and often.go
// the subscribers' pages, token.go the links and addresses that lead there.
package mail

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"sync"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/mail/verify"
	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Name is the name of the network.
const Name = "mail"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network of mail.
func Definition() bots.Definition {
	return bots.Definition{
		Name:       Name,
		Migrations: migrations,
		Files:      files,
		Everywhere: true,
		New:        func(h bots.Host) (bots.Network, error) { return New(h) },
	}
}

// concurrency is how many mails one bot sends at the same time: a city with
// many subscribers is not slowed down by one slow server, and leaves
// connections to the others.
const concurrency = 8

// Network is the mail of all cities.
type Network struct {
	host        bots.Host
	subscribers *recipients.Store
	cities      *cities
	server      server
	troubles    troubles
	verifier    *verify.Verifier
	postmaster  letterbox
	ignored     ignored
	digests     *digests
	offers      *cache.Cache[int64, digestOffer] // by bot
	answered    pace.Quota
	stop        func() // no longer listens to notices
}

var (
	_ bots.Network          = (*Network)(nil)
	_ bots.Server           = (*Network)(nil)
	_ bots.Recipients       = (*Network)(nil)
	_ bots.SubscriberLister = (*Network)(nil)
	_ bots.Addressed        = (*Network)(nil)
	_ bots.LeavingByLink    = (*Network)(nil)
	_ bots.Spreader         = (*Network)(nil)
	_ bots.Gatherer         = (*Network)(nil)
	_ bots.Tester           = (*Network)(nil)
	_ bots.Demo             = (*Network)(nil)
)

// New returns the network. The error says what is wrong with mail.relay.
func New(h bots.Host) (*Network, error) {
	if err := mailer.CheckRelay(h.Config.Mail.Relay); err != nil {
		return nil, err
	}
	n := &Network{host: h, subscribers: recipients.NewStore(Name, h), cities: newCities(h.DB), verifier: verify.New(h.DNS, h.Log),
		digests: newDigests(), offers: cache.New[int64, digestOffer](maxCities, h.DB.KeptFor())}
	n.stop = h.Notices.OnChanged(n.changed)
	h.Mailer.OnAway(n.tellOperator)
	return n, nil
}

// changed has what is kept of a city read again.
func (n *Network) changed(cityID int64) {
	n.cities.forget(cityID)
	n.offers.Forget(func(_ int64, o digestOffer) bool { return notice.Concerns(cityID, o.cityID) })
}

// Close ends what New has begun.
func (n *Network) Close() error {
	n.stop()
	return nil
}

// t is a text in the language of a city.
func (n *Network) t(city report.City, id string, data ...any) string {
	return n.host.Texts.T(city.Language, id, data...)
}

// address is the mail address of a city.
func (n *Network) address(city report.City) string {
	return city.Slug + "@" + n.host.Config.Mail.Domain
}

// Address returns the city's mail address.
func (n *Network) Address(_ context.Context, city report.City, _ report.Bot) (text, url string, err error) {
	return n.address(city), "mailto:" + n.address(city), nil
}

// Spread marks mail as what several processes may send: see bots.Spreader.
func (*Network) Spread() {}

// Bot returns the mail bot of a city. It reads nothing: what the bot needs of
// its city is read when it sends for the first time.
func (n *Network) Bot(_ context.Context, b report.Bot, _ *slog.Logger) (bots.Bot, error) {
	return &Bot{network: n, bot: b}, nil
}

// Bot is the mail of one city.
type Bot struct {
	network *Network
	bot     report.Bot
	mu      sync.Mutex
	city    *report.City // nil until it is needed
}

var _ bots.Concurrent = (*Bot)(nil)

// Receive returns at once: the server hears for all cities. What waits to be mailed once an
// hour goes on from here.
func (b *Bot) Receive(ctx context.Context, _ func(context.Context, bots.Incoming) error) error {
	return b.network.goOn(ctx, b.bot.ID)
}

// Concurrency is how many mails the bot sends at the same time.
func (b *Bot) Concurrency() int { return concurrency }

// Send mails the report to one subscriber. Somebody who has unsubscribed since
// is not mailed any more. The receipt is empty: nobody can call a mail back.
func (b *Bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	n := b.network
	if d.Recipient == everyDigest {
		return report.Receipt{}, n.queueDigest(ctx, d)
	}
	city, err := b.findCity(ctx)
	if err != nil {
		return report.Receipt{}, err
	}
	s, err := n.subscribers.Get(ctx, b.bot.ID, d.Recipient)
	if errors.Is(err, db.ErrNotFound) {
		return report.Receipt{}, bots.Gone(bots.Say(err, "mail.error.unsubscribed"))
	}
	if errors.Is(err, recipients.ErrSealed) {
		return report.Receipt{}, bots.Permanent(bots.Say(err, "mail.error.sealed"))
	}
	if err != nil {
		return report.Receipt{}, err
	}
	if !s.Suspended.IsZero() { // since the report was on its way
		return report.Receipt{}, bots.Permanent(bots.Say(nil, "mail.error.suspended"))
	}
	may, err := n.choicesOf(ctx, b.bot)
	if err != nil {
		return report.Receipt{}, err
	}
	if err := n.host.Mailer.Send(ctx, n.reportMail(city, b.bot, s, d, may)); err != nil {
		return report.Receipt{}, n.notSent(ctx, s, err)
	}
	if err := n.delivered(ctx, s.ID); err != nil {
		// The mail is out: sending it again would be worse than a count that is
		// too high.
		n.host.Log.Warn("mail: count of failures not reset", "err", err)
	}
	return report.Receipt{}, nil
}

// findCity reads the bot's city once: when the city changes, it gets a new bot.
func (b *Bot) findCity(ctx context.Context) (report.City, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.city == nil {
		city, err := b.network.host.DB.BriefCity(ctx, b.bot.CityID)
		if err != nil {
			return report.City{}, err
		}
		b.city = &city
	}
	return *b.city, nil
}

// notSent gives an error of sending the kind that decides what happens next, and
// words that a moderator understands. What is refused for reasons that are ours, or
// only now, waits: it costs nobody the subscription.
func (n *Network) notSent(ctx context.Context, s recipients.Recipient, err error) error {
	answer, answered := errors.AsType[*mailer.Error](err)
	said := bots.Say(err, "mail.error.unreachable")
	if answered {
		said = bots.Say(err, "mail.error."+string(answer.Stage), "Answer", answer.Answer())
	}
	if away, ok := errors.AsType[*mailer.Away](err); ok {
		if answered && (answer.Stage == mailer.StageRcpt || answer.Stage == mailer.StageData) {
			said = bots.Say(err, "mail.error.away", "Answer", answer.Answer())
		}
		return bots.Away(bots.Outage{Back: away.Back, All: away.All, Report: away.Report}, said)
	}
	switch {
	case !answered:
		return said
	case answer.Gone():
		return n.mailboxGone(ctx, s, said)
	case answer.Content():
		return bots.Permanent(said)
	}
	return said
}

// mailboxGone counts that a server has said that a mailbox does not exist.
func (n *Network) mailboxGone(ctx context.Context, s recipients.Recipient, said error) error {
	suspended, err := n.strike(ctx, s.BotID, s.ID, strikeRefusal)
	if err != nil {
		return err
	}
	if suspended {
		return bots.Permanent(bots.Say(said, "mail.error.suspended"))
	}
	return bots.Permanent(said)
}
