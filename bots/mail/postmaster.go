package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// What is kept of the mails to the operator: whoever floods the folder shall
// not fill the disk.
const (
	maxPostmaster      = 1000     // mails
	maxPostmasterBytes = 50 << 20 // in all
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
	case local == own && strings.EqualFold(domain, n.host.Config.Mail.Domain):
		return sender
	}
	return nobody
}

// wants says whether a mail is kept, as it was read.
func (o operator) wants(m mailtext.Message, err error) bool {
	return o == postmaster || o == sender && (err != nil || m.Skip == "")
}

// letterbox is the folder of the mails to the operator.
type letterbox struct {
	dir  string
	mu   sync.Mutex // held while a mail is written
	kept kept
	said time.Time // when the log said what was kept
}

// kept is what was kept since the log said so.
type kept struct {
	mails, dropped int
	last           string // path
}

// keepForOperator stores a mail to the operator (RFC 5321 §4.5.1) as a file
// in the data directory, where it can be read and deleted.
func (n *Network) keepForOperator(raw []byte) error {
	if err := n.postmaster.keep(raw, n.host.Now()); err != nil {
		return fmt.Errorf("mail for the operator: %w", err)
	}
	n.sayKept()
	return nil
}

// sayKept logs what was kept for the operator, at most once in a while: anybody may
// write to them as often as they like.
func (n *Network) sayKept() {
	if k := n.postmaster.take(n.host.Now()); k.mails > 0 {
		n.host.Log.Info("mail for the operator", "mails", k.mails, "last", k.last, "older_ones_deleted", k.dropped)
	}
}

// take returns what is to be logged now and forgets it.
func (b *letterbox) take(now time.Time) (k kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept.mails > 0 && now.Sub(b.said) >= keptEvery {
		k, b.kept, b.said = b.kept, k, now
	}
	return k
}

// tellOperator writes a mail to the operator about mails that do not leave. It lies in
// the folder of the postmaster, as no other way is sure, and is sent to the address
// that web.acme names.
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
	if err := n.keepForOperator(mail.Data); err != nil {
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

// keep writes a file that is on disk, whole, when it returns nil. Older ones may have
// to go for it.
func (b *letterbox) keep(raw []byte, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	dropped, err := b.makeRoom(len(raw))
	if err != nil {
		return err
	}
	path, err := b.write(raw, now)
	if err != nil {
		return err
	}
	b.kept = kept{b.kept.mails + 1, b.kept.dropped + dropped, path}
	return nil
}

// write writes a file and returns its path.
func (b *letterbox) write(raw []byte, now time.Time) (path string, err error) {
	tmp, err := os.CreateTemp(b.dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	path = filepath.Join(b.dir, now.UTC().Format("20060102T150405.000Z")+"-"+rand.Text()[:8]+".eml")
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", err
	}
	return path, syncDir(b.dir)
}

// makeRoom deletes the oldest files until another of a size has room. Among them
// are those that were being written when the program was killed.
func (b *letterbox) makeRoom(size int) (dropped int, err error) {
	files, err := b.files()
	if err != nil {
		return 0, err
	}
	left, bytes := len(files), int64(size)
	for _, f := range files {
		bytes += f.Size()
	}
	for _, f := range files {
		if left < maxPostmaster && bytes <= maxPostmasterBytes {
			break
		}
		if err := os.Remove(filepath.Join(b.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return dropped, err
		}
		left, bytes, dropped = left-1, bytes-f.Size(), dropped+1
	}
	return dropped, nil
}

// files returns the files in the folder, the oldest first.
func (b *letterbox) files() (files []fs.FileInfo, err error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // the operator has just deleted it, or keeps a folder there
		}
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	slices.SortStableFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	return files, nil
}

// syncDir makes a new name in dir survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
