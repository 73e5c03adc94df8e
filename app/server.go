package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/api"
	"ticketfrei/app/certs"
	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/bots/mail/certificate"
	"ticketfrei/db"
	"ticketfrei/frontend"
	"ticketfrei/intent"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/scrub"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
)

// cleanEvery is how often expired rows are deleted.
const cleanEvery = 10 * time.Second

// mode is how a server runs.
type mode struct {
	demo   bool
	newKey bool // go on with another secret key: see keyring
	source sourceTree
	dev    *frontend.Dev // tells a developer's browsers of changes; nil: none
	dns    *net.Resolver // nil: the machine's name servers
	keys   *dkim.Keys    // to sign mails with from the first start; nil: new ones
	// intents tells questions from reports; nil: as the sentences say.
	intents *intent.Recognizer
	texts   *i18n.Catalogue // nil: read from the networks' and the operator's files
	// refusals says when a bot that is refused needs its moderators; for tests.
	refusals supervisor.Refusals
	undo     time.Duration // how long moderators can undo: manage.UndoFor, but in tests
}

// server is the whole program, wired. newServer makes everything in it, run
// runs it, and close closes it.
type server struct {
	cfg         *config.Config
	log         *slog.Logger
	definitions []bots.Definition
	mode        mode

	db       *db.DB
	owner    *db.Ownership // of the cities that are this process's; nil: all are
	secrets  *secret.Box
	notices  *notice.Board
	wire     *db.Wire // tells other processes what the notices say; nil: there can be none
	bus      bus.Bus
	mailer   *mailer.Mailer
	client   *http.Client // for hosts that users name
	networks map[string]bots.Network
	cities   *manage.Cities
	site     *frontend.Site
	api      *api.API
	sup      *supervisor.Supervisor
	relay    *relay.Relay
	intents  *intent.Recognizer
	customs  *relay.Customs
	places   *relay.Places
	accounts *supervisor.AccountMails
	held     *supervisor.HeldMail
	shares   shares
	visitors *clients.Room // the connections of all who visit the pages
	streams  *clients.Room // the event streams among them, of pages and API
	unseen   sync.Once     // see openDoor
	web      net.Listener
	registry *prometheus.Registry
	metrics  net.Listener // nil where the metrics are not served

	certificates *certs.Mail
	mailFiles    *certificate.Files // nil without mail.tls_cert
	acme         *certs.ACME        // nil without web.acme
	webTLS       net.Listener       // nil without web.acme

	// addresses of the networks' servers, by network
	addresses map[string]string
	closers   []func()
}

// newServer opens and wires everything, and listens. If something fails, it
// closes what it has opened.
func newServer(ctx context.Context, cfg *config.Config, definitions []bots.Definition, log *slog.Logger, m mode) (*server, error) {
	s := &server{cfg: cfg, log: log, definitions: siteFiles{m.source, cfg.Web.Templates}.networks(definitions), mode: m,
		notices: &notice.Board{}, networks: make(map[string]bots.Network), addresses: make(map[string]string),
		shares: share(openFiles(log), cfg.Mail.Connections)}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *server) open(ctx context.Context) error {
	if err := s.openStore(ctx); err != nil {
		return err
	}
	if err := s.openCertificates(ctx); err != nil {
		return err
	}
	own := siteFiles{s.mode.source, s.cfg.Web.Templates}
	texts, err := s.readTexts(own)
	if err != nil {
		return err
	}
	s.registry = newRegistry(s.db)
	if s.owner != nil {
		s.registry.MustRegister(sharing{s.db, s.owner, s.wire.Polls})
	}
	keys, err := openKeys(ctx, s.db.Secrets(s.secrets), s.mode.keys, s.cfg.Mail.Domain, s.log)
	if err != nil {
		return err
	}
	answered := newSMTPAnswers()
	s.mailer = mailer.New(s.cfg, s.log, time.Now, mailer.Signed(keys), mailer.Counted(answered.count))
	s.onClose(func() { s.mailer.Close() })
	s.accounts = supervisor.NewAccountMails(s.db, s.secrets, s.mailer, s.log, time.Now)
	s.registry.MustRegister(s.accounts, answered, mailOutages{s.mailer})
	answers := relay.NewAnswers(s.log, time.Now)
	if err := s.openIntents(); err != nil {
		return err
	}
	hearing := s.newHearing(answers, texts)
	if err := s.openNetworks(hearing, texts); err != nil {
		return err
	}
	s.sup = supervisor.New(supervisor.Options{
		DB: s.db, Networks: s.networks,
		Attention: &supervisor.AttentionMail{DB: s.db, AccountMails: s.accounts, Networks: s.networks, Texts: texts, Config: s.cfg, Log: s.log, Now: time.Now},
		Notices:   s.notices, Hearer: hearing, Bus: &s.bus, Texts: texts, Expire: s.cfg.Reports.Expire,
		Log: s.log, Now: time.Now, Metrics: s.registry, Refusals: s.mode.refusals,
	})
	s.held = &supervisor.HeldMail{DB: s.db, AccountMails: s.accounts, Texts: texts, Config: s.cfg, Log: s.log, Now: time.Now}
	s.relay = relay.New(relay.Options{
		DB: s.db, Notices: s.notices, Networks: s.networks, Outgoing: s.sup, Answers: answers, Texts: texts, Places: s.places, Bus: &s.bus, Tasks: hearing.Tasks, Calm: text.Calm, Brakes: s.cfg.Brakes, Expire: s.cfg.Reports.Expire, Undo: s.mode.undo,
		Log: s.log, Now: time.Now, Metrics: s.registry,
	})
	if err := s.openCities(texts, s.relay, hearing); err != nil {
		return err
	}
	s.registry.MustRegister(vitalSigns{s.db, s.cities, s.mailer, s.certificateVitals})
	if err := s.openPages(hearing, texts, own); err != nil {
		return err
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	s.listenMetrics(ctx)
	return nil
}

// openCities makes what manages cities; way and hearing are nil beside a server.
func (s *server) openCities(texts *i18n.Catalogue, way manage.Relay, hearing *relay.Hearing) (err error) {
	o := manage.Options{
		DB: s.db, Notices: s.notices, Networks: s.mounted(), Log: s.log, Keep: s.cfg.Reports.Keep,
		Letters: s.letters(texts), Secrets: s.secrets, Undo: s.mode.undo,
		Relay: way, Places: s.places, Intents: s.intents, HTTP: s.client,
	}
	if hearing != nil {
		o.Rehearser, o.Trial = hearing, &manage.Trial{Hearer: hearing, Secrets: s.secrets, Now: time.Now}
	}
	if s.cities, err = manage.New(o); err != nil {
		return err
	}
	s.cities.SetDoor(doorOf(s.cfg.Web))
	return nil
}

// doorOf says who may add a city.
func doorOf(web config.Web) manage.Door {
	return manage.Door{Signup: web.Signup, Operator: web.Operator}
}

// readTexts reads the texts of the networks and of the operator.
func (s *server) readTexts(own siteFiles) (*i18n.Catalogue, error) {
	if s.mode.texts != nil {
		return s.mode.texts, nil
	}
	return i18n.New(own.texts(s.definitions)...)
}

// letters writes mails about cities.
func (s *server) letters(texts *i18n.Catalogue) *manage.Letters {
	return &manage.Letters{Mails: s.accounts, Texts: texts, Config: s.cfg, Secrets: s.secrets, Log: s.log, Now: time.Now}
}

// openPages makes the API and the pages.
func (s *server) openPages(hearing *relay.Hearing, texts *i18n.Catalogue, own siteFiles) error {
	if err := s.openAPI(hearing, texts); err != nil {
		return err
	}
	var err error
	s.site, err = frontend.NewSite(frontend.Options{
		Config: s.cfg, DB: s.db, Secrets: s.secrets, Texts: texts, Log: s.log, Now: time.Now,
		AccountMails: s.accounts, Notices: s.notices, Cities: s.cities, Health: s, Bus: &s.bus, Streams: s.streams, API: s.api, Metrics: s.registry,
		Demo: s.mode.demo, Files: own.look(), Fresh: s.mode.source != "" && s.mode.dev == nil, Dev: s.mode.dev,
	})
	if err == nil {
		s.onClose(s.site.Close)
	}
	return err
}

// newHearing returns what hears reports, and has outside programs look at them and answer
// commands.
func (s *server) newHearing(answers *relay.Answers, texts *i18n.Catalogue) *relay.Hearing {
	commands, stop := relay.NewCommands(relay.CommandOptions{DB: s.db, Networks: s.networks, Places: s.places, Customs: s.customs,
		Answers: answers, Texts: texts, Log: s.log}, s.notices)
	s.onClose(stop)
	return &relay.Hearing{DB: s.db, Secrets: s.secrets, Links: scrub.NewLinks(s.cfg.Web.URL, s.secrets), Answers: answers,
		Customs: s.customs, Places: s.places, Commands: commands, Backlog: s.cfg.Reports.Backlog, Now: time.Now,
		Tasks: &relay.Tasks{DB: s.db, Networks: s.networks, Texts: texts, Wait: s.cfg.Reports.TasksWait, Log: s.log, Now: time.Now}}
}

// openStore locks the data directory for this process and opens the database.
func (s *server) openStore(ctx context.Context) error {
	if err := makeDataDir(s.cfg.Data); err != nil {
		return err
	}
	unlock, err := lockFile(s.cfg.Data, serveLock, false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("another ticketfrei is running on the data directory %s; stop it, or choose another directory with the setting data", s.cfg.Data)
	}
	if err != nil {
		return err
	}
	s.onClose(unlock)
	if err := removeUnfinished(s.cfg.Data); err != nil {
		s.log.Warn("what a restore has left that was killed is still in the data directory", "err", err)
	}
	if s.db, s.secrets, err = openDatabase(ctx, s.cfg, s.definitions, s.log, s.mode.newKey); err != nil {
		return err
	}
	s.onClose(func() { s.db.Close() })
	if s.db.OnServer() {
		warnOfReaders(s.cfg.Database.URL, s.log)
		s.owner = s.db.Share(processName(s.cfg), s.log)
	}
	s.wire = s.db.Wire(s.notices, s.log)
	s.visitors = clients.NewPartRoom(s.shares.web, s.shares.webEach(), s.db.LivingProcesses)
	s.streams = clients.NewPartRoom(s.shares.streams, s.shares.streamsEach(), s.db.LivingProcesses)
	s.nameOldQueue()
	return nil
}

// openIntents prepares to tell questions from reports.
func (s *server) openIntents() error {
	own, err := ownSentences(s.cfg)
	if err != nil {
		return err
	}
	var stop func()
	if s.intents = s.mode.intents; s.intents == nil || len(own) > 0 {
		s.intents = intent.New(intent.BuiltIn(), own...)
	}
	s.places, stop = relay.NewPlaces(s.db, s.notices, s.log)
	s.onClose(stop)
	s.customs, stop = relay.NewCustoms(s.db, s.notices, s.intents, s.places, time.Now)
	s.onClose(stop)
	return nil
}

// openNetworks makes every network.
func (s *server) openNetworks(hearing *relay.Hearing, texts *i18n.Catalogue) error {
	outgoing := bots.NewOutgoing(s.shares.outgoing)
	client := bots.NewHTTPClient(s.cfg.Network.AllowPrivate, outgoing)
	s.client = client
	s.onClose(client.CloseIdleConnections)
	dns := s.mode.dns
	if dns == nil {
		dns = &net.Resolver{PreferGo: true, StrictErrors: true}
	}
	var certificates bots.Certificates
	if s.certificates != nil {
		certificates = s.certificates
	}
	for _, d := range s.definitions {
		network, err := d.New(bots.Host{
			Config: s.cfg, DB: s.db, Secrets: s.secrets, Texts: texts, Mailer: s.mailer, AccountMails: s.accounts,
			HTTP: client, Outgoing: outgoing, Connections: s.shares.mail, DNS: dns,
			Hearer: hearing, Rehearser: hearing, Places: s.places, Commands: hearing.Commands, Networks: s.names(), Notices: s.notices, Bus: &s.bus, Certificates: certificates,
			Log: s.log.With("network", d.Name), Now: time.Now,
		})
		if err != nil {
			return fmt.Errorf("network %s: %w", d.Name, err)
		}
		s.networks[d.Name] = network
		if c, ok := network.(prometheus.Collector); ok {
			s.registry.MustRegister(c)
		}
		if c, ok := network.(io.Closer); ok {
			s.onClose(func() { _ = c.Close() })
		}
	}
	return nil
}

// names returns those of all networks.
func (s *server) names() (names []string) {
	for _, d := range s.definitions {
		names = append(names, d.Name)
	}
	return names
}

// mounted returns the networks in the order in which pages show them.
func (s *server) mounted() []manage.Network {
	var list []manage.Network
	for _, d := range s.definitions {
		list = append(list, manage.Network{Definition: d, Network: s.networks[d.Name]})
	}
	return list
}

// listen opens the ports, so that an address in use makes the start fail.
func (s *server) listen(ctx context.Context) error {
	web, err := listenWeb(ctx, s.cfg.Web.Listen)
	if err != nil {
		return fmt.Errorf("setting web.listen: %w", err)
	}
	s.web = s.openDoor(web, s.cfg.Web.Listen)
	s.onClose(func() { s.web.Close() })
	if err := s.listenTLS(ctx); err != nil {
		return err
	}
	for name, network := range s.networks {
		if server, ok := network.(bots.Server); ok {
			if s.addresses[name], err = server.Listen(ctx); err != nil {
				return fmt.Errorf("network %s: %w", name, err)
			}
		}
	}
	return nil
}

// run works until ctx ends, then stops in order: first it gives its cities to other
// processes, where there are any, then whatever takes reports in, then what is under way.
// Stopping takes at most 10 s.
func (s *server) run(ctx context.Context) error {
	asked := ctx
	// Whatever hangs on ctx lives as long as ctx. If another server is started
	// in this process, nothing of this one may be left.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var group sync.WaitGroup
	part := func(name string, run func(context.Context) error) {
		group.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	group.Go(s.intents.Train) // before somebody waits for it
	part("relay", s.relay.Run)
	part("account mails", s.accounts.Run)
	part("held reports", s.held.Run)
	part("supervisor", s.sup.Run)
	part("frontend", func(ctx context.Context) error { return s.serveWeb(ctx, s.web, s.plainHandler()) })
	if s.acme != nil {
		part("frontend by https", s.serveHTTPS)
		part("certificates", s.acme.Run)
	}
	part("cleaning", s.clean)
	part("vitals", s.tellVitals)
	if s.metrics != nil {
		part("metrics", s.serveMetrics)
	}
	if s.db.OnServer() {
		part("database", s.watchVersion)
	}
	group.Go(func() {
		s.shareCities(asked, ctx)
		cancel(nil)
	})
	defer s.tellOthers(ctx)() // what is said while the parts end is told, too
	s.log.Info("ready", "web", s.web.Addr().String(), "url", s.cfg.Web.URL, "addresses", s.addresses, "version", version())
	<-ctx.Done()
	s.log.Info("stopping")
	group.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// tellOthers tells other processes what this one does, and hears what they do, until stop.
func (s *server) tellOthers(ctx context.Context) (stop func()) {
	if s.wire == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.wire.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// clean deletes expired rows, and cities that were deleted, from time to time.
func (s *server) clean(ctx context.Context) error {
	tick := time.NewTicker(cleanEvery)
	defer tick.Stop()
	for {
		if !s.db.OwnsShard(0) {
			// Another process does it.
		} else if err := errors.Join(s.cities.DeleteDue(ctx, time.Now()), s.db.DeleteExpired(ctx, s.cfg.Reports.Keep)); err != nil && ctx.Err() == nil {
			s.log.Error("cleaning the database failed, trying again later", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *server) onClose(f func()) { s.closers = append(s.closers, f) }

// close closes everything in the reverse order of opening.
func (s *server) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}
