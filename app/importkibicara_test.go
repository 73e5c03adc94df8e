package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"ticketfrei/bots/all"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
	"ticketfrei/moving/movingtest"
)

// TestKibicaraMovesIn takes a Kibicara over beside a running server: everybody gets the next
// report at the bot where they were, by each of the city's addresses, and nothing of before. A
// second import adds what is new, and brings nobody back.
func TestKibicaraMovesIn(t *testing.T) {
	slow.Test(t, "imports beside a server, twice")
	box, api := startMailbox(t), startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, append(unbraked, "TICKETFREI_TELEGRAM_API="+api.URL)...), definitions)
	t.Setenv("TICKETFREI_TELEGRAM_API", api.URL)

	south, east, off := api.AddBot("south_bot", "South"), api.AddBot("east_bot", "East"), api.AddBot("off_bot", "Off")
	rider, neighbour, late := api.AddUser("rider", "de"), api.AddUser("neighbour", "de"), api.AddUser("late", "de")
	for _, u := range []*telegram.User{rider, neighbour, late} {
		u.Open(south)
	}
	neighbour.Open(east)
	neighbour.Write(east, "Kontis am Opernhaus") // while nobody listens

	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	file := movingtest.Make(t, movingtest.Read(t, "../moving/testdata/kibicara.sql"),
		fmt.Sprintf("INSERT INTO admins VALUES (1, 'Admin@Old.example', '%s')", hash),
		"INSERT INTO hoods VALUES (1, 'Südstadt', 'Write to us', 1), (2, 'Nord/Stadt', '', 1)",
		"INSERT INTO admin_hood_relations VALUES (1, 1, 1)",
		`INSERT INTO triggers VALUES (1, 1, 'kontis?\b'), (2, 2, '.')`,
		"INSERT INTO badwords VALUES (1, 1, 'spam')",
		"INSERT INTO email VALUES (1, 1, 'kibicara-sued', ''), (2, 1, 'kibicara-sued.stadt', '')",
		"INSERT INTO email_subscribers VALUES (1, 1, 'stays@x.example'), (2, 1, 'Leaves@x.example')",
		fmt.Sprintf("INSERT INTO telegrambots VALUES (1, 1, '%s', 'Moin', 'south_bot', 1), (2, 1, '%s', 'Welcome!', NULL, 1), (3, 1, '%s', 'Welcome!', 'off_bot', 0)", south.Token(), east.Token(), off.Token()),
		fmt.Sprintf("INSERT INTO telegramusers VALUES (1, %d, 1), (2, %d, 2)", rider.ID(), neighbour.ID()))

	if said := a.command(exitOK, "import", "kibicara", file, "--dry-run"); !strings.Contains(said, "Nothing was stored. 2 cities would come") {
		t.Errorf("a dry run says\n%s", said)
	}
	if status, _ := a.status("/city/suedstadt"); status != http.StatusNotFound {
		t.Error("a dry run made a city")
	}
	said := a.command(exitOK, "import", "kibicara", file)
	for _, line := range []string{"/city/suedstadt, suedstadt@tickets.example", "moderators: 1; mail (subscribers: 2); telegram (subscribers: 1); telegram (subscribers: 1); telegram", "/city/nord-stadt", "Nobody can log in"} {
		if !strings.Contains(said, line) {
			t.Errorf("the import says nothing of %q:\n%s", line, said)
		}
	}
	a.becomes("/city/suedstadt", http.StatusOK)

	// What was written while nobody listened, and what each way brings.
	everywhere := func(text string) {
		t.Helper()
		waitUntil(t, text+" everywhere", func() bool { return stands(south.Chat(rider), text) && stands(east.Chat(neighbour), text) })
		box.waitFor(t, "stays@x.example", text)
	}
	waitUntil(t, "the report of before at the other bot", func() bool { return stands(south.Chat(rider), "Opernhaus") })
	a.mustSend("one@x.example", "suedstadt@tickets.example", "one@x.example", "", "Kontis am Plärrer")
	everywhere("Plärrer")
	a.mustSend("two@x.example", "Kibicara-Sued@tickets.example", "two@x.example", "", "Kontis am Rathenauplatz")
	everywhere("Rathenauplatz")
	a.mustSend("three@x.example", "kibicara-sued.stadt@tickets.example", "three@x.example", "", "Kontis am Maffeiplatz")
	everywhere("Maffeiplatz")
	a.mustSend("four@x.example", "suedstadt@tickets.example", "four@x.example", "", "Kontis: spamwelle") // a part of a word
	neighbour.Write(east, "Konti am Aufseßplatz")
	waitUntil(t, "a report from one bot at the other", func() bool { return stands(south.Chat(rider), "Aufseßplatz") })
	if stands(south.Chat(rider), "spamwelle") || len(off.Sends()) > 0 {
		t.Error("what was to be held back was sent, or a bot sent that is off")
	}
	late.Write(south, "/start")
	waitUntil(t, "the welcome of before", func() bool { return stands(south.Chat(late), "Moin") })

	// The bots under their names, on each page, and the addresses on old stickers.
	a.showsBots(t, "suedstadt", "@south_bot", "@east_bot")
	if page := a.login("admin@old.example").get("/settings/networks", http.StatusOK); !strings.Contains(page, "<bdi>kibicara-sued.stadt@tickets.example</bdi>") {
		t.Error("moderators do not see which addresses are true")
	}

	// A second import.
	leave := strings.TrimPrefix(box.waitFor(t, "leaves@x.example", "Plärrer").link(t, "/mail/unsubscribe/"), a.url)
	a.browser().post(leave, nil, http.StatusOK)
	a.login("admin@old.example").post("/settings/rules", url.Values{"triggers": {"*"}, "blocked": {"edited"}}, http.StatusOK)
	movingtest.Run(t, file, "INSERT INTO email_subscribers VALUES (3, 1, 'new@x.example')", "UPDATE badwords SET pattern = 'other'", "UPDATE hoods SET landingpage = 'Changed'")
	if said := a.command(exitOK, "import", "kibicara", file); !strings.Contains(said, "0 cities came, and 1 city got something more") {
		t.Errorf("the second import says\n%s", said)
	}
	waitUntil(t, "the new subscriber", func() bool {
		list := printed[[]listedCity](a, exitOK, "city", "list")
		return slices.ContainsFunc(list, func(c listedCity) bool { return c.Slug == "suedstadt" && c.Subscribers == 5 })
	})
	a.mustSend("five@x.example", "suedstadt@tickets.example", "five@x.example", "", "Alles ruhig am Plärrer")
	box.waitFor(t, "new@x.example", "Alles ruhig")
	everywhere("Alles ruhig")
	if n := len(box.to(t, "leaves@x.example", "Alles ruhig")); n != 0 {
		t.Error("who had left was brought back")
	}
	if page := a.login("admin@old.example").get("/settings/rules", http.StatusOK); !strings.Contains(page, "edited") {
		t.Error("the rules are those of before")
	}
}

// showsBots checks that the bots of a city are listed by their names wherever there is a list.
func (a *app) showsBots(t *testing.T, slug string, names ...string) {
	t.Helper()
	b := a.login("admin@old.example")
	_, key, _ := keyCommandIn(t, a.server.cfg.Data, "add", slug, "--right", "read")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/api/v1/cities/"+slug+"/bots", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(key))
	resp, err := http.DefaultClient.Do(req)
	page := a.browser().get("/city/"+slug, http.StatusOK)
	for where, shown := range map[string]string{
		"city page": page, "ways to follow": textOf(b.part(page, "follow")), "poster": a.browser().get("/city/"+slug+"/poster.svg", http.StatusOK),
		"networks": b.get("/settings/networks", http.StatusOK), "overview": b.get("/settings", http.StatusOK), "API": b.read(resp, err, "bots", http.StatusOK),
	} {
		for _, name := range names {
			if !strings.Contains(shown, name) {
				t.Errorf("%s: nothing of %s", where, name)
			}
		}
	}
}
