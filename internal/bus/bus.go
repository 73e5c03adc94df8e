// Package bus tells the parts of this process, as they happen, what happens in the cities:
// a report passed, a bot is in trouble, an outside program has something to say. It keeps
// nothing: whoever subscribes later, or is slow, misses it.
package bus

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"
)

// The names of events. An outside program publishes others.
const (
	ReportPassed    = "report.passed"     // payload: report.Form
	ReportRefused   = "report.refused"    // also one that is held; payload: report.Form
	ReportTakenBack = "report.taken_back" // payload: report.Form
	CityChanged     = "city.changed"      // its settings or its bots; payload: none
	Bot             = "bot."              // and the bot's new state, as "bot.trouble"; payload: BotState
)

// MaxPayload bounds the payload of an event, in bytes.
const MaxPayload = 32 << 10

// Event is something that happened.
type Event struct {
	CityID  int64           `json:"-"`
	Name    string          `json:"name"` // see ValidName
	Time    time.Time       `json:"time"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// BotState is the payload of the events of bots.
type BotState struct {
	Bot     int64  `json:"bot"`
	Network string `json:"network"`
	State   string `json:"state"` // as report.BotState has it
}

// Bus hands events to who has subscribed to them. The zero Bus is ready; it is safe for
// use by many goroutines.
type Bus struct {
	mu   sync.RWMutex
	subs map[*Subscription]struct{}

	begun atomic.Pointer[func(city int64)] // see OnSubscribe
}

// Subscription is somebody who wants events.
type Subscription struct {
	// C has the events. One for which there is no room is left out.
	C <-chan Event

	bus      *Bus
	out      chan Event
	city     int64
	patterns []Pattern
	missed   atomic.Bool
}

// Subscribe has the events of a city whose names fit one of the patterns put into the
// subscription's channel, which holds up to room of them; of all cities where city is 0.
// Close it in the end.
func (b *Bus) Subscribe(city int64, room int, patterns ...Pattern) *Subscription {
	out := make(chan Event, room)
	s := &Subscription{C: out, bus: b, out: out, city: city, patterns: patterns}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = make(map[*Subscription]struct{})
	}
	b.subs[s] = struct{}{}
	if begun := b.begun.Load(); begun != nil {
		(*begun)(city)
	}
	return s
}

// OnSubscribe calls f with the city of each subscription that is made from now on, until
// stop; there is one f at a time. f must not block, and must not use the bus.
func (b *Bus) OnSubscribe(f func(city int64)) (stop func()) {
	if b == nil {
		return func() {}
	}
	b.begun.Store(&f)
	return func() { b.begun.CompareAndSwap(&f, nil) }
}

// Followed returns the cities that there are subscriptions of, each once; 0 where there is
// one of all.
func (b *Bus) Followed() (cities []int64) {
	if b == nil {
		return nil
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	seen := make(map[int64]bool)
	for s := range b.subs {
		if !seen[s.city] {
			seen[s.city] = true
			cities = append(cities, s.city)
		}
	}
	return cities
}

// Close ends the subscription: its channel gets nothing more. It is not closed.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	delete(s.bus.subs, s)
}

// Wanted tells whether anybody wants events of that name of the city: what nobody wants
// need not be made. A nil Bus has nobody.
func (b *Bus) Wanted(city int64, name string) bool {
	if b == nil {
		return false
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.subs {
		if s.wants(city, name) {
			return true
		}
	}
	return false
}

// Publish hands an event to everybody who wants it. It does not block.
func (b *Bus) Publish(e Event) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.subs {
		if !s.wants(e.CityID, e.Name) {
			continue
		}
		select {
		case s.out <- e:
		default:
			s.missed.Store(true)
		}
	}
}

// Tell publishes an event of a city where somebody wants it. payload, which may be nil, is
// written as JSON; what is longer than MaxPayload is left out.
func (b *Bus) Tell(city int64, name string, at time.Time, payload any) {
	if !b.Wanted(city, name) {
		return
	}
	e := Event{CityID: city, Name: name, Time: at}
	if payload != nil {
		raw, err := json.Marshal(payload)
		if err == nil && len(raw) <= MaxPayload {
			e.Payload = raw
		}
	}
	b.Publish(e)
}

// Missed tells whether there was no room for an event since the subscription began.
func (s *Subscription) Missed() bool { return s.missed.Load() }

func (s *Subscription) wants(city int64, name string) bool {
	if s.city != 0 && s.city != city {
		return false
	}
	for _, p := range s.patterns {
		if p.Matches(name) {
			return true
		}
	}
	return false
}
