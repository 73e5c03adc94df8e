package chat_test

import (
	"context"
	"errors"
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
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func TestCommand(t *testing.T) {
	tests := map[string]struct {
		command string
		other   bool
	}{
		"/start":                     {"start", false},
		"/START now":                 {"start", false},
		"/start\nnow":                {"start", false},
		"/start@Kontis_Bot a-poster": {"start", false},
		"/start@other_bot":           {"start", true},
		"/start@":                    {"start", true},
		"start":                      {"", false},
		" /start":                    {"", false},
		"/":                          {"", false},
		"":                           {"", false},
	}
	for text, want := range tests {
		command, other := chat.Command(text, "@kontis_bot")
		if command != want.command || other != want.other {
			t.Errorf("%q is the command %q, of another: %t", text, command, other)
		}
	}
}

func TestNetworkID(t *testing.T) {
	for _, tt := range []struct{ chat, message, id string }{
		{"-100", "7", "-100:7"},
		{"!room:matrix.example", "$event:matrix.example", "!room:matrix.example:$event%3Amatrix.example"},
		{"", "7", ":7"},
		{"a", "a:b", "a:a%3Ab"},
		{"a", "a%3Ab", "a:a%253Ab"},
		{"50%3A", "50%3A", "50%3A:50%253A"},
		{"a%", "%25", "a%:%2525"},
	} {
		if id := chat.NetworkID(tt.chat, tt.message); id != tt.id {
			t.Errorf("%s, %s: id %s", tt.chat, tt.message, id)
		}
	}
}

// TestCursorIsOfWhatIsOnDisk has the second of two batches fail: what happened in
// it happens again, and what was before does not.
func TestCursorIsOfWhatIsOnDisk(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	b, in := y.load(row), kittest.NewInbox()
	report := func(id string) chat.Event {
		return chat.Message{ID: id, Chat: "7", Author: "7", Text: "U" + id, Private: true}
	}
	run := kittest.Receive(t, b, in)
	y.must(y.happen("1", report("1")))
	y.must(y.happen("", report("2"))) // changes nothing
	y.must(y.happen("2"))             // only moves on
	in.Fail(errDisk)
	if err := y.happen("3", report("3")); !errors.Is(err, errDisk) {
		t.Errorf("hear says %v", err)
	}
	if err := run.Ended(); !errors.Is(err, errDisk) {
		t.Errorf("Receive = %v", err)
	}
	in.Fail(nil)
	for _, again := range []bots.Bot{b, y.load(row)} { // the same one, and after a restart
		run := kittest.Receive(t, again, in)
		y.must(y.happen("", report("3")))
		run.Stop()
	}
	if diff := cmp.Diff([]string{"", "2", "2"}, y.began); diff != "" {
		t.Errorf("begun after: %s", diff)
	}
	if diff := cmp.Diff([]string{"U1", "U2", "U3", "U3"}, in.Texts()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsHeard(t *testing.T) {
	y := newToy(t, nil)
	in := kittest.NewInbox()
	kittest.Receive(t, y.load(y.connect("nest")), in)
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	y.must(y.happen("",
		chat.Message{ID: "1", Chat: "7", Text: "by nobody", Private: true},
		chat.Message{ID: "2", Chat: "-7", Author: "7", Text: "among people"},
		chat.Message{Chat: "7", Author: "7", Text: "without an id", Private: true},
		chat.Message{ID: "3", Chat: "7", Author: "7", Private: true},
		chat.Message{ID: "4", Chat: "-7", Author: "7", Media: true},
		chat.Message{ID: "5", Chat: "-7", Author: "7", Command: "dance"},
		chat.Message{ID: "6", Chat: "-7", Author: "7", Text: "U1", Addressed: true, Time: at},
		chat.Message{ID: "7", Chat: "7", Author: "7", Text: "U2", Private: true, Time: at},
	))
	want := []bots.Incoming{
		{ID: "-7:6", Author: "7", Text: "U1", Visibility: report.Private, Time: at, Chat: "-7"},
		{ID: "7:7", Author: "7", Text: "U2", Visibility: report.Private, Time: at, Commands: true},
	}
	heard := in.All()
	for i := range heard {
		if heard[i].Answer == nil {
			t.Errorf("message %s cannot be answered", heard[i].ID)
		}
		heard[i].Answer = nil
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Error(diff)
	}
	if got := y.posted(); len(got) != 0 {
		t.Errorf("answered %q", got)
	}
	if lines := y.log.String(); !strings.Contains(lines, "kit.log.misfit") {
		t.Errorf("the bot's log is %q", lines)
	}
}

// untilPosted waits until n messages were posted.
func (y *toy) untilPosted(n int) []string {
	y.Helper()
	late := time.Now().Add(kittest.Patience)
	for len(y.posted()) < n {
		if time.Now().After(late) {
			y.Fatalf("posted %q, want %d", y.posted(), n)
		}
		time.Sleep(time.Millisecond)
	}
	return y.posted()
}

func TestGroupsComeAndGo(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	kittest.Receive(t, y.load(row), kittest.NewInbox())
	y.must(y.happen("", chat.Joined{Chat: "-7"}, chat.Joined{Chat: "-7"}, chat.Joined{Chat: "-8"}))
	welcome := y.text("kit.chat.group_welcome", "City", "leeds", "Bot", "@nest") + "\n\n" + y.text("kit.chat.stored_group")
	if diff := cmp.Diff([]string{"-7 " + welcome, "-8 " + welcome}, y.untilPosted(2)); diff != "" {
		t.Error(diff)
	}
	y.must(y.happen("", &chat.Moved{From: "-7", To: "-100"}, chat.Left{Chat: "-8"}, chat.Left{Chat: "-7"}, chat.Left{Chat: "-9"}))
	y.wantChats(row, "-100")
}

func TestErrorsOfSending(t *testing.T) {
	trouble := func(t remote.Trouble) error { return &remote.Error{Name: "Pigeon", Trouble: t, After: time.Minute} }
	tests := map[string]struct {
		err   error
		kind  bots.Kind
		words string
	}{
		"refused":     {trouble(remote.Refused), bots.KindRefused, "kit.remote.refused"},
		"gone":        {trouble(remote.Gone), bots.KindGone, "kit.remote.gone"},
		"rejected":    {trouble(remote.Rejected), bots.KindPermanent, "kit.remote.rejected"},
		"limited":     {trouble(remote.Limited), bots.KindLater, "kit.remote.limited"},
		"broken":      {trouble(remote.Broken), bots.KindTemporary, "kit.remote.broken"},
		"own words":   {bots.Say(errDisk, "pigeon.empty"), bots.KindTemporary, "pigeon.empty"},
		"own kind":    {bots.Permanent(bots.Say(errDisk, "pigeon.empty")), bots.KindPermanent, "pigeon.empty"},
		"both at one": {bots.Say(trouble(remote.Refused), "pigeon.empty"), bots.KindRefused, "pigeon.empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			y := newToy(t, nil)
			row := y.connect("nest")
			y.subscribe(row, "7")
			y.failing("7", tt.err)
			_, err := y.send(y.load(row), row, "U1")
			y.wantWords(err, tt.kind, tt.words)
			if kind, after := bots.KindOf(err); kind == bots.KindLater && after != time.Minute {
				t.Errorf("waits %s", after)
			}
		})
	}
}

// limited is what a service says that takes no more for a minute.
var limited = &remote.Error{Name: "Pigeon", Trouble: remote.Limited, After: time.Minute}

// wantPaused sends to the first recipient, which has to wait for about a minute.
func (y *toy) wantPaused(b bots.Bot, row report.Bot, kind bots.Kind, words string) {
	y.Helper()
	ctx, done := context.WithTimeout(y.Context(), time.Second)
	defer done()
	_, err := b.Send(ctx, report.NewDelivery(report.Report{Text: "U2"}, row, y.ids(row)[0]))
	y.wantWords(err, kind, words)
	if _, after := bots.KindOf(err); after < 50*time.Second || after > time.Minute {
		y.Errorf("waits %s", after)
	}
}

// TestPauseHoldsBackOneChat has the service ask for a minute for one chat, which waits
// also with a bot that was made again. The others go on.
func TestPauseHoldsBackOneChat(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "-7")
	y.failing("-7", limited)
	_, err := y.send(y.load(row), row, "U1")
	kittest.WantKind(t, err, bots.KindLater)
	y.failing("-7", nil)
	b := y.load(row)
	y.wantPaused(b, row, bots.KindLater, "kit.chat.full")
	y.subscribe(row, "8")
	_, err = b.Send(t.Context(), report.NewDelivery(report.Report{Text: "U2"}, row, y.ids(row)[1]))
	y.must(err)
	if diff := cmp.Diff([]string{"8 U2"}, y.posted()); diff != "" {
		t.Errorf("posted: %s", diff)
	}
}

func TestPauseOfSeveralChatsIsTheBots(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	for _, chat := range []string{"6", "7", "8", "9"} {
		y.subscribe(row, chat)
		y.failing(chat, limited)
	}
	b := y.load(row)
	for _, id := range y.ids(row)[1:] {
		_, err := b.Send(t.Context(), report.NewDelivery(report.Report{Text: "U1"}, row, id))
		kittest.WantKind(t, err, bots.KindLater)
	}
	y.wantPaused(b, row, bots.KindRetryAfter, "kit.chat.paused")
}

func TestTurnThatComesTooLate(t *testing.T) {
	y := newToy(t, func(n *chat.Network) { n.Pace = slow })
	row := y.connect("nest")
	y.subscribe(row, "7")
	b := y.load(row)
	_, err := y.send(b, row, "U1")
	y.must(err)
	_, err = b.Send(t.Context(), report.NewDelivery(report.Report{Text: "U2"}, row, y.ids(row)[0]))
	y.wantWords(err, bots.KindLater, "kit.chat.full")
}

func TestChatThatHasMovedIsFollowed(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "-7")
	b := y.load(row)
	y.failing("-7", &chat.Moved{From: "-7", To: "-100"})
	receipt, err := y.send(b, row, "U1")
	y.must(err)
	if posted := y.posted(); len(posted) != 1 || posted[0] != "-100 U1" || receipt.ID != "1" {
		t.Errorf("posted %q, receipt %s", posted, receipt.ID)
	}
	y.wantChats(row, "-100")
	// One that sends back and forth is not followed without end.
	y.failing("-100", &chat.Moved{From: "-100", To: "-7"})
	_, err = y.send(b, row, "U2")
	y.wantWords(err, bots.KindTemporary, "kit.chat.moved")
}

// TestTakingBack finds the chat of a message by its recipient: the receipt does not
// name it.
func TestTakingBack(t *testing.T) {
	y := newToy(t, nil)
	y.deletes = true
	row := y.connect("nest")
	y.subscribe(row, "7")
	b := y.load(row)
	d := report.NewDelivery(report.Report{Text: "U1"}, row, y.ids(row)[0])
	receipt, err := b.Send(t.Context(), d)
	y.must(err)
	if strings.Contains(receipt.ID+receipt.URL, "7") {
		t.Errorf("receipt %+v", receipt)
	}
	d.Retract = &receipt
	y.must(b.(bots.Retracter).Retract(t.Context(), d))
	if diff := cmp.Diff([]string{"7 1"}, y.deleted); diff != "" {
		t.Errorf("deleted: %s", diff)
	}
	y.run("UPDATE pigeon_recipients SET address = 'x'")
	if err := b.(bots.Retracter).Retract(t.Context(), d); !errors.Is(err, bots.ErrCannotRetract) {
		t.Errorf("with another key: %v", err)
	}
	_, err = y.chats().Unsubscribe(t.Context(), row.ID, "7")
	y.must(err)
	y.must(b.(bots.Retracter).Retract(t.Context(), d)) // it is gone: nothing is left to do
	d.Retract = &report.Receipt{}
	if err := b.(bots.Retracter).Retract(t.Context(), d); !errors.Is(err, bots.ErrCannotRetract) {
		t.Errorf("without an id: %v", err)
	}
	if n := len(y.deleted); n != 1 {
		t.Errorf("%d messages were deleted", n)
	}
}

// In a chat that has moved an id may be that of somebody else's message.
func TestChatThatHasMovedForgetsItsReceipts(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "-7")
	y.subscribe(row, "-8")
	ids := y.ids(row)
	for _, id := range ids {
		y.run(fmt.Sprintf("INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (1, %d, %d, '5', '')", row.ID, id))
	}
	kittest.Receive(t, y.load(row), kittest.NewInbox())
	y.must(y.happen("", &chat.Moved{From: "-7", To: "-100"}))
	y.must(y.happen("", &chat.Moved{From: "-9", To: "-100"})) // not subscribed
	left, err := db.ReadColumn[int64](t.Context(), y.db, "SELECT recipient FROM receipts")
	y.must(err)
	if diff := cmp.Diff(ids[1:], left); diff != "" {
		t.Errorf("receipts of: %s", diff)
	}
}

// What no service has is left out, and what comes after it is heard.
func TestWhatIsTooLongIsLeftOut(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	in := kittest.NewInbox()
	run := kittest.Receive(t, y.load(row), in)
	long := strings.Repeat("7", 200_000)
	y.must(y.happen(long,
		chat.Message{ID: long, Chat: "7", Author: "7", Text: "U1", Private: true},
		chat.Message{ID: "1", Chat: long, Author: "7", Text: "/start", Command: "start", Private: true},
		chat.Message{ID: "1", Chat: "7", Author: long, Text: "U1", Private: true},
		chat.Joined{Chat: long}, chat.Left{Chat: long}, &chat.Moved{From: "7", To: long},
		chat.Message{ID: "2", Chat: "7", Author: "7", Text: "U2", Private: true}))
	in.WaitFor(t, "U2")
	_ = run.Stop()
	if n := strings.Count(y.log.String(), "kit.log.misfit"); n != 6 || len(in.All()) != 1 {
		t.Errorf("%d were told of, %d heard", n, len(in.All()))
	}
	y.wantChats(row)
	kittest.Receive(t, y.load(row), in)
	y.must(y.happen("2"))
	if diff := cmp.Diff([]string{"", ""}, y.began); diff != "" {
		t.Errorf("begun after: %s", diff)
	}
}

func TestChatThatHasMovedNowhereStays(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "-7")
	b := y.load(row)
	y.failing("-7", &chat.Moved{From: "-7"})
	_, err := y.send(b, row, "U1")
	y.wantWords(err, bots.KindTemporary, "kit.chat.moved")
	y.wantChats(row, "-7")
}

func TestLongTextsAreCut(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "7")
	_, err := y.send(y.load(row), row, strings.Repeat("Plärrer ", 100))
	y.must(err)
	if got := []rune(y.posted()[0]); len(got) > 500+len("7 ") || !strings.HasSuffix(string(got), "Plärrer…") {
		t.Errorf("posted %q", string(got))
	}
}

func TestWhoHasUnsubscribedIsNotWrittenTo(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "7")
	d := report.NewDelivery(report.Report{Text: "U1"}, row, y.ids(row)[0])
	_, err := y.chats().Unsubscribe(t.Context(), row.ID, "7")
	y.must(err)
	_, err = y.load(row).Send(t.Context(), d)
	y.wantWords(err, bots.KindGone, "kit.chat.unsubscribed")
	if got := y.posted(); len(got) != 0 {
		t.Errorf("posted %q", got)
	}
}

// TestAnotherKey has what was stored sealed with a key that the program does not
// have any more. Nothing of it is lost, and nothing waits for it.
func TestAnotherKey(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "7")
	b := y.load(row)
	y.run("UPDATE pigeon_recipients SET address = 'x'")
	_, err := y.send(b, row, "U1")
	y.wantWords(err, bots.KindPermanent, "kit.chat.sealed")
	if n := len(y.ids(row)); n != 1 {
		t.Errorf("%d have subscribed", n)
	}
	y.run("UPDATE pigeon_accounts SET token = 'x'")
	_, err = y.network.Bot(t.Context(), row, y.host.Log)
	y.wantWords(err, bots.KindRefused, "kit.account.sealed")
	if text, _, err := y.network.(bots.Addressed).Address(t.Context(), y.city, row); text != "@nest" || err != nil {
		t.Errorf("the city's page shows %q, %v", text, err)
	}
	if again := y.connect("nest"); again.ID != row.ID {
		t.Error("with its token it is another bot")
	}
	y.load(row)
}

// TestShortMessages has a service whose messages are as short as those of a pager:
// answers come in parts, and none of them loses what is stored of somebody.
func TestShortMessages(t *testing.T) {
	const short = 140
	y := newToy(t, func(n *chat.Network) { n.Length = text.Runes(short) })
	row := y.connect("nest")
	run := kittest.Receive(t, y.load(row), kittest.NewInbox())
	defer run.Stop()
	// start has a new chat subscribe, and returns what it is answered: all of it is
	// there when somebody else is answered.
	start := func(in string) (parts []string) {
		y.must(y.happen("", chat.Message{ID: "1", Chat: in, Author: in, Command: "start", Private: true}))
		y.must(y.happen("", chat.Message{ID: "2", Chat: "after " + in, Author: "9", Command: "stop", Private: true}))
		posted := y.posted()
		for n := len(posted); len(posted) == 0 || !strings.HasPrefix(posted[len(posted)-1], "after "+in+" "); n++ {
			posted = y.untilPosted(n)
		}
		for _, p := range posted {
			if part, ok := strings.CutPrefix(p, in+" "); ok {
				parts = append(parts, part)
			}
		}
		return parts
	}
	words := func(s ...string) string { return strings.Join(strings.Fields(strings.Join(s, " ")), " ") }
	stored := y.text("kit.chat.stored")
	parts := start("7")
	if got, want := words(parts...), words(y.text("kit.chat.welcome", "City", "leeds"), stored); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	y.post("/welcome", url.Values{"bot_id": {fmt.Sprint(row.ID)}, "welcome": {strings.Repeat("Coo! ", 390)}})
	long := start("8")
	if len(long) != 8 || !strings.HasSuffix(words(long...), words(stored)) || !strings.Contains(words(long...), "Coo!… ") {
		t.Errorf("said %q", long)
	}
	for _, p := range append(parts, long...) {
		if len([]rune(p)) > short {
			t.Errorf("%q is too long", p)
		}
	}
}

// TestAnswersAreBounded has many people, and one of them, ask more than the bot
// may write.
func TestAnswersAreBounded(t *testing.T) {
	ping := func(chats int) []chat.Event {
		var events []chat.Event
		for i := range 200 {
			events = append(events, chat.Message{ID: fmt.Sprint(i), Chat: fmt.Sprint(i % chats), Author: "7", Command: "help", Private: true})
		}
		return events
	}
	for chats, most := range map[int]int{1: 4, 200: 65} { // one is on its way
		t.Run(fmt.Sprint(chats, " chats"), func(t *testing.T) {
			y := newToy(t, nil)
			run := kittest.Receive(t, y.load(y.connect("nest")), kittest.NewInbox())
			y.busy.Lock()
			err := y.happen("", ping(chats)...)
			y.busy.Unlock()
			y.must(err)
			y.untilPosted(most - 1)
			run.Stop()
			if n := len(y.posted()); n > most {
				t.Errorf("%d answers", n)
			}
		})
	}
}

func TestPingWithAndWithoutATime(t *testing.T) {
	y := newToy(t, nil)
	kittest.Receive(t, y.load(y.connect("nest")), kittest.NewInbox())
	ping := chat.Message{ID: "1", Chat: "7", Author: "7", Command: "ping", Private: true}
	timed := ping
	timed.Time = y.host.Now().Add(time.Hour) // its clock is ahead
	y.must(y.happen("", ping, timed))
	want := []string{"7 " + y.text("kit.chat.pong_plain"), "7 " + y.text("kit.chat.pong", "Milliseconds", 0)}
	if diff := cmp.Diff(want, y.untilPosted(2)); diff != "" {
		t.Error(diff)
	}
}

func TestAnswerThatFails(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.subscribe(row, "7")
	y.subscribe(row, "8")
	y.failing("7", &remote.Error{Name: "Pigeon", Trouble: remote.Gone})
	y.failing("8", &remote.Error{Name: "Pigeon", Trouble: remote.Broken})
	run := kittest.Receive(t, y.load(row), kittest.NewInbox())
	help := func(in string) chat.Event {
		return chat.Message{ID: "1", Chat: in, Author: in, Command: "help", Private: true}
	}
	y.must(y.happen("", help("7"), help("8"), help("9")))
	y.untilPosted(1)
	run.Stop()
	y.wantChats(row, "8")
	if lines := y.log.String(); strings.Count(lines, "\n") != 1 || !strings.Contains(lines, "msg=kit.log.not_answered") {
		t.Errorf("log: %s", lines)
	}
}

func TestNewNameIsNoted(t *testing.T) {
	y := newToy(t, nil)
	row := y.connect("nest")
	y.named = account.Account{Handle: "@roost", Name: "Roost", URL: "https://pigeon.example/roost"}
	y.must(y.load(row).(bots.Checker).Check(t.Context()))
	text, link, err := y.network.(bots.Addressed).Address(t.Context(), y.city, row)
	if text != "@roost" || link != y.named.URL || err != nil {
		t.Errorf("Address = %q, %q, %v", text, link, err)
	}
}

func TestServiceThatCannotTakeBack(t *testing.T) {
	y := newToy(t, nil)
	b := y.load(y.connect("nest"))
	err := b.(bots.Retracter).Retract(t.Context(), report.Delivery{Retract: &report.Receipt{ID: "7:1"}})
	if !errors.Is(err, bots.ErrCannotRetract) {
		t.Errorf("Retract = %v, want ErrCannotRetract", err)
	}
	if n := b.(bots.Concurrent).Concurrency(); n != 1 {
		t.Errorf("%d at a time", n)
	}
}

// TestSeveralAccounts has a city with two accounts, each with subscribers and a
// welcome of its own.
func TestSeveralAccounts(t *testing.T) {
	y := newToy(t, nil)
	first, second := y.connect("nest"), y.connect("roost")
	if again := y.connect("nest"); first.ID == second.ID || again.ID != second.ID {
		t.Fatalf("bots %d and %d, and then %d", first.ID, second.ID, again.ID)
	}
	y.subscribe(first, "7")
	y.subscribe(second, "8")
	y.wantChats(first, "7")
	y.wantChats(second, "8")
	id := func(b report.Bot) string { return fmt.Sprint(b.ID) }
	if status := y.post("/welcome", url.Values{"bot_id": {id(second)}, "welcome": {"Coo!"}}); status != http.StatusSeeOther {
		t.Fatalf("answered %d", status)
	}
	shown := func() (welcomes []string) {
		own, err := y.db.NetworkBots(t.Context(), y.city.ID, network)
		y.must(err)
		data, err := y.network.Settings(t.Context(), y.city, own)
		y.must(err)
		for _, w := range data.(*chat.Card).Welcomes {
			welcomes = append(welcomes, w.Text)
		}
		return welcomes
	}
	standard := y.text("kit.chat.welcome", "City", "leeds")
	if diff := cmp.Diff([]string{standard, "Coo!"}, shown()); diff != "" {
		t.Error(diff)
	}
	long := url.Values{"bot_id": {id(second)}, "welcome": {strings.Repeat("ü", 2001)}}
	if status := y.post("/welcome", long); status != http.StatusUnprocessableEntity || y.site.Shown.Welcomes[0].Error != "" || y.site.Shown.Welcomes[1].Error == "" {
		t.Errorf("too long: %d, %+v", status, y.site.Shown)
	}
	y.site.Visited = dbtest.MustCreateCity(t, y.db, "fuerth")
	for _, field := range []string{id(first), "4711", "x", "1x", " "} {
		if status := y.post("/welcome", url.Values{"bot_id": {field}, "welcome": {"Ours!"}}); status != http.StatusNotFound {
			t.Errorf("of bot %q: %d", field, status)
		}
	}
	if status := y.post("/welcome", url.Values{"welcome": {"Ours!"}}); status != http.StatusUnprocessableEntity || y.site.Shown.Error == "" {
		t.Errorf("of no bot: %d", status)
	}
	y.must(y.network.Forget(t.Context(), second))
	y.wantChats(second)
	y.wantChats(first, "7")
	if diff := cmp.Diff([]string{standard}, shown()); diff != "" {
		t.Error(diff)
	}
}

func TestRecipientsOfAReport(t *testing.T) {
	y := newToy(t, nil)
	first, second := y.connect("nest"), y.connect("roost")
	for _, in := range []string{"7", "8", "-9"} {
		y.subscribe(first, in)
	}
	key := func(address string) string { return y.host.Secrets.Author(first.CityID, network, address) }
	author, group := key("7"), key("-9")
	ids := y.ids(first)
	tests := map[string]struct {
		report report.Report
		want   []int64
	}{
		"from elsewhere":         {report.Report{Network: "mail", Author: author, LeftOut: group}, ids},
		"written in a group":     {report.Report{Network: network, BotID: first.ID, Author: author, LeftOut: group}, ids[1:2]},
		"written to the other":   {report.Report{Network: network, BotID: second.ID, Author: author, LeftOut: group}, ids[1:2]},
		"by nobody who receives": {report.Report{Network: network, BotID: first.ID, Author: "x", LeftOut: key("-10")}, ids},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := y.network.(bots.Recipients).Recipients(t.Context(), first, tt.report)
			if !slices.Equal(got, tt.want) || err != nil {
				t.Errorf("sent to %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestStoppedCityAnswers has a city take no reports: who writes one is told so, it
// does not come again, and commands work.
func TestStoppedCityAnswers(t *testing.T) {
	y := newToy(t, nil)
	in := kittest.NewInbox()
	kittest.Receive(t, y.load(y.connect("nest")), in)
	in.Fail(fmt.Errorf("store report: %w", db.ErrPaused))
	y.must(y.happen("1", chat.Message{ID: "1", Chat: "7", Author: "7", Text: "U1", Private: true, Language: "de"}))
	if got := y.untilPosted(1); got[0] != "7 leeds nimmt zurzeit keine Meldungen an. Deine wurde nicht weitergegeben." {
		t.Errorf("answered %q", got)
	}
	y.must(y.happen("2", chat.Message{ID: "2", Chat: "7", Author: "7", Command: "start", Private: true}))
	if got := y.untilPosted(2); !strings.Contains(got[1], "/stop") {
		t.Errorf("answered %q", got)
	}
	in.Fail(nil)
	y.must(y.happen("3", chat.Message{ID: "3", Chat: "7", Author: "7", Text: "U2", Private: true}))
	if diff := cmp.Diff([]string{"U2"}, in.Texts()); diff != "" {
		t.Error(diff)
	}
}

// Whoever asks how it works learns that one may ask, where the city answers questions.
func TestHelpSaysThatOneMayAsk(t *testing.T) {
	y := newToy(t, nil)
	kittest.Receive(t, y.load(y.connect("nest")), kittest.NewInbox())
	help := chat.Message{ID: "1", Chat: "7", Author: "7", Command: "help", Private: true}
	y.must(y.happen("", help))
	y.untilPosted(1)
	dbtest.MustSaveHearing(t, y.db, y.city.ID, false, false)
	y.must(y.happen("", help))
	words := "7 " + y.text("kit.chat.help", "City", "leeds")
	if diff := cmp.Diff([]string{words + "\n\n" + y.text("kit.chat.help_ask"), words}, y.untilPosted(2)); diff != "" {
		t.Error(diff)
	}
}

// TestCommandsOfPrograms has somebody write what outside programs answer: it is handed over
// with what the message says, whoever asks for help learns of it, and the bot itself answers
// nothing but what nobody knows.
func TestCommandsOfPrograms(t *testing.T) {
	y := newToy(t, nil)
	in := kittest.NewInbox()
	in.Know("fahrplan")
	y.host.Commands = in
	network, err := chat.Network{Name: network, Files: texts, Migrations: chat.Migrations(network), Fields: []account.Field{{Name: "token"}},
		Length: text.Runes(500), New: func(bots.Host) (chat.Driver, error) { return driver{y.service}, nil }}.Definition().New(y.host)
	y.must(err)
	y.network = network
	kittest.Receive(t, y.load(y.connect("nest")), in)
	said := func(id, chatID, words string) chat.Message {
		command, _ := chat.Command(words, "nest")
		return chat.Message{ID: id, Chat: chatID, Author: "7", Text: words, Command: command, Private: chatID == "7"}
	}
	y.must(y.happen("", said("1", "7", "/fahrplan U1"), said("2", "-7", "/fahrplan U2"), said("3", "-7", "/dance"), said("4", "7", "/dance")))
	var heard []string
	for _, h := range in.All() {
		heard = append(heard, fmt.Sprint(h.Text, " ", h.Command, " ", h.Commands, " ", h.Answer != nil))
	}
	if diff := cmp.Diff([]string{"/fahrplan U1 true true true", "/fahrplan U2 true false true"}, heard); diff != "" {
		t.Error(diff)
	}
	help := y.untilPosted(1)[0]
	if !strings.Contains(help, y.text("kit.chat.unknown_command")) || !strings.Contains(help, "Also: /fahrplan") {
		t.Errorf("answered %q", help)
	}
}
