package app

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// refused checks that neither serve nor another command opens the directory, that
// both say what to do, and that no key is made.
func refused(t *testing.T, dir string, says ...string) {
	t.Helper()
	t.Setenv("TICKETFREI_DATA", dir)
	for _, command := range [][]string{{"city", "list"}, {"serve"}} {
		var out bytes.Buffer
		code := runCommand(t.Context(), t, &out, &out, command...)
		for _, want := range append(says, "restore", "serve --new-key", "docs/OPERATING.md") {
			if code != exitError || !strings.Contains(out.String(), want) {
				t.Errorf("%s: exit code %d, says nothing of %q:\n%s", command, code, want, out.String())
			}
		}
	}
}

// TestADatabaseKnowsItsKey starts with another key than the database was written
// with, though nothing that is sealed is in it.
func TestADatabaseKnowsItsKey(t *testing.T) {
	dbtest.OnlyFile(t, "the key in a file beside it")
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	mustBegin(t, dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "fuerth", "--email", "m@fuerth.example"); code != exitOK {
		t.Fatal(out.String())
	}
	key := filepath.Join(dir, secret.FileName)
	own, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "is missing")
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was made")
	}
	if err := os.WriteFile(key, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "another secret key", key)
	t.Setenv("TICKETFREI_SECRET", strings.Repeat("cd", 32))
	refused(t, dir, "another secret key", "setting secret")
	t.Setenv("TICKETFREI_SECRET", strings.TrimSpace(string(own)))
	if code := runCommand(t.Context(), t, &out, &out, "city", "list"); code != exitOK {
		t.Errorf("with its own key as a setting: %s", out.String())
	}
}

// TestGoingOnWithANewKey loses the key of a city with subscribers and an account.
func TestGoingOnWithANewKey(t *testing.T) {
	dbtest.OnlyFile(t, "the key in a file beside it")
	box, remote, dir := startMailbox(t), startMastodon(t), t.TempDir()
	definitions := all.Networks()
	cfg := appConfig(t, dir, box, definitions)
	a := runApp(t, cfg, definitions)
	a.addCity("nuernberg", "*", "")
	account := remote.AddAccount("kontis_nbg")
	bot := a.connect("nuernberg", account, remote.URL)
	a.subscribe(box, "nuernberg", "one@riders.example", "two@riders.example")
	a.settled()
	a.stop()
	if err := os.Remove(filepath.Join(dir, secret.FileName)); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "is missing")

	a = runAppIn(t, cfg, definitions, mode{newKey: true, refusals: sureSoon})
	for _, want := range []string{"another secret key", "removed_subscribers=2"} {
		if !strings.Contains(a.log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	waitUntil(t, "the account to need its moderator", func() bool {
		b, err := a.server.db.FindBot(t.Context(), bot.CityID, "mastodon")
		return err == nil && b.State == report.BotAttention
	})
	box.waitFor(t, "moderator@nuernberg.example", "Mastodon bot of Nuernberg does not work, and only you can mend that")
	w := a.login("moderator@nuernberg.example")
	w.waitReads("network-mail", "0 subscribers")
	w.waitReads("network-mastodon", "Needs your attention", account.Handle(), "another secret key")

	a.subscribe(box, "nuernberg", "three@riders.example")
	if again := a.connect("nuernberg", account, remote.URL); again.ID != bot.ID {
		t.Error("the account was connected as another bot")
	}
	a.mustSend("x@x.example", "nuernberg@tickets.example", "m1@x", "", "Kontis am Plärrer")
	box.waitFor(t, "three@riders.example", "Kontis am Plärrer")
	waitUntil(t, "the post", func() bool { return texts(account.Statuses())["Kontis am Plärrer"] == 1 })
	if len(box.to(t, "one@riders.example", "Plärrer")) > 0 {
		t.Error("somebody was mailed whose address cannot be known any more")
	}
	a.stop()

	again := runAppIn(t, cfg, definitions, mode{newKey: true})
	if !strings.Contains(again.log.String(), "--new-key does nothing") {
		t.Error("asking for a new key twice is not said to do nothing")
	}
	again.login("moderator@nuernberg.example").waitReads("network-mail", "1 subscriber")
}

// TestOldDirectoryWithANewKey does the same with a directory of an earlier version.
func TestOldDirectoryWithANewKey(t *testing.T) {
	box := startMailbox(t)
	dir, _ := unpackOld(t)
	if err := os.Remove(filepath.Join(dir, secret.FileName)); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "is missing")
	definitions := all.Networks()
	a := runAppIn(t, appConfig(t, dir, box, definitions), definitions, mode{newKey: true})
	a.browser().get("/city/nuernberg", http.StatusOK)
	b := a.browser()
	page := b.post("/login", url.Values{"email": {ofLeeds}, "password": {password}}, http.StatusOK)
	if !strings.Contains(page, "Leeds") {
		t.Error("the moderator cannot log in")
	}
	// Their addresses had not been sealed yet.
	b.waitReads("network-mail", "2 subscribers")
}
