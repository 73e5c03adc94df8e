package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketfrei/internal/freeport"
)

// postgres is a PostgreSQL beside the system's, with everything at its default but
// the directory, the port and the number of connections: what is committed is on
// disk.
type postgres struct {
	bin, dir string
	addr     string
	owner    *syscall.Credential // nil: whoever runs the benchmark
	made     int                 // databases

	cmd  *exec.Cmd
	dead chan struct{}
}

// postgresConnections is how many there may be: three processes, and those who look.
const postgresConnections = 300

// startPostgres makes one and starts it. The error is errSkipped where PostgreSQL
// is not installed, but in CI.
func startPostgres(ctx context.Context, b *bench) (*postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := b.newDir("postgres")
	if err != nil {
		return nil, err
	}
	p := &postgres{bin: bin, dir: dir}
	if p.addr, err = freeport.Address(); err != nil {
		return nil, err
	}
	if err := p.init(ctx); err != nil {
		return nil, err
	}
	return p, p.start(ctx)
}

// findPostgres is the directory of its programs.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian has it
	if err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if os.Getenv("CI") == "true" {
		return "", errors.New("PostgreSQL is not installed (apt install postgresql)")
	}
	return "", fmt.Errorf("%w: PostgreSQL is not installed (apt install postgresql)", errSkipped)
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// init makes the directory of the server. PostgreSQL refuses to run as root.
func (p *postgres) init(ctx context.Context) error {
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("%w: PostgreSQL does not run as root, and there is no user postgres", errSkipped)
		}
		uid, _ := strconv.Atoi(u.Uid) // numbers, on every Unix
		gid, _ := strconv.Atoi(u.Gid)
		p.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(p.dir, uid, gid); err != nil {
			return err
		}
	}
	// What initdb writes need not be on disk: no power is cut while it does.
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "--no-sync", "-D", p.data(), "-U", "ticketfrei", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8")
	cmd.Dir, cmd.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: p.owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// start starts the server and returns when it takes connections.
func (p *postgres) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.data(), "-h", "127.0.0.1", "-p", port, "-k", p.dir,
		"-c", "max_connections="+strconv.Itoa(postgresConnections))
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	// If the benchmark is killed, the server ends too, with its children.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.owner, Pdeathsig: syscall.SIGQUIT}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	dead := make(chan struct{})
	p.cmd, p.dead = cmd, dead
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(dead)
	}()
	return p.waitReady(ctx)
}

func (p *postgres) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	err := until(ctx, 20*time.Millisecond, func() (bool, error) {
		select {
		case <-p.dead:
			return false, fmt.Errorf("PostgreSQL has ended: %s", filepath.Join(p.dir, "log"))
		default:
		}
		last = p.exec(ctx, "postgres", "SELECT 1")
		return last == nil, nil
	})
	return errors.Join(err, last)
}

// newDatabase makes an empty database and returns its URL.
func (p *postgres) newDatabase(ctx context.Context) (string, error) {
	p.made++
	name := fmt.Sprintf("bench%d", p.made)
	return p.url(name), p.exec(ctx, "postgres", "CREATE DATABASE "+name)
}

func (p *postgres) url(database string) string { return databaseURL(p.addr, database) }

// databaseURL is that of a database by the address of its server, or of what stands
// in front.
func databaseURL(addr, database string) string {
	return "postgres://ticketfrei@" + addr + "/" + database + "?sslmode=disable"
}

func (p *postgres) exec(ctx context.Context, database, statement string) error {
	c, err := pgx.Connect(ctx, p.url(database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// end ends the server by a signal: SIGINT cuts the connections off first, SIGQUIT
// leaves everything as a crash does. It may be called twice.
func (p *postgres) end(s syscall.Signal) error {
	if p == nil || p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(s) // it may have ended
	select {
	case <-p.dead:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(errors.New("PostgreSQL does not end"), p.cmd.Process.Signal(syscall.SIGQUIT))
	}
}
