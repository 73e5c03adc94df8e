package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// clock is a clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// timed gives a mailer a clock and a log.
func timed(m *Mailer) (*clock, *bytes.Buffer) {
	c, log := &clock{now: time.Date(2024, 5, 3, 10, 0, 0, 0, time.UTC)}, new(bytes.Buffer)
	m.routes.now = c.Now
	m.routes.outages.log = slog.New(slog.NewTextHandler(log, nil))
	return c, log
}

// refuseWith has a remote refuse a stage with an answer.
func (r *remote) refuseWith(stage string, code int, enhanced smtp.EnhancedCode, words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failAt, r.text, r.with = stage, "", &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: words}
}

func wantAway(t *testing.T, err error) *Away {
	t.Helper()
	away, ok := errors.AsType[*Away](err)
	if !ok {
		t.Fatalf("not away: %v", err)
	}
	return away
}

func wantHere(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Away](err); ok || err == nil {
		t.Fatalf("away, or no error: %v", err)
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// rider is a mail to a rider, with a report that no other has.
func rider(i int) Mail { return reportTo(fmt.Sprint("report", i), i) }

func reportTo(name string, i int) Mail {
	m := to(fmt.Sprintf("r%d@example.org", i))
	m.About = name
	m.Data = []byte("Subject: " + name + "\r\n\r\n" + name + "\r\n")
	return m
}

// TestRefusedAlike has a relay refuse one recipient after the other for reasons that
// are its own: from the third on mails wait, and all go on when one is taken.
func TestRefusedAlike(t *testing.T) {
	for _, answer := range []smtp.SMTPError{
		{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}}, {Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}},
		{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 23}}, {Code: 530, EnhancedCode: smtp.NoEnhancedCode},
	} {
		for _, stage := range []string{"mail", "rcpt", "data"} {
			t.Run(fmt.Sprint(answer.Code, stage), func(t *testing.T) {
				r := startRemote(t, nil)
				m := relayTo(t, r)
				r.refuseWith(stage, answer.Code, answer.EnhancedCode, "no <r1@example.org>")
				wantHere(t, m.Send(t.Context(), rider(1)))
				wantHere(t, m.Send(t.Context(), rider(1))) // the same once more
				wantHere(t, m.Send(t.Context(), rider(2)))
				away := wantAway(t, m.Send(t.Context(), rider(3)))
				if cause, ok := errors.AsType[*Error](away); !ok || cause.Code != answer.Code || !away.All || !m.Delayed() {
					t.Errorf("away because of %v", away)
				}
				wantAway(t, m.Send(t.Context(), rider(4)))
				r.refuse("", 0)
				if err := m.Send(t.Context(), rider(5)); err != nil || !isClosed(away.Back) || m.Delayed() {
					t.Errorf("after the end: %v", err)
				}
			})
		}
	}
}

// TestWhoIsRefusedAlone has a few recipients be refused again and again, with mails
// that are taken between and without: it is theirs alone.
func TestWhoIsRefusedAlone(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	for range 10 {
		for i := range 2 {
			r.refuseWith("rcpt", 550, smtp.EnhancedCode{5, 7, 1}, "no")
			wantHere(t, m.Send(t.Context(), rider(i)))
		}
	}
	r.refuse("", 0)
	mustSend(t, m)
	for i := range 10 {
		r.refuseWith("rcpt", 552, smtp.EnhancedCode{5, 2, 2}, "full")
		wantHere(t, m.Send(t.Context(), rider(10+i)))
		r.refuse("", 0)
		mustSend(t, m)
	}
	for i := range 30 { // what this mail holds, and greylisting
		r.refuseWith("data", 554, smtp.EnhancedCode{5, 6, 0}, "no")
		wantHere(t, m.Send(t.Context(), rider(100+i)))
		r.refuseWith("rcpt", 450, smtp.EnhancedCode{4, 7, 1}, "later")
		wantHere(t, m.Send(t.Context(), rider(200+i)))
	}
}

// TestRelayThatKnowsNobody has a relay say of all recipients that they are gone.
func TestRelayThatKnowsNobody(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	r.refuseWith("rcpt", 550, smtp.EnhancedCode{5, 1, 1}, "unknown")
	for i := range goneAlike - 1 {
		wantHere(t, m.Send(t.Context(), rider(i)))
	}
	wantAway(t, m.Send(t.Context(), rider(50)))
	r.refuse("", 0)
	mustSend(t, m)
}

// TestOneTries has many mails wait for a relay that hangs: one connection tries.
func TestOneTries(t *testing.T) {
	n := 0
	var mu sync.Mutex
	hang := make(chan struct{})
	addr := raw(t, func(c net.Conn) {
		mu.Lock()
		n++
		first := n == 1
		mu.Unlock()
		if first {
			return // it hangs up: the relay is away
		}
		select {
		case <-hang:
		case <-time.After(5 * time.Second):
		}
	})
	m := newMailer(t, settings("smtp://"+addr))
	away := wantAway(t, m.Send(t.Context(), rider(0)))
	var group sync.WaitGroup
	began := time.Now()
	for i := range 1000 {
		group.Go(func() { wantAwayOr(t, m.Send(t.Context(), rider(i))) })
	}
	time.AfterFunc(300*time.Millisecond, func() { close(hang) })
	group.Wait()
	mu.Lock()
	defer mu.Unlock()
	if took := time.Since(began); n > 3 || took > 4*time.Second || isClosed(away.Back) {
		t.Errorf("%d connections, %s", n, took)
	}
}

func wantAwayOr(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Away](err); !ok {
		t.Errorf("not away: %v", err)
	}
}

// TestGreetingsAndLogins has a relay refuse everybody at the door.
func TestGreetingsAndLogins(t *testing.T) {
	for _, greeting := range []string{"554 5.7.1 no\r\n", "421 4.3.2 later\r\n"} {
		m := newMailer(t, settings("smtp://"+raw(t, func(c net.Conn) { io.WriteString(c, greeting) })))
		if away := wantAway(t, m.Send(t.Context(), aMail)); away.refused() != strings.HasPrefix(greeting, "554") {
			t.Errorf("%s: %v", greeting, away)
		}
	}
	r := startRemote(t, withLogin("PLAIN"))
	m := newMailer(t, settings("smtp://me:wrong@"+r.addr))
	if away := wantAway(t, m.Send(t.Context(), aMail)); !strings.Contains(away.Error(), "535") {
		t.Errorf("got %v", away)
	}
}

func (a *Away) refused() bool { return a.isRefused() }

// TestDomainsAreAwayByThemselves has one domain refuse us, and another hang up.
func TestDomainsAreAwayByThemselves(t *testing.T) {
	r := startRemote(t, nil)
	z := zone{ips: map[string]string{"blocks.example": "127.0.0.1", "down.example": "127.0.0.2", "fine.example": "127.0.0.1"}}
	m := direct(t, r, z)
	c, _ := timed(m)
	r.refuseWith("rcpt", 550, smtp.EnhancedCode{5, 7, 1}, "no")
	for i := range 5 {
		err := m.Send(t.Context(), to(fmt.Sprintf("r%d@blocks.example", i)))
		if away, ok := errors.AsType[*Away](err); ok != (i >= 2) || ok && away.All {
			t.Errorf("mail %d: %v", i, err)
		}
	}
	down := wantAway(t, m.Send(t.Context(), to("r@down.example")))
	r.refuse("", 0)
	if err := m.Send(t.Context(), to("r@fine.example")); err != nil || m.Delayed() || len(m.Outages()) != 2 {
		t.Errorf("another domain: %v", err)
	}
	if err := m.Send(t.Context(), to("new@blocks.example")); err != nil {
		t.Errorf("after the end: %v", err)
	}
	z.ips["down.example"] = "127.0.0.1"
	wantAway(t, m.Send(t.Context(), to("r@down.example"))) // it is left alone for a while
	c.move(lastPause * 2)
	if err := m.Send(t.Context(), to("r@down.example")); err != nil || !isClosed(down.Back) {
		t.Errorf("after a while: %v", err)
	}
}

// TestOutageIsToldOnce has a relay be away for long: the log has a line a minute, and
// the operator is told once, with the server's words but without whom they name.
func TestOutageIsToldOnce(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	c, log := timed(m)
	var told []Outage
	m.OnAway(func(_ context.Context, o Outage) { told = append(told, o) })
	r.refuseWith("rcpt", 554, smtp.EnhancedCode{5, 7, 1}, "R1 at <r1@example.org> may not get mails, see https://example.org/r1")
	if said := Words(m.Send(t.Context(), rider(1))); said != "… at may not get mails, see …" {
		t.Errorf("said %q", said)
	}
	for range 300 {
		for i := range 5 {
			_ = m.Send(t.Context(), rider(i))
		}
		c.move(time.Second)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n < 5 || n > 6 {
		t.Errorf("%d lines in 5 minutes:\n%s", n, log)
	}
	if len(told) != 1 || strings.Contains(log.String(), "example.org") || strings.Contains(Words(told[0].Cause), "example.org") ||
		!strings.Contains(Words(told[0].Cause), "may not get mails") {
		t.Errorf("told %v\n%s", told, log)
	}
	for range 5 { // it comes and goes
		r.refuse("", 0)
		mustSend(t, m)
		r.refuseWith("mail", 554, smtp.EnhancedCode{5, 7, 1}, "no")
		for i := range 5 {
			_ = m.Send(t.Context(), rider(i+1000*len(log.String())))
		}
	}
	if len(told) != 1 {
		t.Errorf("told %d times in an hour", len(told))
	}
}

func TestUnreachableIsToldLater(t *testing.T) {
	m := newMailer(t, settings("smtp://127.0.0.1:1"))
	c, _ := timed(m)
	told := 0
	m.OnAway(func(context.Context, Outage) { told++ })
	_ = m.Send(t.Context(), aMail)
	if told != 0 {
		t.Error("told at once")
	}
	c.move(2 * unreachableFor)
	for range 3 {
		_ = m.Send(t.Context(), aMail)
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestSlotsAreSharedByCity has a city with many mails wait for a connection: one that
// comes later with one is the next but one.
func TestSlotsAreSharedByCity(t *testing.T) {
	s := newSlots(1)
	release, err := s.acquire(t.Context(), "large", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 101)
	var group sync.WaitGroup
	wait := func(who string, before int) {
		group.Go(func() {
			release, err := s.acquire(t.Context(), who, time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			got <- who
			release()
		})
		for n := -1; n != before+1; {
			s.mu.Lock()
			n = len(s.waiting["large"]) + len(s.waiting["small"])
			s.mu.Unlock()
		}
	}
	for i := range 100 {
		wait("large", i)
	}
	wait("small", 100)
	release()
	group.Wait()
	first := []string{<-got, <-got}
	if diff := cmp.Diff([]string{"large", "small"}, first); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s.free != 1 || len(s.turn)+len(s.waiting) != 0 {
		t.Errorf("left: %+v", s)
	}
}

func TestFamiliesTakeTurns(t *testing.T) {
	list := func(all ...string) (ips []net.IPAddr) {
		for _, ip := range all {
			ips = append(ips, net.IPAddr{IP: net.ParseIP(ip)})
		}
		return ips
	}
	for _, c := range [][2][]net.IPAddr{
		{list("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"), list("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3")},
		{list("192.0.2.1", "192.0.2.2", "2001:db8::1"), list("192.0.2.1", "2001:db8::1", "192.0.2.2")},
		{list("192.0.2.1"), list("192.0.2.1")},
		{nil, nil},
	} {
		if diff := cmp.Diff(c[1], interleave(c[0])); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// TestWordsNameNobody has servers repeat whom a mail was for and who they are.
func TestWordsNameNobody(t *testing.T) {
	for _, c := range []struct {
		to, said string
		own      bool
		want     string
	}{
		{"anna@example.org", "Anna is unknown at mx.example.org", false, "… is unknown at mx.example.org"},
		{"anna@example.org", "mx.example.org does not know anna", true, "… does not know …"},
		{"a@bücher.рф", "öffi.bücher.рф: no", true, "…: no"},
		{"\xff(@example.org", "\xff( is unknown", false, "… is unknown"},
	} {
		e := &Error{Said: words(c.said)}
		if e.withoutRecipient(c.to, c.own); e.Said != c.want {
			t.Errorf("%q of a mail to %q became %q, want %q", c.said, c.to, e.Said, c.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("<anna@example.org>: no such user, see https://example.org/x")
	f.Add(strings.Repeat("ü", 1000))
	f.Fuzz(func(t *testing.T, said string) {
		got := words(said)
		if len(got) > maxSaid+len("…") || strings.ContainsAny(got, "@\r\n\x00") || strings.Contains(got, "://") {
			t.Errorf("%q became %q", said, got)
		}
	})
}
