package mail

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// keptEvery is how often the log says at most what was kept.
const keptEvery = time.Minute

// operator is whom mail to an address that is no city's reaches. Of several the
// last wants the most.
type operator int

const (
	nobody operator = iota
	// sender is the address that account mails come from: people answer them, and
	// so do machines.
	sender
	// postmaster is who is asked about the server (RFC 2142).
	postmaster
)

// operatorAt says whose address it is that begins with local.
func (n *Network) operatorAt(local string) operator {
	own, domain, _ := strings.Cut(strings.ToLower(n.host.Config.Mail.From), "@")
	switch {
	case local == "postmaster" || local == "abuse":
		return postmaster
	case local == own && n.host.Config.Mail.Takes(domain):
		return sender
	}
	return nobody
}

// wants says whether a mail is kept, as it was read.
func (o operator) wants(m mailtext.Message, err error) bool {
	return o == postmaster || o == sender && (err != nil || m.Skip == "")
}

// letterbox counts the mails to the operator.
type letterbox struct {
	mu             sync.Mutex
	mails, dropped int64     // since the log said so
	said           time.Time // when the log said what was kept
}

// keepForOperator stores a mail to the operator (RFC 5321 §4.5.1), who reads and deletes it
// with "ticketfrei postmaster".
func (n *Network) keepForOperator(ctx context.Context, raw []byte) error {
	dropped, err := n.host.DB.Postmaster(n.host.Secrets).Keep(ctx, raw, n.host.Now())
	if err != nil {
		return err
	}
	n.postmaster.add(dropped)
	n.sayKept()
	return nil
}

func (b *letterbox) add(dropped int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails, b.dropped = b.mails+1, b.dropped+dropped
}

// sayKept logs what was kept for the operator, at most once in a while: anybody may write to
// them as often as they like.
func (n *Network) sayKept() {
	b, now := &n.postmaster, n.host.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mails == 0 || now.Sub(b.said) < keptEvery {
		return
	}
	n.host.Log.Info(`mail for the operator: see "ticketfrei postmaster list"`, "mails", b.mails, "older_ones_deleted", b.dropped)
	b.mails, b.dropped, b.said = 0, 0, now
}

// tellOperator writes a mail to the operator about mails that do not leave. It lies with
// those to the postmaster, as no other way is sure, and is sent to the address that web.acme
// names.
func (n *Network) tellOperator(ctx context.Context, o mailer.Outage) {
	cfg := n.host.Config
	id := "mail.operator.all"
	if !o.All {
		id = "mail.operator.domain"
	}
	text := n.host.Texts.T("en", id, "Since", n.timeIn("en", o.Since.In(n.zoneOf(report.City{}))), "Error", o.Cause.Error(),
		"Said", mailer.Words(o.Cause), "Expire", n.howLong("en", cfg.Reports.Expire))
	subject := n.host.Texts.T("en", "mail.operator.subject")
	now := n.host.Now()
	mail := mailer.AccountMail(cfg.Mail, "postmaster@"+cfg.Mail.Domain, subject, text, now)
	if err := n.keepForOperator(ctx, mail.Data); err != nil {
		n.host.Log.Error("the mail to the postmaster about mails that wait could not be kept", "err", err)
	}
	if cfg.Web.ACME == "" {
		return
	}
	mail = mailer.AccountMail(cfg.Mail, cfg.Web.ACME, subject, text, now)
	if err := n.host.AccountMails.StoreMail(ctx, mail); err != nil {
		n.host.Log.Error("the operator could not be mailed that mails wait", "err", err)
	}
}

// takeOver stores the mails to the operator that an earlier version has left in files. What
// cannot be taken stays where it is, and is tried again with the next start.
func (n *Network) takeOver(ctx context.Context) {
	dir := filepath.Join(n.host.Config.Data, "postmaster")
	entries, err := os.ReadDir(dir) // names begin with the time
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".eml") {
			err = errors.Join(err, n.takeFile(ctx, filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		n.host.Log.Error("mails to the operator that an earlier version has left in files cannot be taken over", "dir", dir, "err", err)
		return
	}
	_ = os.Remove(dir) // unless somebody keeps something else there
}

func (n *Network) takeFile(ctx context.Context, path string) error {
	raw, at, err := readFile(path)
	if err != nil {
		return err
	}
	if _, err := n.host.DB.Postmaster(n.host.Secrets).Keep(ctx, raw, at); err != nil {
		return err
	}
	return os.Remove(path)
}

// readFile reads a mail and when it came. Of a large one it keeps as much as is kept today.
func readFile(path string) (raw []byte, at time.Time, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, at, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, at, err
	}
	if info.Size() > keptWhole {
		raw, err = mailtext.Reduce(file)
	} else {
		raw, err = io.ReadAll(file)
	}
	return raw, info.ModTime(), err
}
