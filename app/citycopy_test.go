package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"

	"ticketfrei/bots/all"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

var mailedTo = regexp.MustCompile(`<mailto:([^>?]+)`)

// TestCityMoves takes a city from one server to another, with another key: everybody gets its
// reports there, nobody gets one twice, and old mails work.
func TestCityMoves(t *testing.T) {
	slow.Test(t, "runs two servers")
	box, api, instance := startMailbox(t), startTelegram(t, telegram.Options{}), startMastodon(t)
	definitions := all.Networks()
	open := func() *app {
		return runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	}
	from, to := open(), open()
	from.addCity("gotham", "*", "blocked")
	from.subscribe(box, "gotham", "link@x.example", "mail@x.example", "stays@x.example", "hourly@x.example")
	account := instance.AddAccount("kontis")
	from.connect("gotham", account, instance.URL)
	bot, rider := api.AddBot("kontis_bot", "Kontis"), api.AddUser("rider", "en")
	from.login("moderator@gotham.example").confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	rider.Write(bot, "/start")
	waitUntil(t, "the rider to be welcomed", func() bool { return stands(bot.Chat(rider), "/stop") })
	from.mustSend("one@x.example", "gotham@tickets.example", "first@x.example", "", "Kontis am Plärrer")
	link := strings.TrimPrefix(box.waitFor(t, "link@x.example", "Plärrer").link(t, "/mail/unsubscribe/"), from.url)
	often := strings.TrimPrefix(box.waitFor(t, "hourly@x.example", "Plärrer").link(t, "/mail/often/"), from.url)
	from.browser().post(often, url.Values{"often": {"hourly"}}, http.StatusOK)
	leave := mailedTo.FindStringSubmatch(box.waitFor(t, "mail@x.example", "Plärrer").Header.Get("List-Unsubscribe"))
	waitUntil(t, "the report everywhere", func() bool {
		return stands(bot.Chat(rider), "Plärrer") && texts(account.Statuses())["Kontis am Plärrer"] == 1
	})
	from.settled()

	home := t.TempDir()
	file, phrase, other := filepath.Join(home, "gotham"), filepath.Join(home, "phrase"), filepath.Join(home, "other")
	for name, text := range map[string]string{phrase: "open sesame\n", other: "close sesame\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said := from.cityCommand(0, "export", "gotham", filepath.Join(home, "plain")); !strings.Contains(said, "can read the addresses") || !strings.Contains(said, "still on here") {
		t.Errorf("export says %s", said)
	}
	from.cityCommand(0, "suspend", "gotham", "--reason", "It moves.")
	from.becomes("/city/gotham", http.StatusGone)
	from.cityCommand(0, "export", "gotham", file, "--passphrase-file", phrase)
	from.cityCommand(1, "export", "gotham", file, "--passphrase-file", phrase) // is there
	if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte("x.example")) {
		t.Errorf("the file is readable (%v)", err)
	}

	for name, wrong := range map[string]struct {
		args []string
		says string
	}{
		"no passphrase":      {nil, "needs the passphrase"},
		"another passphrase": {[]string{"--passphrase-file", other}, "the passphrase is another one"},
	} {
		if said := to.cityCommand(1, append([]string{"import", file}, wrong.args...)...); !strings.Contains(said, wrong.says) {
			t.Errorf("%s: %s", name, said)
		}
	}
	to.cityCommand(0, "import", file, "--passphrase-file", phrase)
	to.becomes("/city/gotham", http.StatusOK)
	waitUntil(t, "the bots to run", func() bool {
		list, err := to.server.db.EnabledBots(t.Context())
		for _, b := range list {
			if b.State != "running" {
				return false
			}
		}
		return err == nil && len(list) >= 4
	})
	to.mustSend("two@x.example", "gotham@tickets.example", "second@x.example", "", "Kontis am Hauptbahnhof")
	for _, rider := range []string{"link@x.example", "mail@x.example", "stays@x.example"} {
		if mail := box.waitFor(t, rider, "Hauptbahnhof"); len(box.to(t, rider, "Plärrer")) != 1 || !strings.Contains(mail.Body, to.url) {
			t.Errorf("%s got %d mails of before, and\n%s", rider, len(box.to(t, rider, "Plärrer")), mail.Body)
		}
	}
	waitUntil(t, "the report everywhere", func() bool {
		return stands(bot.Chat(rider), "Hauptbahnhof") && texts(account.Statuses())["Kontis am Hauptbahnhof"] == 1
	})
	if n := texts(account.Statuses())["Kontis am Plärrer"]; n != 1 {
		t.Errorf("the report of before was posted %d times", n)
	}
	if page := to.login("moderator@gotham.example").get("/settings/rules", http.StatusOK); !strings.Contains(page, "blocked") {
		t.Error("its rules stayed behind")
	}

	subscribers := func() int {
		var list []listedCity
		if err := json.Unmarshal([]byte(to.cityCommand(0, "list", "--json")), &list); err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0].Subscribers
	}
	if n := subscribers(); n != 5 {
		t.Errorf("%d subscribers", n)
	}
	if page := to.browser().get(often, http.StatusOK); !strings.Contains(page, `name="often" value="each"`) {
		t.Error("who gets one mail an hour does no more")
	}
	to.browser().post(link, nil, http.StatusOK)
	if n := subscribers(); n != 4 {
		t.Errorf("%d subscribers after the link of an old mail", n)
	}
	to.mustSend("mail@x.example", leave[1], "leave@x.example", "", "x")
	if n := subscribers(); n != 3 {
		t.Errorf("%d subscribers after a mail to the address of an old mail", n)
	}

	if said := to.cityCommand(1, "import", file, "--passphrase-file", phrase, "--as", "Gotham City"); !strings.Contains(said, "such as gotham-city") {
		t.Errorf("under a name that no city can have: %s", said)
	}
	if said := to.cityCommand(1, "import", file, "--passphrase-file", phrase); !strings.Contains(said, "--as") {
		t.Errorf("a second time: %s", said)
	}
	if said := to.cityCommand(1, "import", file, "--passphrase-file", phrase, "--as", "second"); !strings.Contains(said, "the account is the bot of another city") {
		t.Errorf("a second time under another name: %s", said)
	}
	subscribers() // of one city
	from.cityCommand(0, "delete", "gotham", "--now", "--moved", "--yes")
	from.becomes("/city/gotham", http.StatusNotFound)
	to.mustSend("three@x.example", "gotham@tickets.example", "third@x.example", "", "Kontis am Opernhaus")
	waitUntil(t, "a report after that", func() bool {
		return stands(bot.Chat(rider), "Opernhaus") && texts(account.Statuses())["Kontis am Opernhaus"] == 1
	})
}

// TestFilesThatAreNoCity has files that cannot be imported: a sentence says why, and nothing is
// stored.
func TestFilesThatAreNoCity(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	home := t.TempDir()
	whole := filepath.Join(home, "whole")
	a.cityCommand(0, "export", "gotham", whole)
	a.cityCommand(0, "delete", "gotham", "--now", "--yes")
	raw, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	for name, wrong := range map[string]struct {
		content []byte
		says    string
	}{
		"empty":   {nil, "no file of ticketfrei city export"},
		"foreign": {[]byte("SQLite format 3\x00"), "no file of ticketfrei city export"},
		"newer":   {[]byte("ticketfrei-city 2 plain\nx"), "newer version"},
		"cut":     {raw[:len(raw)-10], "damaged"},
		"changed": {append(append([]byte{}, head...), "\n{}"...), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(home, name)
			if err := os.WriteFile(file, wrong.content, 0o600); err != nil {
				t.Fatal(err)
			}
			if said := a.cityCommand(1, "import", file); !strings.Contains(said, wrong.says) {
				t.Errorf("it says %s", said)
			}
		})
	}
	if said := a.cityCommand(0, "list"); !strings.Contains(said, "no cities yet") {
		t.Errorf("there is %s", said)
	}
	if said := a.cityCommand(0, "import", whole, "--as", "metropolis"); !strings.Contains(said, "city delete gotham --now --moved") {
		t.Errorf("under another name: %s", said)
	}
	a.becomes("/city/metropolis", http.StatusOK)
	if status, location := a.status("/city/gotham"); status != http.StatusPermanentRedirect || location != "/city/metropolis" {
		t.Errorf("the name of before: %d to %s", status, location)
	}

	// A server that has never run.
	none := filepath.Join(home, "none")
	t.Setenv("TICKETFREI_DATA", none)
	for _, args := range [][]string{{filepath.Join(home, "cut")}, {whole, "--as", "Odd name"}} {
		var out bytes.Buffer
		if code := runCommand(t.Context(), t, &out, &out, append([]string{"city", "import"}, args...)...); code != exitError {
			t.Errorf("import %v: exit code %d\n%s", args, code, &out)
		}
		if _, err := os.Stat(none); err == nil {
			t.Errorf("import %v has made a data directory", args)
		}
	}
}

// TestForeignNames imports a file whose aliases are somebody else's, the operator's, or nothing that
// stands in an address, and whose name would change the colours of a terminal.
func TestForeignNames(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("gotham", "*", "")
	file := filepath.Join(t.TempDir(), "gotham")
	a.cityCommand(0, "alias", "gotham", "g0")
	for _, alias := range []string{"postmaster", "../x"} {
		err := a.server.db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO city_aliases (slug, city_id, created) SELECT ?, id, 1 FROM cities", alias).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := a.server.db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE cities SET name = ?, zone = 'Mars/Base'", "Gotham\x1b[31m\nCity").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	a.cityCommand(0, "export", "gotham", file)
	a.cityCommand(0, "delete", "gotham", "--now", "--yes")
	said := a.cityCommand(0, "import", file)
	for _, alias := range []string{"postmaster", "../x"} {
		if !strings.Contains(said, "the alias "+alias+", which no city can have") {
			t.Errorf("it says %s", said)
		}
	}
	if list := a.cityCommand(0, "alias", "gotham"); list != "g0\n" {
		t.Errorf("its aliases are %s", list)
	}
	if c := printedCity(a, "gotham"); c.Name != "Gotham[31m City" || c.Zone != "" {
		t.Errorf("it is called %q in the zone %q", c.Name, c.Zone)
	}
}
