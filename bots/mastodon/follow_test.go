package mastodon

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// waitForChange waits until what became of a message was handed over, and returns that.
func (w *world) waitForChange(in *kittest.Inbox, what string, ok func(bots.Incoming) bool) bots.Incoming {
	w.t.Helper()
	ctx, done := context.WithTimeout(w.ctx, kittest.Patience)
	defer done()
	for {
		for _, got := range in.All() {
			if (got.Edited || got.Deleted) && ok(got) {
				return got
			}
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("%s was not heard; heard: %+v", what, in.All())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func saysNow(id, text string) func(bots.Incoming) bool {
	return func(in bots.Incoming) bool { return in.ID == id && in.Edited && in.Text == text }
}

func isDeleted(id string) func(bots.Incoming) bool {
	return func(in bots.Incoming) bool { return in.ID == id && in.Deleted }
}

// TestStreamTellsOfChanges has what was boosted changed and deleted while a stream is
// open, and before.
func TestStreamTellsOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	d, id := w.heard(row, standin.Mention{Text: "U1", Visibility: "public"})
	must(w.load(row).Send(w.ctx, d))(t)
	w.server.Edit(id, "U1 Hbf", false) // nobody listens
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	w.streaming()
	got := w.waitForChange(in, "an edit of before", saysNow(id, "U1 Hbf"))
	if got.Author == "" || !got.KeepID || got.Visibility != report.Public {
		t.Errorf("heard %+v", got)
	}
	w.server.Edit(id, "U1, and what they look like", true)
	if got := w.waitForChange(in, "an edit", saysNow(id, "U1, and what they look like")); got.KeepID {
		t.Errorf("heard %+v, which has a picture", got)
	}
	w.server.Delete(id)
	w.waitForChange(in, "a deletion", isDeleted(id))
}

// TestWhatNobodyTellsOfIsLookedAt: of what was not boosted an instance tells no edits,
// and of nothing while no stream is open.
func TestWhatNobodyTellsOfIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{Old: true})
	w.reviews = 20 * time.Millisecond
	w.open()
	row := w.connect()
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	w.streaming()
	var ids []string
	for _, text := range []string{"U1", "U2", "U3"} {
		ids = append(ids, w.account.Mention("rider@example.org", text, "direct"))
	}
	in.Wait(t, 3)
	w.server.SilenceStreams()
	w.server.Edit(ids[0], "U1 Hbf", false)
	w.waitForChange(in, "an edit of a private message", saysNow(ids[0], "U1 Hbf"))

	w.server.Fail("/api/v1/statuses/"+ids[1], -1, fault.HTML(http.StatusNotFound)) // no answer of the API
	w.server.Delete(ids[1])
	w.until("look again", func() bool { return w.asked("/api/v1/statuses/"+ids[1]) > 2 })
	w.server.Delete(ids[2])
	w.waitForChange(in, "a deletion", isDeleted(ids[2]))
	for _, got := range in.All() {
		if got.ID == ids[1] && got.Deleted {
			t.Error("a page says that it is gone")
		}
	}
}

// TestAnswersToOthersAreNoReports: what is said to somebody else is not said to the
// account, though apps name it too.
func TestAnswersToOthersAreNoReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b, in := w.load(row), kittest.NewInbox()
	receipt := must(b.Send(w.ctx, elsewhere(row, "U1")))(t)
	kittest.Receive(t, b, in)
	w.streaming()
	say := func(author, text, to string) string {
		return w.account.MentionWith(standin.Mention{Author: author, Text: text, Visibility: "public", ReplyTo: to})
	}
	first := say("rider@example.org", "U1 Hbf", "")
	say("friend@example.org", "Sind sie noch da?", first)
	say("rider@example.org", "Jetzt U1 Plärrer", first)
	say("friend@example.org", "U1 ist frei", receipt.ID)
	in.WaitFor(t, "U1 ist frei")
	for _, got := range in.All() {
		if got.Text == "Sind sie noch da?" || got.Reply != (got.Text == "U1 ist frei") {
			t.Errorf("heard %+v", got)
		}
	}
	if n := len(in.All()); n != 3 {
		t.Errorf("%d messages were heard", n)
	}
}

// One that knows neither edits nor an id before all others is asked for the newest.
func TestServerWithItsOwnIdeaOfIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	const first = pagePath + "limit=80&min_id=0&types%5B%5D=mention"
	for _, path := range []string{first, first + "&types%5B%5D=update"} {
		w.server.Fail(path, -1, fault.Status(http.StatusUnprocessableEntity, `{"message":"The min id must be at least 1."}`))
	}
	w.account.Mention("rider@example.org", "U1", "public")
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	in.WaitFor(t, "U1")
}

// A server that does not know edits is asked for mentions alone.
func TestServerThatDoesNotKnowEdits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	const both = pagePath + "limit=80&min_id=0&types%5B%5D=mention&types%5B%5D=update"
	w.server.Fail(both, -1,
		fault.Status(http.StatusUnprocessableEntity, `{"error":"Invalid value for enum."}`))
	w.account.Mention("rider@example.org", "U1", "public")
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(row), in)
	in.WaitFor(t, "U1")
	if w.asked(both) == 0 {
		t.Error("it was not asked for edits")
	}
}
