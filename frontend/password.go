package frontend

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/alexedwards/argon2id"

	"ticketfrei/manage"
)

// passwords hashes and compares passwords, only a few at a time. Each takes
// memory and a processor, and a flood of logins must not slow down the rest of
// the site.
type passwords struct {
	slots chan struct{}
	// nobody is a hash that no password matches. Comparing with it takes as
	// long as with a real one.
	nobody string
}

// mostTried is how many are compared at a time, at most: each counts as wrong meanwhile, and
// the right one of somebody who logs in several times at once is not to be refused for that.
const mostTried = maxWrong / 2

// hashOfNobody is made once for all sites of the process.
var hashOfNobody = sync.OnceValues(func() (string, error) { return manage.HashPassword("") })

func newPasswords() (*passwords, error) {
	nobody, err := hashOfNobody()
	if err != nil {
		return nil, err
	}
	return &passwords{slots: make(chan struct{}, min(max(1, runtime.GOMAXPROCS(0)/2), mostTried)), nobody: nobody}, nil
}

// hash waits for its turn and hashes. It gives up when ctx ends.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return manage.HashPassword(password)
}

// match reports whether password is that of hash. For an account that does not
// exist, hash is empty: the answer is no, after the same time.
func (p *passwords) match(ctx context.Context, password, hash string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	return p.compare(password, hash)
}

// compare is match for who has entered.
func (p *passwords) compare(password, hash string) (bool, error) {
	compareWith := hash
	if hash == "" {
		compareWith = p.nobody
	}
	ok, err := argon2id.ComparePasswordAndHash(password, compareWith)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return ok && hash != "", nil
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
