package main

import (
	"context"
	"fmt"
	"time"
)

// fullMailboxes sends more reports than some bots can pass on, so that their
// mailboxes are full and the rest waits in the store: nothing may be lost there,
// and nothing be sent twice.
type fullMailboxes struct {
	For    time.Duration `default:"1h" help:"For how long."`
	Rate   float64       `default:"48" help:"Reports a second while a wave lasts, by mail, on Mastodon and on Telegram in turn."`
	Wave   time.Duration `default:"3m" help:"How long a wave of reports lasts. The next comes when nothing waits any more."`
	Expire time.Duration `default:"8m" help:"What reports.expire is: some of what waits gets too old."`
}

func (*fullMailboxes) name() string { return "full-mailboxes" }
func (*fullMailboxes) what() string {
	return "waves of more reports than some bots can send, until nothing waits any more"
}

const (
	fullCities = 12
	// slowCities have so many subscribers, and a relay that takes so long for
	// each mail.
	slowCities      = 2
	slowSubscribers = 40
	slowMail        = 200 * time.Millisecond
	// crowdedCities come after them: with so many chats on Telegram, which takes
	// a message a second for each.
	crowdedCities = 2
	crowdedChats  = 20
)

// filling is the experiment at work.
type filling struct {
	*fullMailboxes
	bench *bench
	world *world
	load  *mixedLoad

	waves          int
	mails, chatted int // most deliveries that waited at the end of a wave, in one city
}

func (f *fullMailboxes) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		f.For, f.Wave, f.Expire = time.Second, 6*time.Second, 10*time.Second
	}
	w, err := newWorld(ctx, b, "full", b.binary, fullCities, fullTowns)
	if err != nil {
		return err
	}
	defer w.close()
	w.program.env = append(w.program.env, "TICKETFREI_REPORTS_EXPIRE="+f.Expire.String())
	if _, err := w.start(ctx, 3*fullCities); err != nil {
		return err
	}
	run := &filling{fullMailboxes: f, bench: b, world: w, load: newMixedLoad(w, f.Rate)}
	defer run.load.close()
	for began := time.Now(); time.Since(began) < f.For; {
		if err := run.wave(ctx); err != nil {
			return err
		}
	}
	if err := run.report(ctx, r); err != nil {
		return err
	}
	return w.program.stop()
}

// fullTowns makes some towns ones whose bots are slower than what comes.
func fullTowns(w *world) {
	w.relay.slow = map[string]time.Duration{}
	for i := range w.towns {
		t := &w.towns[i]
		switch {
		case i < slowCities:
			t.subscribers = nil
			for s := range slowSubscribers {
				address := fmt.Sprintf("s%d@%s.example", s, t.slug)
				t.subscribers = append(t.subscribers, address)
				w.relay.slow[address] = slowMail
			}
		case i < slowCities+crowdedCities:
			for c := range crowdedChats - 1 {
				user := w.telegram.AddUser(fmt.Sprintf("rider %d of %s", c, t.slug), "de")
				user.Open(t.telegram)
				t.chats = append(t.chats, user.ID())
			}
		}
	}
}

// wave sends reports for a while, and waits until nothing waits any more.
func (f *filling) wave(ctx context.Context) error {
	f.waves++
	before := f.waiting()
	timed, stop := context.WithTimeout(ctx, f.Wave)
	defer stop()
	if err := f.load.run(timed); err != nil {
		return err
	}
	now := f.waiting()
	mails, chatted := now.mails-before.mails, now.chatted-before.chatted
	f.mails, f.chatted = max(f.mails, mails), max(f.chatted, chatted)
	f.bench.say("wave %d: %d mails wait in a city whose relay is slow, %d messages in one with many chats", f.waves, mails, chatted)
	if err := f.world.program.waitIdle(ctx); err != nil {
		return fmt.Errorf("after wave %d: %w", f.waves, err)
	}
	return ctx.Err()
}

// backlog is what has not come of all that was heard, in one city of each kind.
type backlog struct{ mails, chatted int }

func (f *filling) waiting() backlog {
	var b backlog
	slow, crowded := &f.world.towns[0], &f.world.towns[slowCities]
	heard := map[int]int{}
	for _, city := range f.load.all() {
		heard[city]++
	}
	b.mails = heard[0] * slowSubscribers
	for _, a := range f.world.relay.list() {
		if isIn(a.to, []string{slow.slug}) {
			b.mails--
		}
	}
	b.chatted = heard[slowCities]*crowdedChats - crowded.telegram.Sent()
	return b
}

// fullTally is what came of the deliveries through one network.
type fullTally struct {
	tally       // lost is what has not come
	expired int // by the program's own count
}

// tallies counts by network what must have come and what has.
func (f *filling) tallies(ctx context.Context) (map[string]*fullTally, error) {
	metrics, err := f.world.program.metrics(ctx)
	if err != nil {
		return nil, err
	}
	list := map[string]*fullTally{}
	for _, network := range networks() {
		list[network] = &fullTally{expired: int(metrics[`ticketfrei_deliveries_total{network="`+network+`",result="expired"}`])}
	}
	count := func(network string, came int) {
		t := list[network]
		t.expected++
		t.lost += int(one(came == 0))
		t.twice += max(0, came-1)
	}
	mails, at, chats := f.world.mailed(), f.world.arrivals(), f.world.chatted()
	for n, city := range f.load.all() {
		t := &f.world.towns[city]
		for _, to := range t.subscribers {
			count("mail", mails[seenKey{n, to}])
		}
		count("mastodon", len(at[landing{n, "mastodon", t.slug}]))
		for _, chat := range t.chats {
			count("telegram", chats[chatKey{n, chat}])
		}
	}
	return list, nil
}

// chatKey is a report and a chat, which is one bot's alone.
type chatKey struct {
	report int
	chat   int64
}

// chatted is how often each report came to which chat.
func (w *world) chatted() map[chatKey]int {
	n := map[chatKey]int{}
	for i := range w.towns {
		for _, s := range w.towns[i].telegram.Sends() {
			n[chatKey{findToken(s.Text), s.ChatID}]++
		}
	}
	return n
}

func (f *filling) report(ctx context.Context, r *Result) error {
	list, err := f.tallies(ctx)
	if err != nil {
		return err
	}
	var all fullTally
	lost, miscounted := 0, 0
	for _, t := range list {
		all.expected += t.expected
		all.twice += t.twice
		all.expired += t.expired
		lost += max(0, t.lost-t.expired)
		miscounted += max(0, t.expired-t.lost)
	}
	r.add("reports", float64(f.load.count()), "").note("in %d waves, by mail, on Mastodon and on Telegram", f.waves)
	r.add("mails that waited for one bot", float64(f.mails), "").note("most at the end of a wave")
	r.add("Telegram messages that waited for one bot", float64(f.chatted), "").note("most at the end of a wave")
	r.add("mails put off by us", float64(f.load.putOff.Load()), "").note("answered 4xx, and sent again by their server")
	r.add("deliveries", float64(all.expected), "")
	r.add("expired", float64(all.expired), "").note("older than %s before their turn came", f.Expire)
	r.add("lost", float64(lost), "").atMost(0).note("of %d deliveries, beside those that expired", all.expected)
	r.add("came twice", float64(all.twice), "").atMost(0)
	r.add("counted as expired, and came", float64(miscounted), "").atMost(0)
	for _, network := range networks() {
		r.add(network+" expired", float64(list[network].expired), "").note("of %d", list[network].expected)
	}
	if lost > 0 {
		return fmt.Errorf("%d deliveries were lost", lost)
	}
	return nil
}
