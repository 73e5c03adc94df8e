package chat_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// mailbox is who gets the mails to moderators.
type mailbox struct {
	bots.AccountMails
	mails []mailer.Mail
}

func (m *mailbox) StoreMail(_ context.Context, mail mailer.Mail) error {
	m.mails = append(m.mails, mail)
	return nil
}

// grouped is a toy with a bot that listens.
type grouped struct {
	*toy
	row   report.Bot
	bot   bots.Bot
	mails *mailbox
	heard *kittest.Inbox
}

func newGrouped(t *testing.T) *grouped {
	y := &grouped{toy: newToy(t, nil), mails: &mailbox{}, heard: kittest.NewInbox()}
	y.host.AccountMails, y.host.Config = y.mails, &config.Config{}
	spec := chat.Network{Name: network, Files: texts, Migrations: chat.Migrations(network), Fields: []account.Field{{Name: "token"}},
		New: func(bots.Host) (chat.Driver, error) { return driver{y.service}, nil }}
	var err error
	y.network, err = spec.Definition().New(y.host)
	y.must(err)
	y.row = y.connect("nest")
	y.bot = y.load(y.row)
	kittest.Receive(t, y.bot, y.heard)
	return y
}

// command is what somebody in a group tells the account to do.
func command(in, name string, g chat.Group) chat.Message {
	return chat.Message{ID: "1", Chat: in, Author: "7", Text: "/" + name, Command: name, Group: g}
}

// list is how the settings show the groups: "Title/Topic kind state".
func (y *grouped) list() []string {
	y.Helper()
	own, err := y.db.NetworkBots(y.Context(), y.city.ID, network)
	y.must(err)
	data, err := y.network.Settings(y.Context(), y.city, own)
	y.must(err)
	var list []string
	for _, g := range data.(*chat.Card).Lists[0].Groups {
		last := func(id string) string { return id[strings.LastIndex(id, ".")+1:] }
		list = append(list, strings.TrimSuffix(g.Title+"/"+g.Topic, "/")+" "+last(g.Kind)+" "+last(g.State))
	}
	return list
}

func (y *grouped) wantList(want ...string) {
	y.Helper()
	if diff := cmp.Diff(append([]string(nil), want...), y.list()); diff != "" {
		y.Errorf("the groups are shown as: %s", diff)
	}
}

// flip sets the switch of the first group.
func (y *grouped) flip(on string) {
	y.Helper()
	var id int64
	y.must(y.db.ReadRow(y.Context(), "SELECT min(recipient_id) FROM pigeon_groups").Scan(&id))
	if got := y.post("/group", url.Values{"bot_id": {fmt.Sprint(y.row.ID)}, "group": {fmt.Sprint(id)}, "on": {on}}); got != http.StatusSeeOther {
		y.Fatalf("the switch answers %d", got)
	}
}

// said waits for the n-th message and checks how it begins.
func (y *grouped) said(n int, want string) {
	y.Helper()
	if got := y.untilPosted(n)[n-1]; !strings.HasPrefix(got, want) {
		y.Errorf("message %d is %q, want %q", n, got, want)
	}
}

// greeting is what a group or topic is told that gets the reports.
func (y *grouped) greeting() string {
	return y.text("kit.chat.group_welcome", "City", "leeds", "Bot", "@nest") + "\n\n" + y.text("kit.chat.stored_group")
}

// In a group one has to mention the account, and everybody sees who reports: whoever adds
// it there or asks for reports reads that, also where the moderators welcome people in
// words of their own.
func TestGroupsAreGreetedAsGroups(t *testing.T) {
	y := newGrouped(t)
	if got := y.post("/welcome", url.Values{"welcome": {"Just write here."}}); got != http.StatusSeeOther {
		t.Fatalf("the text is answered with %d", got)
	}
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, command("-7", "start", tram), command("-8", "start", tram),
		command("-9/5", "start", chat.Group{Kind: chat.KindTopic, Title: "Forum"}), command("-9/5", "start", chat.Group{})))
	y.saidIn("-7", y.greeting(), y.text("kit.chat.again_group"))
	y.saidIn("-8", y.greeting())
	y.saidIn("-9/5", y.greeting(), y.text("kit.chat.again_group"))
}

// saidIn compares what was said in a chat.
func (y *grouped) saidIn(in string, want ...string) {
	y.Helper()
	said := func() (all []string) {
		for _, p := range y.posted() {
			if rest, ok := strings.CutPrefix(p, in+" "); ok {
				all = append(all, rest)
			}
		}
		return all
	}
	for n := 1; len(said()) < len(want); n++ {
		y.untilPosted(n)
	}
	if diff := cmp.Diff(want, said()); diff != "" {
		y.Errorf("said in %s: %s", in, diff)
	}
}

var tram = chat.Group{Title: "Tram"}

// A group that does not want reports gets none, whatever happens to the account there.
func TestStoppedGroupStaysOut(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, command("-7", "stop", tram)))
	y.wantChats(y.row)
	y.wantList("Tram group stopped")
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, &chat.Closed{Chat: "-7", Why: chat.WhyRights},
		chat.Opened{Chat: "-7", Why: chat.WhyRights}, chat.Joined{Chat: "-7", Group: tram}))
	y.flip("1")
	y.wantChats(y.row)
	y.wantList("Tram group stopped")
	y.said(2, "-7 "+y.text("kit.chat.stopped_group"))
	y.must(y.happen("", command("-7", "start", tram)))
	y.wantChats(y.row, "-7")
	y.wantList("Tram group on")
	y.said(3, "-7 "+y.greeting())
	if len(y.mails.mails) > 0 {
		t.Error("moderators were mailed about a group that wants nothing")
	}
}

// One that says so before the account is known there stays out too.
func TestStopBeforeStart(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", command("-7", "stop", tram), chat.Joined{Chat: "-7", Group: tram}))
	y.said(1, "-7 "+y.text("kit.chat.not_subscribed"))
	y.wantChats(y.row)
}

// A group that becomes another one may add the account to that before it says so.
func TestStoppedGroupThatMovesStaysOut(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, command("-7", "stop", tram),
		chat.Joined{Chat: "-100", Group: tram}, &chat.Moved{From: "-7", To: "-100"}, chat.Joined{Chat: "-100", Group: tram}))
	y.wantChats(y.row)
	y.wantList("Tram group stopped")
}

func TestThrownOutIsForgotten(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, command("-7/5", "start", tram), command("-7/6", "start", tram), chat.Left{Chat: "-7"}))
	y.wantChats(y.row)
	y.wantList()
}

func TestSwitch(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}))
	d := report.NewDelivery(report.Report{Text: "U1"}, y.row, y.ids(y.row)[0])
	y.flip("0")
	y.flip("0")
	y.wantChats(y.row)
	y.wantList("Tram group off")
	_, err := y.bot.Send(t.Context(), d) // was on its way
	y.wantWords(err, bots.KindPermanent, "kit.chat.not_wanted")
	y.must(y.happen("", command("-7", "start", tram), chat.Joined{Chat: "-7", Group: tram}))
	y.said(2, "-7 "+y.text("kit.chat.switched_off", "City", "leeds"))
	y.wantChats(y.row)
	// Neither wants it: one of them is not enough.
	y.must(y.happen("", command("-7", "stop", tram)))
	y.flip("1")
	y.wantChats(y.row)
	y.must(y.happen("", command("-7", "start", tram)))
	y.wantChats(y.row, "-7")
	y.flip("0")
	y.must(y.happen("", command("-7", "stop", tram), command("-7", "start", tram)))
	y.wantChats(y.row)
	y.flip("1")
	y.wantChats(y.row, "-7")
	_, err = y.bot.Send(t.Context(), d)
	y.must(err)
}

func TestSwitchOfAnotherCity(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}))
	form := url.Values{"bot_id": {fmt.Sprint(y.row.ID)}, "group": {fmt.Sprint(y.ids(y.row)[0])}, "on": {"0"}}
	y.site.Visited = dbtest.MustCreateCity(t, y.db, "york", network)
	if got := y.post("/group", form); got != http.StatusNotFound {
		t.Errorf("answers %d", got)
	}
	own, err := y.db.FindBot(t.Context(), y.site.Visited.ID, network)
	y.must(err)
	form.Set("bot_id", fmt.Sprint(own.ID))
	y.post("/group", form)
	y.wantChats(y.row, "-7")
}

// A topic that nobody can write in is left out, with the reason, and its moderators are
// told once.
func TestClosedTopic(t *testing.T) {
	y := newGrouped(t)
	topic := chat.Group{Kind: chat.KindTopic, Title: "Tram", Topic: "Checks"}
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, command("-7/5", "start", topic)))
	y.wantChats(y.row, "-7/5") // here, and not in the group
	y.said(2, "-7/5 "+y.greeting())
	id := y.ids(y.row)[0]
	closed := &chat.Closed{Chat: "-7/5", Why: chat.WhyTopicClosed}
	y.failing("-7/5", closed)
	_, err := y.send(y.bot, y.row, "U1")
	y.wantWords(err, bots.KindPermanent, "kit.chat.closed.topic_closed")
	y.wantChats(y.row)
	y.wantList("Tram/Checks topic topic_closed")
	_, err = y.bot.Send(t.Context(), report.NewDelivery(report.Report{Text: "U2"}, y.row, id))
	kittest.WantKind(t, err, bots.KindPermanent)
	if n := len(y.mails.mails); n != 1 || !strings.Contains(string(y.mails.mails[0].Data), "a Pigeon topic gets") {
		t.Fatalf("%d mails", n)
	}
	if strings.Contains(string(y.mails.mails[0].Data), "Checks") {
		t.Error("the mail has words of strangers")
	}
	y.failing("-7/5", nil)
	y.must(y.happen("", chat.Opened{Chat: "-7/5", Why: chat.WhyTopicClosed}))
	y.wantChats(y.row, "-7/5")
	y.must(y.happen("", closed, command("-7/5", "start", topic)))
	y.wantChats(y.row, "-7/5")
	y.must(y.happen("", closed))
	y.flip("1")
	if y.site.Said != y.text("kit.chat.group_tried") { // nothing has been sent yet
		t.Errorf("the switch says %q", y.site.Said)
	}
	y.wantChats(y.row, "-7/5")
	if n := len(y.mails.mails); n != 1 {
		t.Errorf("%d mails within minutes, want 1", n)
	}
	for range 5 { // whoever does that all day long
		y.clock.Move(11 * time.Minute)
		y.must(y.happen("", closed, chat.Opened{Chat: "-7/5", Why: chat.WhyTopicClosed}))
	}
	if n := len(y.mails.mails); n != 3 {
		t.Errorf("%d mails in a day, want 3", n)
	}
}

// What is closed is tried now and then: nobody need have told that it is open.
func TestClosedGroupIsTriedAgain(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, &chat.Closed{Chat: "-7", Why: chat.WhyRights}))
	y.wantChats(y.row)
	y.clock.Move(61 * time.Minute)
	y.wantChats(y.row, "-7")
	y.failing("-7", &chat.Closed{Chat: "-7", Why: chat.WhyRights})
	_, err := y.send(y.bot, y.row, "U1")
	kittest.WantKind(t, err, bots.KindPermanent)
	y.wantChats(y.row)
	y.failing("-7", nil)
	y.clock.Move(61 * time.Minute)
	_, err = y.send(y.bot, y.row, "U2")
	y.must(err)
	y.wantList("Tram group on")
	if n := len(y.mails.mails); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestNamesOfGroups(t *testing.T) {
	y := newGrouped(t)
	topic := chat.Group{Kind: chat.KindTopic, Title: "Tram", Topic: "Checks"}
	y.must(y.happen("", command("-7", "start", tram), command("-7/5", "start", topic),
		chat.Joined{Chat: "-8", Group: chat.Group{Kind: chat.KindChannel, Title: "  News\n" + strings.Repeat("ü", 500)}},
		chat.Renamed{Chat: "-7", Group: chat.Group{Title: "Straßenbahn"}}, chat.Renamed{Chat: "-7/5", Group: chat.Group{Topic: "Kontrollen"}},
		chat.Renamed{Chat: "-9", Group: chat.Group{Title: "Elsewhere"}}))
	got := y.list()
	if len(got) != 3 || got[1] != "Straßenbahn group on" || got[2] != "Straßenbahn/Kontrollen topic on" ||
		!strings.HasPrefix(got[0], "News ü") || len([]rune(got[0])) > 170 {
		t.Errorf("shown as %q", got)
	}
	var stored []string
	y.must(y.db.Read(t.Context()).Raw("SELECT chat || title FROM pigeon_groups UNION ALL SELECT address FROM pigeon_recipients").Scan(&stored).Error)
	if slices.ContainsFunc(stored, func(s string) bool { return strings.Contains(s, "Straße") || strings.Contains(s, "Kontrollen") }) {
		t.Errorf("names are stored in the clear: %q", stored)
	}
	// What is heard in a group tells its name, where it was not known.
	y.run("UPDATE pigeon_groups SET title = 'x'")
	y.must(y.happen("", chat.Message{ID: "9", Chat: "-7", Author: "7", Text: "U1", Addressed: true, Group: tram}))
	if got := y.list(); !slices.Contains(got, "Tram group on") {
		t.Errorf("shown as %q", got)
	}
}

// An account that joins a group is told once, and not again when it is let to do more.
func TestChannelIsGreetedOnce(t *testing.T) {
	y := newGrouped(t)
	news := chat.Joined{Chat: "-8", Group: chat.Group{Kind: chat.KindChannel, Title: "News"}}
	y.must(y.happen("", news, news, &chat.Closed{Chat: "-8", Why: chat.WhyRights}))
	y.wantList("News channel rights")
	y.must(y.happen("", news))
	y.wantList("News channel on")
	y.must(y.happen("", chat.Message{ID: "9", Chat: "7", Author: "7", Command: "ping", Private: true}))
	y.said(1, "-8 "+y.text("kit.chat.channel_welcome", "City", "leeds"))
	y.said(2, "7 ")
}

func TestEditsAndReplies(t *testing.T) {
	y := newGrouped(t)
	said := chat.Message{ID: "1", Chat: "-7/5", Author: "7", Text: "U1", Addressed: true, Reply: true, Language: "de"}
	edited := said
	edited.Text, edited.Reply, edited.Edited = "U2", false, true
	quiet, picture, command := edited, edited, edited
	quiet.Addressed, picture.Media, command.Command = false, true, "start"
	y.must(y.happen("", said, edited, quiet, picture, command))
	want := []bots.Incoming{
		{ID: "-7:1", Author: "7", Text: "U1", Visibility: report.Private, Chat: "-7/5", Language: "de", Reply: true},
		{ID: "-7:1", Author: "7", Text: "U2", Visibility: report.Private, Chat: "-7/5", Language: "de", Edited: true},
	}
	ignoreAnswer := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Answer" }, cmp.Ignore())
	if diff := cmp.Diff(want, y.heard.All(), ignoreAnswer); diff != "" {
		t.Error(diff)
	}
	y.wantChats(y.row)
}

func TestLocationsAreAnsweredOnceAnHour(t *testing.T) {
	y := newGrouped(t)
	point := chat.Message{ID: "1", Chat: "7", Author: "7", Private: true, Media: true, Location: true}
	y.must(y.happen("", point, point))
	y.clock.Move(61 * time.Minute)
	y.must(y.happen("", point, chat.Message{ID: "2", Chat: "7", Author: "7", Private: true, Command: "ping"}))
	y.said(2, "7 "+y.text("kit.chat.location"))
	y.said(3, "7 "+y.text("kit.chat.pong_plain"))
}

var limitedBriefly = &remote.Error{Name: "Pigeon", Trouble: remote.Limited, After: time.Second / 2}

// Whoever subscribes learns it, also where thousands do at once, and the service asks
// to wait.
func TestEverybodyWhoStartsIsAnswered(t *testing.T) {
	y := newGrouped(t)
	y.failing("42", limitedBriefly)
	y.busy.Lock() // while nothing can be posted
	for i := range 300 {
		who := fmt.Sprint(i)
		y.must(y.happen("", chat.Message{ID: "1", Chat: who, Author: who, Command: "start", Private: true},
			chat.Message{ID: "2", Chat: who, Author: who, Command: "help", Private: true}))
	}
	y.busy.Unlock()
	welcomed := func() (n int) {
		for _, p := range y.posted() {
			if strings.Contains(p, y.text("kit.chat.stored")) {
				n++
			}
		}
		return n
	}
	kittest.Until(t, "299 welcomes", func() bool { return welcomed() == 299 })
	y.failing("42", nil)
	kittest.Until(t, "the last one", func() bool { return welcomed() == 300 })
	if help := len(y.posted()) - welcomed(); help > 100 {
		t.Errorf("%d other answers", help)
	}
}

// What its author deletes is taken back, whoever the service says it was.
func TestDeleted(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Message{ID: "1", Chat: "-7/5", Author: "7", Text: "U1", Addressed: true},
		chat.Message{ID: "1", Chat: "-7/5", Deleted: true}, chat.Message{Chat: "-7/5", Deleted: true}))
	heard := y.heard.All()
	if len(heard) != 2 || !heard[1].Deleted || heard[1].ID != heard[0].ID {
		t.Errorf("heard %+v", heard)
	}
}

// Whoever reports learns what became of it, also where many do so at once in one chat,
// and /start still has room there; nobody makes the bot talk without end.
func TestAllWhoReportAtOnceAreAnswered(t *testing.T) {
	y := newGrouped(t)
	y.busy.Lock() // while nothing can be posted
	for i := range 100 {
		y.must(y.happen("", chat.Message{ID: fmt.Sprint(i), Chat: "7", Author: "7", Text: fmt.Sprint("U", i), Private: true}))
		y.must(y.heard.All()[i].Answer(t.Context(), bots.Answer{Outcome: bots.OutcomePassed, Text: fmt.Sprint("passed ", i)}))
	}
	y.must(y.happen("", chat.Message{ID: "200", Chat: "7", Author: "7", Command: "start", Private: true}))
	y.busy.Unlock()
	for i := range 64 {
		y.said(i+1, fmt.Sprint("7 passed ", i))
	}
	y.said(65, "7 "+y.text("kit.chat.welcome", "City", "leeds"))
}

func TestPeopleAndGroupsAreCountedApart(t *testing.T) {
	y := newGrouped(t)
	y.must(y.happen("", chat.Joined{Chat: "-7", Group: tram}, chat.Message{ID: "1", Chat: "7", Author: "7", Command: "start", Private: true},
		command("-8/5", "start", chat.Group{Kind: chat.KindTopic}), chat.Message{ID: "1", Chat: "8", Author: "8", Command: "start", Private: true}))
	ids := y.ids(y.row)
	if n, err := y.network.(bots.Grouped).Groups(t.Context(), y.row, ids); len(ids) != 4 || n != 2 || err != nil {
		t.Errorf("%d of %d are groups: %v", n, len(ids), err)
	}
	if n, err := y.network.(bots.Grouped).Groups(t.Context(), y.row, ids[1:2]); n != 0 || err != nil {
		t.Errorf("%d of one person: %v", n, err)
	}
}

// The list puts first what somebody has to look at, sorts numbers as people do, and tells
// topics apart whose names are not known.
func TestOrderOfGroups(t *testing.T) {
	y := newGrouped(t)
	topic := chat.Group{Kind: chat.KindTopic, Title: "Forum"}
	y.must(y.happen("", chat.Joined{Chat: "-1", Group: chat.Group{Title: "Gruppe 10"}}, chat.Joined{Chat: "-2", Group: chat.Group{Title: "Gruppe 2"}},
		chat.Joined{Chat: "-3", Group: chat.Group{Title: "Zoo"}}, command("-4/1", "start", topic), command("-4/2", "start", topic),
		&chat.Closed{Chat: "-3", Why: chat.WhyRights}))
	y.wantList("Zoo group rights", "Forum topic on", "Forum topic on", "Gruppe 2 group on", "Gruppe 10 group on")
	own, err := y.db.NetworkBots(t.Context(), y.city.ID, network)
	y.must(err)
	data, err := y.network.Settings(t.Context(), y.city, own)
	y.must(err)
	list := data.(*chat.Card).Lists[0]
	if list.Closed() != 1 || list.Groups[1].Number != 1 || list.Groups[2].Number != 2 {
		t.Errorf("%d are closed, shown %+v", list.Closed(), list.Groups)
	}
}
