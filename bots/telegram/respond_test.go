package telegram

import (
	"slices"
	"strconv"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
)

// TestAnswersInGroups has three people of a group report, where signs are allowed and
// where not: what is missing is said below the message that lacks it, and nothing else is
// said.
func TestAnswersInGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	if err := w.db.SaveAnswers(w.ctx, row.ID, report.AnswersWords); err != nil {
		t.Fatal(err)
	}
	row.Answers = report.AnswersWords
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), in)
	admin, open, strict := w.server.AddUser("admin", "de"), w.server.AddGroup("open"), w.server.AddGroup("strict")
	strict.NoReactions()
	answered := func(g *standin.Group, text string, a bots.Answer) (id int) {
		t.Helper()
		id = g.Write(admin, "@"+w.account.Username()+" "+text)
		in.WaitFor(t, text)
		all := in.All()
		if err := all[len(all)-1].Answer(w.ctx, a); err != nil {
			t.Fatal(err)
		}
		return id
	}
	passed, held := bots.Answer{Outcome: bots.OutcomePassed, Text: "passed"}, bots.Answer{Outcome: bots.OutcomeHeld, Text: "which line?"}
	for name, g := range map[string]*standin.Group{"strict": strict, "open": open} {
		g.Add(admin, w.account, true)
		first, second := answered(g, name+" U1", passed), answered(g, name+" Plärrer", held)
		w.until("the answer", func() bool {
			last := g.Messages()[len(g.Messages())-1]
			return last.FromBot && last.Text == "which line?" && last.Answers == second
		})
		want := "👍"
		if g == strict {
			want = ""
		}
		if got := g.Messages()[first-1].Sign; got != want {
			t.Errorf("%s: the report has the sign %q, want %q", name, got, want)
		}
	}
	_ = run.Stop()
	if lines := w.log.String(); lines != "" {
		t.Errorf("the bot's log is %q", lines)
	}
}

// TestAnswerOfADeletedMessage has somebody delete the report before it is answered.
func TestAnswerOfADeletedMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.connect()
	group, admin := w.server.AddGroup("open"), w.server.AddUser("admin", "de")
	group.Add(admin, w.account, true)
	id := group.Write(admin, "gone")
	group.Erase(id)
	c := &conn{driver: w.driver, client: must(w.driver.client("", w.account.Token()))(t)}
	if err := c.React(w.ctx, formatID(group.ID()), strconv.Itoa(id), "👍"); err != nil {
		t.Errorf("React: %v", err)
	}
	if _, err := c.Reply(w.ctx, formatID(group.ID()), strconv.Itoa(id), "which line?"); err != nil {
		t.Errorf("Reply: %v", err)
	}
	last := group.Messages()[len(group.Messages())-1]
	if last.Text != "which line?" || last.Answers != 0 {
		t.Errorf("posted %+v", last)
	}
}

// TestAnswersInTopics has somebody report in a topic of a forum.
func TestAnswersInTopics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	row.Answers = report.AnswersWords
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	admin, forum := w.server.AddUser("admin", "de"), w.server.AddGroup("forum")
	forum.Add(admin, w.account, true)
	topic := forum.AddTopic(admin, "Kontrollen")
	id := forum.Post(admin, standin.Post{Text: "@" + w.account.Username() + " Plärrer", Topic: topic})
	in.WaitFor(t, "Plärrer")
	answer := in.All()[0].Answer
	for _, a := range []bots.Answer{{Outcome: bots.OutcomeHeld, Text: "which line?"}, {Outcome: bots.OutcomePassed, Text: "passed"}} {
		if err := answer(w.ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	w.until("the answers", func() bool {
		all := forum.Messages()
		return all[id-1].Sign == "👍" && slices.ContainsFunc(all, func(m standin.Message) bool {
			return m.Text == "which line?" && m.Answers == id && m.Thread == topic
		})
	})
}

// TestManyReportInAGroupAtOnce has six riders report in the same second in a group: each
// learns that it was passed on.
func TestManyReportInAGroupAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(w.connect()), in)
	admin, group := w.server.AddUser("admin", "de"), w.server.AddGroup("tram")
	group.Add(admin, w.account, true)
	var ids []int
	for i := range 6 {
		ids = append(ids, group.Write(w.server.AddUser("Rider "+strconv.Itoa(i), "de"), "@"+w.account.Username()+" U1 "+strconv.Itoa(i)))
	}
	for _, heard := range in.Wait(t, 6) {
		if err := heard.Answer(w.ctx, bots.Answer{Outcome: bots.OutcomePassed, Text: "passed"}); err != nil {
			t.Fatal(err)
		}
	}
	w.until("six signs", func() bool {
		all := group.Messages()
		return !slices.ContainsFunc(ids, func(id int) bool { return all[id-1].Sign != "👍" })
	})
}
