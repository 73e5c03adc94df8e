package app

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold"
	"ticketfrei/tools/newnetwork/scaffold/scaffoldtest"
)

// TestScaffoldRelays runs the whole program with the scaffold as one of its
// networks, connected on the settings page.
func TestScaffoldRelays(t *testing.T) {
	remote, err := scaffoldtest.Start(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remote.Close() })
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box, scaffold.Definition())
	a.addCity("nuernberg", "kontis?", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	form := url.Values{"address": {remote.URL}, "token": {remote.Token()}}
	page := a.login("moderator@nuernberg.example").post("/settings/scaffold/connect", form, http.StatusOK)
	if !strings.Contains(page, "@"+scaffoldtest.Handle) {
		t.Error("the page does not show the account")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	posted := func(text string) {
		t.Helper()
		err := remote.Wait(ctx, func() bool {
			for _, p := range remote.Posts() {
				if p.Text == text {
					return true
				}
			}
			return false
		})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}

	a.mustSend("two@riders.example", here, "m1@x", "", "Kontis am Plärrer")
	posted("Kontis am Plärrer")
	box.waitFor(t, "one@riders.example", "Kontis am Plärrer")

	remote.Write(scaffoldtest.Message{Author: "shyrider", Text: "Kontis in der U3", Private: true})
	l := box.waitFor(t, "one@riders.example", "Kontis in der U3")
	posted("Kontis in der U3")
	if strings.Contains(l.Body, "shyrider") {
		t.Error("the mail names the author")
	}

	c, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil {
		t.Fatal(err)
	}
	remote.Write(scaffoldtest.Message{Author: "rider", Text: "nothing to see here"})
	waitUntil(t, "the report without a trigger to be held", func() bool {
		held, err := a.server.db.Reports(t.Context(), c.ID, false, time.Hour, 10)
		return err == nil && len(held) == 1
	})
	a.settled()
	if n := len(remote.Posts()); n != 2 {
		t.Errorf("%d posts, want 2: what has no trigger is not relayed", n)
	}

	remote.RevokeToken()
	a.mustSend("two@riders.example", here, "m2@x", "", "Kontis überall")
	box.waitFor(t, "moderator@nuernberg.example", "this token is not valid")
	waitUntil(t, "the bot to need attention", func() bool {
		b, err := a.server.db.FindBot(t.Context(), c.ID, "scaffold")
		return err == nil && b.State == report.BotAttention
	})
	a.login("moderator@nuernberg.example").post("/settings/scaffold/connect",
		url.Values{"address": {remote.URL}, "token": {remote.Token()}}, http.StatusOK)
	waitUntil(t, "the bot to run again", func() bool {
		b, err := a.server.db.FindBot(t.Context(), c.ID, "scaffold")
		return err == nil && b.State == report.BotRunning
	})
	remote.Write(scaffoldtest.Message{Author: "rider", Text: "Kontis am Ende"})
	posted("Kontis am Ende")
}
