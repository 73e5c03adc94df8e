package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ticketfrei/internal/freeport"
)

// postfix is a Postfix beside the system's. Its configuration, queue and port
// are its own, everything else is Debian's default. It takes mail from this
// machine for any domain.
type postfix struct {
	dir  string // configuration
	addr string
}

// postfixMain is main.cf. Everything that decides about speed and safety keeps
// its default: the queue is synced to disk before a mail is answered. It logs
// to syslog as usual; without a syslog it is only faster.
const postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
myhostname = postfix.example
mydomain = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
%[2]s
`

// postfixMaster is Debian's master.cf without chroot, since the queue is not
// where Debian copies the files for it, and without the transports that nothing
// here uses.
const postfixMaster = `%s inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
`

// startPostfix starts a Postfix. line of main.cf says where mail goes. The
// error is errSkipped if this machine has no Postfix or does not let us start
// it.
func startPostfix(ctx context.Context, b *bench, line string) (*postfix, error) {
	if _, err := exec.LookPath("postfix"); err != nil {
		return nil, fmt.Errorf("%w: Postfix is not installed (apt install postfix)", errSkipped)
	}
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: Postfix must be started by root", errSkipped)
	}
	dir, err := b.newDir("postfix")
	if err != nil {
		return nil, err
	}
	addr, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	p := &postfix{dir: filepath.Join(dir, "etc"), addr: addr}
	if err := p.configure(dir, line); err != nil {
		return nil, err
	}
	if err := p.command(ctx, "start"); err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *postfix) configure(dir, line string) error {
	for _, d := range []string{"etc", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		return fmt.Errorf("give Postfix its directory: %w: %s", err, out)
	}
	main := fmt.Sprintf(postfixMain, dir, line)
	if err := os.WriteFile(filepath.Join(p.dir, "main.cf"), []byte(main), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dir, "master.cf"), fmt.Appendf(nil, postfixMaster, p.addr), 0o644)
}

func (p *postfix) command(ctx context.Context, verb string) error {
	cmd := exec.CommandContext(ctx, "postfix", "-c", p.dir, verb)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("postfix %s: %w: %s", verb, err, out)
	}
	return nil
}

// waitReady waits until Postfix greets whoever connects.
func (p *postfix) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return until(ctx, 20*time.Millisecond, func() (bool, error) {
		d, err := dial(p.addr)
		if err != nil {
			return false, nil
		}
		return true, d.conn.Close()
	})
}

// waitEmpty waits until the queue is empty.
func (p *postfix) waitEmpty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err := until(ctx, 50*time.Millisecond, func() (bool, error) {
		out, err := exec.CommandContext(ctx, "postqueue", "-c", p.dir, "-p").CombinedOutput()
		if err != nil {
			return false, fmt.Errorf("%w: %s", err, out)
		}
		return strings.Contains(string(out), "is empty"), nil
	})
	if err != nil {
		return fmt.Errorf("the queue of Postfix does not empty: %w", err)
	}
	return nil
}

// stop ends Postfix; nil has nothing to end. What is left in its queue goes
// with the directory.
func (p *postfix) stop() {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if p.command(ctx, "stop") != nil {
		_ = p.command(ctx, "abort") // nothing is left to try
	}
}
