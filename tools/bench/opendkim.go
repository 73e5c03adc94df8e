package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// opendkim signs the mails of a Postfix, with RSA alone, as most who run one have it.
type opendkim struct {
	cmd  *exec.Cmd
	addr string
}

// opendkimConf has it sign what comes from this machine. The key may lie in a directory
// for temporary files.
const opendkimConf = `Mode s
Canonicalization relaxed/relaxed
Domain riders.example
Selector bench
KeyFile %s
RequireSafeKeys false
Socket inet:%s@%s
`

// startOpenDKIM starts a signer. The error is errSkipped if this machine has none.
func startOpenDKIM(ctx context.Context, b *bench) (*opendkim, error) {
	path, err := exec.LookPath("opendkim")
	if err != nil {
		return nil, fmt.Errorf("%w: OpenDKIM is not installed (apt install opendkim)", errSkipped)
	}
	dir, err := b.newDir("opendkim")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	o := &opendkim{addr: addr}
	config, err := o.configure(dir)
	if err != nil {
		return nil, err
	}
	o.cmd = exec.Command(path, "-f", "-x", config)
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start OpenDKIM: %w", err)
	}
	if err := o.waitReady(ctx); err != nil {
		o.stop()
		return nil, err
	}
	return o, nil
}

// configure writes a new key, as large as the program's, and the file of settings that
// names it.
func (o *opendkim) configure(dir string) (path string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	keyFile, path := filepath.Join(dir, "key.pem"), filepath.Join(dir, "opendkim.conf")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, fmt.Appendf(nil, opendkimConf, keyFile, port, host), 0o600)
}

func (o *opendkim) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return until(ctx, 20*time.Millisecond, func() (bool, error) {
		conn, err := net.Dial("tcp", o.addr)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
}

// settings are the lines of main.cf that have a Postfix sign. A mail that is not signed
// is not taken.
func (o *opendkim) settings() string {
	return "smtpd_milters = inet:" + o.addr + "\nmilter_default_action = tempfail"
}

// stop ends the signer; nil has nothing to end.
func (o *opendkim) stop() {
	if o != nil {
		_ = o.cmd.Process.Kill()
		_ = o.cmd.Wait() // it was killed
	}
}
