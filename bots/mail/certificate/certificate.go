// Package certificate reads the certificate of a server from files, and again
// when it was renewed.
package certificate

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files are a certificate and its key in two files, read again when one of them
// changes.
type Files struct {
	certFile, keyFile string
	log               *slog.Logger

	mu        sync.Mutex
	current   *tls.Certificate
	read      [2]fileVersion
	complaint string // the last error that was logged
}

type fileVersion struct {
	modified time.Time
	size     int64
}

// Open reads a certificate and its key, both in PEM. The error is that of a file
// that is missing or broken now; what happens to the files later goes to log.
func Open(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, log: log}
	versions, err := f.versions()
	if err != nil {
		return nil, err
	}
	if err := f.load(versions); err != nil {
		return nil, err
	}
	return f, nil
}

// GetCertificate returns the certificate that is in the files now. Where these are
// broken, or one of the two was not replaced yet, it is the last good one. It is
// for tls.Config.GetCertificate and never fails.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	versions, err := f.versions()
	if err == nil && versions != f.read {
		err = f.load(versions)
		if err == nil {
			f.log.Info("mail server: new certificate in use")
		}
	}
	if err == nil {
		f.complaint = ""
	} else if f.complaint != err.Error() {
		f.complaint = err.Error()
		f.log.Error("mail server: the new certificate cannot be used, the old one stays", "err", err)
	}
	return f.current, nil
}

func (f *Files) versions() (v [2]fileVersion, err error) {
	for i, name := range []string{f.certFile, f.keyFile} {
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
func (f *Files) load(versions [2]fileVersion) error {
	f.read = versions
	pair, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return err
	}
	f.current = &pair
	return nil
}
