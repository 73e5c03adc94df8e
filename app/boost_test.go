package app

import (
	"testing"
	"time"

	"ticketfrei/bots/mastodon/standin"
)

// TestBoostsShowNothingThatIsTakenOut has people mention a bot in public with what is
// taken out of reports: their posts are not boosted, for whoever reads a boost reads
// all of it. The rest of the report is posted.
func TestBoostsShowNothingThatIsTakenOut(t *testing.T) {
	const author = "rider@elsewhere.example"
	box, remote := startMailbox(t), startMastodon(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	link := a.url + "/city/nuernberg/mail/unsubscribe/" + a.server.secrets.Sign("mail.unsubscribe", "1 victim@riders.example", time.Time{})

	account.Mention(author, "Kontis in der U1 "+link, "public")
	account.Mention(author, "Kontis in der U2, fragt anna@riders.example", "public")
	account.MentionWith(standin.Mention{Author: author, Visibility: "public", HTML: `<p>Kontis in der U3 <a href="` + link + `">Abmelden</a></p>`})
	account.Mention(author, "Kontis in der U4", "public")
	for _, text := range []string{"Kontis in der U1", "Kontis in der U2, fragt", "Kontis in der U3 Abmelden"} {
		waitUntil(t, "the post "+text, func() bool { return texts(account.Statuses())[text] == 1 })
	}
	waitUntil(t, "the boost of what nothing was taken out of", func() bool { return boostedText(account, "Kontis in der U4") })
	if n := len(account.Boosts()); n != 1 {
		t.Errorf("%d mentions were boosted, want one", n)
	}
}
