package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long a process owns what it has, and may act for it. It stops before its lease is
// over, by two clocks of its own: the server's, which the lease goes by, cannot be asked
// before each report. What is left between is for what was past that check.
const (
	leaseFor = 15 * time.Second
	actFor   = 12 * time.Second
)

// drainFor is how long a shard that is given up may keep the next owner waiting for what
// is being sent.
const drainFor = 10 * time.Second

// maxClockOff is how far the clock of a process may be from the server's. By one that is
// further off, reports would expire that are new, and repetitions pass.
const maxClockOff = 30 * time.Second

// ShardFollower works for the cities of shards.
type ShardFollower interface {
	// Won has it begin for a shard that this process owns from now on. After an error it
	// is called again. ctx ends when the shard is lost.
	Won(ctx context.Context, shard int) error
	// Lost has it end for a shard that is not to be worked for any more: Owns is false
	// already. It returns when nothing of it is under way, or soon after ctx has ended,
	// when the shard may be another process's.
	Lost(ctx context.Context, shard int)
}

// Holder is a ShardFollower that holds spare fanouts: see TakeFanouts.
type Holder interface {
	// LetGo has it hold none any more, as the process stops. It returns when nothing of
	// them is under way, or soon after ctx has ended, when they may be another process's.
	LetGo(ctx context.Context)
}

// Ownership is which cities are this process's, where several work on one database. The
// database decides: see lease.go. It is safe for use by many goroutines.
type Ownership struct {
	name      string // of the process, for people
	connect   func(context.Context) (*pgx.Conn, error)
	log       *slog.Logger
	clock     func() instant
	followers []ShardFollower

	epochs  [Shards]atomic.Int64 // of the shards that are held; 0: not held
	leaving [Shards]atomic.Bool  // nothing new is begun for them
	renewed atomic.Pointer[instant]
	offBy   atomic.Int64 // the server's clock less ours, in ns
	living  atomic.Int64
	lease   atomic.Pointer[string] // the id of its row; nil where nothing may be taken
	trouble atomic.Bool            // the lease could not be renewed

	holdings [Shards]*holding // of the goroutine that keeps the lease
	drained  chan *holding
	group    sync.WaitGroup
}

// holding is a shard from when it is won until nothing is done for it any more.
type holding struct {
	Claim
	leave   chan struct{}   // closed when it is to be given up
	lost    context.Context // ends when it is not ours any more
	end     context.CancelFunc
	leaving bool // leave is closed
	over    bool // lost has ended
}

// Share has this process own no city until Run has won some; before it owns all. name
// tells the process from others, for people. Nothing else may use the database meanwhile.
func (d *DB) Share(name string, log *slog.Logger) *Ownership {
	o := &Ownership{name: name, connect: d.Connect, log: log, clock: now, drained: make(chan *holding, Shards)}
	d.ownership.Store(o)
	return o
}

// Name is what the process is called.
func (o *Ownership) Name() string { return o.name }

// Living returns how many processes there are, at least 1.
func (o *Ownership) Living() int { return int(max(1, o.living.Load())) }

// Owned returns how many shards this process works for.
func (o *Ownership) Owned() (n int) {
	for shard := range Shards {
		if o.owns(shard) {
			n++
		}
	}
	return n
}

func (o *Ownership) owns(n int) bool {
	return o.epochs[n].Load() != 0 && !o.leaving[n].Load() && !o.clockIsOff() && o.mayAct()
}

// holder is the lease while this process may act by it, else empty.
func (o *Ownership) holder() string {
	if id := o.lease.Load(); id != nil && o.mayAct() && !o.clockIsOff() {
		return *id
	}
	return ""
}

// claim returns that of a shard that is held, also while it is being given up: what was
// begun is finished.
func (o *Ownership) claim(n int) Claim {
	if epoch := o.epochs[n].Load(); epoch != 0 {
		return Claim{n, epoch}
	}
	return Claim{n, -1}
}

// mayAct tells whether the lease was renewed lately. A machine that was suspended, or a
// process that was stopped, finds here that it is late.
func (o *Ownership) mayAct() bool {
	r := o.renewed.Load()
	return r != nil && !o.clock().isAfter(*r, actFor)
}

// clockIsOff tells whether this machine's clock is too wrong to judge by. The lease does not
// go by it, and lasts.
func (o *Ownership) clockIsOff() bool { return time.Duration(o.offBy.Load()).Abs() > maxClockOff }

// clockError says how wrong the clock is.
func (o *Ownership) clockError() error {
	off := time.Duration(o.offBy.Load()).Abs().Round(time.Second)
	return fmt.Errorf("the clock of this machine is %s off from that of the database server, and it works for no city until that is set right", off)
}

// Notes says in words how it stands, for the operator.
func (o *Ownership) Notes() []string {
	notes := []string{fmt.Sprintf("process %s works for %d of %d parts of the cities; processes: %d", o.name, o.Owned(), Shards, o.Living())}
	if o.clockIsOff() {
		notes = append(notes, o.clockError().Error())
	}
	return notes
}

// Check is an error where this process works for no city, as its lease is over, or was not
// taken yet. It does not say why: anybody may read it, and an error of the server's names that.
func (o *Ownership) Check() error {
	if o.mayAct() {
		return nil
	}
	return errors.New("this process works for no city, as its lease is over, or not taken yet: the log says why")
}

// hold works for a shard from when it is won until it is given up or lost.
func (o *Ownership) hold(h *holding) {
	defer func() { o.drained <- h }()
	for _, f := range o.followers {
		o.win(h, f)
	}
	select {
	case <-h.leave:
	case <-h.lost.Done():
	}
	ctx, cancel := context.WithTimeout(h.lost, drainFor)
	defer cancel()
	var group sync.WaitGroup
	for _, f := range o.followers {
		group.Go(func() { f.Lost(ctx, h.Shard) })
	}
	group.Wait()
}

// winRetry is how long a follower rests that could not begin.
const winRetry = 500 * time.Millisecond

// win has a follower begin for a shard, for as long as that takes.
func (o *Ownership) win(h *holding, f ShardFollower) {
	for {
		err := f.Won(h.lost, h.Shard)
		if err == nil || h.lost.Err() != nil {
			return
		}
		o.log.Error("the bots of some cities could not be started, trying again", "shard", h.Shard, "err", err)
		select {
		case <-h.leave:
			return
		case <-h.lost.Done():
			return
		case <-time.After(winRetry):
		}
	}
}

// instant is a moment by two clocks: one that goes on while the machine is suspended, and
// one that somebody may set.
type instant struct {
	boot time.Duration
	wall time.Time // without a monotonic reading, which stops with the machine
}

func now() instant { return instant{sinceBoot(), time.Now().Round(0)} }

// isAfter tells whether more than d has passed since then, by either clock.
func (i instant) isAfter(then instant, d time.Duration) bool {
	return i.boot-then.boot > d || i.wall.Sub(then.wall) > d
}
