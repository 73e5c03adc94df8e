package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestAccountsOfOneNetworkAreToldApart has a city with two accounts on Mastodon: both are named
// to riders, where one is alone its network is.
func TestAccountsOfOneNetworkAreToldApart(t *testing.T) {
	box, instance := startMailbox(t), startMastodon(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	first, second := instance.AddAccount("kontis"), instance.AddAccount("kontrollen")
	a.connect("gotham", first, instance.URL)
	follow := func() string { return a.browser().reads(a.browser().get("/city/gotham", http.StatusOK), "follow") }
	if said := follow(); strings.Contains(said, first.Handle()) || !strings.Contains(said, "Mastodon") {
		t.Errorf("the only account is followed by %q", said)
	}
	a.login("moderator@gotham.example").confirm("/settings/mastodon", url.Values{"instance": {instance.URL}, "token": {second.Token()}}, hiddenAccount, "account")
	waitUntil(t, "both accounts on the page", func() bool {
		said := follow()
		return strings.Contains(said, "Mastodon @"+first.Handle()) && strings.Contains(said, "Mastodon @"+second.Handle())
	})
	for _, path := range []string{"/city/gotham", "/city/gotham/poster.svg"} {
		page := a.browser().get(path, http.StatusOK)
		for _, account := range []string{first.Handle(), second.Handle()} {
			if !strings.Contains(page, account) {
				t.Errorf("%s does not name %s", path, account)
			}
		}
	}
	a.mustSend("one@x.example", "gotham@tickets.example", "one@x.example", "", "Kontis am Plärrer")
	waitUntil(t, "the report at both", func() bool {
		return texts(first.Statuses())["Kontis am Plärrer"] == 1 && texts(second.Statuses())["Kontis am Plärrer"] == 1
	})
}
