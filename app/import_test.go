package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	kit "ticketfrei/bots/kit/standin"
	mastodon "ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/moving/movingtest"
)

// The passwords of users 1 and 3 of the sample.
const (
	oldPassword   = "correct horse battery"
	shortPassword = "kurz"
)

// oldTicketfrei is the file of a Ticketfrei 2 whose first city has an account at each of the
// stand-ins.
func oldTicketfrei(t *testing.T, account *mastodon.Account, instance string) string {
	t.Helper()
	return movingtest.Make(t, movingtest.Read(t, "../moving/testdata/ticketfrei2.sql"),
		"UPDATE mastodon_instances SET instance = '"+instance+"/' WHERE id = 1", "UPDATE mastodon_accounts SET access_token = '"+account.Token()+"' WHERE id = 1",
		"DELETE FROM mastodon_accounts WHERE id = 3")
}

// restoreTelegram makes the bot of the first city, and its chats.
func restoreTelegram(api *telegram.Server) (bot, second *telegram.Bot, rider *telegram.User) {
	bot = api.RestoreBot(123456789, "kontis_bot", "Kontis", "123456789:AAEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 845120347)
	second = api.RestoreBot(987654321, "leipzig_bot", "Leipzig", "987654321:AAFbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 70)
	for _, id := range []int64{1002, 6000000001, 1001} {
		rider = api.RestoreUser(id, "rider", "de")
		bot.Know(rider, 3)
	}
	second.Know(rider, 3)
	return bot, second, rider
}

// subscribersOf is how many subscribers a city has.
func (a *app) subscribersOf(slug string) int {
	a.Helper()
	var list []listedCity
	if err := json.Unmarshal([]byte(a.cityCommand(0, "list", "--json")), &list); err != nil {
		a.Fatal(err)
	}
	for _, c := range list {
		if c.Slug == slug {
			return c.Subscribers
		}
	}
	return -1
}

// runs waits until a city's bot on a network runs.
func (a *app) runs(slug, network string) (bot report.Bot) {
	a.Helper()
	c, err := a.server.db.FindCity(a.Context(), slug)
	if err != nil {
		a.Fatal(err)
	}
	waitUntil(a, "the bot on "+network+" to run", func() bool {
		bot, err = a.server.db.FindBot(a.Context(), c.ID, network)
		return err == nil && bot.State == report.BotRunning
	})
	return bot
}

// TestImportTicketfrei2 takes the cities of a Ticketfrei 2 over beside a running server: nothing
// old is passed on again, and the next report reaches everybody. It does so again, after both
// have gone on.
func TestImportTicketfrei2(t *testing.T) {
	slow.Test(t, "imports beside a server, three times")
	box, api, instance := startMailbox(t), startTelegram(t, telegram.Options{}), startMastodon(t)
	account := instance.AddAccount("kontis")
	bot, second, rider := restoreTelegram(api)
	rider.Write(bot, "Frueher im Bus")
	rider.Write(second, "Frueher bei der Kontrolle")
	account.Mention("old@x.example", "Frueher in der Bahn", "public")
	old := oldTicketfrei(t, account, instance.URL)

	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	t.Setenv("TICKETFREI_TELEGRAM_API", api.URL)
	t.Setenv("TICKETFREI_NETWORK_ALLOW_PRIVATE", "true")
	tried := a.command(0, "import", "ticketfrei2", old, "--dry-run")
	if !strings.Contains(tried, "Nothing was stored. 4 cities would come") || a.subscribersOf("nuernberg") != -1 {
		t.Errorf("to try says\n%s", tried)
	}
	said := a.command(0, "import", "ticketfrei2", old)
	for _, line := range []string{"4 cities came", "nuernberg-2@tickets.example", "m…@example.org has a login here already", "Telegram is not connected: 123456789 is the bot of another city here"} {
		if !strings.Contains(said, line) {
			t.Errorf("the protocol does not say %q:\n%s", line, said)
		}
	}
	if strings.Contains(said, "rider@") || strings.Contains(said, "mod@example.org") || strings.Contains(said, "vier@") {
		t.Errorf("the protocol has addresses:\n%s", said)
	}
	if before, _, _ := strings.Cut(said, "4 cities came"); !strings.HasPrefix(tried, before) {
		t.Errorf("to try said\n%s\nand then it was\n%s", tried, said)
	}
	a.becomes("/city/nuernberg", http.StatusOK)
	a.runs("nuernberg", "telegram")
	a.runs("nuernberg", "mastodon")
	if n := a.subscribersOf("nuernberg"); n != 8 {
		t.Errorf("%d subscribers, by mail and Telegram", n)
	}

	a.mustSend("two@x.example", "nuernberg@tickets.example", "first@x.example", "", "Kontis am plärrer")
	link := strings.TrimPrefix(box.waitFor(t, "zweite@example.org", "plärrer").link(t, "/mail/unsubscribe/"), a.url)
	for _, address := range []string{"rider@example.org", "umlaut@xn--mller-kva.example", "drei@example.org", "vier@example.org"} {
		box.waitFor(t, address, "plärrer")
	}
	waitUntil(t, "the report everywhere", func() bool {
		return stands(bot.Chat(rider), "plärrer") && texts(account.Statuses())["Kontis am plärrer"] == 1
	})
	public := account.Mention("new@x.example", "Kontis in der Bahn", "public")
	rider.Write(bot, "Kontis im Bus 36")
	waitUntil(t, "the boost", func() bool { b := account.Boosts(); return len(b) == 1 && b[0].StatusID == public })
	box.waitFor(t, "rider@example.org", "Bus 36")
	leipzig := a.runs("leipzig-sued", "telegram")
	if n, err := db.ReadColumn[int](t.Context(), a.server.db, "SELECT count(*) FROM telegram_groups WHERE bot_id = ?", leipzig.ID); err != nil || n[0] != 1 {
		t.Errorf("groups are %v, %v", n, err)
	}
	rider.Write(second, "Kontrolle in Linie 11")
	box.waitFor(t, "rider@example.org", "Linie 11")
	a.settled()
	for _, l := range box.all(t) {
		if strings.Contains(l.Body, "Frueher") {
			t.Errorf("what was written before was passed on:\n%s", l.Body)
		}
	}
	a.moderatorsOfImport()

	if again := a.command(0, "import", "ticketfrei2", old); !strings.Contains(again, "There is nothing new.") {
		t.Errorf("again says\n%s", again)
	}
	a.browser().post(link, nil, http.StatusOK)
	a.cityCommand(0, "delete", "frankfurt-oder", "--now", "--yes")
	movingtest.Run(t, old, "INSERT INTO mailinglist (user_id, email) VALUES (1, 'fuenf@example.org'), (1, 'not one')",
		"INSERT INTO email (user_id, email) VALUES (5, 'third@example.org')", "UPDATE triggerpatterns SET patterns = 'new' WHERE user_id = 1")
	more := a.command(0, "import", "ticketfrei2", old)
	if !strings.Contains(more, "0 cities came, and 2 cities got something more.") || !strings.Contains(more, "Frankfurt (Oder) was deleted here, and stays so.") {
		t.Errorf("after both went on it says\n%s", more)
	}
	if n := a.subscribersOf("nuernberg"); n != 8 || a.subscribersOf("frankfurt-oder") != -1 {
		t.Errorf("%d subscribers", n)
	}
	c, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil || !strings.Contains(c.Triggers, "tram") || !strings.Contains(c.Triggers, "kontis-hier") {
		t.Errorf("triggers are now %q, %v", c.Triggers, err)
	}
	list, err := a.server.db.Members(t.Context(), mustFind(t, a, "nuernberg-2").ID)
	if err != nil || len(list) != 2 {
		t.Errorf("moderators are %+v, %v", list, err)
	}
}

func mustFind(t *testing.T, a *app, slug string) report.City {
	t.Helper()
	c, err := a.server.db.FindCity(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// moderatorsOfImport logs in with old passwords, reads what there is to know, and changes the
// rules.
func (a *app) moderatorsOfImport() {
	a.Helper()
	b := a.browser()
	b.post("/login", url.Values{"email": {"second@example.org"}, "password": {oldPassword}}, http.StatusOK)
	if page := b.get("/settings", http.StatusOK); !strings.Contains(page, `id="moved"`) || !strings.Contains(page, "Twitter is not there any more (accounts: 1)") {
		a.Errorf("the overview does not say what there is to know\n%s", page)
	}
	if page := b.post("/settings/moved", nil, http.StatusOK); strings.Contains(page, "Twitter is not") {
		a.Error("what was read is shown again")
	}
	if page := b.get("/settings", http.StatusOK); strings.Contains(page, `id="moved"`) {
		a.Error("the part is still there")
	}
	both := a.browser()
	both.post("/login", url.Values{"email": {"mod@example.org"}, "password": {oldPassword}}, http.StatusOK)
	if page := both.get("/settings", http.StatusOK); !strings.Contains(page, "Leipzig-Süd") || !strings.Contains(page, "Nürnberg") {
		a.Error("a moderator of two cities does not see both")
	}
	a.browser().post("/login", url.Values{"email": {"oder@example.org"}, "password": {shortPassword}}, http.StatusOK)
	c := mustFind(a.T, a, "nuernberg")
	if _, err := a.server.db.ChangeCity(a.Context(), c.ID, func(c *report.City) error { c.Triggers += "kontis-hier\n"; return nil }); err != nil {
		a.Fatal(err)
	}
}

// TestImportWhileMastodonIsAway imports an account whose server does not answer: its bot asks at
// its first start, and boosts nothing that was written before.
func TestImportWhileMastodonIsAway(t *testing.T) {
	slow.Test(t, "waits for an instance that does not answer")
	box, instance := startMailbox(t), startMastodon(t)
	account := instance.AddAccount("kontis")
	account.Mention("old@x.example", "Frueher in der Bahn", "public")
	old := oldTicketfrei(t, account, instance.URL)
	movingtest.Run(t, old, "DELETE FROM telegram_accounts")
	instance.Fail("/", -1, kit.Hang())
	defer instance.Mend()
	a := startApp(t, t.TempDir(), box)
	t.Setenv("TICKETFREI_NETWORK_ALLOW_PRIVATE", "true")
	if said := a.command(0, "import", "ticketfrei2", old); !strings.Contains(said, "did not answer just now") {
		t.Errorf("the protocol says\n%s", said)
	}
	account.Mention("old@x.example", "Frueher im Bus", "public")
	instance.Mend()
	a.runs("nuernberg", "mastodon")
	if page := a.browser().get("/city/nuernberg", http.StatusOK); !strings.Contains(page, account.URL()) {
		t.Error("the city's page does not link to the account")
	}
	public := account.Mention("new@x.example", "Kontis in der Bahn", "public")
	box.waitFor(t, "rider@example.org", "Kontis in der Bahn")
	waitUntil(t, "the boost", func() bool { return len(account.Boosts()) > 0 })
	a.settled()
	if b := account.Boosts(); len(b) != 1 || b[0].StatusID != public {
		t.Errorf("boosts are %+v", b)
	}
}

// TestImportInAFreshDirectory imports where no server has run yet, and what cannot be read: then
// nothing is made.
func TestImportInAFreshDirectory(t *testing.T) {
	old := movingtest.Make(t, movingtest.Read(t, "../moving/testdata/ticketfrei2.sql"), "DELETE FROM mastodon_accounts", "DELETE FROM telegram_accounts")
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	t.Setenv("TICKETFREI_DATA", dir)
	try := func(code int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := runCommand(t.Context(), t, &out, &errs, append([]string{"import", "ticketfrei2"}, args...)...); got != code {
			t.Fatalf("exit code %d, want %d\n%s%s", got, code, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	if said := try(0, old, "--dry-run"); !strings.Contains(said, "4 cities would come") {
		t.Errorf("to try says\n%s", said)
	}
	if said := try(1, bad); !strings.Contains(said, "is no database of SQLite") {
		t.Errorf("a bad file: %s", said)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("there is a data directory")
	}
	if said := try(0, old); !strings.Contains(said, "4 cities came") {
		t.Errorf("it says\n%s", said)
	}
	if said := try(0, old, "--dry-run"); !strings.Contains(said, "0 cities would come") {
		t.Errorf("to try after it says\n%s", said)
	}
}

// TestManyCitiesComeInTime imports a thousand cities with 200,000 subscribers.
func TestManyCitiesComeInTime(t *testing.T) {
	slow.Test(t, "imports 200,000 subscribers")
	old := movingtest.Make(t, movingtest.Read(t, "../moving/testdata/ticketfrei2.sql"),
		"DELETE FROM user; DELETE FROM cities; DELETE FROM email; DELETE FROM mailinglist; DELETE FROM triggerpatterns; DELETE FROM badwords; DELETE FROM telegram_accounts; DELETE FROM telegram_subscribers; DELETE FROM mastodon_accounts",
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO user (id, passhash) SELECT i, '$s1$' FROM n`,
		`INSERT INTO cities (user_id, city, markdown, mail_md) SELECT id, 'Stadt ' || id, 'Hallo', '' FROM user`,
		`INSERT INTO email (user_id, email) SELECT id, 'mod' || id || '@example.org' FROM user`,
		`INSERT INTO triggerpatterns (user_id, patterns) SELECT id, 'kontroll?e' || char(10) || 'bus' FROM user`,
		`INSERT INTO badwords (user_id, words) SELECT id, 'bastard' FROM user`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO mailinglist (user_id, email) SELECT u.id, 'rider' || n.i || '@x' || u.id || '.example' FROM user AS u, n`)
	binary, dir := buildProgram(t), t.TempDir()
	out, took, peak := measured(t, exec.CommandContext(t.Context(), binary, "import", "ticketfrei2", old), dir)
	t.Logf("%v, at most %d MB", took.Round(time.Second), peak>>20)
	if !strings.Contains(out, "1000 cities came") || took > 2*time.Minute || peak > 300<<20 {
		t.Errorf("it took %v and %d MB:\n%.500s", took, peak>>20, out)
	}
	out, took, peak = measured(t, exec.CommandContext(t.Context(), binary, "import", "ticketfrei2", old), dir)
	t.Logf("again: %v, at most %d MB", took.Round(time.Second), peak>>20)
	if !strings.Contains(out, "There is nothing new.") {
		t.Errorf("again says\n%.500s", out)
	}
}

// measured runs a command on a data directory and returns what it prints, how long it takes, or
// works where others want the machine, and how much memory it has at most.
func measured(t *testing.T, cmd *exec.Cmd, dir string) (out string, took time.Duration, peak int64) {
	t.Helper()
	cmd.Env = append(os.Environ(), "TICKETFREI_DATA="+dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	busy, began := isBusy(t), time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%.2000s", err, said.String())
			}
			took = time.Since(began)
			if busy {
				took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			return said.String(), took, peak
		case <-time.After(10 * time.Millisecond):
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater is how much memory a process has had at most; 0: it has ended. What it says itself
// of that when it ends counts the memory of who has started it.
func highWater(pid int) (bytes int64) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(raw), "VmHWM:")
	_, _ = fmt.Sscan(line, &bytes)
	return bytes << 10
}

// TestImportIsWhole kills imports in the middle: nothing of them is stored, and the next one
// stores all.
func TestImportIsWhole(t *testing.T) {
	slow.Test(t, "kills the program while it imports")
	old := movingtest.Make(t, movingtest.Read(t, "../moving/testdata/ticketfrei2.sql"), "DELETE FROM mastodon_accounts; DELETE FROM telegram_accounts",
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO mailinglist (user_id, email) SELECT 5, 'rider' || n.i || '@x.example' FROM n`)
	binary, dir := buildProgram(t), t.TempDir()
	env := append(os.Environ(), "TICKETFREI_DATA="+dir)
	definitions := all.Networks()
	d, _, err := openDatabase(t.Context(), appConfig(t, dir, startMailbox(t), definitions), definitions, slog.New(slog.DiscardHandler), true)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	log, middle := filepath.Join(dir, db.FileName+"-wal"), 0
	for _, grown := range []int64{200 << 10, 2 << 20, 8 << 20} {
		cmd := movingCommand(t, env, binary, "import", "ticketfrei2", old)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				if info, err := os.Stat(log); err == nil && info.Size() > grown {
					break
				}
			}
			_ = cmd.Process.Kill()
		}()
		_ = cmd.Wait() // it was killed, or had ended before
		<-killed
		switch n := storedCities(t, dir); n {
		case 0:
			middle++
		case 4:
		default:
			t.Errorf("killed with a log of %d bytes, it has stored %d of 4 cities", grown, n)
		}
	}
	if middle == 0 {
		t.Error("none was killed in the middle")
	}
	if out, err := movingCommand(t, env, binary, "import", "ticketfrei2", old).CombinedOutput(); err != nil {
		t.Errorf("after that: %v\n%s", err, out)
	}
}

// storedCities is how many there are in the database of a directory.
func storedCities(t *testing.T, dir string) int {
	t.Helper()
	d, err := db.Open(t.Context(), dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	list, err := d.Cities(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func movingCommand(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	return cmd
}
