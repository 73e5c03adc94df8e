package kittest

import (
	"slices"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
)

// The answers that the program gives to who reports.
var (
	passed   = bots.Answer{Outcome: bots.OutcomePassed, Text: "Passed on, 34 people."}
	held     = bots.Answer{Outcome: bots.OutcomeHeld, Text: "Not passed on: say which line."}
	question = bots.Answer{Outcome: bots.OutcomeQuestion, Text: "U1, 3 minutes ago."}
)

// chatAnswerChecks are about who reports to a chat network, and learns what became of it.
var chatAnswerChecks = []check{
	{"answer: in private in words", answerPrivate},
	{"answer: what is asked is answered also where reports are not", answerOff},
	{"answer: with a sign in private, where the moderators wish it", answerSign},
	{"answer: a sign in a group, in words what was asked", answerGroup},
	{"answer: in a group in words what is missing, where the moderators wish it", answerGroupWords},
	{"answer: a new beginning answers what was heard before", answerAfterRestart},
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
