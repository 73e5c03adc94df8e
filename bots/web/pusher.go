package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/webpush"
)

// signerName is the name of the key that push services know us by among the secrets.
const signerName = "web/vapid"

// signedFor is how long a signature is used, and holdsFor how long it holds: a day at most
// (RFC 8292, 2), and our clock may be wrong.
const (
	signedFor = 6 * time.Hour
	holdsFor  = 12 * time.Hour
)

// pushTimeout bounds one exchange with a push service.
const pushTimeout = 15 * time.Second

// maxServices is how many push services are remembered.
const maxServices = 1000

// pusher sends to browsers, through the push services that they have chosen.
type pusher struct {
	host    bots.Host
	client  *http.Client
	subject string // where push services find the operator

	mu       sync.Mutex
	signer   *webpush.Signer // nil until it was asked for
	services *cache.Cache[string, *service]
}

func newPusher(h bots.Host) *pusher {
	p := &pusher{host: h, subject: h.Config.Web.URL, services: cache.New[string, *service](maxServices, 0)}
	if !strings.HasPrefix(p.subject, "https:") {
		p.subject = "mailto:" + h.Config.Mail.From
	}
	p.client = &http.Client{Transport: h.HTTP.Transport, Timeout: pushTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p
}

// key returns the key that browsers subscribe with. It is made when it is first asked
// for, and where the secret key that sealed it is lost.
func (p *pusher) key(ctx context.Context) (*webpush.Signer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.signer != nil {
		return p.signer, nil
	}
	secrets := p.host.DB.Secrets(p.host.Secrets)
	text, _, err := secrets.Get(ctx, signerName)
	if errors.Is(err, db.ErrNotFound) {
		text, err = makeKey(ctx, secrets)
	}
	if err != nil {
		return nil, err
	}
	p.signer, err = webpush.ParseSigner(text)
	return p.signer, err
}

func makeKey(ctx context.Context, secrets *db.Secrets) (string, error) {
	made, err := webpush.NewSigner()
	if err != nil {
		return "", err
	}
	text, err := made.Private()
	if err != nil {
		return "", err
	}
	return secrets.PutNew(ctx, signerName, text)
}

// push is what is sent to a browser.
type push struct {
	text  []byte
	topic string        // replaces what was sent under it and has not arrived
	ttl   time.Duration // how long the service keeps it for a browser that is away
}

// keyOf returns the key that the browsers of a bot subscribe with: that of the server which it
// comes from, or ours.
func (p *pusher) keyOf(ctx context.Context, botID int64) (*webpush.Signer, error) {
	var sealed string
	err := p.host.DB.ReadRow(ctx, "SELECT key FROM web_signers WHERE bot_id = ?", botID).Scan(&sealed)
	if errors.Is(err, db.ErrNotFound) {
		return p.key(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("key of Web Push: %w", err)
	}
	text, err := p.host.Secrets.Open(signerPlace(botID), sealed)
	if err != nil { // with another secret key it is lost, and those who have subscribed with it
		return p.key(ctx) //nolint:nilerr // the others go on
	}
	return webpush.ParseSigner(text)
}

// signerPlace is where the key of a bot is stored, which sealing binds it to.
func signerPlace(botID int64) string { return "web_signers.key:" + strconv.FormatInt(botID, 10) }

// send sends to a browser, signed by the key that it has subscribed with. The error has the kind that decides what happens next, and
// names neither browser nor service.
func (p *pusher) send(ctx context.Context, signer *webpush.Signer, s subscription, m push) error {
	u, err := url.Parse(s.endpoint)
	if err != nil {
		return bots.Permanent(errors.New("the address of a browser is none"))
	}
	origin := u.Scheme + "://" + u.Host
	to, _ := p.services.Get(origin, func() (*service, error) { return &service{origin: origin}, nil })
	if left := to.waits(p.host.Now()); left > 0 {
		return bots.Later(left, bots.Say(errPaused, "web.error.paused"))
	}
	resp, err := p.exchange(ctx, to, signer, s, m)
	if err != nil {
		return p.unanswered(ctx, to, s, err)
	}
	return p.answered(to, s, resp)
}

// exchange makes one request and reads its answer to the end.
func (p *pusher) exchange(ctx context.Context, to *service, signer *webpush.Signer, s subscription, m push) (*http.Response, error) {
	body, err := s.keys.Seal(m.text)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	authorization, err := to.authorization(signer, p.subject, p.host.Now())
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream", "Authorization": authorization,
		"TTL": strconv.Itoa(int(m.ttl.Seconds())), "Urgency": "high", "Topic": m.topic,
	} {
		req.Header.Set(name, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 16<<10)) // so that the connection can be used again
	return resp, nil
}

// errPaused is that a push service takes nothing at the moment.
var errPaused = errors.New("a push service takes nothing at the moment")

// unanswered is what it means that no answer came. The error itself names the service, and
// some have one of their own.
func (p *pusher) unanswered(ctx context.Context, to *service, s subscription, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrProhibitedPort) {
		return bots.Gone(bots.Say(errors.New("the address of a browser is a private one"), "web.error.private"))
	}
	to.struck(p.host.Now(), s.endpoint, 0)
	trouble := remote.Unreachable
	if e := remote.As((&remote.Client{}).Explain(ctx, err)); e != nil {
		trouble = e.Trouble
	}
	return &remote.Error{Name: serviceName, Trouble: trouble}
}

// serviceName is what a push service is called, whichever it is.
const serviceName = "Web Push"

// errTooLong is that a push service wants shorter messages.
var errTooLong = errors.New("a push service wants shorter messages")

// answered is what an answer means (RFC 8030, 5; RFC 8292, 4.2).
func (p *pusher) answered(to *service, s subscription, resp *http.Response) error {
	status, now := resp.StatusCode, p.host.Now()
	said := &remote.Error{Name: serviceName, Status: status, Trouble: remote.Rejected}
	switch {
	case status/100 == 2:
		to.worked()
		return nil
	case status == http.StatusNotFound || status == http.StatusGone:
		said.Trouble = remote.Gone
		return bots.Gone(said)
	case status == http.StatusRequestEntityTooLarge:
		return bots.Permanent(fmt.Errorf("%w: %w", errTooLong, said))
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		said.Trouble = remote.Limited
		wait := remote.RetryAfter(resp.Header, now)
		to.struck(now, s.endpoint, wait)
		return bots.Later(wait, said)
	case status >= http.StatusInternalServerError || status == http.StatusRequestTimeout:
		said.Trouble = remote.Broken
		return said
	}
	return bots.Permanent(said)
}

// signed is a signature.
type signed struct {
	header string
	until  time.Time // until when it is used
}

// service is a push service.
type service struct {
	origin string

	mu       sync.Mutex
	signed   map[string]signed // by the public key: the signatures
	strikes  int               // how often in a row it took nothing
	struckBy map[string]bool   // the browsers for which it did not, as many as matter
	paused   time.Time         // until when nothing is sent to it
}

// manyBrowsers is for how many browsers in a row a service takes nothing until the others
// wait with them: a few that never answer, or that have too many messages for themselves
// alone, must not hold up all that use the same service.
const manyBrowsers = 10

// How long nothing is sent to a service that does not answer.
const (
	shortestPause = 5 * time.Second
	longestPause  = 2 * time.Minute
)

// authorization returns the header that says who sends.
func (s *service) authorization(signer *webpush.Signer, subject string, now time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.signed[signer.Public()]; of.header != "" && now.Before(of.until) && now.After(of.until.Add(-signedFor-time.Minute)) {
		return of.header, nil
	}
	header, err := signer.Authorization(s.origin, subject, now.Add(holdsFor))
	if err != nil {
		return "", err
	}
	if s.signed == nil {
		s.signed = make(map[string]signed, 1)
	}
	s.signed[signer.Public()] = signed{header, now.Add(signedFor)}
	return header, nil
}

// waits is how long nothing is sent to the service.
func (s *service) waits(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused.Sub(now)
}

// struck notes that the service took nothing for a browser, and for how long it asks to
// wait; 0 where it does not.
func (s *service) struck(now time.Time, endpoint string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strikes++
	if len(s.struckBy) < manyBrowsers {
		if s.struckBy == nil {
			s.struckBy = map[string]bool{}
		}
		s.struckBy[endpoint] = true
	}
	if len(s.struckBy) < manyBrowsers || now.Before(s.paused) {
		return
	}
	if wait == 0 {
		wait = min(shortestPause<<min((s.strikes-manyBrowsers)/8, 6), longestPause)
	}
	s.paused = now.Add(wait)
}

// worked notes that the service took something.
func (s *service) worked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strikes, s.struckBy = 0, nil
}
