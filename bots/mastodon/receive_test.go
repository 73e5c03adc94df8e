package mastodon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func TestMentionsOfTheStreamAreReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	check(t, b.Check(w.ctx))
	in := kittest.NewInbox()
	kittest.Receive(t, b, in)
	w.streaming()

	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	public := w.account.MentionWith(standin.Mention{Author: "Rider@Example.org", Text: "U1 Plärrer & 2 Kontis <bitte> weitersagen\nRichtung Fürth", Visibility: "public", At: at})
	unlisted := w.account.MentionWith(standin.Mention{Author: "rider", Text: "am Hbf https://example.org/a/very/long/path/that/is/cut/in/the/middle", Visibility: "unlisted", At: at})
	private := w.account.MentionWith(standin.Mention{Author: "rider@example.org", Text: "leise", Visibility: "direct", Warning: "Kontrolle", At: at})
	followers := w.account.MentionWith(standin.Mention{Author: "rider@example.org", Text: "leise", Visibility: "private", Picture: true, At: at})
	in.Wait(t, 4)

	want := []bots.Incoming{
		{ID: public, Author: "rider@example.org", Text: "U1 Plärrer & 2 Kontis <bitte> weitersagen\nRichtung Fürth", Visibility: report.Public, Time: at, KeepID: true, Language: "de"},
		{ID: unlisted, Author: "rider@" + w.server.Domain(), Text: "am Hbf https://example.org/a/very/long/path/that/is/cut/in/the/middle", Visibility: report.Private, Time: at, Language: "de"},
		{ID: private, Author: "rider@example.org", Text: "Kontrolle\nleise", Visibility: report.Private, Time: at, Language: "de"},
		{ID: followers, Author: "rider@example.org", Text: "leise", Visibility: report.Private, Time: at, Language: "de"},
	}
	if diff := cmp.Diff(want, withoutAnswer(t, in.All())); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// withoutAnswer checks that messages can be answered, and leaves that out.
func withoutAnswer(t *testing.T, list []bots.Incoming) []bots.Incoming {
	t.Helper()
	for i := range list {
		if list[i].Answer == nil {
			t.Errorf("message %s cannot be answered", list[i].ID)
		}
		list[i].Answer = nil
	}
	return list
}

func TestFirstStartSkipsWhatIsOld(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		old  int
	}{{"account with mentions", 3}, {"account that never had one", 0}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, standin.Options{Old: true})
			for range tt.old {
				w.account.Mention("rider@example.org", "old", "public")
			}
			row := w.connect()
			var want []string
			for i := range 100 { // more than one page
				want = append(want, fmt.Sprint("new ", i))
				w.account.Mention("rider@example.org", want[i], "public")
			}
			in := kittest.NewInbox()
			kittest.Receive(t, w.load(row), in)
			in.Wait(t, len(want))
			if diff := cmp.Diff(want, in.Texts()); diff != "" {
				t.Errorf("reports, oldest first (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMentionsWhileDownAreHeardOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{RateLimit: 300})
	row := w.connect()
	first := kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), first)
	w.streaming()
	w.account.Mention("rider@example.org", "before", "public")
	first.Wait(t, 1)
	run.Stop()

	w.account.Follow("rider@example.org")
	const missed = 300
	for i := range missed {
		w.account.Mention(fmt.Sprintf("rider%d@example.org", i), fmt.Sprint("U1 ", i), "public")
	}
	before := w.asked(pagePath)
	second := kittest.NewInbox()
	b := w.load(row)
	check(t, b.Check(w.ctx))
	run = kittest.Receive(t, b, second)
	second.WaitFor(t, fmt.Sprint("U1 ", missed-1))
	w.account.Mention("rider@example.org", "after", "public")
	second.WaitFor(t, "after")
	run.Stop()
	second.WantOnce(t)
	for i := range missed {
		second.WaitFor(t, fmt.Sprint("U1 ", i))
	}
	if n := w.asked(pagePath) - before; n > 8 {
		t.Errorf("catching up with %d mentions took %d requests", missed, n)
	}

	third := kittest.NewInbox()
	kittest.Receive(t, w.load(row), third)
	w.streaming()
	w.account.Mention("rider@example.org", "last", "public")
	third.WaitFor(t, "last")
	for _, text := range third.Texts() {
		if text != "last" && text != "after" {
			t.Errorf("heard again after a restart: %q", text)
		}
	}
}

func TestCursorWaitsForEmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	w.account.Mention("rider@example.org", "one", "public")
	w.account.Mention("rider@example.org", "two", "public")
	full := errors.New("the queue is full")
	refusing := kittest.NewInbox()
	refusing.Fail(full)
	if err := kittest.Receive(t, w.load(row), refusing).Ended(); !errors.Is(err, full) {
		t.Fatalf("Receive = %v, want the error of emit", err)
	}
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	in.Wait(t, 2)
}

func TestSilentStreamIsNoticed(t *testing.T) {
	slow.Test(t, "waits until a stream is silent for long")
	w := newWorld(t, standin.Options{Heartbeat: 20 * time.Millisecond})
	w.driver.timings.silence = 900 * time.Millisecond
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(w.connect()), in)
	w.streaming()
	// Heartbeats alone keep a stream: the same one is open after the time of
	// several silences.
	kept := time.NewTimer(2 * time.Second)
	w.account.Mention("rider@example.org", "one", "public")
	in.Wait(t, 1)
	<-kept.C
	if n := w.asked(streamPath); n != 1 {
		t.Fatalf("a living stream was opened %d times", n)
	}
	w.server.SilenceStreams()
	begin := time.Now()
	w.account.Mention("rider@example.org", "lost by the stream", "public")
	in.Wait(t, 2)
	if took := time.Since(begin); took > 60*w.driver.timings.silence/45 {
		t.Errorf("noticed after %s", took)
	}
	w.streaming()
	w.account.Mention("rider@example.org", "three", "public")
	in.Wait(t, 3)
}

func TestDroppedStreamLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(w.connect()), in)
	for i := range 5 {
		w.streaming()
		w.server.DropStreams()
		w.account.Mention("rider@example.org", fmt.Sprint("during the drop ", i), "public")
		in.Wait(t, i+1)
		w.until("open the stream again", func() bool { return w.asked(streamPath) >= i+2 })
	}
	in.WantOnce(t)
}

func TestStreamThatLosesEventsIsOpenedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{Heartbeat: 10 * time.Millisecond})
	w.driver.timings.reopen = 300 * time.Millisecond
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(w.connect()), in)
	w.until("three streams one after the other", func() bool { return w.asked(streamPath) >= 3 })
}

// Ten thousand streams that a start opened within seconds must not be opened
// within seconds again.
func TestStreamsAreNotOpenedTogetherAgain(t *testing.T) {
	t.Parallel()
	const middle = time.Hour
	shortest, longest := spread(middle), spread(middle)
	for range 1000 {
		d := spread(middle)
		shortest, longest = min(shortest, d), max(longest, d)
	}
	if shortest < 40*time.Minute || shortest > 45*time.Minute || longest < 75*time.Minute || longest > 80*time.Minute {
		t.Errorf("streams are used for %s to %s, want 40 to 80 minutes", shortest, longest)
	}
}

func TestCatchingUpWaitsWhenLimited(t *testing.T) {
	slow.Test(t, "waits as long as an instance asks for")
	w := newWorld(t, standin.Options{})
	w.account.Mention("rider@example.org", "old", "public")
	row := w.connect()
	w.account.Mention("rider@example.org", "missed", "public")
	w.server.SetRateLimit(1, 2*time.Second)
	b := w.load(row)
	must(w.driver.client(w.server.URL, w.account.Token()).verify(w.ctx))(t) // uses up the limit
	in := kittest.NewInbox()
	kittest.Receive(t, b, in)
	w.streaming()
	w.account.Mention("rider@example.org", "by the stream", "public")
	in.Wait(t, 1)
	if got := in.All()[0].Text; got != "by the stream" {
		t.Errorf("first report %q, want that of the stream, which is not limited", got)
	}
	in.Wait(t, 2)
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		wreck func(*world)
		words string
	}{
		{"token deleted", func(w *world) { w.account.RevokeTokens() }, "401 Unauthorized"},
		{"account suspended", func(w *world) { w.account.Suspend(true) }, "403 Forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			b := w.load(row)
			check(t, b.Check(w.ctx))
			run := kittest.Receive(t, b, kittest.NewInbox())
			w.streaming()
			tt.wreck(w)
			w.server.DropStreams()
			run.Ended()
			errs := map[string]error{"Check": b.Check(w.ctx)}
			_, errs["Send"] = b.Send(w.ctx, delivery(row, report.Private, "text"))
			for where, err := range errs {
				if kind, _ := bots.KindOf(err); kind != bots.KindRefused || !strings.Contains(err.Error(), tt.words) {
					t.Errorf("%s = %v, want refused with the code of the answer", where, err)
				}
				if err != nil && strings.Contains(err.Error(), w.account.Token()) {
					t.Errorf("%s shows the token: %v", where, err)
				}
			}
		})
	}
}

func TestServerInTroubleIsTemporary(t *testing.T) {
	t.Parallel()
	faults := map[string]struct {
		path  string
		fault fault.Fault
	}{
		"503":                {"", fault.HTML(http.StatusServiceUnavailable)},
		"401 of a proxy":     {"", fault.HTML(http.StatusUnauthorized)},
		"403 of a firewall":  {"", fault.HTML(http.StatusForbidden)},
		"no page but a site": {pagePath, fault.HTML(http.StatusOK)},
	}
	for name, tt := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			b := w.load(w.connect())
			w.server.Fail(tt.path, -1, tt.fault)
			err := kittest.Receive(t, b, kittest.NewInbox()).Ended()
			if kind, _ := bots.KindOf(err); err == nil || kind == bots.KindRefused || kind == bots.KindRetryAfter {
				t.Errorf("error %v of kind %d, want one that is over the next time", err, kind)
			}
			if err != nil && strings.Contains(err.Error()+w.words(err), w.account.Token()) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestHangingServerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.driver.timings.dial = 100 * time.Millisecond
	b := w.load(w.connect())
	w.server.Fail("", -1, fault.Hang())
	run := kittest.Receive(t, b, kittest.NewInbox())
	w.until("the stream to be given up", func() bool { return w.asked(pagePath) >= 2 })
	begin := time.Now()
	run.Stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Receive ended %s after its context", took)
	}
}

func TestPolicyLetsPrivateMentionsOfStrangersIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	if w.account.AcceptsPrivate() {
		t.Fatal("the account accepts private mentions before")
	}
	check(t, b.Check(w.ctx))
	in := kittest.NewInbox()
	kittest.Receive(t, b, in)
	w.streaming()
	w.account.Mention("stranger@example.org", "private", "direct")
	in.Wait(t, 1)
	if n := w.account.Filtered(); n != 0 {
		t.Errorf("%d mentions were held back", n)
	}
}

func TestPictureWithoutTextIsExplainedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{IgnoreIdempotency: true})
	row := w.connect()
	in := kittest.NewInbox()
	b := w.load(row)
	run := kittest.Receive(t, b, in)
	w.streaming()
	picture := standin.Mention{Author: "rider@example.org", Visibility: "public", Picture: true}
	id := w.account.MentionWith(picture)
	w.account.MentionWith(picture)
	w.account.Mention("rider@example.org", "words", "public")
	in.Wait(t, 1)
	run.Stop()
	w.write("UPDATE mastodon_accounts SET cursor = ''") // all is heard again
	again := kittest.NewInbox()
	kittest.Receive(t, w.load(row), again)
	again.Wait(t, 1)

	posts := w.account.Statuses()
	if len(posts) != 1 {
		t.Fatalf("%d answers, want 1", len(posts))
	}
	p := posts[0]
	if p.Visibility != "direct" || p.InReplyTo != id || !strings.Contains(p.Text, "Bilder geben wir nicht weiter") {
		t.Errorf("answer %+v, want a direct reply in the city's language", p)
	}
	if diff := cmp.Diff([]string{"rider@example.org"}, p.Mentions); diff != "" {
		t.Errorf("who was told (-want +got):\n%s", diff)
	}
}

func TestOwnStatusesAndOtherNotificationsAreNoReports(t *testing.T) {
	t.Parallel()
	c := &conn{account: testAccount}
	status := func(author string) *status { return &status{ID: "1", Account: person{ID: "7", Acct: author}} }
	for name, n := range map[string]notification{
		"own":       {ID: "1", Type: "mention", Status: status("bot")},
		"follow":    {ID: "1", Type: "follow"},
		"no status": {ID: "1", Type: "mention"},
	} {
		if _, ok := c.message(n); ok {
			t.Errorf("%s is taken for a report", name)
		}
	}
}

func TestNotificationThatDoesNotFit(t *testing.T) {
	t.Parallel()
	n, ok := readNotification([]byte(`{"id":17,"type":"mention","status":{"id":"5","content":"<p>hi</p>","visibility":{},"spoiler_text":false,"account":{"id":"3","acct":"a"}}}`))
	in, is := (&conn{account: testAccount}).message(n)
	if !ok || !is || in.Text != "hi" || in.Visibility != report.Private || n.ID != "17" {
		t.Errorf("read %+v as %+v: what fits should be there, and what is unclear be private", n, in)
	}
	if _, ok := readNotification([]byte(`{"type":"mention"}`)); ok {
		t.Error("a notification without an id was taken")
	}
	deep := strings.Repeat("[", maxNotification/2-20) + strings.Repeat("]", maxNotification/2-20)
	if _, ok := readNotification([]byte(`{"id":"1","card":` + deep + `}`)); ok {
		t.Error("what is nested without end was taken")
	}
}
