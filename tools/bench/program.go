package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"ticketfrei/internal/freeport"
)

// mailDomain is the domain of the cities' addresses.
const mailDomain = "tickets.example"

// startTimeout bounds how long the program may take to be ready, and
// stopTimeout how long to end.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
)

// program is the real binary at work. All its settings but addresses, directories and
// the brakes are the defaults.
type program struct {
	binary string
	env    []string
	data   string // its data directory
	smtp   string // address that takes mail
	web    string // address that serves pages
	meter  string // address that serves /metrics

	url string // of its database; empty: SQLite in its data directory
	key string // its secret key; empty: it makes one

	mu   sync.Mutex // guards what follows
	cmd  *exec.Cmd
	log  *os.File
	dead chan struct{} // closed when the process has ended
}

// newProgram sets up a program in the directory data, whose outgoing mail goes
// to relay. more holds settings as NAME=value.
func newProgram(binary, data, relay string, more ...string) (*program, error) {
	p := &program{binary: binary}
	p.env = append(os.Environ(), "TICKETFREI_MAIL_DOMAIN="+mailDomain, "TICKETFREI_MAIL_RELAY=smtp://"+relay,
		"TICKETFREI_NETWORK_ALLOW_PRIVATE=true")
	if err := p.settle(data); err != nil {
		return nil, err
	}
	p.env = append(append(p.env, "TICKETFREI_WEB_URL=http://"+p.web), more...)
	return p, p.fit()
}

// settle gives the program a data directory and addresses of its own.
func (p *program) settle(data string) error {
	for _, a := range []*string{&p.smtp, &p.web, &p.meter} {
		var err error
		if *a, err = freeport.Address(); err != nil {
			return err
		}
	}
	p.data = data
	// Of settings that are given twice the last counts.
	p.env = append(p.env, "TICKETFREI_DATA="+data, "TICKETFREI_WEB_LISTEN="+p.web, "TICKETFREI_MAIL_LISTEN="+p.smtp)
	return nil
}

// twin sets up another program with the same settings, on the same database.
func (p *program) twin(data string) (*program, error) {
	t := &program{binary: p.binary, env: slices.Clone(p.env), url: p.url, key: p.key}
	if err := t.settle(data); err != nil {
		return nil, err
	}
	t.env = append(t.env, "TICKETFREI_METRICS_LISTEN="+t.meter)
	return t, nil
}

// use makes the program store everything in the PostgreSQL database at url.
func (p *program) use(url, key string) {
	p.url, p.key = url, key
	p.env = append(p.env, "TICKETFREI_DATABASE_URL="+url, "TICKETFREI_SECRET="+key)
}

// fit adds settings that programs of earlier versions do not have, and refuse: the
// address of /metrics, which they serve with the pages, and no brakes for reports that
// nobody vouches for, which would hold most of what is mailed here.
func (p *program) fit() error {
	settings, err := exec.Command(p.binary, "check-config").Output()
	if err != nil {
		return fmt.Errorf("settings of the program: %w", err)
	}
	if bytes.Contains(settings, []byte("\n[metrics]\n")) {
		p.env = append(p.env, "TICKETFREI_METRICS_LISTEN="+p.meter)
	} else {
		p.meter = p.web
	}
	if bytes.Contains(settings, []byte("\n[brakes]\n")) {
		p.env = append(p.env, "TICKETFREI_BRAKES_CLIENT=0", "TICKETFREI_BRAKES_DOMAIN=0", "TICKETFREI_BRAKES_CITY=0")
	}
	return nil
}

// start starts the process and returns when it reports that it is ready.
func (p *program) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(p.data), filepath.Base(p.data)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.binary, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	// If the benchmark is killed, nothing is left running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		log.Close()
		return fmt.Errorf("start the program: %w", err)
	}
	dead := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(dead)
	}()
	p.mu.Lock()
	p.cmd, p.log, p.dead = cmd, log, dead
	p.mu.Unlock()
	if err := p.waitReady(ctx); err != nil {
		p.kill()
		return err
	}
	return nil
}

func (p *program) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return until(ctx, 2*time.Millisecond, func() (bool, error) {
		if !p.alive() {
			return false, errors.New("the program ended before it was ready:\n" + p.lastLines())
		}
		resp, err := http.Get("http://" + p.web + "/readyz")
		if err != nil {
			return false, nil
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// until calls ok again and again, with pauses between, until it returns true or
// an error, or ctx ends.
func until(ctx context.Context, pause time.Duration, ok func() (bool, error)) error {
	for {
		done, err := ok()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// kill ends the process as kill -9 does, and waits for its end. It may be
// called twice.
func (p *program) kill() {
	cmd, dead := p.process()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill() // it may have ended
	<-dead
	p.log.Close()
}

// process is what runs or ran last, and what is closed when it has ended; nil before
// the first start.
func (p *program) process() (*exec.Cmd, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.dead
}

// signal sends the process a signal.
func (p *program) signal(s syscall.Signal) error {
	cmd, _ := p.process()
	return cmd.Process.Signal(s)
}

// stop ends the process as an operator does, and waits for its end. It may be
// called after kill.
func (p *program) stop() error {
	cmd, dead := p.process()
	if cmd == nil {
		return nil
	}
	defer p.kill()
	if cmd.Process.Signal(syscall.SIGTERM) != nil {
		return nil // it has ended
	}
	select {
	case <-dead:
		return nil
	case <-time.After(stopTimeout):
		return errors.New("the program does not stop:\n" + p.lastLines())
	}
}

// alive tells whether the process runs.
func (p *program) alive() bool {
	_, dead := p.process()
	select {
	case <-dead:
		return false
	default:
		return true
	}
}

// lastLines are the last lines of the program's log.
func (p *program) lastLines() string {
	raw, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte{'\n'})
	return string(bytes.Join(lines[max(0, len(lines)-12):], []byte{'\n'}))
}
