package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots/mail/gate"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// lookupTimeout bounds the look at the database for one recipient.
const lookupTimeout = 10 * time.Second

// target is one recipient of a mail that is being taken.
type target struct {
	operator operator // whose address it is; nobody: a city's
	city     report.City
	bot      report.Bot
	bounceOf int64 // subscriber, where the address takes bounces; else 0
	endOf    int64 // subscriber, where the address ends a subscription; else 0
	sample   bool  // the address takes samples: see takeSample
}

// takesReports says whether what comes to the address may be a report.
func (t target) takesReports() bool {
	return t.operator == nobody && t.bounceOf == 0 && t.endOf == 0 && !t.sample
}

// session is the dialogue on one connection.
type session struct {
	ctx     context.Context
	network *Network
	conn    *gate.Conn
	// The library calls Data of a mail that comes in chunks (RFC 3030) in a
	// goroutine of its own.
	mu   sync.Mutex
	from string
	to   []target
}

var _ smtp.Session = (*session)(nil)

// newSession begins a dialogue; ctx ends when the server does.
func newSession(ctx context.Context, n *Network, c *smtp.Conn) *session {
	raw := c.Conn()
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	s := &session{ctx: ctx, network: n}
	s.conn, _ = raw.(*gate.Conn)
	return s
}

// Mail takes the sender, which is empty for a bounce.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = strings.ToLower(from), nil
	s.setMail(true)
	return nil
}

// Rcpt takes a recipient: a city's address, or the postmaster's.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, cancel := context.WithTimeout(s.ctx, lookupTimeout)
	defer cancel()
	t, err := s.network.resolve(ctx, to)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, t)
	return nil
}

// Data takes the mail. When it returns nil, every report in it is on disk.
func (s *session) Data(r io.Reader) error {
	if s.conn != nil {
		s.conn.SetBusy(true)
		defer s.conn.SetBusy(false)
	}
	s.mu.Lock()
	from, to := s.from, s.to
	s.mu.Unlock()
	l, err := s.network.readLetter(s.ctx, r)
	if err != nil {
		return s.readError(err, to)
	}
	if s.conn != nil && s.conn.Broken() {
		// The library takes the end of a connection for the end of a chunk.
		return reply(451, smtp.EnhancedCode{4, 4, 2}, "connection lost")
	}
	client, _ := s.client()
	return s.network.accept(s.ctx, envelope{client, from, to}, l)
}

func (s *session) readError(err error, to []target) error {
	if errors.Is(err, smtp.ErrDataTooLarge) {
		s.network.ignore(to, "large")
		return s.network.refuse(552, smtp.EnhancedCode{5, 3, 4}, to[0].city, "mail.refused.large")
	}
	if answer, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return answer
	}
	if errors.Is(err, smtp.ErrTooLongLine) {
		s.network.ignore(to, "line")
		return s.network.refuse(500, smtp.EnhancedCode{5, 6, 0}, to[0].city, "mail.refused.line")
	}
	return reply(451, smtp.EnhancedCode{4, 4, 2}, "connection lost")
}

// Reset forgets sender and recipients.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = "", nil
	s.setMail(false)
}

// Logout ends the dialogue, or what was said of it before TLS.
func (s *session) Logout() error {
	s.setMail(false)
	return nil
}

func (s *session) setMail(mail bool) {
	if s.conn != nil {
		s.conn.SetMail(mail)
	}
}

// client is the address of who brings the mails: as a relay of ours says, or the
// other side's. known is false, and addr the zero Addr, where anybody may be behind
// it.
func (s *session) client() (addr netip.Addr, known bool) {
	if s.conn == nil {
		return netip.Addr{}, false
	}
	return s.conn.Client()
}

// resolve finds whom an address belongs to. A city that another process has
// just made is found: the database is asked every time.
func (n *Network) resolve(ctx context.Context, address string) (target, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !n.host.Config.Mail.Takes(address[at+1:]) {
		return target{}, n.refuse(550, smtp.EnhancedCode{5, 7, 1}, report.City{}, "mail.refused.relay")
	}
	local, tag, _ := strings.Cut(strings.ToLower(address[:at]), "+")
	city, bot, err := n.cities.find(ctx, local)
	missing := errors.Is(err, db.ErrNotFound)
	switch {
	case missing && city.ID == 0 && n.operatorAt(local) != nobody:
		return target{operator: n.operatorAt(local)}, nil
	case missing && city.ID == 0:
		return target{}, n.refuse(550, smtp.EnhancedCode{5, 1, 1}, report.City{}, "mail.refused.unknown")
	case err != nil && !missing:
		return target{}, n.trouble(err)
	}
	if missing && !city.Off() {
		return target{}, n.refuseOff(city)
	}
	if t, ok := n.readTarget(city, bot, tag); ok {
		return t, nil
	}
	if t, ok, err := n.formerTarget(ctx, city, bot, tag); err != nil {
		return target{}, n.trouble(err)
	} else if ok {
		return t, nil
	}
	if tag == sampleTag && !city.Off() {
		return target{city: city, bot: bot, sample: true}, nil
	}
	t := target{city: city, bot: bot}
	return t, n.closed(t)
}

// closed is the answer to a report at an address whose city takes none now, or nil.
func (n *Network) closed(t target) error {
	switch t.city.State() {
	case report.CitySuspended:
		return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, t.city, "mail.refused.suspended")
	case report.CityDeleted:
		return n.refuse(550, smtp.EnhancedCode{5, 1, 1}, t.city, "mail.refused.deleted")
	case report.CityWaiting:
		return n.refuse(550, smtp.EnhancedCode{5, 1, 1}, t.city, "mail.refused.waiting")
	case report.CityPaused:
		return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, t.city, "mail.refused.paused")
	}
	if !t.bot.Enabled {
		return n.refuseOff(t.city)
	}
	return nil
}

func (n *Network) refuseOff(city report.City) error {
	return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, city, "mail.refused.off")
}

// refuse is an answer that ends up in the sender's mailbox, in the language of
// the city.
func (n *Network) refuse(code int, enhanced smtp.EnhancedCode, city report.City, id string) error {
	return reply(code, enhanced, n.t(city, id))
}

// isRefusal says whether an answer is one for good.
func isRefusal(err error) bool {
	answer, ok := errors.AsType[*smtp.SMTPError](err)
	return ok && answer.Code >= 500
}

func reply(code int, enhanced smtp.EnhancedCode, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}
