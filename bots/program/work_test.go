package program_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func TestEcho(t *testing.T) {
	o := newOutside(t, "echo", `can = ["receive", "send"]`, echo)
	b, _ := o.work(nil)
	if _, err := o.send(b, "U1 Plärrer"); err != nil { // until it is ready
		t.Fatal(err)
	}
	began := time.Now()
	receipt, err := o.send(b, `Straßenbahn 4, "Hauptbahnhof" \ Gleis 3 & <b>`)
	took := time.Since(began)
	if err != nil || !strings.HasPrefix(receipt.ID, "r-") {
		t.Errorf("sent: %v, %v", receipt, err)
	}
	in := o.Inbox.Wait(t, 2)[1]
	t.Logf("both ways in %s", time.Since(began))
	if in.Text != `Straßenbahn 4, "Hauptbahnhof" \ Gleis 3 & <b>` || in.Author != "rider" || in.Visibility != report.Private {
		t.Errorf("heard %+v", in)
	}
	if took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestBegin(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\n[[setting]]\nname = \"PHONE\"\n[[setting]]\nname = \"TOKEN\"\nsecret = true\n[[setting]]\nname = \"mode\"\ndefault = \"fast\"\n", toy)
	o.work(map[string]string{"PHONE": "0911 / 123 Ö", "TOKEN": "geheim"})
	o.waitForFile("begin.json", "}")
	for _, want := range []string{`"protocol": 1`, `"slug": "leeds"`, `"name": "Leeds-K\u00f6ln"`, `"language": "en"`, `"PHONE": "0911 / 123 \u00d6"`, `"TOKEN": "geheim"`, `"mode": "fast"`} {
		if !strings.Contains(o.file("begin.json"), want) {
			t.Errorf("%s is not in %s", want, o.file("begin.json"))
		}
	}
}

func TestFailures(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	b, _ := o.work(nil)
	for text, want := range map[string]bots.Kind{"refuse": bots.KindPermanent, "later": bots.KindLater, "gone": bots.KindGone, "badly": bots.KindRefused} {
		_, err := o.send(b, text)
		kittest.WantKind(t, err, want)
	}
	_, err := o.send(b, "refuse")
	if said := bots.Words(err, nil); said != "the modem says no" {
		t.Errorf("a moderator reads %q", said)
	}
	_, err = o.send(b, "later")
	if _, after := bots.KindOf(err); after != 7*time.Second {
		t.Errorf("it waits %s", after)
	}
	receipt, err := o.send(b, "fine")
	if err != nil || receipt != (report.Receipt{ID: "r1", URL: "https://toy.example/1"}) {
		t.Errorf("sent %v, %v", receipt, err)
	}
}

// TestEnds has a program end in every way while it has a report in hand: Receive says why,
// and the report is not lost.
func TestEnds(t *testing.T) {
	for text, want := range map[string]string{
		"crashme": "was ended by a signal (killed)", "exit3": "exit code 3", "memory": "exit code 1", "garbage": "none of the protocol",
		"longline": "a line that is too long", "hangme": "did not answer within 0.3 seconds",
	} {
		t.Run(text, func(t *testing.T) {
			answer := "answer = \"30s\"\n"
			if text == "hangme" {
				answer = "answer = \"300ms\"\n"
			}
			o := newOutside(t, "toy", "can = [\"send\"]\n"+answer, toy)
			b, r := o.work(nil)
			_, err := o.send(b, text)
			kittest.WantKind(t, err, bots.KindLater)
			err = r.Ended()
			said := bots.Words(err, func(id string, data ...any) string { return o.Texts.T("en", id, data...) })
			if kind, after := bots.KindOf(err); kind != bots.KindRetryAfter || after > time.Second || !strings.Contains(said, want) {
				t.Errorf("it says %q, and starts again after %s", said, after)
			}
		})
	}
}

// TestPoison has one report kill the program each time: it is given up, and others go on.
func TestPoison(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	b, r := o.work(nil)
	began := time.Now()
	for n := 1; ; n++ {
		_, err := o.send(b, "crashme")
		if kind, _ := bots.KindOf(err); kind == bots.KindPermanent {
			if said := bots.Words(err, func(id string, data ...any) string { return o.Texts.T("en", id, data...) }); n != 3 || said != "The program ended 3 times while it sent this report." {
				t.Errorf("after %d times: %s", n, said)
			}
			break
		} else if kind != bots.KindLater || n > 3 {
			t.Fatalf("%d: %v", n, err)
		}
		_, pause := bots.KindOf(r.Ended())
		if pause > 2*time.Second {
			t.Errorf("it starts again only after %s", pause)
		}
		b = o.open()
		r = kittest.Receive(t, b, o.Inbox)
	}
	_ = r.Ended()
	b = o.open()
	kittest.Receive(t, b, o.Inbox)
	if _, err := o.send(b, "U1"); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestExitZero ends a program that has nothing more to do.
func TestExitZero(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	b, r := o.work(nil)
	if _, err := o.send(b, "exit0"); err != nil {
		t.Error(err)
	}
	if err := r.Ended(); err != nil {
		t.Errorf("it is started again: %v", err)
	}
	_, err := o.send(b, "more")
	if kind, _ := bots.KindOf(err); kind == bots.KindTemporary {
		t.Errorf("a report after that: %v", err)
	}
}

// TestStops ends a program that sleeps, and all that it has started.
func TestStops(t *testing.T) {
	slow.Test(t, "waits until a program has had its time to end")
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	write(t, o.dir, "stubborn", "")
	_, r := o.work(nil)
	o.waitForFile("starts", "\n")
	began := time.Now()
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
		t.Errorf("it was ended after %s", took)
	}
}

func TestReports(t *testing.T) {
	o := newOutside(t, "toy", `can = ["receive", "send", "answer"]`, toy)
	b, _ := o.work(nil)
	say := func(line string) {
		t.Helper()
		if _, err := o.send(b, line); err != nil {
			t.Fatal(err)
		}
	}
	say(`{"type":"report","id":"1","author":"+49","text":"U1","time":"2026-11-27T08:15:00+01:00","visibility":"public","from":"+49"}`)
	in := o.Inbox.Wait(t, 1)[0]
	if in.ID != "1" || in.Author != "+49" || in.Visibility != report.Public || !in.Time.Equal(time.Date(2026, 11, 27, 7, 15, 0, 0, time.UTC)) || in.Answer == nil {
		t.Errorf("heard %+v", in)
	}
	o.waitForFile("heard", `{"type": "kept", "id": "1"}`)
	if err := in.Answer(t.Context(), bots.Answer{Outcome: bots.OutcomePassed, Text: "Danke"}); err != nil {
		t.Error(err)
	}
	o.waitForFile("heard", `{"type": "answer", "to": "+49", "text": "Danke", "outcome": "passed"}`)
	for line, want := range map[string]string{
		`{"type":"report","text":"x"}`: `"id is missing"`, `{"type":"report","id":"2","time":"yesterday"}`: "time is written as",
		`{"type":"report","id":"3","visibility":"secret"}`: "visibility is", `{"type":"what"}`: `"text": "what"`,
		`{"type":"recipient","id":"7"}`: "says nothing of", `{"type":"answer","to":"nobody","text":"x"}`: "nobody waits",
	} {
		say(line)
		o.waitForFile("heard", want)
	}
	o.Inbox.Refuse("never")
	say(`{"type":"report","id":"4","text":"never"}`)
	o.waitForFile("heard", `{"type": "kept", "id": "4"}`)
}

// TestHostInTrouble has a report be said again where it could not be kept: that is no fault
// of the program.
func TestHostInTrouble(t *testing.T) {
	o := newOutside(t, "toy", `can = ["receive", "send"]`, toy)
	b, r := o.work(nil)
	o.Inbox.Fail(errors.New("the disk is full"))
	_, _ = o.send(b, `{"type":"report","id":"1","text":"U1"}`)
	if err := r.Ended(); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Receive ended with %v", err)
	}
	if strings.Contains(o.file("heard"), "kept") {
		t.Error("it was told that the report is kept")
	}
}

// TestPanicOfHost has what a program says make the server stumble: that is the trouble of one
// bot, and not of the whole server.
func TestPanicOfHost(t *testing.T) {
	o := newOutside(t, "toy", `can = ["receive", "send"]`, toy)
	b := o.connect(nil)
	ended := make(chan error, 1)
	go func() {
		ended <- b.Receive(t.Context(), func(context.Context, bots.Incoming) error { panic("a bug") })
	}()
	_, _ = o.send(b, `{"type":"report","id":"1","text":"U1"}`)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "panic: a bug") {
		t.Errorf("Receive ended with %v", err)
	}
	b = o.open()
	kittest.Receive(t, b, o.Inbox)
	if _, err := o.send(b, "U2"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestState is stored behind what was said before it, and given back at the next start.
func TestState(t *testing.T) {
	o := newOutside(t, "toy", `can = ["receive", "send"]`, toy)
	b, r := o.work(nil)
	if _, err := o.send(b, `{"type":"state","value":{"cursor":"ö1"}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := o.send(b, `{"type":"get","id":"g","key":"x"}`); err != nil {
		t.Fatal(err)
	}
	o.waitForFile("heard", `"id": "g"`)
	_ = r.Stop()
	var stored string
	if err := o.DB.ReadRow(t.Context(), "SELECT state FROM toy_bots").Scan(&stored); err != nil || strings.Contains(stored, "cursor") {
		t.Errorf("stored as %s, %v", stored, err)
	}
	kittest.Receive(t, o.open(), o.Inbox)
	o.waitForFile("begin.json", `"state": {"cursor": "\u00f61"}`)
}

// TestStopped has a program be stopped by a signal, so that it answers no ping: that is
// trouble. One that reads the pings and does not answer any works on.
func TestStopped(t *testing.T) {
	slow.Test(t, "waits for pings")
	const pong = `echo '{"type":"pong"}'`
	for name, does := range map[string]string{"pongs": "echo >>pings; " + pong, "reads": "echo >>pings"} {
		t.Run(name, func(t *testing.T) {
			o := newOutside(t, "echo", `can = ["send"]`, strings.Replace(echoPID, "ECHO", strings.Replace(echo, pong, does, 1), 1))
			b, r := o.work(nil)
			pid := 0
			o.waitFor("its process", func() bool { _, err := fmt.Sscan(o.file("pid"), &pid); return err == nil })
			o.waitFor("pings", func() bool { return len(o.file("pings")) > 12 }) // it is alive after as many
			if _, err := o.send(b, "U1"); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			err := r.Ended()
			if said := bots.Words(err, func(id string, data ...any) string { return o.Texts.T("en", id, data...) }); said != "The program does not answer." {
				t.Errorf("it says %q: %v", said, err)
			}
			if alive(fmt.Sprint(pid)) {
				t.Error("it is still there")
			}
		})
	}
}

// echoPID writes down its number first.
const echoPID = "#!/bin/sh\necho $$ > pid\nECHO"

// TestSuspectsComeLast has a program hang: what it had in hand besides is tried before what it
// hangs on, and what it has not had before both.
func TestSuspectsComeLast(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\nanswer = \"500ms\"\n", toy)
	b, r := o.work(nil)
	ended := make(chan error, 3)
	send := func(b bots.Bot, text string) { go func() { _, err := o.send(b, text); ended <- err }() }
	send(b, "hangme")
	o.waitForFile("sent", "hangme")
	send(b, "U1")
	for range 2 {
		kittest.WantKind(t, <-ended, bots.KindLater)
	}
	_ = r.Ended()
	b = o.open()
	kittest.Receive(t, b, o.Inbox)
	for _, text := range []string{"hangme", "U1", "U2"} {
		send(b, text)
	}
	for _, want := range []bool{true, true, false} {
		if err := <-ended; (err == nil) != want {
			t.Errorf("sent: %v", err)
		}
	}
	if got := o.file("sent"); got != "hangme\nU2\nU1\nhangme\n" {
		t.Errorf("it was told %q", got)
	}
}

// TestTheMostSuspectMakesRoom has more wait than may be suspect at once: what the program hangs
// on is sent away, not one that it only had in hand besides.
func TestTheMostSuspectMakesRoom(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\nanswer = \"500ms\"\n", toy)
	b, r := o.work(nil)
	innocent := []string{"U1", "U2", "U3"}
	suspects := make(chan error, 4)
	send := func(text string, ended chan<- error) { go func() { _, err := o.send(b, text); ended <- err }() }
	send("hangme", suspects)
	o.waitForFile("sent", "hangme")
	for _, text := range innocent {
		send(text, suspects)
	}
	for range 4 {
		kittest.WantKind(t, <-suspects, bots.KindLater)
	}
	_ = r.Ended()
	b = o.open() // it is ready a while after it runs: all of them wait then
	guilty, sent := make(chan error, 1), make(chan error, 3)
	send("hangme", guilty)
	for _, text := range innocent {
		send(text, sent)
	}
	kittest.Receive(t, b, o.Inbox)
	for range innocent {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	kittest.WantKind(t, <-guilty, bots.KindLater)
	if got := strings.Fields(o.file("sent")); len(got) != 4 {
		t.Errorf("it was told %q", got)
	}
}
