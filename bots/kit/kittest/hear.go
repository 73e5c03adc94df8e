package kittest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/slow"
)

// hearChecks are about what people write to an account.
var hearChecks = []check{
	{"hear: what is older than the account is not heard", notTheOld},
	{"hear: a restart in the middle loses nothing", restartInTheMiddle},
	{"hear: what was heard is not heard again and again", notAgain},
	{"hear: what could not be stored is heard again", heardAgain},
	{"hear: what cannot be taken in is left out, and what comes after it is heard", leftOut},
	{"hear: what comes after a giant is heard", afterGiant},
	{"hear: no log holds a text, or names who wrote it", namelessLog},
	{"hear: two cities are apart", citiesApart},
	{"hear: with a new login nothing is lost", newLoginLosesNothing},
	{"hear: 401 for good is a refusal", listenRefused},
	{"hear: 429 is waited for", listenLimited},
	{"hear: 500", listenFails(func(s *scene) standin.Fault { return s.service.Answer(http.StatusInternalServerError, 0) })},
	{"hear: a page with 200 is no answer", listenFails(page(http.StatusOK))},
	{"hear: a page with 401 is no refusal", listenFails(page(http.StatusUnauthorized))},
	{"hear: a page with 403 is no refusal", listenFails(page(http.StatusForbidden))},
	{"hear: a page with 502", listenFails(page(http.StatusBadGateway))},
	{"hear: a connection that is cut", listenFails(func(*scene) standin.Fault { return standin.Cut() })},
	{"hear: the end ends a listening that hangs", listenHangs},
}

func page(status int) func(*scene) standin.Fault {
	return func(*scene) standin.Fault { return standin.HTML(status) }
}

// listens skips a check of a network to which nobody can write.
func (s *scene) listens() {
	s.Helper()
	if !s.hears() {
		s.Skip("the network only sends")
	}
}

// hears tells whether the network hears what people write, which an account of its
// own is connected for once.
func (s *scene) hears() bool {
	s.Helper()
	if s.service.hears == nil {
		probe := *s
		probe.account, probe.city = s.service.probe, s.AddCity(s.city.Slug+"probe", "en")
		bot, ok := probe.mustOpen(probe.connect()).(interface{ Hears() bool })
		hears := !ok || bot.Hears()
		s.service.hears = &hears
	}
	return *s.service.hears
}

// report writes a report for everybody to read, where the service has that.
func (s *scene) report(text string) {
	s.write(standin.Message{Author: "anna", Text: text, Public: true})
}

func notTheOld(s *scene) {
	s.listens()
	s.report("U9 last week")
	_, in := s.receive(s.connect())
	s.report("U1")
	in.WaitFor(s, "U1")
	if slices.Contains(in.Texts(), "U9 last week") {
		s.Error("what is old was heard")
	}
}

func restartInTheMiddle(s *scene) {
	s.listens()
	b := s.connect()
	heard := map[string]string{}
	for round := range 3 {
		s.report(fmt.Sprint("while it was down ", round))
		r, in := s.receive(b)
		s.report(fmt.Sprint("while it was up ", round))
		in.WaitFor(s, fmt.Sprint("while it was up ", round))
		_ = r.Stop()
		for _, got := range in.All() {
			if text, ok := heard[got.ID]; ok && text != got.Text {
				s.Errorf("%q and %q have the same id", text, got.Text)
			}
			heard[got.ID] = got.Text
		}
	}
	if len(heard) != 6 {
		s.Errorf("heard %s, want 6 messages", brief(slices.Sorted(maps.Values(heard))))
	}
}

// notAgain allows that what came last before the end is heard once more.
func notAgain(s *scene) {
	s.listens()
	b := s.connect()
	for _, text := range []string{"U1", "U2", "U3"} {
		s.report(text)
		r, in := s.receive(b)
		in.WaitFor(s, text)
		_ = r.Stop()
		if text == "U3" && slices.Contains(in.Texts(), "U1") {
			s.Errorf("heard %s at the third start", brief(in.Texts()))
		}
	}
}

func heardAgain(s *scene) {
	s.listens()
	b := s.connect()
	bot, in := s.mustOpen(b), NewInbox()
	in.Fail(errors.New("the disk is full"))
	r := Receive(s, bot, in)
	s.report("U1")
	s.report("U2")
	if err := r.Ended(); err == nil {
		s.Fatal("Receive ended without an error")
	}
	_, in = s.receive(b)
	in.WaitFor(s, "U1")
	in.WaitFor(s, "U2")
}

// leftOut has the bot go on, now and after a restart: it is one run each.
func leftOut(s *scene) {
	s.listens()
	b := s.connect()
	in := NewInbox()
	in.Refuse("U1")
	for _, text := range []string{"U2", "U3"} {
		r := Receive(s, s.mustOpen(b), in)
		s.report("U1")
		s.report(text)
		in.WaitFor(s, text)
		_ = r.Stop()
	}
	if lines := s.Lines.String(); !strings.Contains(lines, s.in("kit.log.left_out", "Err", "")) && !strings.Contains(lines, "kit.log.left_out") {
		s.Error("nobody is told of it")
	}
}

// afterGiant has a text that no report has room for be as good as none.
func afterGiant(s *scene) {
	s.listens()
	_, in := s.receive(s.connect())
	for range 3 {
		s.report(strings.Repeat("&", 180_000))
	}
	s.report("U1")
	in.WaitFor(s, "U1")
}

// namelessLog looks at the log of a bot that hears, and that cannot hand over.
func namelessLog(s *scene) {
	s.listens()
	b := s.connect()
	r, in := s.receive(b)
	const text = "U1 that stands in no log"
	s.write(standin.Message{Author: "annegret", Text: text})
	in.WaitFor(s, text)
	_ = r.Stop()
	failing := NewInbox()
	failing.Fail(errors.New("the disk is full"))
	r = Receive(s, s.mustOpen(b), failing)
	s.write(standin.Message{Author: "annegret", Text: text})
	_ = r.Ended()
	got := in.All()[0]
	for _, word := range []string{text, got.Author, "annegret"} {
		if strings.Contains(s.Lines.String(), word) {
			s.Errorf("a log holds %q:\n%s", word, s.Lines.String())
		}
	}
}

func citiesApart(s *scene) {
	s.listens()
	other := s.AddCity(s.city.Slug+"other", "de")
	_, here := s.receive(s.connect())
	_, there := s.receive(s.connectAs(other, s.account+1))
	s.report("U1 here")
	s.service.Write(s.account+1, standin.Message{Author: "anna", Text: "U1 there", Public: true})
	here.WaitFor(s, "U1 here")
	there.WaitFor(s, "U1 there")
	if len(here.All()) != 1 || len(there.All()) != 1 {
		s.Errorf("heard %s and %s", brief(here.Texts()), brief(there.Texts()))
	}
}

func newLoginLosesNothing(s *scene) {
	s.listens()
	b := s.connect()
	r, in := s.receive(b)
	s.report("U1")
	in.WaitFor(s, "U1")
	_ = r.Stop()
	s.service.Revoke(s.account)
	s.report("U2")
	if again := s.connect(); again.ID != b.ID {
		s.Fatalf("the same account became bot %d, was %d", again.ID, b.ID)
	}
	_, in = s.receive(b)
	in.WaitFor(s, "U2")
}

func listenRefused(s *scene) {
	s.listens()
	bot := s.mustOpen(s.connect())
	s.service.Revoke(s.account)
	err := Receive(s, bot, NewInbox()).Ended()
	WantKind(s, err, bots.KindRefused)
	s.readable(err)
}

// listenFails lets listening meet a fault, once at the beginning and once in the
// middle: the bot goes on, and nothing is lost.
func listenFails(fault func(*scene) standin.Fault) func(*scene) {
	return func(s *scene) {
		s.listens()
		b := s.connect()
		s.fail(standin.Listen, 1, fault(s))
		in := s.keepReceiving(b)
		s.report("U1")
		in.WaitFor(s, "U1")
		s.fail(standin.Listen, 1, fault(s))
		s.report("U2")
		in.WaitFor(s, "U2")
		s.report("U3")
		in.WaitFor(s, "U3")
	}
}

// listenLimited waits twice for as long as the service asks for.
func listenLimited(s *scene) {
	slow.Test(s, "waits for seconds")
	listenFails(func(s *scene) standin.Fault { return s.service.Answer(http.StatusTooManyRequests, time.Second) })(s)
}

func listenHangs(s *scene) {
	s.listens()
	bot := s.mustOpen(s.connect())
	s.fail(standin.Listen, -1, standin.Hang())
	r := Receive(s, bot, NewInbox())
	s.until("listen", func() bool { return len(s.service.Requests(s.service.Path(s.account, standin.Listen))) > 0 })
	_ = r.Stop()
}
