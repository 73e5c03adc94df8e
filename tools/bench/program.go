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

	cmd  *exec.Cmd
	log  *os.File
	dead chan struct{} // closed when the process has ended
}

// newProgram sets up a program in the directory data, whose outgoing mail goes
// to relay. more holds settings as NAME=value.
func newProgram(binary, data, relay string, more ...string) (*program, error) {
	p := &program{binary: binary, data: data}
	for _, a := range []*string{&p.smtp, &p.web, &p.meter} {
		var err error
		if *a, err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	p.env = append(append(os.Environ(),
		"TICKETFREI_DATA="+data,
		"TICKETFREI_WEB_LISTEN="+p.web, "TICKETFREI_WEB_URL=http://"+p.web,
		"TICKETFREI_MAIL_LISTEN="+p.smtp, "TICKETFREI_MAIL_DOMAIN="+mailDomain,
		"TICKETFREI_MAIL_RELAY=smtp://"+relay,
		"TICKETFREI_NETWORK_ALLOW_PRIVATE=true"), more...)
	return p, p.fit()
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
	p.log = log
	p.cmd = exec.Command(p.binary, "serve")
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, log, log
	// If the benchmark is killed, nothing is left running.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		log.Close()
		return fmt.Errorf("start the program: %w", err)
	}
	dead := make(chan struct{})
	p.dead = dead
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(dead)
	}()
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
		select {
		case <-p.dead:
			return false, errors.New("the program ended before it was ready:\n" + p.lastLines())
		default:
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
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.dead
	p.log.Close()
}

// stop ends the process as an operator does, and waits for its end. It may be
// called after kill.
func (p *program) stop() error {
	if p.cmd == nil {
		return nil
	}
	defer p.kill()
	if p.cmd.Process.Signal(syscall.SIGTERM) != nil {
		return nil // it has ended
	}
	select {
	case <-p.dead:
		return nil
	case <-time.After(stopTimeout):
		return errors.New("the program does not stop:\n" + p.lastLines())
	}
}

// alive tells whether the process runs.
func (p *program) alive() bool {
	select {
	case <-p.dead:
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
