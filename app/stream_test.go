package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// startTargets starts what streams of a test send to.
func startTargets(t *testing.T) *standin.Server {
	t.Helper()
	s, err := standin.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if wrong := s.Wrong(); len(wrong) > 0 {
			t.Errorf("messages that the real services would not take: %q", wrong)
		}
		_ = s.Close()
	})
	return s
}

// stream makes a stream of a city from its JSON.
func (a *app) stream(c report.City, form string, args ...any) stream.Stored {
	a.Helper()
	want := stream.Blank()
	if err := json.Unmarshal(fmt.Appendf(nil, form, args...), &want); err != nil {
		a.Fatal(err)
	}
	stored, err := a.server.networks[stream.Name].(*stream.Network).Streams().Put(a.Context(), c.ID, want, stream.Any)
	if err != nil {
		a.Fatal(err)
	}
	return stored
}

// hooked are the texts of the reports that a webhook of a program was told, by the kind of event.
func hooked(s *standin.Server, event string) (list []string) {
	for _, r := range s.Requests(standin.HookPath) {
		var got struct {
			Type string
			Data report.Form
		}
		if json.Unmarshal([]byte(r.Body), &got) == nil && got.Type == event {
			list = append(list, got.Data.Text)
		}
	}
	return list
}

// Four streams with different filters and targets, one of which hangs: the others get
// theirs at once.
func TestFourStreamsOneHangs(t *testing.T) {
	t.Parallel()
	slow.Test(t, "sends many reports while a target hangs")
	targets, stuck := startTargets(t), startTargets(t)
	stuck.Fail("/", -1, kit.Hang())
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), startMailbox(t), definitions, unbraked...), definitions)
	c := a.addCity("nuernberg", "*", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, "U1: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Rathenauplatz")
	a.server.notices.Changed(c.ID)
	a.stream(c, `{"name":"u1","include":{"line":["U1"]},"target":%q,"look":"card"}`, targets.Discord())
	a.stream(c, `{"name":"mail","include":{"network":["mail"]},"target":%q,"look":"card"}`, targets.Slack())
	a.stream(c, `{"name":"all","target":%q}`, targets.Hook())
	a.stream(c, `{"name":"stuck","target":%q}`, stuck.Hook())
	a.stream(c, `{"name":"none","exclude":{"line":["*"]},"target":%q}`, targets.URL+"/none")

	const many = 12
	var took []time.Duration
	for i := range many {
		line := []string{"U1 Plärrer", "U2 Röthenbach"}[i%2]
		before := time.Now()
		a.mustSend(fmt.Sprintf("rider%d@riders.example", i), here, fmt.Sprintf("m%d@x", i), "", fmt.Sprint(line, " Kontis ", i))
		waitUntil(t, "the other streams", func() bool {
			return len(targets.Requests(standin.DiscordPath)) == i/2+1 && len(targets.Requests(standin.SlackPath)) == i+1 && len(hooked(targets, "report.passed")) == i+1
		})
		took = append(took, time.Since(before))
	}
	slices.Sort(took)
	t.Logf("the others got theirs after %s in the middle, %s at most", took[many/2], took[many-1])
	if took[many/2] > 300*time.Millisecond {
		t.Errorf("the others got theirs after %s", took)
	}
	if n := len(stuck.Requests("/")); n != 1 {
		t.Errorf("the target that hangs has %d requests", n)
	}
	stuck.Mend()
	if n := len(targets.Requests("/none")); n > 0 {
		t.Errorf("a stream that wants none got %d", n)
	}
	bot, err := a.server.db.FindBot(t.Context(), c.ID, stream.Name)
	if err != nil || bot.State != report.BotRunning {
		t.Errorf("the bot is %s (%s), %v", bot.State, bot.LastError, err)
	}
}

// What waits for a target when the program ends is sent by the next; what was taken back on
// the settings page is told to streams that ask for it.
func TestStreamsOverARestart(t *testing.T) {
	t.Parallel()
	slow.Test(t, "starts the server twice")
	targets, dir, box := startTargets(t), t.TempDir(), startMailbox(t)
	a := startApp(t, dir, box)
	c := a.addCity("nuernberg", "*", "")
	a.stream(c, `{"name":"all","target":%q,"events":["report.taken_back","report.passed"]}`, targets.Hook())
	a.stream(c, `{"name":"off","target":%q,"running":false}`, targets.Discord())
	targets.Fail(standin.HookPath, -1, kit.Status(http.StatusServiceUnavailable, ""))
	a.mustSend("rider@riders.example", here, "m1@x", "", "Kontis am Plärrer")
	a.mustSend("other@riders.example", here, "m2@x", "", "Kontis am Rathaus")
	waitUntil(t, "a first try", func() bool { return len(targets.Requests(standin.HookPath)) > 0 })
	a.stop()
	tried := len(targets.Requests(standin.HookPath))
	targets.Mend()
	a = startApp(t, dir, box)
	waitUntil(t, "both reports", func() bool {
		later := hooked(targets, "report.passed")[tried:]
		return slices.Contains(later, "Kontis am Plärrer") && slices.Contains(later, "Kontis am Rathaus")
	})
	a.settled()
	if told := hooked(targets, "report.passed"); len(told) != tried+2 {
		t.Errorf("told %q after %d tries", told, tried)
	}
	if n := len(targets.Messages()); n > 0 {
		t.Errorf("a stream that does not run was told %d times", n)
	}
	b := a.login("moderator@nuernberg.example")
	if card := b.get("/settings/networks", http.StatusOK); !strings.Contains(card, "1 stream runs") {
		t.Error("the card does not say how many streams run")
	}
	found := reportField.FindStringSubmatch(b.get("/settings/reports", http.StatusOK))
	b.post("/settings/reports/take-back", url.Values{"report": {found[1]}, "show": {"passed"}}, http.StatusOK)
	waitUntil(t, "it to be told", func() bool { return len(hooked(targets, "report.taken_back")) == 1 })
}
