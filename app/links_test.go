package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
)

// TestPastedLinksAreNotRelayed has riders paste every kind of link of ours that holds a
// token into reports, as links get into texts. The reports come without them: on the
// pages, in the feed and in mails, where anybody could have used them.
func TestPastedLinksAreNotRelayed(t *testing.T) {
	const reader = "two@riders.example"
	box := startMailbox(t)
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, unbraked...), definitions)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", reader, "victim@riders.example")
	a.mustSend("one@riders.example", here, "m@riders.example", "", "U1 Plärrer")
	until := time.Now().Add(time.Hour)
	links := []string{box.waitFor(t, "victim@riders.example", "U1 Plärrer").link(t, "/mail/unsubscribe/")}
	for path, purpose := range map[string]string{"/city/nuernberg/mail/confirm/": "mail.confirm", "/city/nuernberg/mail/often/": "mail.often", "/confirm/": "register", "/invitation/": "invite", "/password/": "password"} {
		links = append(links, a.url+path+a.server.secrets.Sign(purpose, "1 victim@riders.example", until))
	}
	var texts, tokens []string
	for _, link := range links {
		token := link[strings.LastIndexByte(link, '/')+1:]
		tokens = append(tokens, token)
		texts = append(texts, link, "<"+link+">", "[Abmelden]("+link+")", strings.TrimPrefix(link, "http://"), "> "+link[:70]+"\n> "+link[70:],
			"https://l.example/?u="+url.QueryEscape(link)+"&h=1", token)
	}
	for i, pasted := range texts {
		a.mustSend(fmt.Sprintf("rider%d@riders.example", i), here, fmt.Sprintf("m%d@riders.example", i), "", fmt.Sprintf("Kontis Wagen%d.\n%s\nRichtung Fürth", i, pasted))
	}
	seen := a.browser().get("/city/nuernberg", http.StatusOK) + a.browser().get("/city/nuernberg/feed.atom", http.StatusOK)
	for i := range texts {
		got := box.waitFor(t, reader, fmt.Sprintf("Kontis Wagen%d.", i)).Body
		seen += got
		if !strings.Contains(got, "Richtung Fürth") {
			t.Errorf("%q: the rest of the report is gone:\n%s", texts[i], got)
		}
	}
	for i, token := range tokens {
		if strings.Contains(seen, token[:40]) || strings.Contains(seen, token[len(token)-40:]) {
			at := max(strings.Index(seen, token[:40]), strings.Index(seen, token[len(token)-40:]))
			t.Errorf("%s was relayed: %q", links[i], seen[max(0, at-300):at+60])
		}
	}
	t.Run("nothing but a link", func(t *testing.T) {
		// A token that looks like a piece of a file is taken out when the mail is read.
		if err := a.send("last@riders.example", here, "last@riders.example", "", links[0]); err != nil && !strings.Contains(err.Error(), "nothing new") {
			t.Error(err)
		}
		a.settled()
		if n := len(box.to(t, reader, "\n\n-- ")); n > len(texts)+1 {
			t.Errorf("%d reports", n)
		}
	})
}
