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
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// delivery is one through b of a report that b itself heard.
func delivery(b report.Bot, v report.Visibility, text string) report.Delivery {
	r := report.Report{ID: "r-" + text, CityID: b.CityID, BotID: b.ID, Network: name,
		Author: "hash", Text: text, Visibility: v, Time: time.Now()}
	return report.NewDelivery(r, b, 0)
}

// keep has a report be made of the status with that id, which may be boosted.
func (w *world) keep(d *report.Delivery, id string) {
	r := d.Report
	bots.KeyReport(w.host.Secrets, &r, bots.Incoming{ID: id, KeepID: true})
	d.Report.ID, d.Report.NetworkID = r.ID, r.NetworkID
}

// elsewhere is a delivery of a report that came by mail.
func elsewhere(b report.Bot, text string) report.Delivery {
	d := delivery(b, report.Public, text)
	d.Report.BotID, d.Report.Network = b.ID+100, "mail"
	return d
}

func TestPublicMentionIsBoosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	d := delivery(row, report.Public, "U1")
	mention := w.account.Mention("rider@example.org", "U1", "public")
	w.keep(&d, mention)
	var receipts []report.Receipt
	for range 2 { // a second time changes nothing
		receipts = append(receipts, must(b.Send(w.ctx, d))(t))
	}
	if diff := cmp.Diff(receipts[0], receipts[1]); diff != "" {
		t.Errorf("receipts differ:\n%s", diff)
	}
	want := []standin.Boost{{StatusID: mention, Text: "U1", Author: "rider@example.org"}}
	if diff := cmp.Diff(want, w.account.Boosts(), cmpopts.IgnoreFields(standin.Boost{}, "At"), cmpopts.IgnoreUnexported(standin.Boost{})); diff != "" {
		t.Errorf("boosts (-want +got):\n%s", diff)
	}
	if n := len(w.account.Statuses()); n != 0 {
		t.Errorf("%d statuses were posted", n)
	}
	if r := receipts[0]; r.URL != "" || r.ID == "boost:" || strings.Contains(r.ID, mention) {
		t.Errorf("receipt %+v, want nothing that leads to the rider", r)
	}

	d.Retract = &receipts[0]
	check(t, b.Retract(w.ctx, d))
	if got := w.account.Boosts(); !got[0].Undone {
		t.Error("the boost was not taken back")
	}
	w.server.Delete(mention)
	check(t, b.Retract(w.ctx, d))
}

func TestEverythingElseIsPostedWithoutAuthor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	private := delivery(row, report.Private, "U1 Plärrer, Grüße an @rider@example.org und @_x, mail an a@example.org")
	w.keep(&private, w.account.Mention("secret@example.org", "U1", "direct"))
	first := must(b.Send(w.ctx, private))(t)
	must(b.Send(w.ctx, elsewhere(row, "von der Mail")))(t)

	posts := w.account.Statuses()
	if len(posts) != 2 || len(w.account.Boosts()) != 0 {
		t.Fatalf("%d posts, %d boosts", len(posts), len(w.account.Boosts()))
	}
	for _, p := range posts {
		if p.Visibility != "public" || strings.Contains(p.Text, "secret") || len(p.Mentions) != 0 || p.InReplyTo != "" {
			t.Errorf("post %+v, want a public one that names and notifies nobody", p)
		}
	}
	if !text.Same(posts[0].Text, private.Report.Text) || posts[1].Text != "von der Mail" {
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
	t.Parallel()
	w := newWorld(t, standin.Options{MaxCharacters: 60})
	row := w.connect()
	b := w.load(row)
	must(b.Send(w.ctx, elsewhere(row, strings.Repeat("Kontrolle ", 20))))(t)
	if got, want := w.account.Statuses()[0].Text, strings.Repeat("Kontrolle ", 5)+"Kontrolle…"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
}

// Servers that count every character of a link say 422.
func TestTextThatIsTooLongElsewhereIsCutMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{MaxCharacters: 60})
	row := w.connect()
	link := "https://example.org/" + strings.Repeat("x", 60)
	w.server.Fail("/api/v1/statuses", 1, fault.Status(http.StatusUnprocessableEntity, `{"error":"Validation failed"}`))
	must(w.load(row).Send(w.ctx, elsewhere(row, "Hauptbahnhof "+link)))(t)
	posts := w.account.Statuses()
	if got := []rune(posts[0].Text); len(posts) != 1 || len(got) != 60 || !strings.HasPrefix(posts[0].Text, "Hauptbahnhof https://") {
		t.Errorf("posted %+v", posts)
	}
}

// A delivery that comes again is one post, whatever was lost in between.
func TestDeliveryIsPostedOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options standin.Options
		first   func(t *testing.T, w *world, b working, d report.Delivery)
	}{
		"sent before": {standin.Options{IgnoreIdempotency: true}, func(t *testing.T, w *world, b working, d report.Delivery) {
			must(b.Send(w.ctx, d))(t)
		}},
		"answer lost": {standin.Options{IgnoreIdempotency: true}, loseAnswer},
		"answer lost, key honoured": {standin.Options{}, func(t *testing.T, w *world, b working, d report.Delivery) {
			loseAnswer(t, w, b, d)
			w.clock.Move(time.Hour) // too long ago to be found by its text
		}},
		"killed before it was recorded": {standin.Options{IgnoreIdempotency: true}, func(t *testing.T, w *world, b working, d report.Delivery) {
			must(b.Send(w.ctx, d))(t)
			w.write("UPDATE mastodon_posts SET status_id = '', url = ''")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.options)
			row := w.connect()
			b := w.load(row)
			d := elsewhere(row, "U1 @rider https://example.org/a/very/long/path/that/is/cut/in/the/middle & <b>")
			tt.first(t, w, b, d)
			receipt := must(w.load(row).Send(w.ctx, d))(t)
			posts := w.account.Statuses()
			if len(posts) != 1 || receipt.ID != posts[0].ID || receipt.URL == "" {
				t.Errorf("%d posts, receipt %+v", len(posts), receipt)
			}
		})
	}
}

func loseAnswer(t *testing.T, w *world, b working, d report.Delivery) {
	t.Helper()
	w.server.Fail("/api/v1/statuses", 1, w.server.LoseAnswer())
	if _, err := b.Send(w.ctx, d); err == nil {
		t.Fatal("the answer was lost, and Send knows nothing of it")
	}
}

func TestTwoReportsOfTheSameTextAreTwoPosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{IgnoreIdempotency: true})
	row := w.connect()
	b := w.load(row)
	first, second := elsewhere(row, "U1"), elsewhere(row, "U1")
	second.ID = report.DeliveryID("another", row.ID, 0)
	must(b.Send(w.ctx, first))(t)
	// Tried, and nothing came of it.
	w.write("INSERT INTO mastodon_posts (id, bot_id, status_id, url, at) VALUES (?, ?, '', '', ?)", second.ID, row.ID, w.clock.Now().UnixMilli())
	must(b.Send(w.ctx, second))(t)
	if n := len(w.account.Statuses()); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
}

func TestErrorsOfSendHaveTheirKind(t *testing.T) {
	t.Parallel()
	type want struct {
		kind  bots.Kind
		words string
	}
	tests := map[string]struct {
		prepare func(w *world, d *report.Delivery)
		want    want
	}{
		"boost of a deleted status": {func(w *world, d *report.Delivery) {
			w.server.Delete(must(bots.MessageID(w.host.Secrets, d.Report))(w.t))
		}, want{bots.KindPermanent, "404 Not Found"}},
		"server in trouble": {func(w *world, _ *report.Delivery) {
			w.server.Fail("", -1, fault.HTML(http.StatusBadGateway))
		}, want{bots.KindTemporary, "is having trouble (502 Bad Gateway)"}},
		"server closed": {func(w *world, _ *report.Delivery) {
			w.server.Close()
		}, want{bots.KindTemporary, "cannot be reached"}},
		"text that is refused": {func(w *world, d *report.Delivery) {
			d.Report.BotID, d.Report.Text = 0, " "
			w.server.Fail("/api/v1/statuses", -1, fault.Status(http.StatusUnprocessableEntity, `{"error":"Validation failed"}`))
		}, want{bots.KindPermanent, "422"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			b := w.load(row)
			d := delivery(row, report.Public, "U1")
			w.keep(&d, w.account.Mention("rider@example.org", "U1", "public"))
			tt.prepare(w, &d)
			_, err := b.Send(w.ctx, d)
			if kind, _ := bots.KindOf(err); err == nil || kind != tt.want.kind || !strings.Contains(err.Error(), tt.want.words) {
				t.Errorf("Send = %v of kind %v, want kind %v and %q", err, kind, tt.want.kind, tt.want.words)
			}
		})
	}
}

func TestLimitIsWaitedForExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	w.server.SetRateLimit(2, 4*time.Minute)
	must(b.Send(w.ctx, elsewhere(row, "one")))(t)
	must(w.driver.client(w.server.URL, w.account.Token()).acceptStrangers(w.ctx))(t)
	w.clock.Move(time.Minute)
	begin := time.Now()
	_, err := b.Send(w.ctx, elsewhere(row, "two"))
	kind, after := bots.KindOf(err)
	if kind != bots.KindRetryAfter || after < 179*time.Second || after > 182*time.Second {
		t.Errorf("Send = %v, want to wait until the limit is reset in 3 minutes", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Send slept for %s", took)
	}
	w.clock.Move(after)
	must(b.Send(w.ctx, elsewhere(row, "two")))(t)
	if n := len(w.account.Statuses()); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
}

// Mastodon counts in windows of five minutes.
func TestLimitThatSaysNothingOfTimeIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	w.server.Fail("/api/v1/statuses", 1, fault.Status(http.StatusTooManyRequests, `{"error":"Too many requests"}`))
	_, err := w.load(row).Send(w.ctx, elsewhere(row, "U1"))
	if kind, after := bots.KindOf(err); kind != bots.KindRetryAfter || after != 5*time.Minute {
		t.Errorf("Send = %v, want to wait 5 minutes", err)
	}
}

func TestHangingServerIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	w.server.Fail("", -1, fault.Hang())
	ctx, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := b.Send(ctx, elsewhere(row, "U1"))
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("Send = %v, want a temporary error in plain words", err)
	}
}

func TestOldPostsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	must(b.Send(w.ctx, elsewhere(row, "old")))(t)
	w.clock.Move(8 * 24 * time.Hour)
	d := elsewhere(row, "new")
	must(b.Send(w.ctx, d))(t)
	var kept []string
	check(t, w.db.Read(w.ctx).Raw("SELECT id FROM mastodon_posts").Scan(&kept).Error)
	if diff := cmp.Diff([]string{d.ID}, kept); diff != "" {
		t.Errorf("posts that are remembered (-want +got):\n%s", diff)
	}
}
