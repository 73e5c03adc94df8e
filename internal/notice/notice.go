// Package notice tells the parts of this process what has changed, here or in another
// process on the same database. It keeps nothing: whoever begins to listen later reads
// the database.
package notice

import "sync"

// All stands for every city: something may have happened in any of them, as what other
// processes told was lost.
const All int64 = 0

// Kind is what a Notice says.
type Kind byte

// The kinds of notices.
const (
	Changed Kind = 'c' // a city, its rules or its bots were changed in the database
	Passed  Kind = 'p' // a report of the city passed, was edited, let through or taken back
	Judged  Kind = 'j' // a report of the city did not pass
	Heard   Kind = 'h' // reports wait to be judged that a process heard that does not judge them
	Called  Kind = 'b' // a bot was called at a process that does not run it
	State   Kind = 't' // a bot is doing better or worse than before
	Spare   Kind = 's' // something of the city is to be sent that another process may send, or is to send
)

// Notice is one thing that a process says.
type Notice struct {
	Kind Kind
	ID   int64 // the city, or All; of Heard the shard, of Called and State the bot
}

// Board passes notices on. The zero Board is ready; it is safe for use by many
// goroutines.
type Board struct {
	changed, passed, heard, called, own, elsewhere topic
}

// Changed says that a city, its rules or its bots were changed in the database.
// It returns when every listener has been told.
func (b *Board) Changed(cityID int64) { b.say(Notice{Changed, cityID}) }

// Passed says that a report of the city passed or was taken back.
func (b *Board) Passed(cityID int64) { b.say(Notice{Passed, cityID}) }

// Judged says that a report of the city did not pass. Only other processes are told.
func (b *Board) Judged(cityID int64) { b.say(Notice{Judged, cityID}) }

// Heard says that a report was stored, of a city of that shard, that another process
// judges. Only other processes are told.
func (b *Board) Heard(shard int64) { b.say(Notice{Heard, shard}) }

// Called says that a bot was called that another process runs. Only other processes are told.
func (b *Board) Called(botID int64) { b.say(Notice{Called, botID}) }

// State says that a bot is doing better or worse than before. Only other processes are told.
func (b *Board) State(botID int64) { b.say(Notice{State, botID}) }

// Spare says that something of the city is to be sent that another process may send, or that
// whoever works for the city is to send. Only other processes are told.
func (b *Board) Spare(cityID int64) { b.say(Notice{Spare, cityID}) }

// Elsewhere passes on what another process says. It is not told to other processes.
func (b *Board) Elsewhere(n Notice) {
	b.pass(n)
	b.elsewhere.tell(n)
	switch n.Kind {
	case Heard:
		b.heard.tell(n)
	case Called:
		b.called.tell(n)
	}
}

// ChangedElsewhere says that a city was found to have been changed by another process,
// which may have told nobody.
func (b *Board) ChangedElsewhere(cityID int64) { b.Elsewhere(Notice{Changed, cityID}) }

// CalledElsewhere says that calls of a bot were found that another process has taken, which
// may have told nobody.
func (b *Board) CalledElsewhere(botID int64) { b.Elsewhere(Notice{Called, botID}) }

// say passes on what this process says.
func (b *Board) say(n Notice) {
	b.pass(n)
	b.own.tell(n)
}

func (b *Board) pass(n Notice) {
	switch n.Kind {
	case Changed:
		b.changed.tell(n)
	case Passed:
		b.passed.tell(n)
	}
}

// OnChanged calls listen for every Changed from now on, here or elsewhere, until stop.
// cityID may be All. listen must not block and must not call the Board.
func (b *Board) OnChanged(listen func(cityID int64)) (stop func()) { return b.changed.addID(listen) }

// OnPassed calls listen for every Passed; see OnChanged.
func (b *Board) OnPassed(listen func(cityID int64)) (stop func()) { return b.passed.addID(listen) }

// OnHeard calls listen for every Heard of another process; see OnChanged.
func (b *Board) OnHeard(listen func(shard int64)) (stop func()) { return b.heard.addID(listen) }

// OnCalled calls listen for every Called of another process; see OnChanged. botID may be All.
func (b *Board) OnCalled(listen func(botID int64)) (stop func()) { return b.called.addID(listen) }

// OnOwn calls listen for everything that this process says, to tell the others; see
// OnChanged.
func (b *Board) OnOwn(listen func(Notice)) (stop func()) { return b.own.add(listen) }

// OnElsewhere calls listen for everything that other processes say; see OnChanged.
func (b *Board) OnElsewhere(listen func(Notice)) (stop func()) { return b.elsewhere.add(listen) }

// Concerns tells whether a notice about one city, or All, is about a city.
func Concerns(told, cityID int64) bool { return told == All || told == cityID }

// topic is one kind of notice and its listeners.
type topic struct {
	mu        sync.Mutex
	listeners map[*func(Notice)]struct{}
}

func (t *topic) tell(n Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for listen := range t.listeners {
		(*listen)(n)
	}
}

func (t *topic) addID(listen func(int64)) (stop func()) {
	return t.add(func(n Notice) { listen(n.ID) })
}

func (t *topic) add(listen func(Notice)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == nil {
		t.listeners = make(map[*func(Notice)]struct{})
	}
	t.listeners[&listen] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.listeners, &listen)
	}
}
