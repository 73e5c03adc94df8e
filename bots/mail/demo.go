package mail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/go-chi/chi/v5"
	"github.com/jhillyerd/enmime/v2"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// demoSubscribers are confirmed from the start.
var demoSubscribers = []string{"rider-one@example.org", "rider-two@example.org"}

// maxCaught is how many mails the demo keeps.
const maxCaught = 200

// StartDemo takes what goes out, at the address of mail.relay, and shows it.
func (n *Network) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	b, err := n.host.DB.FindBot(ctx, city.ID, Name)
	if err != nil {
		return nil, err
	}
	for _, email := range demoSubscribers {
		if _, err := n.subscribers.Subscribe(ctx, b.ID, email); err != nil {
			return nil, err
		}
	}
	relay, err := url.Parse(n.host.Config.Mail.Relay)
	if err != nil {
		return nil, fmt.Errorf("demo: mail.relay: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", relay.Host)
	if err != nil {
		return nil, fmt.Errorf("demo: catch mail: %w", err)
	}
	box := &mailbox{now: n.host.Now}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &caught{box: box}, nil }))
	srv.Domain, srv.ErrorLog, srv.MaxMessageBytes = n.host.Config.Mail.Domain, smtpLog{n.host.Log}, maxMessage
	srv.ReadTimeout, srv.WriteTimeout = readTimeout, writeTimeout
	srv.EnableSMTPUTF8 = true
	// Both end with ctx: Close makes Serve return.
	context.AfterFunc(ctx, func() {
		srv.Close()
		l.Close() // where Serve has not seen it yet
	})
	go srv.Serve(l)
	return demoPages(site, box), nil
}

// mailbox holds the last mails that went out.
type mailbox struct {
	now   func() time.Time
	mu    sync.Mutex
	last  int
	mails []caughtMail // oldest first
}

type caughtMail struct {
	id       int
	at       time.Time
	from, to string // of the envelope
	raw      []byte
}

func (b *mailbox) add(m caughtMail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.id, m.at = b.last, b.now()
	b.mails = append(b.mails, m)
	if len(b.mails) > maxCaught {
		b.mails = slices.Clone(b.mails[len(b.mails)-maxCaught:])
	}
}

func (b *mailbox) all() []caughtMail {
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := slices.Clone(b.mails)
	slices.Reverse(newest)
	return newest
}

// caught is a dialogue with the mailbox's server.
type caught struct {
	box  *mailbox
	from string
	to   []string
}

func (c *caught) Mail(from string, _ *smtp.MailOptions) error { c.from = from; return nil }
func (c *caught) Rcpt(to string, _ *smtp.RcptOptions) error   { c.to = append(c.to, to); return nil }
func (c *caught) Reset()                                      { c.from, c.to = "", nil }
func (c *caught) Logout() error                               { return nil }

func (c *caught) Data(r io.Reader) error {
	from, to := c.from, c.to
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, address := range to {
		c.box.add(caughtMail{from: from, to: address, raw: raw})
	}
	return nil
}

// demo shows the mailbox: a list, and each mail.
type demo struct {
	site bots.Site
	box  *mailbox
}

func demoPages(site bots.Site, box *mailbox) http.Handler {
	d := &demo{site, box}
	r := chi.NewRouter()
	r.Get("/", site.Handler(d.handleList))
	r.Get("/{id}", site.Handler(d.handleMail))
	return r
}

func (d *demo) handleList(w http.ResponseWriter, r *http.Request) error {
	var data struct{ Mails []shownMail }
	for _, m := range d.box.all() {
		data.Mails = append(data.Mails, m.show())
	}
	return d.site.Page(w, r, http.StatusOK, Name, "demo.tmpl", d.site.T(r, "mail.demo.title"), data)
}

func (d *demo) handleMail(w http.ResponseWriter, r *http.Request) error {
	for _, m := range d.box.all() {
		if strconv.Itoa(m.id) == chi.URLParam(r, "id") {
			shown := m.show()
			return d.site.Page(w, r, http.StatusOK, Name, "demomail.tmpl", shown.Subject, shown)
		}
	}
	return &bots.PageError{Status: http.StatusNotFound, ID: "mail.demo.gone"}
}

// shownMail is a mail as the demo's pages show it.
type shownMail struct {
	ID                int
	From, To, Subject string
	Time              string
	Parts             []shownPart
	Source            string
}

// shownPart is a piece of text, or a link.
type shownPart struct{ Text, URL string }

// link is one in a plain text.
var link = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)]`)

func (m caughtMail) show() shownMail {
	shown := shownMail{ID: m.id, To: m.to, Time: m.at.Local().Format("15:04:05"), Source: string(m.raw)}
	// Everything here is a mail of ours: UTF-8, one part, a well-formed header.
	root, err := enmime.ReadParts(bytes.NewReader(m.raw))
	if err != nil {
		shown.Parts = []shownPart{{Text: string(m.raw)}}
		return shown
	}
	shown.Subject, shown.From = enmime.DecodeRFC2047(root.Header.Get("Subject")), root.Header.Get("From")
	if list, err := mail.ParseAddress(shown.From); err == nil {
		shown.From = strings.TrimSpace(list.Name + " <" + list.Address + ">")
	}
	text := string(root.Content)
	from := 0
	for _, at := range link.FindAllStringIndex(text, -1) {
		shown.Parts = append(shown.Parts, shownPart{Text: text[from:at[0]]}, shownPart{Text: text[at[0]:at[1]], URL: text[at[0]:at[1]]})
		from = at[1]
	}
	shown.Parts = append(shown.Parts, shownPart{Text: text[from:]})
	return shown
}
