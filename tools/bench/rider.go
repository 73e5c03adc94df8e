package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// riderTimeout bounds each step of handing over a mail.
const riderTimeout = 30 * time.Second

// sent is a report that the program has answered with 250.
type sent struct {
	report int
	city   int       // index of the city
	at     time.Time // when the end of the mail was written
	took   time.Duration
}

// riders send reports by mail over connections that they keep open, as the mail
// servers of large providers do.
type riders struct {
	addrs []string // that connections lead to in turn
	turn  atomic.Int64
	free  chan *dialogue // connections; nil is one to be opened
}

func newRiders(connections int, addrs ...string) *riders {
	r := &riders{addrs: addrs, free: make(chan *dialogue, connections)}
	for range connections {
		r.free <- nil
	}
	return r
}

// close ends the connections. Nobody may be sending any more.
func (r *riders) close() {
	for range cap(r.free) {
		if d := <-r.free; d != nil {
			d.conn.Close()
		}
	}
}

// send mails report n to the city and returns when the program has taken it. Every
// mail has another author: the flood brake is not what is measured.
func (r *riders) send(ctx context.Context, n, city int, slug string) (sent, error) {
	return r.sendText(ctx, n, city, slug, riderOf(n), reportText(n))
}

// riderOf is the address of who writes report n.
func riderOf(n int) string { return fmt.Sprintf("rider%d@riders.example", n) }

// sendText mails a text of somebody as mail n.
func (r *riders) sendText(ctx context.Context, n, city int, slug, from, text string) (sent, error) {
	var d *dialogue
	select {
	case d = <-r.free:
	case <-ctx.Done():
		return sent{}, ctx.Err()
	}
	if d == nil {
		var err error
		if d, err = dial(r.addrs[int(r.turn.Add(1))%len(r.addrs)]); err != nil {
			r.free <- nil
			return sent{}, err
		}
	}
	at, err := d.hand(n, slug, from, text)
	if err != nil {
		d.conn.Close()
		r.free <- nil
		return sent{}, err
	}
	r.free <- d
	return sent{n, city, at, time.Since(at)}, nil
}

// sendAll mails count reports as fast as they are taken, this many at the same time,
// each as which says. It returns those that were taken.
func (r *riders) sendAll(ctx context.Context, count, atOnce int, which func(i int) (n, city int, slug string)) []sent {
	var mu sync.Mutex
	var done []sent
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range count {
		n, city, slug := which(i)
		group.Go(func() error {
			s, err := r.send(ctx, n, city, slug)
			if err != nil {
				return nil // not acknowledged: nothing was promised
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, s)
			return nil
		})
	}
	_ = group.Wait() // no error is given
	return done
}

// dialogue is a connection to the program's mail server.
type dialogue struct {
	conn net.Conn
	text *textproto.Reader
}

func dial(addr string) (*dialogue, error) {
	conn, err := net.DialTimeout("tcp", addr, riderTimeout)
	if err != nil {
		return nil, err
	}
	d := &dialogue{conn, textproto.NewReader(bufio.NewReader(conn))}
	// If nobody listens, a connection on loopback may reach itself.
	if err = conn.SetDeadline(time.Now().Add(riderTimeout)); err == nil {
		_, _, err = d.text.ReadResponse(220)
	}
	if err == nil {
		err = d.say("EHLO riders.example", 250)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return d, nil
}

func (d *dialogue) say(line string, code int) error {
	if err := d.conn.SetDeadline(time.Now().Add(riderTimeout)); err != nil {
		return err
	}
	if _, err := d.conn.Write([]byte(line + "\r\n")); err != nil {
		return err
	}
	_, _, err := d.text.ReadResponse(code)
	return err
}

// hand hands over mail n with this text and returns when its end was written.
func (d *dialogue) hand(n int, slug, from, text string) (time.Time, error) {
	to := slug + "@" + mailDomain
	for _, s := range []struct {
		line string
		code int
	}{{"MAIL FROM:<" + from + ">", 250}, {"RCPT TO:<" + to + ">", 250}, {"DATA", 354}} {
		if err := d.say(s.line, s.code); err != nil {
			return time.Time{}, err
		}
	}
	at := time.Now()
	return at, d.say(mailText(n, from, to, text)+".", 250)
}

// mailText is mail n with headers and this text.
func mailText(n int, from, to, text string) string {
	lines := []string{"From: " + from, "To: " + to, "Subject:", fmt.Sprintf("Message-ID: <%d@riders.example>", n),
		"Date: " + time.Now().Format(time.RFC1123Z), "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
		"Content-Transfer-Encoding: 8bit", "", text, ""}
	return strings.Join(lines, "\r\n")
}

// sendFor sends reports first, first+1, … to the cities in turn, rate a second,
// for a while. Each leaves at its time, however long the others take. It
// returns those that were taken.
func (r *riders) sendFor(ctx context.Context, first int, rate float64, while time.Duration, slugs []string) ([]sent, error) {
	n := max(1, int(rate*while.Seconds()))
	var group sync.WaitGroup
	var mu sync.Mutex
	var done []sent
	var failed error
	began := time.Now()
	for i := range n {
		at := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(at)):
		case <-ctx.Done():
			group.Wait()
			return done, ctx.Err()
		}
		group.Go(func() {
			city := i % len(slugs)
			s, err := r.send(ctx, first+i, city, slugs[city])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("report %d was not taken: %w", first+i, err))
				return
			}
			done = append(done, s)
		})
	}
	group.Wait()
	return done, failed
}
