package mastodon

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ticketfrei/bots"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// delivery is one through b of a report that b itself heard.
func delivery(b *bot, v report.Visibility, text string) report.Delivery {
	r := report.Report{ID: report.ID(name, b.bot.ID, text), CityID: b.bot.CityID, BotID: b.bot.ID, Network: name,
		Author: "hash", Text: text, Visibility: v, Time: time.Now()}
	return report.NewDelivery(r, b.bot, "")
}

// elsewhere is a delivery of a report that came by mail.
func elsewhere(b *bot, text string) report.Delivery {
	d := delivery(b, report.Public, text)
	d.Report.BotID, d.Report.Network = b.bot.ID+100, "mail"
	return d
}

func TestPublicMentionIsBoosted(t *testing.T) {
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	d := delivery(b, report.Public, "U1")
	d.Report.NetworkID = w.account.Mention("rider@example.org", "U1", "public")
	var receipts []report.Receipt
	for range 2 { // a second time changes nothing
		receipts = append(receipts, must(b.Send(w.ctx, d))(t))
	}
	if diff := cmp.Diff(receipts[0], receipts[1]); diff != "" {
		t.Errorf("receipts differ:\n%s", diff)
	}
	want := []standin.Boost{{StatusID: d.Report.NetworkID, Text: "U1", Author: "rider@example.org"}}
	if diff := cmp.Diff(want, w.account.Boosts(), cmpopts.IgnoreFields(standin.Boost{}, "At")); diff != "" {
		t.Errorf("boosts (-want +got):\n%s", diff)
	}
	if n := len(w.account.Statuses()); n != 0 {
		t.Errorf("%d statuses were posted", n)
	}
	if want := "https://example.org/@rider/" + d.Report.NetworkID; receipts[0].URL != want {
		t.Errorf("URL = %q, want %q", receipts[0].URL, want)
	}

	d.Retract = &receipts[0]
	check(t, b.Retract(w.ctx, d))
	if got := w.account.Boosts(); !got[0].Undone {
		t.Error("the boost was not taken back")
	}
	w.server.Delete(d.Report.NetworkID)
	check(t, b.Retract(w.ctx, d))
}

func TestEverythingElseIsPostedWithoutAuthor(t *testing.T) {
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	private := delivery(b, report.Private, "U1 Plärrer, Grüße an @rider@example.org und @_x, mail an a@example.org")
	private.Report.NetworkID = w.account.Mention("secret@example.org", "U1", "direct")
	first := must(b.Send(w.ctx, private))(t)
	must(b.Send(w.ctx, elsewhere(b, "von der Mail")))(t)

	posts := w.account.Statuses()
	if len(posts) != 2 || len(w.account.Boosts()) != 0 {
		t.Fatalf("%d posts, %d boosts", len(posts), len(w.account.Boosts()))
	}
	for _, p := range posts {
		if p.Visibility != "public" || strings.Contains(p.Text, "secret") || len(p.Mentions) != 0 || p.InReplyTo != "" {
			t.Errorf("post %+v, want a public one that names and notifies nobody", p)
		}
	}
	if !sameText(posts[0].Text, private.Report.Text) || posts[1].Text != "von der Mail" {
		t.Errorf("posts %q, %q", posts[0].Text, posts[1].Text)
	}
	if !strings.Contains(posts[0].Text, "a@example.org") {
		t.Errorf("a mail address was broken: %q", posts[0].Text)
	}

	private.Retract = &first
	for range 2 { // what is gone already is no error
		check(t, b.Retract(w.ctx, private))
	}
	if !w.account.Statuses()[0].Deleted {
		t.Error("the post was not deleted")
	}
}

func TestLongTextIsCut(t *testing.T) {
	w := newWorld(t, standin.Options{MaxCharacters: 60})
	b := w.load(w.connect())
	must(b.Send(w.ctx, elsewhere(b, strings.Repeat("Kontrolle ", 20))))(t)
	if got, want := w.account.Statuses()[0].Text, strings.Repeat("Kontrolle ", 5)+"Kontrolle…"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
}

// A delivery that comes again is one post, whatever was lost in between.
func TestDeliveryIsPostedOnce(t *testing.T) {
	tests := map[string]struct {
		options standin.Options
		first   func(t *testing.T, w *world, b *bot, d report.Delivery)
	}{
		"sent before": {standin.Options{IgnoreIdempotency: true}, func(t *testing.T, w *world, b *bot, d report.Delivery) {
			must(b.Send(w.ctx, d))(t)
		}},
		"answer lost": {standin.Options{IgnoreIdempotency: true}, loseAnswer},
		"answer lost, key honoured": {standin.Options{}, func(t *testing.T, w *world, b *bot, d report.Delivery) {
			loseAnswer(t, w, b, d)
			w.clock.Move(time.Hour) // too long ago to be found by its text
		}},
		"killed before it was recorded": {standin.Options{IgnoreIdempotency: true}, func(t *testing.T, w *world, b *bot, d report.Delivery) {
			must(b.Send(w.ctx, d))(t)
			check(t, w.network.store.savePost(w.ctx, post{ID: d.ID, BotID: b.bot.ID}))
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.options)
			b := w.load(w.connect())
			d := elsewhere(b, "U1 @rider https://example.org/a/very/long/path/that/is/cut/in/the/middle & <b>")
			tt.first(t, w, b, d)
			receipt := must(w.load(b.bot).Send(w.ctx, d))(t)
			posts := w.account.Statuses()
			if len(posts) != 1 || receipt.ID != posts[0].ID || receipt.URL == "" {
				t.Errorf("%d posts, receipt %+v", len(posts), receipt)
			}
		})
	}
}

func loseAnswer(t *testing.T, w *world, b *bot, d report.Delivery) {
	t.Helper()
	w.server.SetFault(standin.Fault{Path: "/api/v1/statuses", LoseAnswer: true})
	if _, err := b.Send(w.ctx, d); err == nil {
		t.Fatal("the answer was lost, and Send knows nothing of it")
	}
	w.server.SetFault(standin.Fault{})
}

func TestTwoReportsOfTheSameTextAreTwoPosts(t *testing.T) {
	w := newWorld(t, standin.Options{IgnoreIdempotency: true})
	b := w.load(w.connect())
	first, second := elsewhere(b, "U1"), elsewhere(b, "U1")
	second.ID = report.DeliveryID("another", b.bot.ID, "")
	must(b.Send(w.ctx, first))(t)
	check(t, w.network.store.savePost(w.ctx, post{ID: second.ID, BotID: b.bot.ID})) // tried, and nothing came of it
	must(b.Send(w.ctx, second))(t)
	if n := len(w.account.Statuses()); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
}

func TestErrorsOfSendHaveTheirKind(t *testing.T) {
	type want struct {
		kind  bots.Kind
		words string
	}
	tests := map[string]struct {
		prepare func(w *world, d *report.Delivery)
		want    want
	}{
		"boost of a deleted status": {func(w *world, d *report.Delivery) {
			w.server.Delete(d.Report.NetworkID)
		}, want{bots.KindPermanent, "Record not found"}},
		"boost that is not allowed": {func(w *world, d *report.Delivery) {
			d.Report.NetworkID = w.account.Mention("rider@example.org", "U1", "direct")
		}, want{bots.KindPermanent, "This action is not allowed"}},
		"server in trouble": {func(w *world, _ *report.Delivery) {
			w.server.SetFault(standin.Fault{Status: http.StatusBadGateway})
		}, want{bots.KindTemporary, "is having trouble (502 Bad Gateway)"}},
		"server closed": {func(w *world, _ *report.Delivery) {
			w.server.Close()
		}, want{bots.KindTemporary, "cannot be reached"}},
		"text that is refused": {func(w *world, d *report.Delivery) {
			d.Report.BotID, d.Report.Text = 0, " "
			w.server.SetFault(standin.Fault{Path: "/api/v1/statuses", Status: http.StatusUnprocessableEntity})
		}, want{bots.KindPermanent, "422"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			b := w.load(w.connect())
			d := delivery(b, report.Public, "U1")
			d.Report.NetworkID = w.account.Mention("rider@example.org", "U1", "public")
			tt.prepare(w, &d)
			_, err := b.Send(w.ctx, d)
			if kind, _ := bots.KindOf(err); err == nil || kind != tt.want.kind || !strings.Contains(err.Error(), tt.want.words) {
				t.Errorf("Send = %v of kind %v, want kind %v and %q", err, kind, tt.want.kind, tt.want.words)
			}
		})
	}
}

func TestLimitIsWaitedForExactly(t *testing.T) {
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	w.server.SetRateLimit(2, 4*time.Minute)
	must(b.Send(w.ctx, elsewhere(b, "one")))(t)
	must(b.client.acceptStrangers(w.ctx))(t)
	w.clock.Move(time.Minute)
	begin := time.Now()
	_, err := b.Send(w.ctx, elsewhere(b, "two"))
	kind, after := bots.KindOf(err)
	if kind != bots.KindRetryAfter || after < 179*time.Second || after > 182*time.Second {
		t.Errorf("Send = %v, want to wait until the limit is reset in 3 minutes", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Send slept for %s", took)
	}
	w.clock.Move(after)
	must(b.Send(w.ctx, elsewhere(b, "two")))(t)
	if n := len(w.account.Statuses()); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
}

func TestWaitOf(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"until the reset":            {map[string]string{"X-RateLimit-Reset": "2026-01-02T03:02:30.5Z"}, 150*time.Second + 500*time.Millisecond},
		"by the server's clock":      {map[string]string{"X-RateLimit-Reset": "2026-01-02T13:02:30Z", "Date": "Fri, 02 Jan 2026 13:02:00 GMT"}, 30 * time.Second},
		"reset in the past":          {map[string]string{"X-RateLimit-Reset": "2026-01-02T02:00:00Z"}, time.Second},
		"reset in a year":            {map[string]string{"X-RateLimit-Reset": "2027-01-02T03:00:00Z"}, 15 * time.Minute},
		"in seconds":                 {map[string]string{"Retry-After": "42"}, 42 * time.Second},
		"nothing said":               {nil, 5 * time.Minute},
		"nothing that could be read": {map[string]string{"X-RateLimit-Reset": "soon", "Retry-After": "later"}, 5 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range tt.header {
				h.Set(k, v)
			}
			if got := waitOf(h, now); got != tt.want {
				t.Errorf("waitOf = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHangingServerIsGivenUp(t *testing.T) {
	w := newWorld(t, standin.Options{})
	b := w.load(w.connect())
	w.server.SetFault(standin.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := b.Send(ctx, elsewhere(b, "U1"))
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("Send = %v, want a temporary error in plain words", err)
	}
}

func TestOldPostsAreForgotten(t *testing.T) {
	w := newWorld(t, standin.Options{})
	s := w.network.store
	check(t, s.savePost(w.ctx, post{ID: "old", BotID: 1, StatusID: "1"}))
	w.clock.Move(8 * 24 * time.Hour)
	check(t, s.savePost(w.ctx, post{ID: "new", BotID: 1, StatusID: "2"}))
	if known := must(s.isPosted(w.ctx, 1, "1"))(t); known {
		t.Error("a post of last week is still stored")
	}
	if known := must(s.isPosted(w.ctx, 1, "2"))(t); !known {
		t.Error("the new post is not stored")
	}
}
