package scaffold

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ticketfrei/bots"
	"ticketfrei/bots/botstest"
	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold/scaffoldtest"
)

// delivery is the delivery of a report with that text through b.
func delivery(b report.Bot, text string) report.Delivery {
	return report.NewDelivery(report.Report{ID: report.ID("mail", 1, text), Network: "mail", Text: text, Time: noon}, b, "")
}

func TestReceive(t *testing.T) {
	w := newWorld(t)
	w.server.Write(scaffoldtest.Message{Author: "rider", Text: "before the account was connected"})
	b := w.connect("nuernberg")
	first := w.server.Write(scaffoldtest.Message{Author: "rider", Text: "U1 Plärrer, 2 Kontis"})
	in := botstest.NewInbox()
	run := botstest.Receive(t, w.load(b), in)
	in.Wait(t, 1)
	second := w.server.Write(scaffoldtest.Message{Author: "shy", Text: "Kontis in der U2", Private: true})
	want := []bots.Incoming{
		{ID: first, Author: "rider", Text: "U1 Plärrer, 2 Kontis", Visibility: report.Public, Time: noon},
		{ID: second, Author: "shy", Text: "Kontis in der U2", Visibility: report.Private, Time: noon},
	}
	if diff := cmp.Diff(want, in.Wait(t, 2)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if err := run.Stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive ended with %v", err)
	}

	t.Run("goes on after a restart", func(t *testing.T) {
		third := w.server.Write(scaffoldtest.Message{Author: "rider", Text: "written while it was down"})
		in := botstest.NewInbox()
		botstest.Receive(t, w.load(b), in)
		if got := in.Wait(t, 1); got[0].ID != third {
			t.Errorf("the first report after the restart is %+v", got[0])
		}
	})
}

// TestCursorFollowsTheReport shows that a message is heard again until its
// report is on disk.
func TestCursorFollowsTheReport(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	first := w.server.Write(scaffoldtest.Message{Author: "rider", Text: "Kontis"})
	w.server.Write(scaffoldtest.Message{Author: "rider", Text: "more"})
	full := errors.New("the disk is full")
	var heard []string
	for _, failing := range []string{"Kontis", "more"} {
		err := w.load(b).Receive(t.Context(), func(_ context.Context, in bots.Incoming) error {
			heard = append(heard, in.Text)
			if in.Text == failing {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) {
			t.Errorf("Receive ended with %v", err)
		}
		want := map[string]string{"Kontis": "", "more": first}[failing]
		if got := w.cursor(b); got != want {
			t.Errorf("while %q is not on disk the cursor is %q, want %q", failing, got, want)
		}
	}
	in := botstest.NewInbox()
	botstest.Receive(t, w.load(b), in)
	heard = append(heard, in.Wait(t, 1)[0].Text)
	if diff := cmp.Diff([]string{"Kontis", "Kontis", "more", "more"}, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestPicturesAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	for range 2 {
		w.server.Write(scaffoldtest.Message{Author: "rider", Text: "look", Picture: true})
	}
	w.server.Write(scaffoldtest.Message{Author: "rider", Text: "Kontis"})
	in := botstest.NewInbox()
	botstest.Receive(t, w.load(b), in)
	if got := in.Wait(t, 1); got[0].Text != "Kontis" {
		t.Errorf("a picture was relayed: %+v", got[0])
	}
	posts := w.server.Posts()
	if len(posts) != 1 || posts[0].To != "rider" || !strings.Contains(posts[0].Text, "pictures") {
		t.Errorf("the author was answered %+v, want one explanation", posts)
	}
}

func TestSend(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	bot := w.load(b)
	d := delivery(b, "U1 Plärrer, 2 Kontis")
	receipt := must(bot.Send(t.Context(), d))(t)
	again := must(bot.Send(t.Context(), d))(t)
	if diff := cmp.Diff(receipt, again); diff != "" {
		t.Errorf("sent again it is another post: %s", diff)
	}
	long := strings.Repeat("Straßenbahn ", 100)
	must(bot.Send(t.Context(), delivery(b, long)))(t)
	want := []scaffoldtest.Post{
		{Key: d.ID, Text: "U1 Plärrer, 2 Kontis"},
		{Text: strings.TrimSpace(strings.Repeat("Straßenbahn ", 41)) + "…"},
	}
	got := w.server.Posts()
	if diff := cmp.Diff(want[:1], got[:1], cmpopts.IgnoreFields(scaffoldtest.Post{}, "ID", "Time")); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	if len(got) != 2 || got[1].Text != want[1].Text {
		t.Errorf("posts = %+v", got)
	}

	t.Run("taken back", func(t *testing.T) {
		d.Retract = &receipt
		for range 2 { // the second time it is gone already
			if err := bot.Retract(t.Context(), d); err != nil {
				t.Errorf("retract: %v", err)
			}
		}
		if got := w.server.Posts(); len(got) != 1 || got[0].Key == d.ID {
			t.Errorf("left are %+v", got)
		}
	})
}

func TestErrorsOfTheServer(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	tests := []struct {
		name  string
		fault scaffoldtest.Fault
		kind  bots.Kind
		after time.Duration
		says  string
	}{
		{"wait", scaffoldtest.Fault{Status: 429, RetryAfter: "7"}, bots.KindRetryAfter, 7 * time.Second, ""},
		{"wait, no time given", scaffoldtest.Fault{Status: 429}, bots.KindRetryAfter, usualWait, ""},
		{"wait for ever", scaffoldtest.Fault{Status: 429, RetryAfter: "999999999"}, bots.KindRetryAfter, longestWait, ""},
		{"text not taken", scaffoldtest.Fault{Status: 422, Body: `{"error": "no links please"}`}, bots.KindPermanent, 0, "no links please"},
		{"reader gone", scaffoldtest.Fault{Status: 410}, bots.KindGone, 0, ""},
		{"refused", scaffoldtest.Fault{Status: 401}, bots.KindRefused, 0, ""},
		{"broken", scaffoldtest.Fault{Status: 502, Body: "<html>"}, bots.KindTemporary, 0, "Bad Gateway"},
		{"another API", scaffoldtest.Fault{Status: 200, Body: "<html>"}, bots.KindTemporary, 0, "not understood"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.server.SetFault(tt.fault)
			_, err := w.load(b).Send(t.Context(), delivery(b, "Kontis"))
			if err == nil {
				t.Fatal("no error")
			}
			kind, after := bots.KindOf(err)
			if kind != tt.kind || after != tt.after || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("kind %d after %s: %v", kind, after, err)
			}
			if strings.Contains(err.Error(), w.server.Token()) || !strings.HasPrefix(err.Error(), "127.0.0.1") {
				t.Errorf("not fit for a moderator: %v", err)
			}
			if err := w.load(b).Receive(t.Context(), botstest.NewInbox().Emit); err == nil {
				t.Error("Receive did not end")
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		_ = w.server.Close()
		_, err := w.load(b).Send(t.Context(), delivery(b, "Kontis"))
		if kind, _ := bots.KindOf(err); !errors.Is(err, errUnreachable) || kind != bots.KindTemporary || strings.Contains(err.Error(), "/posts") {
			t.Errorf("error = %v", err)
		}
	})
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	if err := w.load(b).Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	w.server.RevokeToken()
	botstest.WantKind(t, w.load(b).Check(t.Context()), bots.KindRefused)
}

func TestBotWithoutAccount(t *testing.T) {
	w := newWorld(t)
	b := w.connect("nuernberg")
	if err := w.network.Forget(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, err := w.network.Bot(t.Context(), b, w.network.host.Log)
	botstest.WantKind(t, err, bots.KindRefused)
}

func TestPauseIsNeverZero(t *testing.T) {
	if _, err := newNetwork(bots.Host{}, options{}); err == nil || !strings.Contains(err.Error(), "scaffold.pause") {
		t.Errorf("error = %v", err)
	}
}

func TestFit(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"short", "Kontis", "Kontis"},
		{"just short enough", "zehn Zügen", "zehn Zügen"},
		{"at a word", "sieben Kontis", "sieben…"},
		{"no word", "ÄÖÜäöüßÄÖÜäöü", "ÄÖÜäöüßÄÖ…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fit(tt.text, 10); got != tt.want {
				t.Errorf("fit = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPostsThatAreTooLong makes sure that the stand-in takes no more than the
// API says.
func TestPostsThatAreTooLong(t *testing.T) {
	w := newWorld(t)
	c := w.network.client(w.server.URL, w.server.Token())
	_, err := c.post(t.Context(), post{Key: "k", Text: strings.Repeat("ä", maxText+1)})
	if statusOf(err) != http.StatusUnprocessableEntity {
		t.Errorf("error = %v", err)
	}
}
