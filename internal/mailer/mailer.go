// Package mailer sends mail: through a relay, or directly to each recipient's
// mail server.
package mailer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"ticketfrei/internal/config"
)

// How long the steps of a dialogue may take. The context of Send may end it
// sooner. RFC 5321 §4.5.3.2 allows minutes, but by then a report is stale.
const (
	dialTimeout    = 10 * time.Second
	commandTimeout = 30 * time.Second
	dataTimeout    = 60 * time.Second
	slotTimeout    = 20 * time.Second // waiting for a free connection
	idleTimeout    = 30 * time.Second // how long an unused connection is kept
)

const (
	// perDestination is how many connections one domain gets in direct mode, so
	// that a domain that hangs cannot occupy all of them.
	perDestination = 4
	// mailsPerConnection is after how many mails a connection is closed: many
	// servers allow about a hundred.
	mailsPerConnection = 100
)

// Mail is one mail to one recipient.
type Mail struct {
	From string // envelope sender; empty for the null sender
	To   string // envelope recipient
	Data []byte // the whole message (RFC 5322), lines ending in CRLF

	// About is the report that the mail brings to many: a refusal of its text says
	// nothing of other mails. Empty where that is not one report.
	About string
	// Account is set where a stranger may have typed in the recipient: a refusal of
	// these says nothing of us.
	Account bool
}

// Mailer sends mails. It is safe for use by many goroutines.
type Mailer struct {
	cfg      config.Mail
	log      *slog.Logger
	now      func() time.Time
	relay    *relay // nil: directly to each recipient's mail server
	relayErr error  // why mail.relay cannot be used
	resolver Resolver
	dialer   net.Dialer // of direct mode: refuses private addresses
	port     string     // of direct mode
	unfound  unfound    // of direct mode
	slots    *slots     // all connections
	domains  *domains   // connections of each destination
	pool     *pool
	signing  *signing // nil: mails go unsigned
	routes   *routes
	counted  func(error) // is told what became of each mail that was tried
	mu       sync.Mutex
	closed   bool
	running  sync.WaitGroup
}

// Resolver answers the questions of direct mode; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
}

// errClosed is what Send returns after Close.
var errClosed = errors.New("the mailer is closed")

// New returns a Mailer for the settings. If mail.relay cannot be understood,
// every Send says so; see CheckRelay.
func New(cfg *config.Config, log *slog.Logger, now func() time.Time, options ...Option) *Mailer {
	n := max(cfg.Mail.Connections, 1)
	m := &Mailer{
		cfg: cfg.Mail, log: log, now: now,
		resolver: net.DefaultResolver,
		dialer:   guardedDialer(cfg.Network.AllowPrivate),
		port:     "25",
		slots:    newSlots(n),
		domains:  newDomains(min(perDestination, n)),
		pool:     newPool(n, idleTimeout),
		routes:   newRoutes(cfg.Mail.Relay != "", log, now),
		counted:  func(error) {},
	}
	if cfg.Mail.Relay != "" {
		m.relay, m.relayErr = parseRelay(cfg.Mail.Relay)
	}
	if m.relay != nil {
		m.relay.passwordFile = cfg.Mail.RelayPasswordFile
	}
	for _, option := range options {
		option(m)
	}
	return m
}

// Close ends the idle connections and waits for the mails under way. The
// callers must end their contexts. Send fails afterwards.
func (m *Mailer) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.running.Wait()
	m.pool.close()
	return nil
}

// Send sends m and returns when the next server has accepted it. A server's
// answer, and anything known to be wrong with the address, is an error of type
// *Error; where the mail waits for all mails of its way to be taken again, it is
// wrapped in an *Away. Every other error is temporary. No error names the recipient or
// its server.
func (m *Mailer) Send(ctx context.Context, mail Mail) error {
	if err := m.start(); err != nil {
		return err
	}
	defer m.running.Done()
	if m.relayErr != nil {
		return m.relayErr
	}
	mail.To = asciiDomain(mail.To)
	domain, err := domainOf(mail.To)
	if err != nil {
		return err
	}
	key := domain
	if m.relay != nil {
		key = m.relay.addr()
	}
	if _, err := m.routes.enter(key, mail, false); err != nil {
		return err
	}
	if m.relay != nil {
		return m.send(ctx, mail, key, m.dialRelay)
	}
	release, err := m.domains.acquire(ctx, domain, sender(mail), slotTimeout)
	if err != nil {
		return err
	}
	defer release()
	return m.send(ctx, mail, key, func(ctx context.Context) (*session, error) {
		return m.dialDomain(ctx, domain)
	})
}

// sender is for whom a mail is sent, such as a city: its envelope sender without what
// tells its mails apart.
func sender(mail Mail) string {
	local, _, _ := strings.Cut(mail.From, "@")
	who, _, _ := strings.Cut(local, "+")
	return who
}

// start counts a Send that Close must wait for.
func (m *Mailer) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	m.running.Add(1)
	return nil
}

// send sends mail by the route key when it is its turn, unless the route is away.
func (m *Mailer) send(ctx context.Context, mail Mail, key string, dial func(context.Context) (*session, error)) error {
	release, err := m.slots.acquire(ctx, sender(mail), slotTimeout)
	if err != nil {
		return err
	}
	defer release()
	trial, err := m.routes.enter(key, mail, true)
	if err != nil {
		return err
	}
	trying, cancel := trial.bound(ctx)
	defer cancel()
	err = m.carry(trying, mail, key, dial)
	if answer, ok := errors.AsType[*Error](err); ok {
		answer.withoutRecipient(mail.To, m.relay == nil)
	}
	return m.routes.note(ctx, key, mail, err)
}

// carry sends mail over a connection to key, an open one if there is one. A
// connection that turns out to be dead before the server has accepted the
// sender is replaced once, since nothing was sent over it.
func (m *Mailer) carry(ctx context.Context, mail Mail, key string, dial func(context.Context) (*session, error)) error {
	if s := m.pool.take(key); s != nil {
		err := m.over(ctx, s, mail, key)
		if !errors.Is(err, errDead) {
			return err
		}
	}
	s, err := dial(ctx)
	if err != nil {
		m.counted(err)
		return err
	}
	return m.over(ctx, s, mail, key)
}

// over sends mail over a connection.
func (m *Mailer) over(ctx context.Context, s *session, mail Mail, key string) error {
	m.routes.count(key, 1)
	defer m.routes.count(key, -1)
	err := s.send(ctx, mail, m.signing)
	if !errors.Is(err, errDead) { // it is sent once more
		m.counted(err)
	}
	m.put(key, s, err)
	return err
}

// put keeps the connection for the next mail if it is still of use.
func (m *Mailer) put(key string, s *session, err error) {
	switch {
	case !s.usable(err):
		s.close()
	case s.sent >= mailsPerConnection:
		s.quit()
	default:
		m.pool.put(key, s)
	}
}

// asciiDomain writes the domain of an address as it stands in DNS, which servers take that know
// no other letters.
func asciiDomain(address string) string {
	at := strings.LastIndexByte(address, '@')
	if ascii(address[at+1:]) {
		return address
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return address
	}
	return address[:at+1] + domain
}

// domainOf returns the domain of an address in lower case.
func domainOf(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 || strings.ContainsAny(address, "\r\n<> ") {
		return "", &Error{Code: 553, Enhanced: "5.1.3", Stage: StageRcpt}
	}
	return strings.ToLower(address[at+1:]), nil
}
