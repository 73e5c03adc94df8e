package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// world is a program with its cities, and the stand-ins of all networks it
// talks to.
type world struct {
	program  *program
	others   []*program // that share its database and its cities
	relay    *sink
	mastodon *mastodonServer
	telegram *telegramServer
	botAPI   *front // in front of telegram
	towns    []town
	slugs    []string
	next     int  // number of the next report
	called   bool // the networks call the program: it keeps no connections
}

// newWorld starts the stand-ins and sets up a program with n cities, each with
// a mail subscriber, a Mastodon account and a Telegram bot with one chat. shape
// may change the towns before they are written; it may be nil. The program is
// not started.
func newWorld(ctx context.Context, b *bench, name, binary string, n int, shape func(w *world)) (*world, error) {
	dir, err := b.newDir(name)
	if err != nil {
		return nil, err
	}
	w := &world{next: 1}
	if err := w.open(ctx, dir, binary, n, shape); err != nil {
		w.close()
		return nil, fmt.Errorf("set up %d cities: %w", n, err)
	}
	return w, nil
}

func (w *world) open(ctx context.Context, dir, binary string, n int, shape func(w *world)) error {
	var err error
	if w.relay, err = startSink(); err != nil {
		return err
	}
	if w.mastodon, err = startMastodon(); err != nil {
		return err
	}
	if w.telegram, err = startTelegram(); err != nil {
		return err
	}
	if w.botAPI, err = startFront(w.telegram, dir+"/roots.pem"); err != nil {
		return err
	}
	// SSL_CERT_FILE is where crypto/x509 looks for the roots to trust.
	w.program, err = newProgram(binary, dir+"/data", w.relay.addr, "TICKETFREI_TELEGRAM_API="+w.botAPI.url, "SSL_CERT_FILE="+w.botAPI.roots)
	if err != nil {
		return err
	}
	for i := range n {
		w.addTown(fmt.Sprintf("city%05d", i))
	}
	if shape != nil {
		shape(w)
	}
	s, err := openSeeder(ctx, w.program)
	if err != nil {
		return err
	}
	defer s.close()
	return s.write(ctx, w.towns)
}

func (w *world) addTown(slug string) {
	t := town{slug: slug, subscribers: []string{slug + "@subscribers.example"}, instance: w.mastodon.URL}
	t.mastodon = w.mastodon.AddAccount(slug)
	t.telegram = w.telegram.AddBot(slug+"_bot", slug)
	user := w.telegram.AddUser("rider of "+slug, "de")
	user.Open(t.telegram)
	t.chats = []int64{user.ID()}
	w.towns, w.slugs = append(w.towns, t), append(w.slugs, slug)
}

func (w *world) close() {
	for _, p := range w.programs() {
		p.kill()
	}
	if w.mastodon != nil {
		w.mastodon.Close()
	}
	if w.telegram != nil {
		w.telegram.Close()
	}
	if w.botAPI != nil {
		w.botAPI.close()
	}
	if w.relay != nil {
		w.relay.close()
	}
}

// programs are all that work for the cities.
func (w *world) programs() []*program {
	if w.program == nil {
		return nil
	}
	return append([]*program{w.program}, w.others...)
}

// doors are the addresses that take mail.
func (w *world) doors() []string {
	var all []string
	for _, p := range w.programs() {
		all = append(all, p.smtp)
	}
	return all
}

// ended is an error if one of the programs has ended.
func (w *world) ended() error {
	for _, p := range w.programs() {
		if !p.alive() {
			return errors.New("the program has ended:\n" + p.lastLines())
		}
	}
	return nil
}

// upTimeout bounds the wait for every bot to be connected.
const upTimeout = 3 * time.Minute

// start starts the programs, all at once, and waits until that many bots run, and
// every stream and poll of those whose server works is open. It returns how long
// that took.
func (w *world) start(ctx context.Context, bots int) (time.Duration, error) {
	defer holdGarbage()()
	began := time.Now()
	var starts errgroup.Group
	for _, p := range w.programs() {
		starts.Go(func() error { return p.start(ctx) })
	}
	if err := starts.Wait(); err != nil {
		return 0, err
	}
	if err := w.waitUp(ctx, bots); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// waitUp waits until that many bots run and all are connected.
func (w *world) waitUp(ctx context.Context, bots int) error {
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	err := until(ctx, 20*time.Millisecond, func() (bool, error) {
		return w.connected(), w.ended()
	})
	if err == nil {
		err = w.waitRunning(ctx, bots)
	}
	if err != nil {
		m, _ := w.metrics(context.WithoutCancel(ctx))
		return fmt.Errorf("not all bots are up: %d of %d streams, %v of %d bots running: %w",
			w.mastodon.Streams(), w.count(func(t *town) bool { return t.instance == w.mastodon.URL }),
			m[`ticketfrei_bots{state="running"}`], bots, err)
	}
	return nil
}

// connected tells whether every stream and every poll is open, or every network knows
// where to call.
func (w *world) connected() bool {
	if w.called {
		return w.count(func(t *town) bool {
			return t.mastodon != nil && t.mastodon.Endpoint() == "" || t.telegram != nil && !t.telegram.HasWebhook()
		}) == 0
	}
	if w.mastodon.Streams() < w.count(func(t *town) bool { return t.mastodon != nil && t.instance == w.mastodon.URL }) {
		return false
	}
	for i := range w.towns {
		if t := &w.towns[i]; t.telegram != nil && t.api == "" && !t.telegram.Polling() {
			return false
		}
	}
	return true
}

func (w *world) waitRunning(ctx context.Context, bots int) error {
	return until(ctx, 20*time.Millisecond, func() (bool, error) {
		m, err := w.metrics(ctx)
		return int(m[`ticketfrei_bots{state="running"}`]) >= bots, err
	})
}

func (w *world) count(ok func(*town) bool) int {
	n := 0
	for i := range w.towns {
		if ok(&w.towns[i]) {
			n++
		}
	}
	return n
}
