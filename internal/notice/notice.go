// Package notice tells the parts of this process what has changed. It keeps
// nothing: whoever begins to listen later reads the database.
package notice

import "sync"

// Board passes notices on. The zero Board is ready; it is safe for use by many
// goroutines.
type Board struct {
	changed, passed topic
}

// Changed says that a city, its rules or its bots were changed in the database.
// It returns when every listener has been told.
func (b *Board) Changed(cityID int64) { b.changed.tell(cityID) }

// Passed says that a report of the city passed or was taken back.
func (b *Board) Passed(cityID int64) { b.passed.tell(cityID) }

// OnChanged calls listen for every Changed from now on, until stop. listen must
// not block and must not call the Board.
func (b *Board) OnChanged(listen func(cityID int64)) (stop func()) { return b.changed.add(listen) }

// OnPassed calls listen for every Passed; see OnChanged.
func (b *Board) OnPassed(listen func(cityID int64)) (stop func()) { return b.passed.add(listen) }

// topic is one kind of notice and its listeners.
type topic struct {
	mu        sync.Mutex
	listeners map[*func(int64)]struct{}
}

func (t *topic) tell(cityID int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for listen := range t.listeners {
		(*listen)(cityID)
	}
}

func (t *topic) add(listen func(int64)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == nil {
		t.listeners = make(map[*func(int64)]struct{})
	}
	t.listeners[&listen] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.listeners, &listen)
	}
}
