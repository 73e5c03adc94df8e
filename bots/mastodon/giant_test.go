package mastodon

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/slow"
)

// giants are mentions that no report has room for.
var giants = map[string]standin.Mention{
	"text":          {Text: strings.Repeat("&", 180_000)},
	"long text":     {Text: strings.Repeat("x", 40_000)},
	"warning":       {Text: "x", Warning: strings.Repeat("&", 180_000)},
	"id":            {Text: "x", ID: strings.Repeat("9", 200_000)},
	"id, less long": {Text: "x", ID: strings.Repeat("9", 2_000)},
	"author":        {Text: "x", Author: strings.Repeat("r", 2_000) + "@example.org"},
	"names":         {Text: "x", Names: manyNames(1500)},
	"fewer names":   {Text: "x", Names: manyNames(200)},
	"nested":        {HTML: strings.Repeat("<b>", 30_000) + "x"},
}

func manyNames(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("r%d@example.org", i))
	}
	return list
}

// mention writes a giant, and then what is to be heard.
func (w *world) mention(m standin.Mention, next string) {
	if m.Author == "" {
		m.Author = "rider@example.org"
	}
	m.Visibility = "public"
	w.account.MentionWith(m)
	w.account.Mention("rider@example.org", next, "public")
}

// TestWhatComesAfterAGiantIsHeard: in the same stream, and when catching up.
func TestWhatComesAfterAGiantIsHeard(t *testing.T) {
	slow.Test(t, "reads giants")
	for name, giant := range giants {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			w := newWorld(t, standin.Options{})
			w.host.Log = slog.New(slog.NewTextHandler(&log, nil))
			row := w.connect()
			in := kittest.NewInbox()
			run := kittest.Receive(t, w.load(row), in)
			w.streaming()
			for i := range 5 {
				w.mention(giant, fmt.Sprint("by the stream ", i))
			}
			in.WaitFor(t, "by the stream 4")
			if n := w.asked(streamPath); n != 1 {
				t.Errorf("the stream was opened %d times", n)
			}
			_ = run.Stop()
			for i := range 2 {
				w.mention(giant, fmt.Sprint("meanwhile ", i))
			}
			in = kittest.NewInbox()
			run = kittest.Receive(t, w.load(row), in)
			in.WaitFor(t, "meanwhile 1")
			_ = run.Stop()
			for _, got := range in.All() {
				if len(got.Text) > maxText || len(got.ID) > 500 || len(got.Author) > 500 {
					t.Errorf("handed over: a text of %d bytes, an id of %d, an author of %d", len(got.Text), len(got.ID), len(got.Author))
				}
			}
			if strings.Contains(name, "id") && !strings.Contains(log.String(), "kit.log.") {
				t.Errorf("nobody is told: %s", log.String())
			}
		})
	}
}

// The cursor of a page is that of its newest notification whose id can be one.
func TestGiantNotificationIDIsNoCursor(t *testing.T) {
	t.Parallel()
	const mention = `{"id":%q,"type":"mention","status":{"id":"5","content":"U1","visibility":"public","account":{"id":"3","acct":"a"}}}`
	for beginning, want := range map[string]string{
		`{"id":"17","type":"mention","status":{"content":"&&&&`: "17",
		`{"type":"mention","id":17,"status":{"content":"&&&&`:   "17",
		`{"status":{"id":"5","content":"&&&&`:                   "",
		`{"id":"17`:                                             "",
		`{`:                                                     "",
		``:                                                      "",
	} {
		if got := firstID([]byte(beginning)); string(got) != want {
			t.Errorf("of %q the id is %q, want %q", beginning, got, want)
		}
	}
	w := newWorld(t, standin.Options{})
	row := w.connect()
	long := fmt.Sprintf(mention, strings.Repeat("9", 600))
	w.server.Fail(pagePath, 1, fault.Status(http.StatusOK, "["+long+","+fmt.Sprintf(mention, "17")+"]"))
	w.server.Fail(pagePath, 1, fault.Status(http.StatusOK, "["+long+"]"))
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), in)
	in.WaitFor(t, "U1")
	w.streaming()
	w.account.Mention("rider@example.org", "U2", "public")
	in.WaitFor(t, "U2")
	_ = run.Stop()
	if n := w.asked(pagePath); n != 3 { // one by connecting
		t.Errorf("%d pages", n)
	}
	var cursor string
	check(t, w.db.ReadRow(w.ctx, "SELECT cursor FROM mastodon_accounts").Scan(&cursor))
	if cursor != "17" {
		t.Errorf("the cursor is %.20q", cursor)
	}
}

// A page waits for its turn to be read into memory, and not for ever: a server that
// takes its time must not hold up those of other cities.
func TestPagesAreReadInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := make(reading, 2)
		first, second := turns.take(t.Context()), turns.take(t.Context())
		began := time.Now()
		time.AfterFunc(time.Millisecond, first)
		third := turns.take(t.Context())
		if took := time.Since(began); took != time.Millisecond {
			t.Errorf("waited %s, want until the first was done", took)
		}
		turns.take(t.Context())() // nobody ends
		if took := time.Since(began); took != time.Millisecond+readWait {
			t.Errorf("waited %s in all", took)
		}
		second()
		third()
		if len(turns) != 0 {
			t.Errorf("%d turns are not given back", len(turns))
		}
	})
}
