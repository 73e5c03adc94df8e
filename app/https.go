package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"ticketfrei/app/certs"
	"ticketfrei/bots/mail/certificate"
)

// openCertificates makes what incoming mail and, with web.acme, the pages use.
func (s *server) openCertificates(ctx context.Context) error {
	secrets := s.db.Secrets(s.secrets)
	own, err := certs.Own(ctx, secrets, s.cfg.Mail.Name(), time.Now())
	if err != nil {
		return err
	}
	s.certificates = &certs.Mail{Own: own}
	if s.cfg.Mail.TLSCert != "" {
		s.mailFiles, err = certificate.Open(s.cfg.Mail.TLSCert, s.cfg.Mail.TLSKey, slog.New(slog.DiscardHandler)) // the mail server tells the log
		if err != nil {
			return fmt.Errorf("mail.tls_cert, mail.tls_key: %w", err)
		}
	}
	if s.cfg.Web.ACME == "" {
		return nil
	}
	options := certs.Options{Web: s.cfg.Web, Secrets: secrets, Log: s.log}
	if s.cfg.Mail.TLSCert == "" && s.cfg.Mail.Name() != "localhost" {
		options.MailDomain = s.cfg.Mail.Name()
	}
	if s.acme, err = certs.NewACME(options); err != nil {
		return err
	}
	s.onClose(s.acme.Close)
	s.certificates.ACME = s.acme
	return nil
}

// listenTLS opens the port for https where we serve it.
func (s *server) listenTLS(ctx context.Context) error {
	if s.acme == nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Web.ListenTLS)
	if err != nil {
		return fmt.Errorf("setting web.listen_tls: %w", err)
	}
	s.webTLS = s.openDoor(l, s.cfg.Web.ListenTLS)
	s.onClose(func() { s.webTLS.Close() })
	return nil
}

// serveHTTPS serves the pages by https until ctx ends.
func (s *server) serveHTTPS(ctx context.Context) error {
	return s.serveWeb(ctx, tls.NewListener(s.webTLS, s.acme.TLSConfig()), s.site)
}

// plainHandler is what the port without TLS answers. Where we serve https, that
// is the authority's questions and this machine's about our health; visitors are
// sent on.
func (s *server) plainHandler() http.Handler {
	if s.acme == nil {
		return s.site
	}
	return s.acme.Challenges(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz", "/readyz":
			s.site.ServeHTTP(w, r)
		default:
			// A form that was posted goes along.
			http.Redirect(w, r, s.cfg.Web.URL+r.URL.RequestURI(), http.StatusPermanentRedirect)
		}
	}))
}

// webLog takes what net/http has to say, at debug level. Broken handshakes are
// everyday business, and their lines carry a visitor's address.
func webLog(to *slog.Logger) *log.Logger {
	return log.New(handshakeFilter{slog.NewLogLogger(to.Handler(), slog.LevelDebug).Writer()}, "", 0)
}

type handshakeFilter struct{ io.Writer }

func (f handshakeFilter) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		return len(line), nil
	}
	return f.Writer.Write(line)
}
