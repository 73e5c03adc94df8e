package kittest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// Chat checks that a chat network does what people expect of every one, against the
// stand-in of its service, which it closes.
func Chat(t *testing.T, d bots.Definition, s standin.Service, skip ...Skip) {
	t.Helper()
	run(t, d, s, skip, slices.Concat(chatChecks, groupChecks, chatAnswerChecks, textChecks, hearChecks, troubleChecks, accountChecks))
}

var chatChecks = []check{
	{"start subscribes", startSubscribes},
	{"start again changes nothing", startAgain},
	{"stop unsubscribes", stopUnsubscribes},
	{"stop without a subscription", stopUnsubscribed},
	{"help", help},
	{"ping", ping},
	{"last without reports", lastEmpty},
	{"last shows the reports of the hour", last},
	{"lines are chosen", chooseLines},
	{"an unknown command is answered in private", unknownCommand},
	{"answers are in the language of the author", answersInGerman},
	{"a flood of commands is bounded", flood},
	{"a private report is heard", hearPrivate},
	{"a report that its author deletes is taken back", deletedByAuthor},
	{"media is refused, once an album is enough", refuseMedia},
	{"what stands below a picture does not count", refuseCaption},
	{"a chat that is gone is removed", blocked},
	{"everybody receives", everybodyReceives},
	{"who wrote it does not receive it", notTheAuthor},
	{"who has unsubscribed receives nothing more", unsubscribedSince},
	{"recipients are not named by their addresses", opaqueRecipients},
	{"the pace of the service is kept", pacing},
	{"a chat that takes no more holds up nobody else", oneChatLimited},
	{"the welcome text of the moderators", welcomeText},
	{"a welcome text that is too long comes back", welcomeTooLong},
	{"a restart keeps who has subscribed", restartKeepsSubscribers},
	{"two accounts of a city have subscribers of their own", ownSubscribers},
}

// reading is how far a check has read what the account wrote to a chat.
type reading struct {
	n        int // the number of the last answer that was looked at
	from, to int // its messages, as far as they are known
}

func (s *scene) inChat(name string) []string {
	var got []string
	for _, l := range s.service.Lines(s.account) {
		if l.Chat == name {
			got = append(got, l.Text)
		}
	}
	return got
}

// wantAnswer waits for the n-th answer to a chat, or report, and checks what stands
// in it. It may be several messages, where those of the service are short.
func (s *scene) wantAnswer(name string, n int, want string) {
	s.Helper()
	h := s.read[name]
	if h.n != n {
		h = reading{n: n, from: h.to, to: h.to}
	}
	s.until(fmt.Sprintf("answer %d to %s with %q", n, name, want), func() bool {
		end, ok := holds(s.inChat(name), h.from, want)
		h.to = max(h.to, end)
		return ok
	})
	s.read[name] = h
	if h.to > h.from+1 && !s.writesParts() {
		s.Errorf("answer %d to %s is %q, want one message with %q", n, name, s.inChat(name)[h.from:h.to], want)
	}
}

// writesParts tells whether the messages of the service are so short that an answer
// may be several.
func (s *scene) writesParts() bool {
	return len(s.limit().Split(strings.Repeat("x", 1000), 2)) > 1
}

// holds tells whether messages from a place on say what is wanted, one of them or
// several in a row, and where they end.
func holds(messages []string, from int, want string) (end int, ok bool) {
	want = strings.TrimSpace(want)
	for end := from + 1; end <= len(messages); end++ {
		if strings.Contains(messages[end-1], want) ||
			end > from+1 && strings.Contains(squeezed(messages[from:end]...), squeezed(want)) {
			return end, true
		}
	}
	return 0, false
}

// squeezed is what texts say without their white space.
func squeezed(texts ...string) string {
	return strings.Join(strings.Fields(strings.Join(texts, " ")), "")
}

// wantSilence checks that nothing was written to a chat after the answer that was
// looked at last.
func (s *scene) wantSilence(name string) {
	s.Helper()
	if rest := s.inChat(name)[s.read[name].to:]; len(rest) > 0 {
		s.Errorf("%s got %q", name, rest)
	}
}

// subscribe has people subscribe, one after another, and waits for the answers.
func (s *scene) subscribe(people ...string) {
	s.Helper()
	for _, name := range people {
		s.say(name, "/start")
		s.wantAnswer(name, s.read[name].n+1, s.in("kit.chat.stored"))
	}
}

func (s *scene) wantCount(b report.Bot, want int) {
	s.Helper()
	got := must(s.Network.(bots.Recipients).CountRecipients(s.ctx, b))(s)
	if got != want {
		s.Errorf("%d chats have subscribed, want %d", got, want)
	}
}

func startSubscribes(s *scene) {
	b := s.connect()
	s.receive(b)
	s.say("anna", "/start")
	s.wantAnswer("anna", 1, s.in("kit.chat.welcome", "City", s.city.Name))
	s.wantAnswer("anna", 1, s.in("kit.chat.stored"))
	s.wantCount(b, 1)
}

func startAgain(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna")
	s.say("anna", "/START")
	s.wantAnswer("anna", 2, s.in("kit.chat.again"))
	s.wantCount(b, 1)
}

func stopUnsubscribes(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna", "bert")
	s.say("anna", "/stop")
	s.wantAnswer("anna", 2, s.in("kit.chat.stopped"))
	s.wantCount(b, 1)
	s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1 Plärrer"))
	s.wantAnswer("bert", 2, "U1 Plärrer")
	s.wantSilence("anna")
}

func stopUnsubscribed(s *scene) {
	s.receive(s.connect())
	s.say("anna", "/stop")
	s.wantAnswer("anna", 1, s.in("kit.chat.not_subscribed"))
}

// help is what the account says how it works.
func (s *scene) help() string { return s.helpIn(s.city.Language) }

func (s *scene) helpIn(language string) string {
	return s.Texts.T(language, "kit.chat.help", "City", s.city.Name) + "\n" + s.Texts.T(language, "kit.lines.help") + "\n\n" + s.Texts.T(language, "kit.chat.help_ask")
}

func help(s *scene) {
	s.receive(s.connect())
	s.say("anna", "/help")
	s.wantAnswer("anna", 1, s.help())
}

func ping(s *scene) {
	s.receive(s.connect())
	s.say("anna", "/ping")
	before, after, _ := strings.Cut(s.in("kit.chat.pong", "Milliseconds", "|"), "|")
	s.wantAnswer("anna", 1, before)
	s.wantAnswer("anna", 1, after)
}

func lastEmpty(s *scene) {
	s.receive(s.connect())
	s.say("anna", "/last")
	s.wantAnswer("anna", 1, s.in("kit.chat.last.none"))
}

func last(s *scene) {
	s.receive(s.connect())
	old := s.Elsewhere(s.city, "U9 yesterday")
	old.Time, old.Received = old.Time.Add(-25*time.Hour), old.Received.Add(-25*time.Hour)
	s.Pass(old)
	s.Pass(s.Elsewhere(s.city, "U1 Plärrer"))
	s.say("anna", "/last")
	s.wantAnswer("anna", 1, s.in("kit.chat.last.line_now", "Text", "U1 Plärrer"))
	if got := s.inChat("anna"); strings.Contains(strings.Join(got, "\n"), "yesterday") {
		s.Errorf("/last shows what is old: %q", got)
	}
}

func unknownCommand(s *scene) {
	_, in := s.receive(s.connect())
	s.say("anna", "/fly")
	s.wantAnswer("anna", 1, s.in("kit.chat.unknown_command"))
	if len(in.All()) > 0 {
		s.Error("a command was taken for a report")
	}
}

func answersInGerman(s *scene) {
	s.receive(s.connect())
	s.write(standin.Message{Author: "anna", Text: "/help", Language: "de-AT"})
	s.wantAnswer("anna", 1, s.helpIn("de"))
}

// flood looks at what has been answered when somebody else's turn has come: answers
// keep their order.
func flood(s *scene) {
	_, in := s.receive(s.connect())
	for range 100 {
		s.say("anna", "/help")
	}
	s.say("bert", "U1 Plärrer")
	in.WaitFor(s, "U1 Plärrer")
	s.say("cleo", "/ping")
	before, _, _ := strings.Cut(s.in("kit.chat.pong", "Milliseconds", "|"), "|")
	s.wantAnswer("cleo", 1, before)
	help := squeezed(s.help())
	if n := strings.Count(squeezed(s.inChat("anna")...), help); n == 0 || n > 25 {
		s.Errorf("%d answers to a flood of commands", n)
	}
}

func hearPrivate(s *scene) {
	b := s.connect()
	_, in := s.receive(b)
	s.say("anna", "U1 Plärrer, 2 Kontis")
	got := in.Wait(s, 1)[0]
	if got.Text != "U1 Plärrer, 2 Kontis" || got.Visibility != report.Private || got.Author == "" || got.ID == "" {
		s.Errorf("heard %+v", got)
	}
	if age := s.Now().Sub(got.Time); age < -time.Minute || age > time.Minute {
		s.Errorf("it is said to be written %s ago", age)
	}
}

// deletedByAuthor has a report deleted that was written in private, and one of a group.
func deletedByAuthor(s *scene) {
	eraser := needs[standin.Eraser](s, "the service does not tell what was deleted")
	_, in := s.receive(s.connect())
	s.say("anna", "U1 Plärrer")
	s.write(standin.Message{Author: "bert", Group: "tram", Text: "U2 Plärrer", Addressed: true})
	in.Wait(s, 2)
	eraser.Erase(s.account, "U1 Plärrer")
	eraser.Erase(s.account, "U2 Plärrer")
	s.say("anna", "U3 Plärrer")
	in.WaitFor(s, "U3 Plärrer")
	all := in.All()
	if len(all) != 5 {
		s.Fatalf("heard %s, want 3 reports and that 2 were deleted", brief(in.Texts()))
	}
	for i, deleted := range all[2:4] {
		if !deleted.Deleted || deleted.ID != all[i].ID {
			s.Errorf("heard of %s, want that %s was deleted", deleted.ID, all[i].ID)
		}
	}
}

func refuseMedia(s *scene) {
	_, in := s.receive(s.connect())
	s.write(standin.Message{Author: "anna", Media: true})
	s.wantAnswer("anna", 1, s.in("kit.chat.media"))
	s.say("anna", "U1")
	in.WaitFor(s, "U1")
	if n := len(in.All()); n != 1 {
		s.Errorf("%d reports, want 1", n)
	}
}

func refuseCaption(s *scene) {
	_, in := s.receive(s.connect())
	s.write(standin.Message{Author: "anna", Media: true, Text: "that man"})
	s.wantAnswer("anna", 1, s.in("kit.chat.media"))
	s.say("anna", "U1")
	in.WaitFor(s, "U1")
	if n := len(in.All()); n != 1 {
		s.Errorf("%d reports, want 1: %s", n, brief(in.Texts()))
	}
}

func blocked(s *scene) {
	rooms := needs[standin.Rooms](s, "nobody can block the account")
	b := s.connect()
	r, _ := s.receive(b)
	s.subscribe("anna")
	_ = r.Stop() // so that it only finds out when it sends
	d := s.one(b, s.Elsewhere(s.city, "U1"))
	rooms.Leave(s.account, "anna")
	_, err := s.sendOne(s.mustOpen(b), d)
	WantKind(s, err, bots.KindGone)
	s.must(s.Network.(bots.Recipients).RemoveRecipient(s.ctx, b, d.Recipient))
	s.must(s.Network.(bots.Recipients).RemoveRecipient(s.ctx, b, d.Recipient))
	s.wantCount(b, 0)
}

func everybodyReceives(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna", "bert", "cleo")
	receipts := s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1 Plärrer"))
	for _, name := range []string{"anna", "bert", "cleo"} {
		s.wantAnswer(name, 2, "U1 Plärrer")
	}
	for _, r := range receipts {
		if r.ID == "" {
			s.Error("a message has no id")
		}
	}
	s.namesNoChat(b, receipts)
}

// namesNoChat checks that receipts do not lead to the chats of recipients.
func (s *scene) namesNoChat(b report.Bot, receipts []report.Receipt) {
	s.Helper()
	store := recipients.NewStore(s.Definition.Name, s.Host.Host)
	for i, d := range s.Deliveries(b, s.Elsewhere(s.city, "U1 Plärrer")) {
		to := must(store.Get(s.ctx, b.ID, d.Recipient))(s)
		if strings.Contains(receipts[i].ID+receipts[i].URL, to.Address) {
			s.Errorf("receipt %+v names the chat %s", receipts[i], to.Address)
		}
	}
}

func notTheAuthor(s *scene) {
	b := s.connect()
	_, in := s.receive(b)
	s.subscribe("anna", "bert")
	s.say("anna", "U1 Plärrer")
	s.send(s.mustOpen(b), b, s.Heard(b, in.Wait(s, 1)[0]))
	s.wantAnswer("bert", 2, "U1 Plärrer")
	s.wantSilence("anna")
}

func unsubscribedSince(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna")
	d := s.one(b, s.Elsewhere(s.city, "U1"))
	s.say("anna", "/stop")
	s.wantAnswer("anna", 2, s.in("kit.chat.stopped"))
	s.subscribe("bert") // who is not sent it in the place of anna
	_, err := s.sendOne(s.mustOpen(b), d)
	WantKind(s, err, bots.KindGone)
	s.readable(err)
	s.must(s.Network.(bots.Recipients).RemoveRecipient(s.ctx, b, d.Recipient))
	s.wantCount(b, 1)
}

func opaqueRecipients(s *scene) {
	b := s.connect()
	_, in := s.receive(b)
	s.subscribe("anna")
	s.say("anna", "U1")
	author := in.Wait(s, 1)[0].Author
	if to := s.one(b, s.Elsewhere(s.city, "U1")).Recipient; to <= 0 || strconv.FormatInt(to, 10) == author {
		s.Errorf("the delivery goes to %d, the author is %s", to, author)
	}
}

// pacing sends to many at a time: the service answers whoever goes too fast.
func pacing(s *scene) {
	slow.Test(s, "sends for seconds")
	b := s.connect()
	s.receive(b)
	const people = 30
	for i := range people {
		s.subscribe(fmt.Sprint("person", i))
	}
	bot := s.mustOpen(b)
	var group sync.WaitGroup
	for _, d := range s.Deliveries(b, s.Elsewhere(s.city, "U1 Plärrer")) {
		group.Go(func() {
			if _, err := s.sendOne(bot, d); err != nil {
				s.Errorf("sent too fast: %v", err)
			}
		})
	}
	group.Wait()
	s.wantAnswer("person0", 2, "U1 Plärrer")
}

func oneChatLimited(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna", "bert")
	bot, both := s.mustOpen(b), s.Deliveries(b, s.Elsewhere(s.city, "U1 Plärrer"))
	s.fail(standin.Post, 1, s.service.Answer(http.StatusTooManyRequests, time.Hour))
	_, err := s.sendOne(bot, both[0])
	WantKind(s, err, bots.KindLater)
	must(s.sendOne(bot, both[1]))(s)
	_, err = s.sendOne(bot, both[0])
	WantKind(s, err, bots.KindLater)
	s.readable(err)
	s.wantAnswer("bert", 2, "U1 Plärrer")
	s.wantSilence("anna")
}

func welcomeText(s *scene) {
	b := s.connect()
	s.receive(b)
	m := s.Moderator(s.city)
	form := url.Values{"bot_id": {fmt.Sprint(b.ID)}, "welcome": {"Grüß Gott!\r\nRead the rules."}}
	m.Post(s.path("welcome"), form, http.StatusOK).Shows(s.in("kit.chat.welcome_saved"))
	s.say("anna", "/start")
	s.wantAnswer("anna", 1, "Grüß Gott!\nRead the rules.")
	s.wantAnswer("anna", 1, s.in("kit.chat.stored"))
	m.Post(s.path("welcome"), url.Values{"bot_id": {fmt.Sprint(b.ID)}, "welcome": {""}}, http.StatusOK)
	s.say("bert", "/start")
	s.wantAnswer("bert", 1, s.in("kit.chat.welcome", "City", s.city.Name))
}

func welcomeTooLong(s *scene) {
	b := s.connect()
	long := strings.Repeat("ü", 3000)
	page := s.Moderator(s.city).Post(s.path("welcome"), url.Values{"bot_id": {fmt.Sprint(b.ID)}, "welcome": {long}}, http.StatusUnprocessableEntity)
	page.Shows(s.in("kit.chat.welcome_long", "Max", 2000))
	if !strings.Contains(page.Body, long) {
		s.Error("what was typed is gone")
	}
}

func restartKeepsSubscribers(s *scene) {
	b := s.connect()
	r, _ := s.receive(b)
	s.subscribe("anna")
	_ = r.Stop()
	s.wantCount(b, 1)
	s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1"))
	s.wantAnswer("anna", 2, "U1")
}

func ownSubscribers(s *scene) {
	first := s.connect()
	second := s.connectAs(s.city, s.account+1)
	s.receive(first)
	s.receive(second)
	s.subscribe("anna")
	s.wantCount(first, 1)
	s.wantCount(second, 0)
	s.must(s.Network.Forget(context.WithoutCancel(s.ctx), second))
	s.wantCount(first, 1)
}
