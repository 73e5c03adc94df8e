package clients_test

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/internal/clients"
)

// hall is a room and who had to leave it.
type hall struct {
	*testing.T
	*clients.Room
	left []string
}

// enter lets a client in; want says whether there must be room.
func (h *hall) enter(name, address string, want bool) *clients.Place {
	h.Helper()
	p, ok := h.Enter(network(address), func() { h.left = append(h.left, name) })
	if ok != want {
		h.Errorf("%s from %s: room %t, want %t", name, address, ok, want)
	}
	return p
}

// sent checks who had to leave since the last call.
func (h *hall) sent(names ...string) {
	h.Helper()
	if !slices.Equal(h.left, names) {
		h.Errorf("%v had to leave, want %v", h.left, names)
	}
	h.left = nil
}

// network is that of an address; everybody's where it is empty.
func network(address string) netip.Prefix {
	if address == "" {
		return netip.Prefix{}
	}
	return clients.Network(netip.MustParseAddr(address))
}

func TestOneClientDoesNotFillTheRoom(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(10, 3)}
	h.enter("other", "192.0.2.1", true)
	for i := range 5 {
		h.enter(fmt.Sprint("hog", i), fmt.Sprintf("2001:db8::%d", i), true)
	}
	h.sent("hog0", "hog1") // the oldest of their own
	h.enter("another", "192.0.2.2", true)
	h.sent()
}

func TestOldestIdleMakesRoom(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(3, 2)}
	a, b, c := h.enter("a", "192.0.2.1", true), h.enter("b", "", true), h.enter("c", "", true)
	a.SetBusy(true)
	b.SetBusy(true)
	b.SetBusy(true)
	h.enter("d", "", true)
	h.sent("c")
	c.SetBusy(false) // too late, and no harm
	d := h.enter("e", "192.0.2.9", true)
	h.sent("d")
	d.SetBusy(true)
	h.enter("f", "", false)
	b.SetBusy(false)
	h.enter("g", "", true)
	h.sent("b")
	a.Leave()
	a.Leave()
	h.enter("h", "", true)
	h.sent()
}

func TestWhoIsBusyInTurnIsIdleLast(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(2, 2)}
	a, _ := h.enter("a", "", true), h.enter("b", "", true)
	a.SetBusy(true)
	a.SetBusy(false)
	h.enter("c", "", true)
	h.sent("b")
}

func TestWaitingIsIdle(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(1, 1)}
	a := h.enter("a", "", true)
	a.SetBusy(true)
	a.SetWaiting(true)
	a.SetWaiting(false)
	h.enter("b", "", false)
	a.SetWaiting(true)
	h.enter("c", "", false) // it has only begun to wait
	time.Sleep(510 * time.Millisecond)
	h.enter("d", "", true)
	h.sent("a")
}

func TestGrace(t *testing.T) {
	later := time.Now().Add(time.Hour)
	h := &hall{T: t, Room: clients.NewRoom(2, 2)}
	a, b := h.enter("a", "", true), h.enter("b", "", true)
	a.SetGrace(time.Hour, later)
	h.enter("c", "", true).SetGrace(time.Hour, later)
	h.sent("b")
	b.SetGrace(time.Hour, later)
	h.enter("d", "", false)
	a.SetGrace(time.Nanosecond, later)
	h.enter("e", "", true)
	h.sent("a")
}

// TestGraceEnds has somebody do a little again and again.
func TestGraceEnds(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(1, 1)}
	a := h.enter("a", "", true)
	a.SetGrace(time.Hour, time.Now().Add(-time.Second))
	a.SetBusy(true)
	h.enter("b", "", false)
	a.SetBusy(false)
	h.enter("c", "", true)
	h.sent("a")
}

// TestGraceIsForTheFew fills the room from a few networks, all within their grace.
func TestGraceIsForTheFew(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(5, 3)}
	for i, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.3"} {
		h.enter(fmt.Sprint(i), address, true).SetGrace(time.Hour, time.Now().Add(time.Hour))
	}
	newcomer := h.enter("newcomer", "192.0.2.4", true)
	h.sent("1")
	newcomer.SetBusy(true)
	h.enter("second", "192.0.2.4", false) // has as many then as anybody
	h.enter("relayed", "", true)
	h.sent("2")
	h.enter("last", "192.0.2.5", true) // of the relayed, who has no grace
	h.sent("relayed")
}

func TestMove(t *testing.T) {
	h := &hall{T: t, Room: clients.NewRoom(9, 1)}
	first := h.enter("first", "192.0.2.1", true)
	relayed := h.enter("relayed", "", true)
	if !relayed.Move(network("192.0.2.1")) {
		t.Error("not moved")
	}
	h.sent("first")
	if first.Move(network("192.0.2.7")) {
		t.Error("who had to leave came back")
	}
	relayed.SetBusy(true)
	second := h.enter("second", "", true)
	if second.Move(network("192.0.2.1")) {
		t.Error("moved to where there is no room")
	}
	relayed.Leave()
	h.enter("third", "192.0.2.1", true)
	h.sent()
}

// TestManyAtOnce has the race detector look, and never more inside than there
// are places.
func TestManyAtOnce(t *testing.T) {
	const all, each = 20, 5
	room := clients.NewRoom(all, each)
	var inside atomic.Int64
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			for range 200 {
				var gone sync.Once
				inside.Add(1)
				leave := func() { gone.Do(func() { inside.Add(-1) }) }
				p, ok := room.Enter(network(fmt.Sprintf("192.0.2.%d", i%8)), leave)
				if ok {
					p.SetBusy(true)
					p.SetBusy(false)
				}
				p.Leave()
				leave()
			}
		})
	}
	group.Wait()
	if inside.Load() != 0 {
		t.Errorf("%d are still inside", inside.Load())
	}
	for i := range all { // all places are free again
		if _, ok := room.Enter(network(fmt.Sprintf("198.51.100.%d", i)), func() { t.Error("it was full") }); !ok {
			t.Fatal("no room")
		}
	}
}
