package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// settings returns settings with a relay.
func settings(relay string) *config.Config {
	return &config.Config{Mail: config.Mail{Domain: "mail.example", Relay: relay, Connections: 4}}
}

func newMailer(t *testing.T, cfg *config.Config) *Mailer {
	t.Helper()
	m := New(cfg, slog.New(slog.DiscardHandler), time.Now)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func relayTo(t *testing.T, r *remote) *Mailer { return newMailer(t, settings("smtp://"+r.addr)) }

var aMail = Mail{From: "city@mail.example", To: "rider@example.org", Data: []byte("Subject: x\r\n\r\n.dot\r\n")}

func mustSend(t *testing.T, m *Mailer) {
	t.Helper()
	if err := m.Send(t.Context(), aMail); err != nil {
		t.Fatal(err)
	}
}

func TestSend(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	mustSend(t, m)
	mails, _ := r.seen()
	if diff := cmp.Diff([]Mail{aMail}, mails); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.hellos[0] != "mail.example" {
		t.Errorf("it said hello as %v", r.hellos)
	}
	t.Run("the null sender", func(t *testing.T) {
		if err := m.Send(t.Context(), Mail{To: "rider@example.org", Data: aMail.Data}); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	for range 20 {
		mustSend(t, m)
	}
	if mails, conns := r.seen(); len(mails) != 20 || conns != 1 {
		t.Errorf("%d mails over %d connections", len(mails), conns)
	}
	t.Run("after a refused recipient", func(t *testing.T) {
		r.refuse("rcpt", 550)
		if err := m.Send(t.Context(), aMail); err == nil {
			t.Fatal("no error")
		}
		r.refuse("", 0)
		mustSend(t, m)
		if mails, conns := r.seen(); len(mails) != 1 || conns != 1 {
			t.Errorf("%d mails over %d connections", len(mails), conns)
		}
	})
	t.Run("at most a hundred mails", func(t *testing.T) {
		for range mailsPerConnection {
			mustSend(t, m)
		}
		if mails, conns := r.seen(); len(mails) != mailsPerConnection || conns != 2 {
			t.Errorf("%d mails over %d connections", len(mails), conns)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		_, before := r.seen()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := m.Send(t.Context(), aMail); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		mails, conns := r.seen()
		if len(mails) != 50 || conns-before > 4 {
			t.Errorf("%d mails over %d new connections", len(mails), conns-before)
		}
	})
}

func TestIdleConnectionsEnd(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	m.pool.expire = time.Millisecond
	mustSend(t, m)
	for waiting := 1; waiting > 0; runtime.Gosched() {
		m.pool.mu.Lock()
		waiting = len(m.pool.idle)
		m.pool.mu.Unlock()
	}
	mustSend(t, m)
	if _, conns := r.seen(); conns != 2 {
		t.Errorf("%d connections, want 2", conns)
	}
}

// A restarted relay has closed the connections that were idle.
func TestRestartedRelay(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	mustSend(t, m)
	r.srv.Close()
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	again := startRemoteAt(t, l, nil)
	mustSend(t, m)
	if mails, _ := again.seen(); len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
}

func TestRefusals(t *testing.T) {
	for _, stage := range []Stage{StageMail, StageRcpt, StageData} {
		for _, code := range []int{451, 550} {
			t.Run(fmt.Sprintf("%s %d", stage, code), func(t *testing.T) {
				r := startRemote(t, nil)
				m := relayTo(t, r)
				r.refuse(string(stage), code)
				err := m.Send(t.Context(), aMail)
				got, ok := errors.AsType[*Error](err)
				if !ok {
					t.Fatalf("got %v", err)
				}
				want := &Error{Code: code, Enhanced: fmt.Sprintf("%d.1.1", code/100), Stage: stage, Said: "no thanks"}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if got.Permanent() != (code == 550) || got.Gone() != (code == 550 && stage != StageMail) {
					t.Errorf("permanent %v, gone %v", got.Permanent(), got.Gone())
				}
			})
		}
	}
	t.Run("invalid recipient", func(t *testing.T) {
		m := relayTo(t, startRemote(t, nil))
		for _, to := range []string{"", "rider", "@example.org", "rider@", "a@example.org\r\nRCPT TO:<b@example.org>", "a b@example.org"} {
			err := m.Send(t.Context(), Mail{From: "x@mail.example", To: to, Data: aMail.Data})
			if got, ok := errors.AsType[*Error](err); !ok || !got.Gone() {
				t.Errorf("%q: %v", to, err)
			}
		}
	})
}

// raw serves every connection with f.
func raw(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				f(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestBrokenServers(t *testing.T) {
	const endless = "answers until who sends gives up"
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		code  int // of an *Error; 0: another error
	}{
		{"hangs up at once", func(c net.Conn) {}, 0},
		{"does not let us in", func(c net.Conn) { io.WriteString(c, "554 5.7.1 no mail from you\r\n") }, 554},
		{"is busy", func(c net.Conn) { io.WriteString(c, "421 later\r\n") }, 421},
		{"speaks something else", func(c net.Conn) { io.WriteString(c, "SSH-2.0-x\r\n") }, 0},
		{"hangs up after the greeting", func(c net.Conn) { io.WriteString(c, "220 x\r\n") }, 0},
		{endless, func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220-"+strings.Repeat("x", 500)+"\r\n"); err != nil {
					return
				}
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if c.name == endless {
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			err := newMailer(t, settings("smtp://"+raw(t, c.serve))).Send(ctx, aMail)
			got, ok := errors.AsType[*Error](err)
			if err == nil || ok != (c.code != 0) || ok && (got.Code != c.code || got.Stage != StageConnect) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHangingServer(t *testing.T) {
	hang := func(c net.Conn) { io.Copy(io.Discard, c) }
	t.Run("at the greeting", func(t *testing.T) {
		m := newMailer(t, settings("smtp://"+raw(t, hang)))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := m.Send(ctx, aMail); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
	t.Run("at MAIL", func(t *testing.T) {
		r := startRemote(t, nil)
		r.block, r.waiting = make(chan struct{}), make(chan struct{})
		defer close(r.block)
		m := relayTo(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Send(ctx, aMail) }()
		<-r.waiting
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	r := startRemote(t, nil)
	m := New(settings("smtp://"+r.addr), slog.New(slog.DiscardHandler), time.Now)
	mustSend(t, m)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), aMail); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestBusy(t *testing.T) {
	s := newSlots(1)
	release, err := s.acquire(t.Context(), "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.acquire(t.Context(), "", time.Millisecond); !errors.Is(err, errBusy) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.acquire(ctx, "", time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if _, err := s.acquire(t.Context(), "", time.Minute); err != nil {
		t.Error(err)
	}
	d := newDomains(1)
	release, err = d.acquire(t.Context(), "a.example", "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.acquire(t.Context(), "a.example", "", time.Millisecond); !errors.Is(err, errBusy) {
		t.Errorf("got %v", err)
	}
	other, err := d.acquire(t.Context(), "b.example", "", time.Millisecond)
	if err != nil {
		t.Errorf("another domain had to wait: %v", err)
	}
	other()
	release()
	if len(d.all) != 0 {
		t.Errorf("still kept: %v", d.all)
	}
}
