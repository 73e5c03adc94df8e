package mastodon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/mastodon/standin"
)

// TestAnswers has people write in each way to an account whose moderators have chosen
// nothing: only what was not for everybody is answered, in private and to its author.
func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	b := w.load(row)
	check(t, b.Check(w.ctx))
	in := kittest.NewInbox()
	kittest.Receive(t, b, in)
	w.streaming()
	const rider = "rider@example.org"
	ids := map[string]string{}
	for i, m := range []standin.Mention{
		{Text: "for all", Visibility: "public"}, {Text: "quiet", Visibility: "unlisted"},
		{Text: "for followers", Visibility: "private"}, {Text: "for the bot", Visibility: "direct"},
		{Text: "of a program", Visibility: "direct", Bot: true},
	} {
		m.Author = rider
		ids[w.account.MentionWith(m)] = m.Text
		heard := in.Wait(t, i+1)[i]
		if m.Bot != (heard.Answer == nil) {
			t.Errorf("%s: can be answered: %v", m.Text, heard.Answer != nil)
		}
		if heard.Answer != nil {
			check(t, heard.Answer(w.ctx, bots.Answer{Outcome: bots.OutcomePassed, Text: "Passed on, 34 people. @anna said"}))
		}
	}
	var answered []string
	for _, p := range w.account.Statuses() {
		answered = append(answered, ids[p.InReplyTo])
		if p.Visibility != "direct" || !cmp.Equal(p.Mentions, []string{rider}) {
			t.Errorf("answered %+v", p)
		}
	}
	if diff := cmp.Diff([]string{"for followers", "for the bot"}, answered); diff != "" {
		t.Errorf("answered (-want +got):\n%s", diff)
	}
	var stored []string
	check(t, w.db.Read(w.ctx).Raw("SELECT id FROM mastodon_posts").Scan(&stored).Error)
	if len(stored) != 0 {
		t.Errorf("%d answers are stored", len(stored))
	}
}
