package app

import (
	"context"
	"errors"
	"time"

	"ticketfrei/db"
	"ticketfrei/frontend"
)

var _ frontend.NotedHealth = (*server)(nil)

// What /readyz says of a database on a server. Anybody can read it, so it does not name the
// server: the log does.
var (
	errDatabaseAway = errors.New("the database cannot be reached, or takes nothing: the log says why; everything goes on by itself when it does")
	errOtherKey     = errors.New("the database is written with another secret key now: stop this process, and start it with the setting secret of the others")
)

// Ready says why the server cannot work at the moment: see frontend.Health.
func (s *server) Ready(ctx context.Context) error {
	err := errors.Join(s.db.Ping(ctx), s.db.Full())
	if !s.db.OnServer() {
		return err
	}
	if err != nil {
		return errDatabaseAway
	}
	return errors.Join(s.keyIsOurs(ctx), s.owner.Check())
}

// keyIsOurs is an error if another process has gone on with another key: see --new-key.
func (s *server) keyIsOurs(ctx context.Context) error {
	switch stored, err := s.db.Fingerprint(ctx); {
	case err != nil:
		return errDatabaseAway
	case stored != fingerprintOf(s.secrets):
		return errOtherKey
	}
	return nil
}

// versionEvery is how often it is looked whether a newer version works on the database.
const versionEvery = 5 * time.Second

// watchVersion is an error when a newer version has said that this one must not work beside
// it any more.
func (s *server) watchVersion(ctx context.Context) error {
	tick := time.NewTicker(versionEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.db.MayWork(ctx); errors.Is(err, db.ErrNewerVersion) {
			return err
		}
	}
}

// Notes says what the operator should know though the server works: see frontend.Health.
func (s *server) Notes() (notes []string) {
	if s.wire.Polls() {
		notes = append(notes, "LISTEN does not work on the database: what other processes do is seen up to a second later")
	}
	if s.owner != nil {
		notes = append(notes, s.owner.Notes()...)
	}
	return notes
}
