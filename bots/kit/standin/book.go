package standin

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Book keeps what happens to the accounts of a stand-in, which are E in the words
// of its API, and what they write. Ids count up from 1, each kind in each account.
// Its methods may be called from many goroutines.
type Book[E any] struct {
	server *Server

	mu    sync.Mutex
	pages map[int]*page[E]
}

// page is what is kept of one account.
type page[E any] struct {
	events []E
	lines  []Line
	keys   map[string]int // numbers of the lines that were written with a key
	gone   map[int]bool   // lines that were taken back
}

// NewBook returns an empty book. s tells those who wait what happens.
func NewBook[E any](s *Server) *Book[E] { return &Book[E]{server: s, pages: map[int]*page[E]{}} }

// page returns what is kept of an account. b.mu is held.
func (b *Book[E]) page(account int) *page[E] {
	if b.pages[account] == nil {
		b.pages[account] = &page[E]{keys: map[string]int{}, gone: map[int]bool{}}
	}
	return b.pages[account]
}

// Happen keeps that something happened to an account.
func (b *Book[E]) Happen(account int, event func(id string) E) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	p.events = append(p.events, event(strconv.Itoa(len(p.events)+1)))
	b.server.Happened()
}

// Newest is the id of the last thing that happened to an account, "0" where
// nothing has.
func (b *Book[E]) Newest(account int) string { return strconv.Itoa(len(b.after(account, ""))) }

// After returns what happened to an account after an id; after "" it is all. It
// waits for something, at most as long as said, and no longer than the request.
func (b *Book[E]) After(r *http.Request, account int, id string, wait time.Duration) []E {
	after := func() []E { return b.after(account, id) }
	b.server.Hold(r, wait, func() bool { return len(after()) > 0 })
	return after()
}

func (b *Book[E]) after(account int, id string) []E {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen, _ := strconv.Atoi(id)
	events := b.page(account).events
	return slices.Clone(events[min(max(seen, 0), len(events)):])
}

// Wrote keeps a line of an account, with the time, and returns its id. The same
// key again is the same line, unless it is empty.
func (b *Book[E]) Wrote(account int, key string, l Line) (id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	n, known := p.keys[key]
	if !known || key == "" {
		l.Own, l.Time = true, time.Now()
		p.lines = append(p.lines, l)
		n = len(p.lines)
		p.keys[key] = n
		b.server.Happened()
	}
	return strconv.Itoa(n)
}

// Remove answers a request to take back the line whose {id} is in the path: 204,
// or 410 where it is gone.
func (b *Book[E]) Remove(account int, w http.ResponseWriter, r *http.Request) {
	if !b.takeBack(account, r.PathValue("id")) {
		b.server.Answer(http.StatusGone, 0)(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// takeBack drops a line and tells whether it was there.
func (b *Book[E]) takeBack(account int, id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	n, _ := strconv.Atoi(id)
	if n < 1 || n > len(p.lines) || p.gone[n] {
		return false
	}
	p.gone[n] = true
	b.server.Happened()
	return true
}

// Lines are what an account wrote and what was not taken back.
func (b *Book[E]) Lines(account int) []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []Line
	for i, l := range b.page(account).lines {
		if !b.page(account).gone[i+1] {
			lines = append(lines, l)
		}
	}
	return lines
}
