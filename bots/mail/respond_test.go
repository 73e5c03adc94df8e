package mail

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
)

// answered are the mails that were sent since the last call, after answering the only
// report that was heard.
func (b *bench) answered(a bots.Answer) (mails []readMail) {
	b.t.Helper()
	heard := b.take()
	if len(heard) != 1 {
		b.t.Fatalf("heard %+v", heard)
	}
	if answer := heard[0].In.Answer; answer != nil {
		if err := answer(b.t.Context(), a); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, m := range b.out.Take() {
		if m.To != "anna@riders.example" || m.From != "nuernberg@"+domain {
			b.t.Errorf("envelope from %s to %s", m.From, m.To)
		}
		mails = append(mails, mustRead(b.t, m.Data))
	}
	return mails
}

// TestReportsByMailAreAnswered has somebody report whom their provider vouches for, and
// somebody whom nobody does, while answers are off and on.
func TestReportsByMailAreAnswered(t *testing.T) {
	b := newBench(t, nil)
	client, _, bot := b.login("nuernberg")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	send := func(mail string, signed bool) {
		t.Helper()
		raw := []byte(mail)
		if signed {
			raw = signer.Sign(raw)
		}
		if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, string(raw)); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	passed := bots.Answer{Outcome: bots.OutcomePassed, Text: "Passed on, 34 people."}
	question := bots.Answer{Outcome: bots.OutcomeQuestion, Text: "U1, 3 minutes ago."}
	english := reportOf("anna@riders.example")
	german := strings.Replace(english, "Subject:", "Content-Language: de-DE, en\r\nSubject:", 1)

	send(english, true)
	if got := b.answered(passed); len(got) != 0 {
		t.Errorf("answered %+v while it is off", got)
	}
	send(english, true)
	if got := b.answered(question); len(got) != 1 || !strings.Contains(got[0].Text, "U1, 3 minutes ago.") {
		t.Errorf("a question was answered with %+v", got)
	}
	send(english, true)
	if got := b.answered(bots.Answer{Outcome: bots.OutcomePassed, Text: "The next one comes in 5 minutes.", Spoken: true}); len(got) != 1 {
		t.Errorf("what a program says was answered with %+v", got)
	}
	save := func(form url.Values, says string) {
		t.Helper()
		code, body := b.read(client.PostForm(b.url+"/settings/mail/answers", form))
		b.expect(code, body, 200, says)
	}
	save(url.Values{"answers": {"yes"}}, "is answered from now on")
	code, body := b.read(client.Get(b.url + "/settings/networks"))
	b.expect(code, body, 200, `name="answers" value="yes" aria-describedby="mail-answers-hint" checked`)

	send(german, true)
	got := b.answered(passed)
	if len(got) != 1 || !strings.HasPrefix(got[0].Text, "Passed on, 34 people.\n") || got[0].Subject != "Deine E-Mail an nuernberg" ||
		!strings.Contains(got[0].Text, "\n-- \nDiese E-Mail hat eine Maschine verschickt, weil du an nuernberg@"+domain+" geschrieben hast.") {
		t.Fatalf("answered %+v", got)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-replied", "In-Reply-To": "<1.anna@riders.example>", "References": "<1.anna@riders.example>",
		"From": "nuernberg <nuernberg@" + domain + ">", "To": "<anna@riders.example>", "X-Loop": domain, "Reply-To": "", "List-Id": "",
	} {
		if got := strings.ReplaceAll(got[0].Header.Get(name), `"`, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	send(english, false)
	if got := b.answered(question); len(got) != 0 {
		t.Errorf("somebody whom nobody vouches for was answered: %+v", got)
	}
	save(url.Values{}, "is not answered")
	if stored, err := b.db.FindBot(t.Context(), bot.CityID, Name); err != nil || stored.Answers != report.AnswersUsual {
		t.Errorf("stored %q, %v", stored.Answers, err)
	}
}

// TestAnswersByMailAreBounded has two programs write to each other.
func TestAnswersByMailAreBounded(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	signed := string(mailertest.NewSigner(t, b.names, "riders.example").Sign([]byte(reportOf("anna@riders.example"))))
	answers := 0
	ask := func() {
		t.Helper()
		if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, signed); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		answers += len(b.answered(bots.Answer{Outcome: bots.OutcomeQuestion, Text: "?"}))
	}
	for range 10 {
		ask()
	}
	if answers != maxAnswers {
		t.Errorf("%d answers, want %d", answers, maxAnswers)
	}
	b.clock.Move(time.Hour)
	if ask(); answers != maxAnswers+1 {
		t.Errorf("%d answers an hour later, want one more", answers-maxAnswers)
	}
}

// TestAnswerWhileMailIsAway has the relay take no mails: nothing but the answer is lost.
func TestAnswerWhileMailIsAway(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	signed := string(mailertest.NewSigner(t, b.names, "riders.example").Sign([]byte(reportOf("anna@riders.example"))))
	if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, signed); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	b.out.Greet("421 too busy")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := b.take()[0].In.Answer(ctx, bots.Answer{Outcome: bots.OutcomeQuestion, Text: "?"})
	if err == nil || strings.Contains(err.Error(), "anna") {
		t.Errorf("answered: %v", err)
	}
}
