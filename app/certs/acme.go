package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/net/idna"

	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/config"
)

// After a failure an authority is asked again, later each time: it bears five
// failures an hour for a name.
const (
	firstRetry = 2 * time.Minute
	lastRetry  = 12 * time.Hour
)

// stopTimeout bounds Close.
const stopTimeout = 2 * time.Second

// ACME gets certificates from an authority and renews them: one for the name of
// the pages, and one for the domain of the mails where that is another name.
type ACME struct {
	names  []string // that of the pages first
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
	log    *slog.Logger
}

// Options is what an ACME is made with.
type Options struct {
	Web config.Web
	// MailDomain is empty where mail needs no certificate of its own.
	MailDomain string
	Secrets    *db.Secrets
	Log        *slog.Logger
	// CheckEvery is how often it is looked whether a certificate must be renewed;
	// 0 is every ten minutes.
	CheckEvery time.Duration
}

// NewACME makes an ACME. It does nothing before Run; Close it when Run has ended.
func NewACME(o Options) (*ACME, error) {
	a := &ACME{log: o.Log}
	var err error
	if a.names, err = names(o.Web.URL, o.MailDomain); err != nil {
		return nil, err
	}
	quiet := zap.NewNop() // what it has to say, obtain and event tell
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		RenewCheckInterval: o.CheckEvery, Logger: quiet,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		DefaultServerName: a.names[0], FallbackServerName: a.names[0],
		Storage: newStorage(o.Secrets), OnEvent: a.event, Logger: quiet,
		// Asking for staples has no bound in time. Authorities and browsers have
		// given them up.
		OCSP: certmagic.OCSPConfig{DisableStapling: true},
	})
	// Where our ports are taken, the library knows that we listen there ourselves.
	host, httpPort := hostPort(o.Web.Listen)
	_, tlsPort := hostPort(o.Web.ListenTLS)
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: o.Web.ACMEDirectory, Email: o.Web.ACME, Agreed: true,
		ListenHost: host, AltHTTPPort: httpPort, AltTLSALPNPort: tlsPort,
		Logger: debugLog(o.Log),
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

// names are those that certificates are wanted for, as they stand in DNS.
func names(public, mailDomain string) ([]string, error) {
	u, err := url.Parse(public)
	if err != nil {
		return nil, fmt.Errorf("setting web.url: %w", err)
	}
	web, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("setting web.url: %w", err)
	}
	if mailDomain == "" || mailDomain == web {
		return []string{web}, nil
	}
	return []string{web, mailDomain}, nil
}

// hostPort takes an address to listen at apart.
func hostPort(address string) (host string, port int) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, _ = strconv.Atoi(text)
	}
	return host, port
}

// debugLog writes what is said to the authority to log, at debug level.
func debugLog(log *slog.Logger) *zap.Logger {
	lines := slog.NewLogLogger(log.Handler(), slog.LevelDebug).Writer()
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "message", EncodeDuration: zapcore.StringDurationEncoder})
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(lines), zapcore.InfoLevel))
}

// Run sees to it that there are certificates, until ctx ends.
func (a *ACME) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, name := range a.names {
		group.Go(func() { a.obtain(ctx, name) })
	}
	group.Wait()
	return nil
}

// Close ends the renewing. Where that is just asking an authority that does not
// answer, it is left behind.
func (a *ACME) Close() {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		a.cache.Stop()
	}()
	select {
	case <-stopped:
	case <-time.After(stopTimeout):
	}
}

// obtain tries until there is a certificate for name. The cache then renews it.
func (a *ACME) obtain(ctx context.Context, name string) {
	for failed := 0; ; failed++ {
		// Of those who come again, the library asks the authority's test server
		// first, where it has one.
		err := a.config.ManageSync(context.WithValue(ctx, certmagic.AttemptsCtxKey, &failed), []string{name})
		if err == nil || ctx.Err() != nil {
			return
		}
		wait := backoff.Wait(firstRetry, failed, lastRetry).Round(time.Second)
		a.complain(name, err, "next", wait.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// event is told by certmagic what happens to certificates.
func (a *ACME) event(ctx context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	switch event {
	case "cert_obtained":
		a.log.Info("new certificate", "name", name, "renewed", data["renewal"])
	case "cert_failed":
		if ctx.Value(certmagic.AttemptsCtxKey) != nil {
			return nil // obtain says so
		}
		err, _ := data["error"].(error)
		a.complain(name, err)
	}
	return nil
}

// complain says that there is no new certificate for name, and how to mend that.
func (a *ACME) complain(name string, err error, more ...any) {
	more = append([]any{"name", name, "err", err}, more...)
	if name == a.names[0] {
		a.log.Error("could not get a certificate for the name in web.url: "+
			"it must lead to this server in DNS, its port 80 to web.listen and its port 443 to web.listen_tls", more...)
		return
	}
	a.log.Warn("could not get a certificate for mail.domain, so that incoming mail uses that of web.url: "+
		"if it shall have its own, it must lead to this server as the name in web.url does", more...)
}

// TLSConfig is for the server of the pages. Without a certificate no client comes
// through.
func (a *ACME) TLSConfig() *tls.Config {
	c := a.config.TLSConfig()
	c.NextProtos = append([]string{"h2", "http/1.1"}, c.NextProtos...)
	return c
}

// Current returns the certificate of the pages that is in use; an error where there is none yet.
func (a *ACME) Current() (*tls.Certificate, error) {
	list := a.cache.AllMatchingCertificates(a.names[0])
	if len(list) == 0 {
		return nil, fmt.Errorf("there is no certificate for %s yet", a.names[0])
	}
	return &list[0].Certificate, nil
}

// Challenges answers an authority that asks by plain http whether the name is
// ours. next has all other requests.
func (a *ACME) Challenges(next http.Handler) http.Handler { return a.issuer.HTTPChallengeHandler(next) }

// Mail has the certificates for STARTTLS.
type Mail struct {
	Own  *tls.Certificate
	ACME *ACME // nil where there is none
}

// GetCertificate returns the certificate for the name that the client asks for,
// that of the pages if there is none, and our own as long as there is neither. It
// is for tls.Config.GetCertificate and never fails.
func (m *Mail) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if m.ACME != nil {
		if cert, err := m.ACME.config.GetCertificate(hello); err == nil {
			return cert, nil
		}
	}
	return m.Own, nil
}
