package chat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/internal/report"
)

// newLined is a toy in a city with lines.
func newLined(t *testing.T, lines ...string) (*toy, report.Bot) {
	t.Helper()
	y := newToyIn(t, kittest.CityLines(lines), nil)
	b := y.connect("nest")
	kittest.Receive(t, y.load(b), kittest.NewInbox())
	return y, b
}

// say has somebody write a command, and returns the answer.
func (y *toy) say(in, text string) string {
	y.Helper()
	before := len(y.posted())
	command, _ := chat.Command(text, "")
	y.must(y.happen("", chat.Message{ID: fmt.Sprint(before), Chat: in, Author: "7", Text: text, Command: command, Private: !strings.HasPrefix(in, "-")}))
	return strings.TrimPrefix(y.untilPosted(before + 1)[before], in+" ")
}

// comes are the chats that get a report about lines.
func (y *toy) comes(b report.Bot, lines ...string) (chats []string) {
	y.Helper()
	ids, err := y.network.(bots.Recipients).Recipients(y.Context(), b, report.Report{Reading: report.Reading{Lines: report.NewLines(lines...)}})
	y.must(err)
	for _, id := range ids {
		r, err := y.chats().Get(y.Context(), b.ID, id)
		y.must(err)
		chats = append(chats, r.Address)
	}
	return chats
}

func TestLinesAreChosenInAChat(t *testing.T) {
	y, b := newLined(t, "U1", "U2", "Tram 4")
	choose := "The lines: U1, U2, Tram 4\n\nTo choose some, write for example: /lines U1 U2\nFor all reports: /lines all"
	all, only := "All reports from leeds come here.\n\n"+choose, "Only reports about these lines come here: U1, Tram 4. What names no line does not come.\n\n"+choose
	for _, step := range []struct{ in, says, want string }{
		{"7", "/lines U1", "This chat gets no reports anyway. With /start that changes."},
		{"7", "/start", ""},
		{"-8", "/start", ""},
		{"7", "/lines", all},
		{"7", "/Linien tram 4, u1", only},
		{"7", "/lines", only},
		{"7", "/lines U1 U9 /stop", "I do not know this line: U9, /\u2060stop. Nothing has changed.\n\n" + only},
		{"7", "/start", only},
		{"-8", "/lines@nest U2", "Only reports about these lines come here: U2. What names no line does not come.\n\n" + choose},
	} {
		if got := y.say(step.in, step.says); step.want != "" && got != step.want {
			t.Errorf("%s in %s: %q, want %q", step.says, step.in, got, step.want)
		}
	}
	for about, want := range map[string][]string{"U1": {"7"}, "U2": {"-8"}, "Tram 4": {"7"}, "S1": nil} {
		if diff := cmp.Diff(want, y.comes(b, about)); diff != "" {
			t.Errorf("a report about %s: %s", about, diff)
		}
	}
	if got := y.comes(b); len(got) > 0 {
		t.Errorf("a report that names no line comes to %q", got)
	}
	y.say("7", "/lines alle")
	if got := y.comes(b); !slices.Equal(got, []string{"7"}) {
		t.Errorf("after all were chosen a report comes to %q", got)
	}
}

func TestCityWithoutLinesHasNoneToChoose(t *testing.T) {
	y, b := newLined(t)
	y.say("7", "/start")
	if got := y.say("7", "/lines U1"); !strings.HasPrefix(got, "Nobody has entered lines for leeds yet.") {
		t.Errorf("said %q", got)
	}
	if got := y.say("7", "/help"); strings.Contains(got, "/lines") {
		t.Errorf("help names lines: %q", got)
	}
	if got := y.comes(b, "U1"); len(got) != 1 {
		t.Errorf("a report comes to %q", got)
	}
}

// TestChosenLineThatIsGone has the city lose a line that somebody has chosen: the choice
// stays, and says so.
func TestChosenLineThatIsGone(t *testing.T) {
	y, b := newLined(t, "U1", "U2")
	y.say("7", "/start")
	r, err := y.chats().Find(t.Context(), b.ID, "7")
	y.must(err)
	y.must(y.chats().SetLines(t.Context(), b.ID, r.ID, "|U1|U7|"))
	want := "Only reports about these lines come here: U1, U7. What names no line does not come. The city does not have these any more: U7."
	for _, says := range []string{"/lines", "/lines U1 U7"} {
		if got := y.say("7", says); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", says, got)
		}
	}
	if got := y.say("7", "/help"); !strings.Contains(got, "\n/lines – only the lines you choose") {
		t.Errorf("help: %q", got)
	}
}
