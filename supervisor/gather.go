package supervisor

import (
	"log/slog"
	"sync"
	"time"
)

// mostStates bounds how many states are remembered.
const mostStates = 1000

// gathered makes one line of what the bots of a network say at the same time: where an
// instance is down, all that have an account there say so again and again. The operator's log
// has it at once, and then once a minute with how often it was said, and by how many bots.
// Each bot's own log has its lines all the same.
type gathered struct {
	mu     sync.Mutex
	states map[state]*repeats
}

// state is what makes lines the same.
type state struct{ network, id, words string }

// repeats is what was said of a state since it was logged.
type repeats struct {
	logged time.Time
	times  int
	bots   map[int64]bool
}

// add takes a line about a state from a bot. Where it is to be logged, attrs say how many it
// stands for: nothing where it is the only one.
func (g *gathered) add(s state, bot int64, at time.Time) (attrs []slog.Attr, logged bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.states[s]
	if r == nil {
		if g.states == nil || len(g.states) >= mostStates {
			g.states = make(map[state]*repeats)
		}
		g.states[s] = &repeats{logged: at, bots: make(map[int64]bool)}
		return nil, true
	}
	r.times++
	r.bots[bot] = true
	if at.Sub(r.logged) < sameLineEvery {
		return nil, false
	}
	attrs = []slog.Attr{slog.Int("times", r.times), slog.Int("bots", len(r.bots))}
	r.logged, r.times = at, 0
	clear(r.bots)
	return attrs, true
}
