package kittest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
)

// Post checks that a posting network does what people expect of every one, against
// the stand-in of its service, which it closes.
func Post(t *testing.T, d bots.Definition, s standin.Service, skip ...Skip) {
	t.Helper()
	run(t, d, s, skip, slices.Concat(postChecks, postAnswerChecks, textChecks, hearChecks, troubleChecks, accountChecks))
}

var postChecks = []check{
	{"a report is posted for everybody, with nothing else", postPublicly},
	{"the same delivery is one post", postOnce},
	{"once: a lost answer is one post", lostAnswer},
	{"once: a lost answer and a restart is one post", lostAnswerAndRestart},
	{"the same text of two reports is two posts", sameText},
	{"what is heard has its visibility", visibility},
	{"what was written in private is posted without the author", privateIsPosted},
	{"boost: what was written in public is boosted", boostPublic},
	{"boost: what has a picture is posted, without it", boostNoPicture},
	{"boost: what another account heard is posted", boostOwnOnly},
	{"boost: a boost is taken back", boostTakenBack},
	{"boost: a page is no answer", boostMeetsPages},
	{"picture: refused in private, each author once a day", refusePictures},
	{"picture: an old one is not answered", oldPicture},
	{"what only sends says so", sendOnly},
}

// posts are what an account posted for everybody to see.
func (s *scene) posts() []standin.Line {
	return slices.DeleteFunc(s.service.Lines(s.account), func(l standin.Line) bool { return l.How == standin.Answered })
}

// answers are what an account wrote to one person alone.
func (s *scene) answers() []standin.Line {
	return slices.DeleteFunc(s.service.Lines(s.account), func(l standin.Line) bool { return l.How != standin.Answered })
}

func postPublicly(s *scene) {
	b := s.connect()
	receipts := s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1 Plärrer"))
	if got := s.posts(); len(got) != 1 || got[0].Text != "U1 Plärrer" || got[0].How == standin.Boosted {
		s.Errorf("posted %s", brief(got))
	}
	if len(receipts) != 1 || receipts[0].ID == "" {
		s.Errorf("receipts %+v", receipts)
	}
}

func postOnce(s *scene) {
	bot, b, d := s.sending()
	first := s.wantSent(bot, d)
	for _, again := range []bots.Bot{bot, s.mustOpen(b)} {
		if receipt := s.wantSent(again, d); receipt.ID != first.ID {
			s.Errorf("receipt %v, was %v", receipt, first)
		}
	}
}

func lostAnswer(s *scene) {
	bot, _, d := s.sending()
	s.fail(standin.Post, 1, s.service.LoseAnswer())
	_, err := s.sendOne(bot, d)
	WantKind(s, err, bots.KindTemporary)
	s.wantSent(bot, d)
}

func lostAnswerAndRestart(s *scene) {
	bot, b, d := s.sending()
	s.fail(standin.Post, 1, s.service.LoseAnswer())
	_, err := s.sendOne(bot, d)
	WantKind(s, err, bots.KindTemporary)
	s.wantSent(s.mustOpen(b), d)
}

func sameText(s *scene) {
	b := s.connect()
	bot := s.mustOpen(b)
	for _, id := range []string{"first", "second"} {
		r := s.Elsewhere(s.city, "U1 Plärrer")
		r.ID += id
		s.send(bot, b, r)
	}
	if got := s.posts(); len(got) != 2 {
		s.Errorf("posted %s", brief(got))
	}
}

func visibility(s *scene) {
	s.listens()
	_, in := s.receive(s.connect())
	s.write(standin.Message{Author: "anna", Text: "U1 for all", Public: true})
	s.write(standin.Message{Author: "anna", Text: "U2 for you"})
	in.Wait(s, 2)
	for _, got := range in.All() {
		want := report.Private
		if got.Text == "U1 for all" {
			want = report.Public
		}
		if got.Visibility != want {
			s.Errorf("%q is %s", got.Text, got.Visibility)
		}
	}
}

// heard has somebody write, and returns the report that the bot heard.
func (s *scene) heard(b report.Bot, m standin.Message) report.Report {
	s.Helper()
	s.listens()
	r, in := s.receive(b)
	s.write(m)
	in.WaitFor(s, m.Text)
	_ = r.Stop()
	all := in.All()
	return s.Heard(b, all[len(all)-1])
}

func privateIsPosted(s *scene) {
	b := s.connect()
	r := s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer"})
	s.send(s.mustOpen(b), b, r)
	got := s.posts()
	if len(got) != 1 || got[0].How == standin.Boosted || got[0].Text != "U1 Plärrer" {
		s.Errorf("posted %s", brief(got))
	}
}

func boostPublic(s *scene) {
	b := s.connect()
	s.send(s.mustOpen(b), b, s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer", Public: true}))
	if got := s.posts(); len(got) != 1 || got[0].How != standin.Boosted {
		s.Errorf("posted %s", brief(got))
	}
}

func boostNoPicture(s *scene) {
	b := s.connect()
	s.send(s.mustOpen(b), b, s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer", Public: true, Media: true}))
	if got := s.posts(); len(got) != 1 || got[0].How == standin.Boosted || got[0].Text != "U1 Plärrer" {
		s.Errorf("posted %s", brief(got))
	}
}

func boostOwnOnly(s *scene) {
	b := s.connect()
	second := s.connectAs(s.city, s.account+1)
	r := s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer", Public: true})
	s.send(s.mustOpen(second), second, r)
	if got := s.service.Lines(s.account + 1); len(got) != 1 || got[0].How == standin.Boosted || got[0].Text != "U1 Plärrer" {
		s.Errorf("posted %s", brief(got))
	}
}

func boostTakenBack(s *scene) {
	b := s.connect()
	bot := s.mustOpen(b)
	d := s.one(b, s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer", Public: true}))
	receipt, err := s.sendOne(bot, d)
	s.must(err)
	if strings.Contains(receipt.ID+receipt.URL, "anna") {
		s.Errorf("the receipt names who wrote it: %+v", receipt)
	}
	d.Retract = &receipt
	s.must(bot.(bots.Retracter).Retract(s.ctx, d))
	if got := s.posts(); len(got) != 0 {
		s.Errorf("it still stands there: %s", brief(got))
	}
}

// boostMeetsPages has pages of a firewall answer a boost and its end: neither was done.
func boostMeetsPages(s *scene) {
	b := s.connect()
	bot := s.mustOpen(b)
	d := s.one(b, s.heard(b, standin.Message{Author: "anna", Text: "U1 Plärrer", Public: true}))
	statuses := []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}
	for _, status := range statuses {
		s.fail(standin.Post, 1, standin.HTML(status))
		_, err := s.sendOne(bot, d)
		WantKind(s, err, bots.KindTemporary)
		s.service.Mend()
	}
	receipt, err := s.sendOne(bot, d)
	s.must(err)
	if got := s.posts(); len(got) != 1 || got[0].How != standin.Boosted {
		s.Errorf("posted %s", brief(got))
	}
	d.Retract = &receipt
	for _, status := range statuses {
		s.fail(standin.Post, 1, standin.HTML(status))
		WantKind(s, bot.(bots.Retracter).Retract(s.ctx, d), bots.KindTemporary)
		s.service.Mend()
	}
	s.must(bot.(bots.Retracter).Retract(s.ctx, d))
	if got := s.posts(); len(got) != 0 {
		s.Errorf("it still stands there: %s", brief(got))
	}
}

func refusePictures(s *scene) {
	s.listens()
	b := s.connect()
	_, in := s.receive(b)
	picture := func(author string) {
		s.write(standin.Message{Author: author, Media: true, Public: true, Time: s.Now()})
	}
	picture("anna")
	picture("anna")
	picture("bert")
	s.report("U1")
	in.WaitFor(s, "U1")
	got := s.answers()
	if len(got) != 2 || !strings.Contains(got[0].Text, s.limit().Fit(s.in("kit.post.picture"))) {
		s.Errorf("answered %s", brief(got))
	}
	if len(s.posts()) > 0 || len(in.All()) != 1 {
		s.Errorf("posted %s, heard %s", brief(s.posts()), brief(in.Texts()))
	}
	s.Clock.Move(24 * time.Hour)
	picture("anna")
	s.until("an answer on the next day", func() bool { return len(s.answers()) == 3 })
}

func oldPicture(s *scene) {
	s.listens()
	_, in := s.receive(s.connect())
	s.write(standin.Message{Author: "anna", Media: true, Public: true, Time: s.Now().Add(-5 * time.Hour)})
	s.report("U1")
	in.WaitFor(s, "U1")
	if got := s.answers(); len(got) != 0 {
		s.Errorf("answered %s", brief(got))
	}
}

func sendOnly(s *scene) {
	if s.hears() {
		s.Skip("people can write to it")
	}
	b := s.connect()
	for _, language := range s.Texts.Languages() {
		s.card(language).Shows(s.Texts.T(language, "kit.post.send_only"))
	}
	if err := Receive(s, s.mustOpen(b), NewInbox()).Ended(); err != nil {
		s.Errorf("there is nothing to receive, and Receive fails: %v", err)
	}
	s.Moderator(s.city).Get("/settings/networks", http.StatusOK)
}
