package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"ticketfrei/db"
	mailaddress "ticketfrei/internal/address"
	"ticketfrei/manage"
)

// passwords hashes and compares passwords, only a few at a time. Each takes
// memory and a processor, and a flood of logins must not slow down the rest of
// the site.
type passwords struct {
	slots chan struct{}
	log   *slog.Logger
	// nobody is a hash that no password matches. Comparing with it takes as
	// long as with a real one.
	nobody string
}

// mostTried is how many are compared at a time, at most: each counts as wrong meanwhile, and
// the right one of somebody who logs in several times at once is not to be refused for that.
const mostTried = maxWrong / 2

// hashOfNobody is made once for all sites of the process.
var hashOfNobody = sync.OnceValues(func() (string, error) { return manage.HashPassword("") })

func newPasswords(log *slog.Logger) (*passwords, error) {
	nobody, err := hashOfNobody()
	if err != nil {
		return nil, err
	}
	return &passwords{slots: make(chan struct{}, min(max(1, runtime.GOMAXPROCS(0)/2), mostTried)), log: log, nobody: nobody}, nil
}

// hash waits for its turn and hashes. It gives up when ctx ends.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return manage.HashPassword(password)
}

// match reports whether password is that of m. The zero Moderator is nobody: the answer is no,
// after the same time.
func (p *passwords) match(ctx context.Context, password string, m db.Moderator) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	return p.compare(password, m)
}

// compare is match for who has entered. A hash that cannot be compared with is refused as a
// wrong password is.
func (p *passwords) compare(password string, m db.Moderator) (bool, error) {
	cheap := true
	if m.Password != "" {
		var ok bool
		var err error
		ok, cheap, err = manage.MatchPassword(password, m.Password)
		switch {
		case errors.Is(err, manage.ErrHash):
			p.log.Warn("a moderator's password cannot be checked: they have to set a new one, by the page for forgotten passwords or with 'ticketfrei moderator password'",
				"moderator", mailaddress.Masked(m.Email), "err", err)
		case err != nil:
			return false, fmt.Errorf("check password: %w", err)
		case ok:
			return true, nil
		}
	}
	if cheap { // how long it takes must not tell who has an account
		if _, _, err := manage.MatchPassword(password, p.nobody); err != nil {
			return false, fmt.Errorf("check password: %w", err)
		}
	}
	return false, nil
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check password: %w", ctx.Err())
	}
}

func (p *passwords) leave() { <-p.slots }
