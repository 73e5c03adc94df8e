package frontend

import (
	"net/http"
	"testing"

	"golang.org/x/net/html"
)

// TestWherePasskeysWork looks at addresses: browsers have passkeys only for some.
func TestWherePasskeysWork(t *testing.T) {
	for site, want := range map[string]bool{
		"https://tickets.example": true, "https://tickets.example:8443": true, "http://localhost:8080": true,
		"http://tickets.example": false, "https://192.0.2.1": false, "https://[2001:db8::1]": false, "http://127.0.0.1:8080": false,
	} {
		w, err := newPasskeys(site)
		if err != nil || (w != nil) != want {
			t.Errorf("%s: %v, %v", site, w != nil, err)
		}
	}
}

// TestNoPasskeysHere has a site whose address is a number: its pages say so, and nothing else
// is different.
func TestNoPasskeysHere(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	stranger := b.browser()
	if found := stranger.get("/login").find(func(n *html.Node) bool { return attr(n, "id") == "login-passkey" }); found != nil {
		t.Error("the page to log in offers passkeys")
	}
	stranger.post("/login/passkey/begin").want(http.StatusNotFound, "")
	stranger.post("/login/passkey", "credential", "{}").want(http.StatusNotFound, "")
	w := b.login("one@example.org")
	w.get("/settings/account").says("account", "Passkeys need an address with https and a name.")
	w.post("/settings/account/passkeys/begin", "password", boardPassword).want(http.StatusNotFound, "")
	w.post("/settings/account/passkeys", "credential", "{}").want(http.StatusNotFound, "")
}
