package mail

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/emersion/go-smtp"
)

// maxPostmaster is how many mails to the postmaster are kept.
const maxPostmaster = 1000

// errFull is the answer when the operator has not looked for long.
var errFull = errors.New("the folder is full")

// keepForPostmaster stores a mail to the operator (RFC 5321 §4.5.1) as a file
// in the data directory, where it can be read and deleted.
func (n *Network) keepForPostmaster(raw []byte) error {
	path, err := keep(filepath.Join(n.host.Config.Data, "postmaster"),
		n.host.Now().UTC().Format("20060102T150405Z")+"-"+rand.Text()[:8]+".eml", raw)
	if errors.Is(err, errFull) {
		n.host.Log.Warn("mail for the postmaster was put off: there are too many unread ones", "folder", path)
		return reply(452, smtp.EnhancedCode{4, 3, 1}, n.host.Texts.T("en", "mail.refused.later"))
	}
	if err != nil {
		return n.trouble(fmt.Errorf("mail for the postmaster: %w", err))
	}
	n.host.Log.Info("mail for the postmaster", "file", path)
	return nil
}

// keep writes a file that is on disk, whole, when it returns nil.
func keep(dir, name string, raw []byte) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) >= maxPostmaster {
		return dir, errFull
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", err
	}
	return path, syncDir(dir)
}

// syncDir makes a new name in dir survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
