package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// source is a run of smtp-source, the load generator of Postfix.
type source struct {
	addr        string
	to          string
	mails       int
	connections int
	keep        bool // many mails on one connection
	numbered    bool // every mail to a different recipient
	text        int  // bytes of the body
}

// sourceTimeout bounds one run.
const sourceTimeout = 5 * time.Minute

// at is the same run against another server.
func (s source) at(addr string) source {
	s.addr = addr
	return s
}

// run sends the mails and returns how long that took. It is an error if one of
// them is not answered with 250.
func (s source) run(ctx context.Context) (time.Duration, error) {
	path, err := exec.LookPath("smtp-source")
	if err != nil {
		return 0, fmt.Errorf("%w: smtp-source is not installed (apt install postfix)", errSkipped)
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	args := []string{"-4", "-M", "riders.example", "-f", "rider@riders.example", "-t", s.to, "-l", strconv.Itoa(s.text),
		"-m", strconv.Itoa(s.mails), "-s", strconv.Itoa(s.connections)}
	if s.keep {
		args = append(args, "-d")
	}
	if s.numbered {
		args = append(args, "-N")
	}
	began := time.Now()
	out, err := exec.CommandContext(ctx, path, append(args, s.addr)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("smtp-source to %s: %w: %s", s.addr, err, out)
	}
	return time.Since(began), nil
}
