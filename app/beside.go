package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
)

// withCities reads the settings and runs work with what manages the cities of the database, as
// a server has it: its networks know what they store, and mails are stored for a server to
// send. Nothing runs. A server that runs finds what is changed by itself.
func (f settingsFlags) withCities(c *console, work func(*console, *server) error) error {
	there := func(cfg *config.Config, _ []bots.Definition) error { return begun(cfg) }
	return f.beside(c, there, work)
}

// beside is withCities where there decides whether the data directory will do, and may name
// another.
func (f settingsFlags) beside(c *console, there func(*config.Config, []bots.Definition) error, work func(*console, *server) error) error {
	cfg, definitions, err := f.readNetworks(c, func(cfg *config.Config, definitions []bots.Definition) []error {
		return siteFiles{own: cfg.Web.Templates}.check(definitions) // mails have texts
	})
	if err != nil {
		return err
	}
	cfg.Mail.RelayPasswordFile = "" // nothing is sent, and who runs a command may not be able to read it
	if err := errors.Join(there(cfg, definitions), leaveRunning(c.ctx, cfg, definitions)); err != nil {
		return err
	}
	s := &server{cfg: cfg, log: slog.New(slog.DiscardHandler), definitions: siteFiles{own: cfg.Web.Templates}.networks(definitions),
		notices: &notice.Board{}, networks: make(map[string]bots.Network), registry: prometheus.NewRegistry(),
		shares: share(openFiles(slog.New(slog.DiscardHandler)), cfg.Mail.Connections)}
	defer s.close()
	if err := s.openBeside(c.ctx); err != nil {
		return err
	}
	return work(c.with(manage.As(c.ctx, manage.Operator())), s)
}

// openBeside opens the database and makes what manages its cities. Nothing listens.
func (s *server) openBeside(ctx context.Context) error {
	var err error
	if s.db, s.secrets, err = openDatabase(ctx, s.cfg, s.definitions, s.log, false); err != nil {
		return err
	}
	s.onClose(func() { s.db.Close() })
	texts, err := i18n.New(siteFiles{own: s.cfg.Web.Templates}.texts(s.definitions)...)
	if err != nil {
		return err
	}
	s.mailer = mailer.New(s.cfg, s.log, time.Now)
	s.onClose(func() { s.mailer.Close() })
	s.accounts = supervisor.NewAccountMails(s.db, s.secrets, s.mailer, s.log, time.Now)
	if err := s.openIntents(); err != nil {
		return err
	}
	if err := s.openNetworks(s.newHearing(relay.NewAnswers(s.log, time.Now), texts), texts); err != nil {
		return err
	}
	return s.openCities(texts, nil, nil)
}
