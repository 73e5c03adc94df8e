package mastodon

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// heard has a bot hear a mention, and returns the delivery that comes of it.
func (w *world) heard(row report.Bot, m standin.Mention) (d report.Delivery, id string) {
	w.t.Helper()
	in := kittest.NewInbox()
	run := kittest.Receive(w.t, w.load(row), in)
	w.streaming()
	m.Author = "rider@example.org"
	id = w.account.MentionWith(m)
	in.WaitFor(w.t, strings.TrimSpace(m.Warning+"\n"+m.Text))
	_ = run.Stop()
	all := in.All() // what was heard before may come again
	got := all[slices.IndexFunc(all, func(in bots.Incoming) bool { return in.ID == id })]
	r := report.Report{CityID: row.CityID, BotID: row.ID, Network: name, Text: got.Text, Visibility: got.Visibility, Time: got.Time}
	bots.KeyReport(w.host.Secrets, &r, got)
	return report.NewDelivery(r, row, 0), id
}

// TestOnlyWhatIsPublicAndTextAloneIsBoosted: everything else is a post, which names
// nobody.
func TestOnlyWhatIsPublicAndTextAloneIsBoosted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mention standin.Mention
		boosted bool
	}{
		"public":                {standin.Mention{Visibility: "public"}, true},
		"with a warning":        {standin.Mention{Visibility: "public", Warning: "Kontrolle"}, true},
		"unlisted":              {standin.Mention{Visibility: "unlisted"}, false},
		"for followers":         {standin.Mention{Visibility: "private"}, false},
		"private":               {standin.Mention{Visibility: "direct"}, false},
		"of an unknown kind":    {standin.Mention{Visibility: "local"}, false},
		"with a picture":        {standin.Mention{Visibility: "public", Picture: true}, false},
		"with a poll":           {standin.Mention{Visibility: "public", Poll: true}, false},
		"with a quotation":      {standin.Mention{Visibility: "public", Quotes: "1"}, false},
		"that names others too": {standin.Mention{Visibility: "public", Names: []string{"anna@example.org"}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{Old: true}) // which holds no private mention back
			row := w.connect()
			tt.mention.Text = "U1 Plärrer"
			d, _ := w.heard(row, tt.mention)
			receipt := must(w.load(row).Send(w.ctx, d))(t)
			boosts, posts := len(w.account.Boosts()), w.account.Statuses()
			if boosted := boosts == 1 && len(posts) == 0; boosted != tt.boosted || boosts+len(posts) != 1 {
				t.Fatalf("%d boosts, posts %+v", boosts, posts)
			}
			for _, p := range posts {
				if strings.Contains(p.Text, "rider") || strings.Contains(p.Text, "anna") || !strings.Contains(p.Text, "U1 Plärrer") || p.Visibility != "public" {
					t.Errorf("post %+v", p)
				}
			}
			d.Retract = &receipt
			check(t, w.load(row).Retract(w.ctx, d))
			if lines := w.account.Lines(); len(lines) != 0 {
				t.Errorf("it still stands there: %+v", lines)
			}
		})
	}
}

// Who does not want it, or whose server does not let it be, is not boosted.
func TestWhatMayNotBeBoostedIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	d, _ := w.heard(row, standin.Mention{Text: "U1", Visibility: "public", NoBoosts: true})
	receipt := must(b.Send(w.ctx, d))(t)
	if lines := w.account.Lines(); len(lines) != 1 || lines[0].How == fault.Boosted || lines[0].Text != "U1" {
		t.Fatalf("what stands there: %+v", lines)
	}
	d.Retract = &receipt
	check(t, b.Retract(w.ctx, d))

	// Some servers say that it is not there, and show it.
	d, hidden := w.heard(row, standin.Mention{Text: "U6", Visibility: "public"})
	w.server.Fail("/api/v1/statuses/"+hidden+"/reblog", 1, fault.Status(http.StatusNotFound, `{"error":"Record not found"}`))
	receipt = must(b.Send(w.ctx, d))(t)
	if lines := w.account.Lines(); len(lines) != 1 || lines[0].How == fault.Boosted || lines[0].Text != "U6" {
		t.Errorf("what stands there: %+v", lines)
	}
	d.Retract = &receipt
	check(t, b.Retract(w.ctx, d))

	// That it was boosted already is said in different ways.
	d, id := w.heard(row, standin.Mention{Text: "U2", Visibility: "public"})
	receipt = must(b.Send(w.ctx, d))(t)
	w.server.Fail("/api/v1/statuses/"+id+"/reblog", 1, fault.Status(http.StatusUnprocessableEntity, `{"error":"Already reblogged"}`))
	if again := must(b.Send(w.ctx, d))(t); again.ID == "" || strings.Contains(again.ID, id) {
		t.Errorf("receipt %+v", again)
	}
	if lines := w.account.Lines(); len(lines) != 1 || lines[0].How != fault.Boosted {
		t.Errorf("what stands there: %+v", lines)
	}
	d.Retract = &receipt

	// What is no answer of the API says nothing.
	for text, page := range map[string]fault.Fault{"U3": fault.HTML(http.StatusOK), "U4": fault.HTML(http.StatusForbidden), "U5": fault.HTML(http.StatusNotFound)} {
		d, id = w.heard(row, standin.Mention{Text: text, Visibility: "public"})
		w.server.Fail("/api/v1/statuses/"+id+"/reblog", 1, page)
		_, err := b.Send(w.ctx, d)
		if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary {
			t.Errorf("Send = %v", err)
		}
		receipt := must(b.Send(w.ctx, d))(t)
		d.Retract = &receipt
		w.server.Fail("/api/v1/statuses/"+id+"/unreblog", 1, page)
		if err := b.Retract(w.ctx, d); err == nil {
			t.Error("taken back by a page")
		}
		check(t, b.Retract(w.ctx, d))
	}
}

// A post is deleted by the API, not by a page.
func TestPagesDeleteNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	d := elsewhere(row, "U1")
	receipt := must(b.Send(w.ctx, d))(t)
	d.Retract = &receipt
	w.server.Fail("/api/v1/statuses/"+receipt.ID, 1, fault.HTML(http.StatusOK))
	if err := b.Retract(w.ctx, d); err == nil {
		t.Error("deleted by a page")
	}
	check(t, b.Retract(w.ctx, d))
	if lines := w.account.Lines(); len(lines) != 0 {
		t.Errorf("it still stands there: %+v", lines)
	}
}

func TestWhatIsChangedBeforeItsBoostIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{IgnoreIdempotency: true})
	row := w.connect()
	b := w.load(row)
	d, id := w.heard(row, standin.Mention{Text: "U1", Visibility: "public"})
	w.clock.Move(time.Minute)
	w.server.Edit(id, "look at them", true)
	var receipt report.Receipt
	for range 2 { // once, also where it is sent again
		receipt = must(b.Send(w.ctx, d))(t)
	}
	lines := w.account.Lines()
	if len(lines) != 1 || lines[0].How == fault.Boosted || lines[0].Text != "U1" {
		t.Fatalf("what stands there: %+v", lines)
	}
	d.Retract = &receipt
	check(t, b.Retract(w.ctx, d))
	if lines := w.account.Lines(); len(lines) != 0 {
		t.Errorf("it still stands there: %+v", lines)
	}
}
