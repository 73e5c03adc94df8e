package kittest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
)

// The answers that the program gives to who reports.
var (
	passed   = bots.Answer{Outcome: bots.OutcomePassed, Text: "Passed on, 34 people."}
	held     = bots.Answer{Outcome: bots.OutcomeHeld, Text: "Not passed on: say which line."}
	question = bots.Answer{Outcome: bots.OutcomeQuestion, Text: "U1, 3 minutes ago."}
	spoken   = bots.Answer{Outcome: bots.OutcomePassed, Text: "Passed on. The next one comes in 5 minutes.", Spoken: true}
)

// chatAnswerChecks are about who reports to a chat network, and learns what became of it.
var chatAnswerChecks = []check{
	{"answer: in private in words", answerPrivate},
	{"answer: what is asked, or said by a program, is answered also where reports are not", answerOff},
	{"answer: with a sign in private, where the moderators wish it", answerSign},
	{"answer: a sign in a group, in words what was asked", answerGroup},
	{"answer: in a group in words what is missing, where the moderators wish it", answerGroupWords},
	{"answer: a new beginning answers what was heard before", answerAfterRestart},
	{"answer: the moderators choose how", chooseAnswers},
}

// answering connects a bot that answers in a way, and has it receive.
func (s *scene) answering(way report.Answers) *Inbox {
	s.Helper()
	b := s.connect()
	s.must(s.DB.SaveAnswers(s.ctx, b.ID, way))
	_, in := s.receive(s.Bots(s.city)[0])
	return in
}

// answer answers the newest report that was heard.
func (s *scene) answer(in *Inbox, a bots.Answer) {
	s.Helper()
	all := in.All()
	heard := all[len(all)-1]
	if heard.Answer == nil {
		s.Fatalf("%+v cannot be answered", heard.Text)
	}
	s.must(heard.Answer(s.ctx, a))
}

// reportAnd has somebody report in private, and answers.
func (s *scene) reportAnd(in *Inbox, text string, a bots.Answer) {
	s.Helper()
	s.say("anna", text)
	in.WaitFor(s, text)
	s.answer(in, a)
}

// groupReportAnd has somebody report in a group, and answers.
func (s *scene) groupReportAnd(in *Inbox, text string, a bots.Answer) {
	s.Helper()
	s.write(standin.Message{Author: "anna", Group: "tram", Text: text, Addressed: true})
	in.WaitFor(s, text)
	s.answer(in, a)
}

// wantSigns waits until there are so many signs in a chat, and compares them; where
// the service has none it looks at nothing.
func (s *scene) wantSigns(chat string, want ...string) {
	s.Helper()
	signs, ok := any(s.service.Service).(standin.Signs)
	if !ok {
		return
	}
	s.until("signs", func() bool { return len(signs.Signs(s.account, chat)) >= len(want) })
	if got := signs.Signs(s.account, chat); !slices.Equal(got, want) {
		s.Errorf("signs %q, want %q", got, want)
	}
}

func answerPrivate(s *scene) {
	in := s.answering(report.AnswersUsual)
	s.reportAnd(in, "U1 Plärrer", passed)
	s.wantAnswer("anna", 1, passed.Text)
	s.reportAnd(in, "Plärrer", held)
	s.wantAnswer("anna", 2, held.Text)
	s.wantSigns("anna")
}

func answerOff(s *scene) {
	in := s.answering(report.AnswersOff)
	s.reportAnd(in, "U1 Plärrer", passed)
	s.reportAnd(in, "Plärrer", held)
	s.reportAnd(in, "wo?", question)
	s.wantAnswer("anna", 1, question.Text)
	s.reportAnd(in, "U2 Plärrer", spoken)
	s.wantAnswer("anna", 2, spoken.Text)
	s.wantSigns("anna")
}

func answerSign(s *scene) {
	needs[standin.Signs](s, "the service has no signs")
	in := s.answering(report.AnswersReaction)
	s.reportAnd(in, "U1 Plärrer", passed)
	s.reportAnd(in, "Plärrer", held)
	s.wantSigns("anna", "👍", "🤔")
	s.wantSilence("anna")
}

func answerGroup(s *scene) {
	in := s.answering(report.AnswersUsual)
	s.join("tram")
	s.groupReportAnd(in, "U1 Plärrer", passed)
	s.groupReportAnd(in, "Plärrer", held)
	s.groupReportAnd(in, "wo?", question)
	s.wantAnswer("tram", 2, question.Text)
	s.wantSigns("tram", "👍", "🤔")
}

func answerGroupWords(s *scene) {
	in := s.answering(report.AnswersWords)
	s.join("tram")
	s.groupReportAnd(in, "U1 Plärrer", passed)
	s.groupReportAnd(in, "Plärrer", held)
	s.wantAnswer("tram", 2, held.Text)
	s.wantSigns("tram", "👍")
}

func answerAfterRestart(s *scene) {
	b := s.connect()
	first, in := s.receive(b)
	s.say("anna", "U1 Plärrer")
	in.WaitFor(s, "U1 Plärrer")
	_ = first.Stop()
	s.receive(b)
	s.say("bert", "/ping")
	s.wantAnswer("bert", 1, "") // it is at work
	s.answer(in, passed)
	s.wantAnswer("anna", 1, passed.Text)
}

// postAnswerChecks are about who reports to a posting network.
var postAnswerChecks = []check{
	{"answer: what was written in private is answered in private", answerAlone},
	{"answer: what was written in public is answered in private, where the moderators wish it", answerPublic},
	{"answer: switched off, what is asked is answered, and what a program says", answerOnlyQuestions},
	{"answer: nobody makes the account write without end", answerBounded},
	{"answer: the moderators choose how", chooseAnswers},
}

// written has somebody write, and answers.
func (s *scene) written(in *Inbox, m standin.Message, a bots.Answer) {
	s.Helper()
	m.Author, m.Addressed, m.Time = "anna", true, s.Now()
	s.write(m)
	in.WaitFor(s, m.Text)
	s.answer(in, a)
}

// wantAnswered checks what was written to people alone, and that nothing else was.
func (s *scene) wantAnswered(want ...string) {
	s.Helper()
	s.until("the answers", func() bool { return len(s.answers()) >= len(want) })
	got := s.answers()
	if len(got) != len(want) || len(s.posts()) > 0 {
		s.Fatalf("answered %s, posted %s", brief(got), brief(s.posts()))
	}
	for i, l := range got {
		if !strings.Contains(l.Text, want[i]) {
			s.Errorf("answered %q, want %q", l.Text, want[i])
		}
	}
}

func answerAlone(s *scene) {
	s.listens()
	in := s.answering(report.AnswersUsual)
	s.written(in, standin.Message{Text: "U1 Plärrer"}, passed)
	s.written(in, standin.Message{Text: "Plärrer"}, held)
	s.written(in, standin.Message{Text: "U2 Plärrer", Public: true}, passed)
	s.written(in, standin.Message{Text: "wo?", Public: true}, question)
	s.wantAnswered(passed.Text, held.Text, question.Text)
}

func answerPublic(s *scene) {
	s.listens()
	in := s.answering(report.AnswersWords)
	s.written(in, standin.Message{Text: "U1 Plärrer", Public: true}, passed)
	s.written(in, standin.Message{Text: "U2 Plärrer"}, passed)
	s.wantAnswered(passed.Text, passed.Text)
}

func answerOnlyQuestions(s *scene) {
	s.listens()
	in := s.answering(report.AnswersOff)
	s.written(in, standin.Message{Text: "U1 Plärrer"}, passed)
	s.written(in, standin.Message{Text: "wo?"}, question)
	s.written(in, standin.Message{Text: "U2 Plärrer"}, spoken)
	s.wantAnswered(question.Text, spoken.Text)
}

func answerBounded(s *scene) {
	s.listens()
	in := s.answering(report.AnswersUsual)
	for i := range 15 {
		s.written(in, standin.Message{Text: fmt.Sprint("wo ", i)}, question)
	}
	if n := len(s.answers()); n == 0 || n > 10 {
		s.Errorf("%d answers", n)
	}
	s.Clock.Move(time.Hour)
	before := len(s.answers())
	s.written(in, standin.Message{Text: "wo?"}, question)
	if n := len(s.answers()); n != before+1 {
		s.Errorf("%d answers an hour later", n-before)
	}
}

// chooseAnswers chooses each way to answer in the card.
func chooseAnswers(s *scene) {
	b := s.connect()
	m := s.Moderator(s.city)
	form := s.path("answers")
	page := m.Get("/settings/networks", http.StatusOK)
	if !page.HasForm(form) {
		if s.hears() {
			s.Error("there is no choice")
		}
		return
	}
	for name, want := range map[string]report.Answers{"off": report.AnswersOff, "words": report.AnswersWords, "usual": report.AnswersUsual} {
		page := m.Post(form, url.Values{"bot_id": {fmt.Sprint(b.ID)}, "answers": {name}}, http.StatusOK)
		page.Shows(s.in("kit.answers.saved"))
		if got := s.Bots(s.city)[0].Answers; got != want {
			s.Errorf("%s: stored %q", name, got)
		}
		if chosen := page.chosen(form); chosen != name {
			s.Errorf("%s: the page shows %q", name, chosen)
		}
	}
	m.Post(form, url.Values{"bot_id": {fmt.Sprint(b.ID)}, "answers": {"loudly"}}, http.StatusUnprocessableEntity).Shows(s.in("kit.answers.none"))
	m.Post(form, url.Values{"bot_id": {"4711"}, "answers": {"off"}}, http.StatusNotFound)
	m.Post(form, url.Values{"answers": {"off"}}, http.StatusNotFound)
}
