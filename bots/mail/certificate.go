package mail

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a certificate and its key in two files, read again when one of
// them changes.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	mu                sync.Mutex
	current           *tls.Certificate
	read              [2]fileVersion
	complaint         string // the last error that was logged
}

type fileVersion struct {
	modified time.Time
	size     int64
}

func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	versions, err := c.versions()
	if err != nil {
		return nil, fmt.Errorf("mail.tls_cert, mail.tls_key: %w", err)
	}
	if err := c.load(versions); err != nil {
		return nil, fmt.Errorf("mail.tls_cert, mail.tls_key: %w", err)
	}
	return c, nil
}

// get returns the certificate that is in the files now. Where these are
// broken, or one of the two was not replaced yet, the last good one is kept.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	versions, err := c.versions()
	if err == nil && versions != c.read {
		err = c.load(versions)
		if err == nil {
			c.log.Info("mail server: new certificate in use")
		}
	}
	if err == nil {
		c.complaint = ""
	} else if c.complaint != err.Error() {
		c.complaint = err.Error()
		c.log.Error("mail server: the new certificate cannot be used, the old one stays", "error", err)
	}
	return c.current, nil
}

func (c *certificate) versions() (v [2]fileVersion, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return v, err
		}
		v[i] = fileVersion{info.ModTime(), info.Size()}
	}
	return v, nil
}

// load reads the files. A version that could not be read is not tried again
// before the files change, so that it is logged once.
func (c *certificate) load(versions [2]fileVersion) error {
	c.read = versions
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current = &pair
	return nil
}
