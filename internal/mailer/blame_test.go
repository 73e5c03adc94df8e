package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/internal/slow"
)

func account(address string) Mail {
	m := to(address)
	m.Account = true
	return m
}

// refuseTexts has a remote refuse mails with a text after DATA.
func (r *remote) refuseTexts(text string) {
	r.refuseWith("data", 554, smtp.EnhancedCode{5, 7, 1}, "spam")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = text
}

func (r *remote) texts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.datas
}

func wantSent(t *testing.T, m *Mailer, mail Mail) {
	t.Helper()
	if err := m.Send(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
}

// TestOneReportIsRefused has a relay refuse one text to all: the mails with it wait, are
// tried now and then, and cost the others nothing.
func TestOneReportIsRefused(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	c, log := timed(m)
	m.OnAway(func(context.Context, Outage) { t.Error("the operator was told") })
	r.refuseTexts("poison")
	for i := range 2 {
		wantHere(t, m.Send(t.Context(), reportTo("poison", i)))
	}
	away := wantAway(t, m.Send(t.Context(), reportTo("poison", 2)))
	if !away.Report || away.All || m.Delayed() || len(m.Outages()) != 0 {
		t.Errorf("away: %+v, all: %v", away.Outage, m.Outages())
	}
	tried := r.texts()
	for minute := range 60 {
		for i := range 20 {
			wantAway(t, m.Send(t.Context(), reportTo("poison", i)))
			wantSent(t, m, reportTo(fmt.Sprint("fine", minute), i))
		}
		wantSent(t, m, account("a@example.net"))
		c.move(time.Minute)
	}
	if n := r.texts() - tried - 60*21; n < 25 || n > 61 || strings.Count(log.String(), "\n") > 61 {
		t.Errorf("it was tried %d times in an hour:\n%s", n, log)
	}
	r.refuse("", 0)
	c.move(lastReportPause)
	wantSent(t, m, reportTo("poison", 7))
	if !isClosed(away.Back) {
		t.Error("its other mails go on waiting")
	}
	wantSent(t, m, reportTo("poison", 8))
	if len(m.routes.trouble) != 0 {
		t.Errorf("%d routes are remembered", len(m.routes.trouble))
	}
}

// TestRefusedReportsBesideOthers has two cities with a refused report each, and others
// that are taken before, between and after: never do all mails wait.
func TestRefusedReportsBesideOthers(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	c, _ := timed(m)
	r.refuseTexts("poison")
	for i := range 100 {
		for _, name := range []string{"poison a", "poison b"} {
			if err := m.Send(t.Context(), reportTo(name, i)); err == nil || m.Delayed() {
				t.Fatalf("%s to %d: %v", name, i, err)
			}
		}
		if i%10 == 9 {
			wantSent(t, m, reportTo("fine", i))
		}
		c.move(3 * time.Second)
	}
	for i := range 2 { // a third one after others: the first two do not count twice
		wantHere(t, m.Send(t.Context(), reportTo("poison c", i)))
	}
	if m.Delayed() {
		t.Error("all mails wait")
	}
}

// TestAllReportsAreRefused has a relay refuse every text: all mails wait, and all go on
// when one is taken.
func TestAllReportsAreRefused(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	c, _ := timed(m)
	wantSent(t, m, reportTo("before", 1))
	r.refuseTexts("")
	_ = m.Send(t.Context(), reportTo("one", 1))
	_ = m.Send(t.Context(), reportTo("two", 2))
	for i := range 5 { // who may be refused all mails
		wantHere(t, m.Send(t.Context(), reportTo(fmt.Sprint("other", i), 1)))
	}
	wantHere(t, m.Send(t.Context(), account("a@example.net")))
	away := wantAway(t, m.Send(t.Context(), reportTo("three", 3)))
	if !away.All || away.Report {
		t.Errorf("away: %+v", away.Outage)
	}
	if back := wantAway(t, m.Send(t.Context(), account("a@example.net"))); !back.All {
		t.Errorf("an account mail: %+v", back.Outage)
	}
	r.refuse("", 0)
	c.move(trialTime)
	wantSent(t, m, account("a@example.net"))
	if !isClosed(away.Back) || m.Delayed() {
		t.Error("mails go on waiting")
	}
	wantSent(t, m, reportTo("one", 1))
}

// TestStrangersAddresses has strangers ask for mails to addresses that a relay refuses:
// it says nothing of other mails, unless the relay refuses all from the beginning, or
// reports as well.
func TestStrangersAddresses(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	refuse := func(after string) {
		t.Helper()
		for _, stage := range []string{"rcpt", "data"} {
			r.refuseWith(stage, 550, smtp.EnhancedCode{5, 7, 1}, "no")
			for i := range 20 {
				address := fmt.Sprintf("a%d@example.net", i)
				if after != "" {
					address = fmt.Sprintf("a@d%d.example.net", i)
				}
				wantHere(t, m.Send(t.Context(), account(address)))
			}
			if m.Delayed() {
				t.Errorf("%s: all mails wait", stage)
			}
		}
		r.refuse("", 0)
	}
	refuse("") // one domain
	wantSent(t, m, rider(1))
	refuse("a mail")
	r.refuseWith("rcpt", 550, smtp.EnhancedCode{5, 7, 1}, "no")
	for i := range 3 {
		_ = m.Send(t.Context(), rider(i))
	}
	if away := wantAway(t, m.Send(t.Context(), account("a@example.net"))); !away.All {
		t.Errorf("where reports are refused: %+v", away.Outage)
	}
}

// TestRelayThatTakesNothing is of a relay that does not know us, on the first day.
func TestRelayThatTakesNothing(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	r.refuseWith("rcpt", 554, smtp.EnhancedCode{5, 7, 1}, "relay access denied")
	wantHere(t, m.Send(t.Context(), account("a@one.example")))
	wantHere(t, m.Send(t.Context(), account("a@two.example")))
	wantAway(t, m.Send(t.Context(), account("a@three.example")))
}

// TestWhoGetsFurther has a relay refuse all senders, and later one recipient alone.
func TestWhoGetsFurther(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	r.refuseWith("mail", 554, smtp.EnhancedCode{5, 7, 1}, "no")
	for i := range 3 {
		_ = m.Send(t.Context(), rider(i))
	}
	away := wantAway(t, m.Send(t.Context(), rider(4)))
	r.refuseWith("rcpt", 550, smtp.EnhancedCode{5, 7, 1}, "no")
	wantHere(t, m.Send(t.Context(), account("a@example.net")))
	if !isClosed(away.Back) {
		t.Error("mails go on waiting")
	}
}

// hanging is a relay that says nothing after the text of a mail until it is mended.
func hanging(t *testing.T) (addr string, came chan struct{}, mend func()) {
	mended := make(chan struct{})
	came = make(chan struct{}, 100)
	addr = raw(t, func(c net.Conn) {
		io.WriteString(c, "220 x\r\n")
		buffer := make([]byte, 1<<16)
		for {
			n, err := c.Read(buffer)
			if err != nil {
				return
			}
			switch said := string(buffer[:n]); {
			case strings.HasPrefix(said, "DATA"):
				io.WriteString(c, "354 go\r\n")
			case strings.HasSuffix(said, "\r\n.\r\n"):
				came <- struct{}{}
				select {
				case <-mended:
				case <-t.Context().Done():
					return
				}
				io.WriteString(c, "250 ok\r\n")
			default:
				io.WriteString(c, "250 ok\r\n")
			}
		}
	})
	return addr, came, sync.OnceFunc(func() { close(mended) })
}

// TestRelayThatHangs has a relay say nothing on several connections: after a while mails
// wait, but for one that tries. Those under way are not cut off, and all go on with the
// first that is taken.
func TestRelayThatHangs(t *testing.T) {
	addr, came, mend := hanging(t)
	m := newMailer(t, settings("smtp://"+addr))
	c, _ := timed(m)
	var group sync.WaitGroup
	for i := range hangingAlike {
		group.Go(func() {
			if err := m.Send(t.Context(), rider(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for range hangingAlike {
		<-came
	}
	if c.move(hangTime / 2); m.Delayed() {
		t.Error("away too early")
	}
	if c.move(hangTime / 2); !m.Delayed() {
		t.Error("not away")
	}
	group.Go(func() { _ = m.Send(t.Context(), rider(50)) }) // which tries
	<-came
	away := wantAway(t, m.Send(t.Context(), rider(51)))
	mend()
	group.Wait()
	if !isClosed(away.Back) || m.Delayed() {
		t.Error("mails go on waiting")
	}
}

// TestTrialsAreInAHurry has a relay that is away hang: who tries does not wait for long,
// but for one of many.
func TestTrialsAreInAHurry(t *testing.T) {
	slow.Test(t, "waits for a trial to end")
	addr, _, mend := hanging(t)
	m := newMailer(t, settings("smtp://"+addr))
	c, _ := timed(m)
	m.routes.mu.Lock()
	_ = m.routes.fail(m.routes.route(m.relay.addr()), errHangs)
	m.routes.mu.Unlock()
	began := time.Now()
	wantAway(t, m.Send(t.Context(), rider(1)))
	if took := time.Since(began); took > trialTime+3*time.Second {
		t.Errorf("a trial took %s", took)
	}
	m.routes.trouble[m.relay.addr()].trials = patientTrials/2 - 1
	c.move(trialTime)
	time.AfterFunc(trialTime+time.Second, mend)
	wantSent(t, m, rider(2)) // which was patient
}

// TestPatienceEndsWithTheOutage has a patient trial hang while others are taken.
func TestPatienceEndsWithTheOutage(t *testing.T) {
	slow.Test(t, "waits for a trial to end")
	back := make(chan struct{})
	ctx, cancel := trial{back: back}.bound(t.Context())
	defer cancel()
	close(back)
	select {
	case <-ctx.Done():
	case <-time.After(trialTime + 5*time.Second):
		t.Error("it goes on")
	}
}

// TestRefusedRecipientsCostNoSignature has no signature be made while a recipient is
// asked to come again.
func TestRefusedRecipientsCostNoSignature(t *testing.T) {
	r := startRemote(t, nil)
	m, _ := withKeys(t, r)
	for range runtime.GOMAXPROCS(0) {
		release, err := m.signing.turns.acquire(t.Context(), "others", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	r.refuseWith("rcpt", 450, smtp.EnhancedCode{4, 7, 1}, "later")
	began := time.Now()
	err := m.Send(t.Context(), aMail)
	if answer, ok := errors.AsType[*Error](err); !ok || answer.Code != 450 || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
