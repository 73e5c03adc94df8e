package kittest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// troubleChecks are about what goes wrong when a bot starts and sends.
var troubleChecks = []check{
	{"send: 401 once is not for good", refusedOnce},
	{"send: 401 for good is a refusal, until there is a new login", refusedForGood},
	{"send: 429 is waited for", limited},
	{"send: 500 is tried again", sendFails(func(s *scene) standin.Fault { return s.service.Answer(http.StatusInternalServerError, 0) })},
	{"send: a page with 200 is no answer", sendFails(page(http.StatusOK))},
	{"send: a page with 401 is no refusal", sendFails(page(http.StatusUnauthorized))},
	{"send: a page with 403 is no refusal", sendFails(page(http.StatusForbidden))},
	{"send: a page with 404 is tried again", sendFails(page(http.StatusNotFound))},
	{"send: a connection that is cut is tried again", sendFails(func(*scene) standin.Fault { return standin.Cut() })},
	{"send: the deadline ends a call that hangs", sendHangs},
	{"check: 500 and pages are no refusal", checkFails},
	{"taken back", takenBack},
	{"taken back: a page is no answer", takenBackLater},
}

// sending is a bot with one delivery to make.
func (s *scene) sending() (bots.Bot, report.Bot, report.Delivery) {
	s.Helper()
	b := s.connect()
	s.reader(b)
	return s.mustOpen(b), b, s.one(b, s.Elsewhere(s.city, "U1 Plärrer"))
}

// wantSent sends the delivery and checks that it arrives once.
func (s *scene) wantSent(bot bots.Bot, d report.Delivery) report.Receipt {
	s.Helper()
	receipt, err := s.sendOne(bot, d)
	s.must(err)
	n := 0
	for _, text := range s.texts(s.account) {
		if text == d.Report.Text {
			n++
		}
	}
	if n != 1 {
		s.Errorf("the report stands there %d times: %s", n, brief(s.texts(s.account)))
	}
	return receipt
}

func refusedOnce(s *scene) {
	bot, b, d := s.sending()
	s.fail(standin.Post, 1, s.service.Answer(http.StatusUnauthorized, 0))
	_, err := s.sendOne(bot, d)
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindRefused && kind != bots.KindTemporary {
		s.Errorf("%v of kind %d", err, kind)
	}
	s.readable(err)
	s.wantSent(s.mustOpen(b), d)
}

func refusedForGood(s *scene) {
	bot, b, d := s.sending()
	s.service.Revoke(s.account)
	_, err := s.sendOne(bot, d)
	WantKind(s, err, bots.KindRefused)
	s.readable(err)
	if _, err = s.open(b); err != nil { // a service may have no way to ask
		WantKind(s, err, bots.KindRefused)
		s.readable(err)
	}
	s.connect()
	s.wantSent(s.mustOpen(b), d)
}

func limited(s *scene) {
	slow.Test(s, "waits as long as the service asks for")
	bot, _, d := s.sending()
	s.fail(standin.Post, 1, s.service.Answer(http.StatusTooManyRequests, time.Second))
	_, err := s.sendOne(bot, d)
	kind, after := bots.KindOf(err)
	if kind != bots.KindRetryAfter && kind != bots.KindLater || after < time.Second || after > time.Minute {
		s.Fatalf("%v of kind %d, after %s", err, kind, after)
	}
	s.readable(err)
	pause, done := context.WithTimeout(s.ctx, after)
	defer done()
	<-pause.Done()
	s.wantSent(bot, d)
}

// sendFails lets a send meet a fault: it is tried again later, and arrives once.
func sendFails(fault func(*scene) standin.Fault) func(*scene) {
	return func(s *scene) {
		bot, _, d := s.sending()
		s.fail(standin.Post, 1, fault(s))
		_, err := s.sendOne(bot, d)
		WantKind(s, err, bots.KindTemporary)
		s.readable(err)
		s.wantSent(bot, d)
	}
}

func sendHangs(s *scene) {
	bot, _, d := s.sending()
	s.fail(standin.Post, 1, standin.Hang())
	ctx, done := context.WithTimeout(s.ctx, 200*time.Millisecond)
	defer done()
	began := time.Now()
	_, err := bot.Send(ctx, d)
	WantKind(s, err, bots.KindTemporary)
	if took := time.Since(began); took > Patience/2 {
		s.Errorf("it took %s", took)
	}
}

func checkFails(s *scene) {
	b := s.connect()
	for _, fault := range []standin.Fault{s.service.Answer(http.StatusInternalServerError, 0), standin.HTML(http.StatusOK),
		standin.HTML(http.StatusUnauthorized), standin.HTML(http.StatusForbidden), standin.Cut()} {
		s.fail(standin.Check, 1, fault)
		if _, err := s.open(b); err != nil {
			WantKind(s, err, bots.KindTemporary)
			s.readable(err)
		}
		s.service.Mend()
	}
	s.mustOpen(b)
}

// sent is a delivery that was made, as it is taken back, and who does that.
func (s *scene) sent() (bots.Retracter, report.Delivery) {
	s.Helper()
	bot, _, d := s.sending()
	receipt := s.wantSent(bot, d)
	d.Retract = &receipt
	r, ok := bot.(bots.Retracter)
	if !ok || receipt.ID == "" {
		s.Skip("the network takes nothing back")
	}
	return r, d
}

// takeBackAtLast takes a delivery back and looks whether it is gone.
func (s *scene) takeBackAtLast(r bots.Retracter, d report.Delivery) {
	s.Helper()
	err := r.Retract(s.ctx, d)
	if errors.Is(err, bots.ErrCannotRetract) {
		s.Skip("the network takes nothing back")
	}
	s.must(err)
	if got := s.texts(s.account); strings.Contains(strings.Join(got, "\n"), d.Report.Text) {
		s.Errorf("it still stands there: %s", brief(got))
	}
}

func takenBack(s *scene) {
	r, d := s.sent()
	s.takeBackAtLast(r, d)
	s.must(r.Retract(s.ctx, d)) // what is gone is no error
}

// takenBackLater has pages of a firewall answer: nothing was taken back then.
func takenBackLater(s *scene) {
	r, d := s.sent()
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		s.service.Fail("", 1, standin.HTML(status))
		err := r.Retract(s.ctx, d)
		if errors.Is(err, bots.ErrCannotRetract) {
			s.Skip("the network takes nothing back")
		}
		WantKind(s, err, bots.KindTemporary)
		s.readable(err)
		s.service.Mend()
	}
	s.takeBackAtLast(r, d)
}
