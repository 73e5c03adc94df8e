package app

import (
	"fmt"
	"strings"
	"testing"

	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// giants writes mentions to an account that no report has room for: of text, and of id.
func giants(account *standin.Account, n int) {
	for i := range n {
		account.MentionWith(standin.Mention{Author: "rider@elsewhere.example", Text: strings.Repeat("&", 180_000), Visibility: "public"})
		account.MentionWith(standin.Mention{Author: "rider@elsewhere.example", Text: "Kontis", Visibility: "public", ID: strings.Repeat("9", 200_000) + fmt.Sprint(i)})
	}
}

// TestGiantPostIsNoOtherCitysTrouble sends mails to one city while giants are written
// to the account of another: each arrives, nothing is started again, and the next
// mention is heard, also where the giants came while the program was down.
func TestGiantPostIsNoOtherCitysTrouble(t *testing.T) {
	slow.Test(t, "reads giants")
	box, remote := startMailbox(t), startMastodon(t)
	dir := t.TempDir()
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "kontis?", "")
	a.addCity("fuerth", "kontis?", "")
	account := remote.AddAccount("kontis_fuerth")
	bot := a.connect("fuerth", account, remote.URL)
	a.subscribe(box, "nuernberg", "one@riders.example")
	waitUntil(t, "the stream", func() bool { return account.Streams() == 1 })

	for i := range 11 {
		giants(account, 1)
		a.mustSend(fmt.Sprintf("r%d@riders.example", i), here, fmt.Sprintf("m%d@x", i), "", fmt.Sprintf("Kontis in Bahn %d.", i))
		giants(account, 1)
	}
	account.Mention("rider@elsewhere.example", "Kontis in der U1", "public")
	waitUntil(t, "the next mention", func() bool { return boostedText(account, "Kontis in der U1") })
	for i := range 11 {
		box.waitFor(t, "one@riders.example", fmt.Sprintf("Kontis in Bahn %d.", i))
	}
	a.notRestarted(bot)
	if n := account.Streams(); n != 1 {
		t.Errorf("%d streams are open", n)
	}
	a.stop()

	giants(account, 3)
	account.Mention("rider@elsewhere.example", "Kontis in der U2", "public")
	a = startApp(t, dir, box)
	waitUntil(t, "the mention after giants of the time between", func() bool { return boostedText(account, "Kontis in der U2") })
	a.notRestarted(bot)
}

func boostedText(account *standin.Account, text string) bool {
	for _, b := range account.Boosts() {
		if b.Text == text {
			return true
		}
	}
	return false
}

// notRestarted checks that a bot works as if nothing had happened.
func (a *app) notRestarted(b report.Bot) {
	a.Helper()
	a.settled()
	got, err := a.server.db.Bot(a.Context(), b.ID)
	if err != nil || got.Restarts != b.Restarts || got.State != report.BotRunning {
		a.Errorf("the bot is %+v, %v", got, err)
	}
}
