package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// arrival is a mail that has arrived.
type arrival struct {
	report int    // its number; -1 for another mail
	to     string // address
	at     time.Time
}

// sink is the relay of the experiments, a mail server that takes everything and
// notes what came. It does as little as a mail server can: what is measured is
// the sender.
type sink struct {
	addr     string
	listener net.Listener
	fault    atomic.Int32 // a sinkFault
	// slow are the recipients whose mails take so long to be answered. It is set
	// before mails come.
	slow map[string]time.Duration
	pace time.Duration // that every mail takes; set before mails come
	open sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	arrivals []arrival
	seen     map[seenKey]int // how often each report came to whom
	mails    int             // also those without a number
	closed   bool
}

type seenKey struct {
	report int
	to     string
}

// sinkFault is a way in which the sink fails.
type sinkFault int32

const (
	sinkWorks  sinkFault = iota
	sinkStalls           // takes connections and does not answer
	sinkResets           // cuts connections
	sinkBusy             // answers 451
)

// startSink starts a sink on loopback.
func startSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{addr: l.Addr().String(), listener: l, conns: map[net.Conn]struct{}{}, seen: map[seenKey]int{}}
	s.open.Go(s.accept)
	return s, nil
}

func (s *sink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.join(c) {
			c.Close()
			return
		}
		s.open.Go(func() {
			defer s.leave(c)
			s.serve(c)
		})
	}
}

func (s *sink) join(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[c] = struct{}{}
	}
	return !s.closed
}

func (s *sink) leave(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	c.Close()
}

// close stops the sink and waits for its goroutines.
func (s *sink) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.listener.Close()
	s.cut()
	s.open.Wait()
}

// cut closes every connection that is open.
func (s *sink) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// fail makes the sink fail from now on, or work again with sinkWorks.
func (s *sink) fail(f sinkFault) {
	s.fault.Store(int32(f))
	if f != sinkWorks {
		s.cut()
	}
}

// still calls f with how many mails have arrived, while none can arrive.
func (s *sink) still(f func(arrived int) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(len(s.arrivals))
}

// waitLeft waits until nobody is connected any more.
func (s *sink) waitLeft(ctx context.Context) error {
	return until(ctx, time.Millisecond, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0, nil
	})
}

// serve is the dialogue on one connection (RFC 5321, with RFC 2920).
func (s *sink) serve(c net.Conn) {
	if !s.waitWorking(c) {
		return
	}
	d := sinkDialogue{r: bufio.NewReaderSize(c, 8<<10), w: bufio.NewWriterSize(c, 1<<10)}
	for ok := d.reply("220 sink.example ESMTP"); ok; {
		line, err := d.r.ReadSlice('\n')
		if err != nil {
			return
		}
		ok = s.answer(&d, line)
	}
}

// sinkDialogue is a connection to the sink.
type sinkDialogue struct {
	r  *bufio.Reader
	w  *bufio.Writer
	to string // recipient of the mail that comes
}

// reply writes a line, and sends it unless the next command is there already.
func (d *sinkDialogue) reply(line string) bool {
	_, err := d.w.WriteString(line + "\r\n")
	return err == nil && (d.r.Buffered() > 0 || d.w.Flush() == nil)
}

// answer answers a command and tells whether the dialogue goes on.
func (s *sink) answer(d *sinkDialogue, line []byte) bool {
	verb := string(bytes.ToUpper(line[:min(4, len(line))]))
	switch {
	case verb == "EHLO":
		return d.reply("250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250 8BITMIME")
	case verb == "QUIT":
		d.reply("221 bye")
		return false
	case sinkFault(s.fault.Load()) == sinkBusy:
		return d.reply("451 4.3.0 try again later")
	case verb == "RCPT":
		d.to = addressIn(line)
	case verb == "DATA":
		return d.reply("354 go on") && d.w.Flush() == nil && s.take(d.r, d.to) && s.dawdle(d.to) && d.reply("250 ok")
	}
	return d.reply("250 ok") // also to HELO, MAIL, RSET and NOOP
}

// waitWorking holds up a new connection while the sink stalls.
func (s *sink) waitWorking(c net.Conn) bool {
	switch sinkFault(s.fault.Load()) {
	case sinkResets:
		return false
	case sinkStalls:
		// The sender gives up, or is cut off when the fault ends.
		_, err := c.Read(make([]byte, 1))
		return err == nil
	}
	return true
}

// take reads a mail to its end and notes it. It returns false if the connection
// breaks.
func (s *sink) take(r *bufio.Reader, to string) bool {
	number := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return false
		}
		if number < 0 {
			number = findIn(line)
		}
		if string(line) == ".\r\n" {
			break
		}
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails++
	s.arrivals = append(s.arrivals, arrival{number, to, now})
	if number >= 0 {
		s.seen[seenKey{number, to}]++
	}
	return true
}

// dawdle takes the time that a mail to that recipient takes.
func (s *sink) dawdle(to string) bool {
	if d := s.pace + s.slow[to]; d > 0 {
		time.Sleep(d)
	}
	return true
}

// addressIn is what stands between < and >.
func addressIn(line []byte) string {
	from, to := bytes.IndexByte(line, '<'), bytes.IndexByte(line, '>')
	if from < 0 || to < from {
		return ""
	}
	return string(line[from+1 : to])
}

// list returns what has arrived, in that order.
func (s *sink) list() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals)
}

// missing are those of the list that have not come.
func (s *sink) missing(list []seenKey) []seenKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(list, func(k seenKey) bool { return s.seen[k] > 0 })
}

// count is how many mails have arrived, and how many different pairs of a
// report and an address.
func (s *sink) count() (mails, different int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails, len(s.seen)
}

// forget makes the sink forget everything that has arrived.
func (s *sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals, s.seen, s.mails = nil, map[seenKey]int{}, 0
}
