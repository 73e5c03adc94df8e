package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/certificate"
	"ticketfrei/bots/mail/gate"
	"ticketfrei/internal/clients"
)

// The limits of the server that takes mail.
const (
	maxMessage    = 25 << 20 // bytes; announced as SIZE (RFC 1870)
	maxRecipients = 20
	// How many connections are served at the same time, at most, in all and from
	// one client's network.
	maxConnections = 500
	maxPerClient   = 20
	// maxLine is how long a line may be, in bytes. RFC 5321 allows 1000; some
	// programs write a whole paragraph in one.
	maxLine = 64 << 10
	// readTimeout bounds the wait for a command within a mail, for which RFC 5321
	// §4.5.3.2 asks for 5 minutes, and for its whole text, which takes as long where it
	// is large and the line slow. mailTimeout bounds all of it, which may come in any
	// number of chunks. idleTimeout bounds the wait for a mail.
	readTimeout  = 10 * time.Minute
	mailTimeout  = 15 * time.Minute
	idleTimeout  = time.Minute
	writeTimeout = time.Minute
	// stopTimeout is how long mails that are just being taken may go on when
	// the program stops.
	stopTimeout = 3 * time.Second
)

// server is the state of the listener between Listen and the runs of Serve.
type server struct {
	unseen   sync.Once // see sayUnseen
	mu       sync.Mutex
	listener net.Listener // nil while Serve has it
	addr     string       // where it listens
	tls      *tls.Config  // nil without a certificate
}

// Listen opens the port that takes mail and reads the certificate, and takes over what an
// earlier version has kept of mails in files.
func (n *Network) Listen(ctx context.Context) (string, error) {
	certificates, err := n.certificates()
	if err != nil {
		return "", err
	}
	if certificates != nil {
		n.server.tls = &tls.Config{GetCertificate: certificates.GetCertificate}
	}
	l, err := listen(ctx, n.host.Config.Mail.Listen)
	if err != nil {
		return "", err
	}
	n.takeOver(ctx)
	n.server.listener, n.server.addr = l, l.Addr().String()
	n.sayWhoIsUnseen()
	return n.server.addr, nil
}

// certificates are those in the operator's files, or else the program's.
func (n *Network) certificates() (bots.Certificates, error) {
	cfg := n.host.Config.Mail
	if cfg.TLSCert == "" && cfg.TLSKey == "" {
		return n.host.Certificates, nil
	}
	files, err := certificate.Open(cfg.TLSCert, cfg.TLSKey, n.host.Log)
	if err != nil {
		return nil, fmt.Errorf("mail.tls_cert, mail.tls_key: %w", err)
	}
	return files, nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("mail.listen: %w", err)
	}
	return l, nil
}

// takeListener returns the open listener, or opens it again after a failure.
func (n *Network) takeListener(ctx context.Context) (net.Listener, error) {
	n.server.mu.Lock()
	defer n.server.mu.Unlock()
	l := n.server.listener
	n.server.listener = nil
	if l != nil {
		return l, nil
	}
	if n.server.addr == "" {
		return nil, errors.New("mail server: Serve without Listen")
	}
	return listen(ctx, n.server.addr)
}

// Serve takes mails until ctx ends. Those whose text is just being read or
// stored are then finished; everybody else is told to come back later. Beside that it
// mails those who get one mail an hour.
func (n *Network) Serve(ctx context.Context) error {
	l, err := n.takeListener(ctx)
	if err != nil {
		return err
	}
	defer n.startDigests(ctx)()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g := gate.New(l, n.admission())
	defer g.Wait()
	var counting sync.WaitGroup
	defer counting.Wait()
	defer cancel()
	counting.Go(func() { n.keepCounts(work) })
	srv := n.smtpServer(work)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(g) }()
	select {
	case err := <-ended:
		g.Close()
		g.CloseAll()
		return fmt.Errorf("mail server: %w", err)
	case <-ctx.Done():
	}
	// The library closes the listener only where it has begun to accept.
	g.Close()
	g.Stop()
	grace, cancelGrace := context.WithTimeout(work, stopTimeout)
	defer cancelGrace()
	// Its error may as well be that the listener is closed already.
	if err := srv.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		n.host.Log.Warn("mail server: connections were cut off")
	}
	cancel()
	g.CloseAll()
	<-ended
	return nil
}

// admission is whom the server lets in at the same time.
func (n *Network) admission() gate.Rules {
	all := maxConnections
	if n.host.Connections > 0 {
		all = min(all, n.host.Connections)
	}
	return gate.Rules{
		All: all, Each: min(maxPerClient, max(all/4, 1)), Processes: n.host.DB.LivingProcesses,
		Trusted: n.host.Config.Mail.TrustedNetworks.Contains,
		Gateway: clients.IsGateway,
		Unseen:  n.sayUnseen,
		Name:    n.host.Config.Mail.Name(),
		Domain:  n.host.Config.Mail.Domain,
		Refusal: "421 4.7.0 Too many connections, please try again later\r\n", // RFC 5321 §3.8
		Idle:    idleTimeout,
		Mail:    mailTimeout,
		Finish:  readTimeout,
	}
}

// sayWhoIsUnseen does what sayUnseen does where it is known before anybody comes.
func (n *Network) sayWhoIsUnseen() {
	cfg := n.host.Config.Mail
	if gateway, ok := clients.Behind(cfg.Listen); ok && len(cfg.TrustedNetworks) == 0 {
		n.sayUnseen(gateway)
	}
}

// sayUnseen tells the operator, once, that many clients come from one address.
func (n *Network) sayUnseen(gateway netip.Addr) {
	n.server.unseen.Do(func() {
		n.host.Log.Info("who brings mails is not seen: everybody may come from this address, so limits, brakes and SPF by client do not apply to it. "+
			"Use the host's network, or name the relay in front in mail.trusted_networks if it speaks XCLIENT or the PROXY protocol", "address", gateway)
	})
}

func (n *Network) smtpServer(work context.Context) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return newSession(work, n, c), nil
	}))
	srv.Domain = n.host.Config.Mail.Name()
	srv.MaxMessageBytes = maxMessage
	srv.MaxRecipients = maxRecipients
	srv.MaxLineLength = maxLine
	srv.ReadTimeout = readTimeout
	srv.WriteTimeout = writeTimeout
	srv.EnableSMTPUTF8 = true
	srv.TLSConfig = n.server.tls
	srv.ErrorLog = smtpLog{n.host.Log}
	return srv
}

// smtpLog takes what the SMTP library has to say: of connections that broke, which
// is everyday business, and of panics. The client's address and everything that
// may quote a mail is left out.
type smtpLog struct{ log *slog.Logger }

// Printf is for the library.
func (l smtpLog) Printf(_ string, v ...any) { l.Println(v...) }

// Println is for the library.
func (l smtpLog) Println(v ...any) {
	level, attrs := slog.LevelDebug, []any{}
	for _, arg := range v {
		switch arg := arg.(type) {
		case error:
			attrs = append(attrs, "kind", kindOf(arg))
		case []byte: // where it panicked
			level, attrs = slog.LevelError, append(attrs, "stack", string(arg))
		}
	}
	l.log.Log(context.Background(), level, "mail server: a connection failed", attrs...)
}

// kindOf names the cause of an error without the words of the error.
func kindOf(err error) string {
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		return cause.Error()
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return fmt.Sprintf("%T", err)
}
