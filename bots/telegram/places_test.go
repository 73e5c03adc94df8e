package telegram

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// hearing is a world with a bot that listens.
type hearing struct {
	*world
	row   report.Bot
	bot   working
	in    *kittest.Inbox
	rider *standin.User
}

func newHearing(t *testing.T, o standin.Options) *hearing {
	w := newWorld(t, o)
	h := &hearing{world: w, row: w.connect(), in: kittest.NewInbox(), rider: w.server.AddUser("Rider", "en")}
	h.bot = w.load(h.row)
	kittest.Receive(t, h.bot, h.in)
	return h
}

// pass sends a report to everybody who is sent to, and returns what they were written
// by "chat/thread", in order. The error is the first.
func (h *hearing) pass(text string) ([]string, error) {
	h.t.Helper()
	before := h.account.Sent()
	var failed error
	for _, to := range must(h.network.Recipients(h.ctx, h.row, report.Report{}))(h.t) {
		r := report.Report{ID: text, CityID: h.row.CityID, Network: "mail", Text: text, Time: h.clock.Now()}
		if _, err := h.bot.Send(h.ctx, report.NewDelivery(r, h.row, to)); err != nil && failed == nil {
			failed = err
		}
	}
	var got []string
	for _, s := range h.account.Sends()[before:] {
		got = append(got, spot(s.ChatID, s.Thread))
	}
	return got, failed
}

// spot is the address of a chat or topic.
func spot(chat int64, thread int) string {
	if thread == 0 {
		return formatID(chat)
	}
	return fmt.Sprint(chat, "/", thread)
}

func (h *hearing) wantPassed(want ...string) {
	h.t.Helper()
	h.handled()
	got, err := h.pass("U1 Plärrer")
	check(h.t, err)
	if diff := cmp.Diff(append([]string(nil), want...), got); diff != "" {
		h.t.Errorf("sent to: %s", diff)
	}
}

// answered waits until the bot has sent that many messages.
func (h *hearing) answered(n int) {
	h.t.Helper()
	h.until("answers", func() bool { return h.account.Sent() >= n })
}

// wantGroups compares the groups as the settings show them.
func (h *hearing) wantGroups(want ...string) {
	h.t.Helper()
	var got []string
	for _, g := range h.settings().Lists[0].Groups {
		got = append(got, strings.Trim(g.Title+" › "+g.Topic, " ›")+": "+h.text(g.Kind)+", "+h.text(g.State))
	}
	if diff := cmp.Diff(append([]string(nil), want...), got); diff != "" {
		h.t.Errorf("the settings show: %s", diff)
	}
}

func TestChannel(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	news := h.server.AddChannel("News")
	news.Promote(h.rider, h.account, false)
	h.wantPassed()
	news.Promote(h.rider, h.account, true)
	h.answered(1)
	h.wantPassed(formatID(news.ID()))
	h.wantGroups("News: Channel, " + h.text("kit.chat.stands.on"))
	h.account.Deliver("channel_post", map[string]any{"message_id": 9, "text": "U9 @Nuernberg_bot", "chat": map[string]any{"id": news.ID(), "type": "channel"}})
	news.Promote(h.rider, h.account, false)
	h.wantPassed()
	h.wantGroups("News: Channel, " + h.text("kit.chat.closed.rights"))
	news.Promote(h.rider, h.account, true)
	h.wantPassed(formatID(news.ID()))
	news.Remove(h.rider, h.account)
	h.wantPassed()
	h.wantGroups()
	if got := h.in.Texts(); len(got) > 0 {
		t.Errorf("heard %q", got)
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	forum := h.server.AddForum("Tram")
	checks, talk := forum.AddTopic(h.rider, "Checks"), forum.AddTopic(h.rider, "Talk")
	forum.Add(h.rider, h.account, true)
	h.answered(1)
	h.wantPassed(formatID(forum.ID())) // General, which has no thread

	forum.Post(h.rider, standin.Post{Text: "/start@Nuernberg_bot", Topic: checks})
	h.answered(3) // the greeting, a report, the welcome
	h.wantPassed(spot(forum.ID(), checks))
	last := h.account.Sends()[h.account.Sent()-2]
	if last.Thread != checks || !strings.Contains(last.Text, "nuernberg") {
		t.Errorf("the answer to /start: %+v", last)
	}
	forum.Post(h.rider, standin.Post{Text: "U3 Maxfeld @Nuernberg_bot", Topic: talk})
	forum.Post(h.rider, standin.Post{Text: "U4 Maffeiplatz @Nuernberg_bot"})
	h.in.WaitFor(t, "U4 Maffeiplatz")
	var chats []string
	for _, in := range h.in.All() {
		chats = append(chats, in.Chat)
	}
	if diff := cmp.Diff([]string{spot(forum.ID(), talk), formatID(forum.ID())}, chats); diff != "" {
		t.Errorf("written in: %s", diff)
	}

	forum.CloseTopic(h.rider, checks)
	got, err := h.pass("U5")
	kittest.WantKind(t, err, bots.KindPermanent)
	if len(got) > 0 || h.words(err) != h.text("kit.chat.closed.topic_closed") {
		t.Errorf("sent to %q, error %q", got, h.words(err))
	}
	h.wantPassed()
	h.wantGroups("Tram › Checks: Topic, " + h.text("kit.chat.closed.topic_closed"))
	forum.ReopenTopic(h.rider, checks)
	forum.RenameTopic(h.rider, checks, "Kontrollen")
	forum.Rename(h.rider, "Straßenbahn")
	h.wantPassed(spot(forum.ID(), checks))
	h.wantGroups("Straßenbahn › Kontrollen: Topic, " + h.text("kit.chat.stands.on"))

	sent := h.account.Sent()
	forum.Post(h.rider, standin.Post{Text: "/start@Nuernberg_bot", Topic: talk})
	forum.Post(h.rider, standin.Post{Text: "/stop@Nuernberg_bot", Topic: checks})
	h.answered(sent + 2)
	h.wantPassed(spot(forum.ID(), talk))
	forum.DeleteTopic(talk)
	_, err = h.pass("U6")
	kittest.WantKind(t, err, bots.KindPermanent)
	h.wantGroups("Straßenbahn › Talk: Topic, "+h.text("kit.chat.closed.topic_gone"), "Straßenbahn › Kontrollen: Topic, "+h.text("kit.chat.stands.stopped"))
	forum.Remove(h.rider, h.account)
	h.wantPassed()
	h.wantGroups()
}

// What others answer in a group that is no forum has a thread too, and is no topic.
func TestThreadsAreNoTopics(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	group := h.server.AddGroup("Tram")
	group.Add(h.rider, h.account, true)
	h.account.Deliver("message", map[string]any{"message_id": 7, "message_thread_id": 3, "text": "/start@Nuernberg_bot", "date": 1,
		"chat": map[string]any{"id": group.ID(), "type": "supergroup", "title": "Tram"}, "from": map[string]any{"id": h.rider.ID()}})
	h.handled()
	h.wantChats(h.row, group.ID())
}

// Everybody in a topic answers the message that made it: that is not meant for the bot,
// also where the bot made it.
func TestTopicThatTheBotMade(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	h.account.Deliver("message", map[string]any{"message_id": 7, "message_thread_id": 3, "is_topic_message": true, "text": "just talking", "date": 1,
		"chat": map[string]any{"id": -1005, "type": "supergroup", "title": "Tram"}, "from": map[string]any{"id": h.rider.ID()},
		"reply_to_message": map[string]any{"message_id": 3, "from": map[string]any{"id": h.account.ID()}, "forum_topic_created": map[string]any{"name": "X"}}})
	h.rider.Write(h.account, "U1")
	h.in.WaitFor(t, "U1")
	if n := len(h.in.All()); n != 1 {
		t.Errorf("heard %q", h.in.Texts())
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	g := h.server.AddGroup("Tram")
	g.Add(h.rider, h.account, true)
	h.answered(1)
	h.wantPassed(formatID(g.ID()))
	g.Promote(h.rider, h.account, true)
	g.Demote(h.rider, h.account)
	h.wantPassed(formatID(g.ID()))
	g.Restrict(h.rider, h.account, true)
	h.wantPassed()
	g.Restrict(h.rider, h.account, false)
	h.wantPassed(formatID(g.ID()))

	sent := h.account.Sent()
	g.Write(h.rider, "/stop@Nuernberg_bot")
	h.answered(sent + 1)
	for range 2 {
		g.Promote(h.rider, h.account, true)
		g.Demote(h.rider, h.account)
		g.Restrict(h.rider, h.account, true)
		g.Restrict(h.rider, h.account, false)
		h.wantPassed()
	}
	h.wantGroups("Tram: Group, " + h.text("kit.chat.stands.stopped"))
	sent = h.account.Sent()
	g.Write(h.rider, "/start@Nuernberg_bot")
	h.answered(sent + 1)
	h.wantPassed(formatID(g.ID()))
}

func TestWhatIsForwardedIsAsOldAsItIs(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	written := h.clock.Now().Add(-48 * time.Hour).Truncate(time.Second)
	h.rider.Post(h.account, standin.Post{Text: "U1 Plärrer", Forwarded: written})
	if got := h.in.Wait(t, 1)[0].Time; !got.Equal(written) {
		t.Errorf("written at %s, want %s", got, written)
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	for _, what := range []string{"location", "venue"} {
		u := h.server.AddUser("Rider", "de")
		for range 3 {
			u.Post(h.account, standin.Post{Other: what})
		}
		u.Write(h.account, "/help")
		if got := h.answer(u, 1); got != h.site.Texts.T("de", "kit.chat.location") {
			t.Errorf("%s is answered with %q", what, got)
		}
		if got := h.answer(u, 2); !strings.HasPrefix(got, h.site.Texts.T("de", "kit.chat.help", "City", "nuernberg")) {
			t.Errorf("and then with %q", got)
		}
	}
}

func TestEditsAreHeard(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	id := h.rider.Write(h.account, "U1 Plärrer")
	h.rider.Edit(h.account, id, "U2 Plärrer")
	h.rider.Edit(h.account, id, "/start")
	h.account.Deliver("edited_message", map[string]any{"message_id": 3, "location": map[string]any{"latitude": 1, "live_period": 60},
		"chat": map[string]any{"id": h.rider.ID(), "type": "private"}, "from": map[string]any{"id": h.rider.ID()}})
	h.account.Deliver("edited_message", map[string]any{"message_id": 4, "text": "just talking",
		"chat": map[string]any{"id": -5, "type": "group"}, "from": map[string]any{"id": h.rider.ID()}})
	h.rider.Write(h.account, "U3")
	h.in.WaitFor(t, "U3")
	all := h.in.All()
	if len(all) != 3 || !all[1].Edited || all[1].Text != "U2 Plärrer" || all[1].ID != all[0].ID || all[0].Edited {
		t.Errorf("heard %+v", all)
	}
	h.wantChats(h.row)
}

func TestReplies(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	g := h.server.AddGroup("Tram")
	g.Add(h.rider, h.account, false)
	h.answered(1)
	h.wantPassed(formatID(g.ID()))
	sent := h.account.Sends()[h.account.Sent()-1].ID
	other := g.Write(h.rider, "who is there?")
	g.Post(h.rider, standin.Post{Text: "not me", ReplyTo: other})
	g.Post(h.rider, standin.Post{Text: "are they still there?", ReplyTo: sent})
	g.Post(h.rider, standin.Post{Text: "@Nuernberg_bot U2 as well", ReplyTo: sent})
	h.in.WaitFor(t, "U2 as well")
	all := h.in.All()
	if len(all) != 2 || !all[0].Reply || all[1].Reply {
		t.Errorf("heard %+v", all)
	}
}

// The profile is in the city's language and the others, and is set again only when it
// has changed.
func TestProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	run := kittest.Receive(t, w.load(row), kittest.NewInbox())
	kittest.Until(t, "the profile to be stored", w.profileStored)
	for language, want := range map[string]string{"": "en", "en": "en", "de": "de"} {
		p := w.account.Profile(language)
		if p.Commands != len(chat.Commands) || p.About != w.site.Texts.T(want, "kit.chat.profile.about", "City", "nuernberg") ||
			p.Description != w.site.Texts.T(want, "kit.chat.profile.description", "City", "nuernberg") {
			t.Errorf("%q: %+v", language, p)
		}
	}
	run.Stop()
	calls := w.account.Calls("setMyDescription")
	kittest.Receive(t, w.load(row), kittest.NewInbox()).Stop()
	if n := w.account.Calls("setMyDescription"); n != calls {
		t.Errorf("it was set %d times more", n-calls)
	}
	dbtest.MustSaveTexts(w.t, w.db, w.city.ID, "Nürnberg & "+strings.Repeat("Ü", 600), "de", "")
	kittest.Receive(t, w.load(row), kittest.NewInbox())
	w.until("the profile to be set again", func() bool { return strings.Contains(w.account.Profile("").Description, "Nürnberg") })
}

// profileStored tells whether it is known that the profile was set.
func (w *world) profileStored() bool {
	var n int
	check(w.t, w.db.ReadRow(context.WithoutCancel(w.ctx), "SELECT count(*) FROM telegram_profiles").Scan(&n))
	return n > 0
}

// TestProfileThatCannotBeSet has a bot work all the same.
func TestProfileThatCannotBeSet(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]func(*world){
		"refused": func(w *world) { w.server.Fail(w.method("setMyDescription"), -1, w.server.Answer(404, 0)) },
		"hangs":   func(w *world) { w.server.Fail(w.method("setMyCommands"), -1, hang) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			fault(w)
			t.Cleanup(w.server.Mend)
			in := kittest.NewInbox()
			run := kittest.Receive(t, w.load(w.connect()), in)
			w.server.AddUser("Rider", "en").Write(w.account, "U1")
			in.Wait(t, 1)
			run.Stop()
		})
	}
}

// TestTakingBackReachesEveryChat deletes what was sent to people, groups, topics and
// channels.
func TestTakingBackReachesEveryChat(t *testing.T) {
	t.Parallel()
	h := newHearing(t, standin.Options{})
	h.rider.Write(h.account, "/start")
	group, forum, news := h.server.AddGroup("Tram"), h.server.AddForum("Bus"), h.server.AddChannel("News")
	group.Add(h.rider, h.account, true)
	forum.Add(h.rider, h.account, true)
	topic := forum.AddTopic(h.rider, "Checks")
	forum.Post(h.rider, standin.Post{Text: "/start@Nuernberg_bot", Topic: topic})
	news.Promote(h.rider, h.account, true)
	h.handled()
	ids := must(h.network.Recipients(h.ctx, h.row, report.Report{}))(t)
	if len(ids) != 4 {
		t.Fatalf("%d recipients, want 4", len(ids))
	}
	for _, to := range ids {
		d := report.NewDelivery(report.Report{Text: "U1 Plärrer"}, h.row, to)
		receipt := must(h.bot.Send(h.ctx, d))(t)
		d.Retract = &receipt
		check(t, h.bot.Retract(h.ctx, d))
	}
	stands := func(list []standin.Message) bool {
		return slices.ContainsFunc(list, func(m standin.Message) bool { return m.Text == "U1 Plärrer" && !m.Deleted })
	}
	if n := h.account.Calls("deleteMessage"); n != 4 {
		t.Errorf("%d calls of deleteMessage, want 4", n)
	}
	for _, list := range [][]standin.Message{h.account.Chat(h.rider), group.Messages(), forum.Messages(), news.Messages()} {
		if stands(list) {
			t.Errorf("it still stands in %+v", list)
		}
	}
}

// TestManyStartAtOnce holds the pace of Telegram, which refuses whoever goes faster.
func TestManyStartAtOnce(t *testing.T) {
	slow.Test(t, "sends 300 messages at 30 a second")
	w := newPacedWorld(t, standin.Options{Limits: standin.Limits{Bot: standin.Limit{N: 31, Per: time.Second}}}, network(&options{}).Pace)
	w.server.Delay("sendMessage", 300*time.Millisecond)
	kittest.Receive(t, w.load(w.connect()), kittest.NewInbox())
	began := time.Now()
	var people []*standin.User
	for range 300 {
		u := w.server.AddUser("Rider", "en")
		u.Write(w.account, "/start")
		people = append(people, u)
	}
	for _, u := range people {
		if got := w.answer(u, 1); !strings.Contains(got, w.text("kit.chat.stored")) {
			t.Errorf("answered %q", got)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s, want about 10s", took)
	}
}
