package app

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// mustWriteSentences writes a file of an operator's own sentences.
func mustWriteSentences(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, "intents", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestIntentTry tries texts without a data directory, with sentences of the operator's
// own, and by the rules of a city.
func TestIntentTry(t *testing.T) {
	slow.Test(t, "learns from all sentences for every text")
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", filepath.Join(dir, "data"))
	try := func(code int, want string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		got := runCommand(t.Context(), t, &stdout, &stderr, append([]string{"intent", "try"}, args...)...)
		if got != code || !strings.Contains(stdout.String()+stderr.String(), want) {
			t.Errorf("%q: exit code %d, want %d and %q:\n%s%s", args, got, code, want, stdout.String(), stderr.String())
		}
	}
	try(0, "where 1.00\nline: U1\nwhere it can be answered, it is answered and not passed on", "Wo", "sind", "Kontis", "in", "der", "U1?")
	try(0, "report 1.00\nline: U1\nit is treated as a report\n", "U1 Plärrer 2 Kontis")
	try(0, "report 1.00\nit is treated as a report\n", "! Wo sind gerade Kontis?")
	try(0, "it is answered; it is treated as a report, too", "Kontrolle am Plärrer?")
	try(2, "expected")
	try(2, "write a sentence", "")
	try(2, "write a sentence", " ", " ")
	try(1, "there is no database", "U1", "--city", "nuernberg")
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a data directory was made")
	}

	mustBegin(t, filepath.Join(dir, "data"))
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "nuernberg", "--email", "m@nuernberg.example"); code != 0 {
		t.Fatal(out.String())
	}
	try(0, "a report like this is passed on by the rules of nuernberg: it fits the trigger ", "U1 Plärrer 2 Kontis", "--city", "nuernberg")
	try(0, "a report like this is refused by the rules of nuernberg: no trigger of the city fits it", "Danke!", "--city", "nuernberg")
	try(0, "refused by the rules of nuernberg: no trigger of the city fits it", "Yorckstr jetzt", "--city", "nuernberg")
	mustStorePlaces(t, "nuernberg", "U7: Yorckstr, Mehringdamm")
	try(0, "passed on by the rules of nuernberg: it names a line or stop of the city, Yorckstr", "Yorckstr jetzt", "--city", "nuernberg")
	try(0, "passed on by the rules of nuernberg: it is an all-clear", "Danke, wieder weg", "--city", "nuernberg")
	try(0, "it is answered and not passed on", "Yorckstr?", "--city", "nuernberg")
	try(1, "there is no city graz (see ticketfrei city list)", "Danke!", "--city", "graz")

	mustWriteSentences(t, filepath.Join(dir, "data"), "thanks/de.txt", "baba und tschau cocco\n")
	try(0, "thanks ", "baba und tschau cocco")
	try(0, "where 0.79\nby its words alone it would be where ", "Wo", "stehen", "die", "Blaujacken?")
	mustWriteSentences(t, filepath.Join(dir, "data"), "where/de.txt", "Wo stehen die Blaujacken?\n")
	try(0, "where 1.00\nwhere it can be answered, it is answered and not passed on", "Wo", "stehen", "die", "Blaujacken?")
	mustWriteSentences(t, filepath.Join(dir, "data"), "wo/de.txt", "wo\n")
	try(1, "wo: there is no such intent", "U1")
}

// TestUnusableSentencesEndTheStart has an operator write a file that is not UTF-8.
func TestUnusableSentencesEndTheStart(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	mustWriteSentences(t, dir, "where/de.txt", "wo\nPl\xe4rrer?\n")
	for _, command := range []string{"serve", "check-config"} {
		var out bytes.Buffer
		code := runCommand(t.Context(), t, &out, &out, command)
		if want := "where/de.txt:2: this is not UTF-8"; code != 1 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), dir) {
			t.Errorf("%s: exit code %d, want 1 and %q:\n%s", command, code, want, out.String())
		}
	}
}

// TestUnreadSentencesAreNamed has files beside the sentences: what is called as if it
// held some ends the start, and what else is there is named.
func TestUnreadSentencesAreNamed(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	check := func(code int, want string) {
		t.Helper()
		var out bytes.Buffer
		if got := runCommand(t.Context(), t, &out, &out, "check-config"); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("exit code %d, want %d and %q:\n%s", got, code, want, out.String())
		}
	}
	mustWriteSentences(t, dir, "where/de.txt", "wo\n")
	mustWriteSentences(t, dir, "README", "for us\n")
	check(0, "warning: "+filepath.Join(dir, "intents", "README")+" is not read")
	mustWriteSentences(t, dir, "where/en.text", "where\n")
	check(1, "where/en.text is not read: its name must end in .txt")
}

// TestIntentCheck checks what is built in, and sentences that would have reports lost.
func TestIntentCheck(t *testing.T) {
	slow.Test(t, "learns some twenty times")
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	check := func(code int, want string) {
		t.Helper()
		var out bytes.Buffer
		if got := runCommand(t.Context(), t, &out, &out, "intent", "check"); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("exit code %d, want %d and %q:\n%s", got, code, want, out.String())
		}
	}
	check(0, "reports lost: 0 of ")
	check(0, "  where answered: ")
	mustWriteSentences(t, dir, "thanks/de.txt", strings.Repeat("tschau cocco\nbaba cocco\n", 20))
	mustWriteSentences(t, dir, "report/de.txt", strings.Repeat("# \n", 3)+"cocco baba\n")
	check(1, `lost: "cocco baba" is taken for thanks`)
	check(1, `; of your own, most like it: "baba cocco"`)
}

var hiddenReport = regexp.MustCompile(`name="report" value="([^"]+)"`)

// TestRecognizingReachesNobody looks at what recognises texts: it imports nothing that
// could send or store them.
func TestRecognizingReachesNobody(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "ticketfrei/intent").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if name == "net" || strings.HasPrefix(name, "net/") || name == "os/exec" || strings.HasPrefix(name, "ticketfrei/") && name != "ticketfrei/intent" {
			t.Errorf("it imports %s", name)
		}
	}
}

// TestQuestionIsAnswered has somebody ask a bot on Telegram: they get the last reports,
// in their language, and nobody else gets anything. What was taken wrongly is sent again
// with ! before it, or let through by a moderator.
func TestQuestionIsAnswered(t *testing.T) {
	slow.Test(t, "learns the sentences and asks by mail and chat")
	box := startMailbox(t)
	api := startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	a.addCity("nuernberg", "*", "")
	bot := api.AddBot("kontis_nbg_bot", "Kontis")
	b := a.login("moderator@nuernberg.example")
	b.confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	writer, reader := api.AddUser("writer", "en"), api.AddUser("reader", "de")
	reads := func(u *telegram.User, text string) func() bool {
		return func() bool { return said(bot.Chat(u), text) > 0 }
	}
	for _, u := range []*telegram.User{writer, reader} {
		u.Write(bot, "/start")
		waitUntil(t, "the welcome", reads(u, "/stop"))
	}
	reader.Write(bot, "U1 Plärrer, 2 Kontis")
	waitUntil(t, "the report", reads(writer, "2 Kontis"))

	began := time.Now()
	writer.Write(bot, "Wo sind gerade Kontis in der U1?")
	waitUntil(t, "the answer", reads(writer, "Reports of the last hour:\nJust now: U1 Plärrer, 2 Kontis\n\nThis was taken for a question. If it was a report, send it again with ! before it."))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("answered after %s", took)
	}
	writer.Write(bot, "! Wo sind gerade Kontis in der U1?")
	waitUntil(t, "the report with !", reads(reader, "Wo sind gerade Kontis in der U1?"))
	reader.Write(bot, "Danke für die Warnung!")
	waitUntil(t, "a word", reads(reader, "Gern geschehen!"))
	if reads(writer, "Danke")() {
		t.Error("thanks were passed on")
	}

	page := b.get("/settings/reports?show=refused", http.StatusOK)
	if !strings.Contains(page, "it was taken for a question or a thank-you") || !strings.Contains(page, "Wo sind gerade Kontis in der U1?") {
		t.Errorf("the moderators do not see what was taken for a question:\n%s", page)
	}
	forms := strings.Split(page, `action="/settings/reports/let-through"`)
	form := url.Values{"show": {"refused"}, "report": {hiddenReport.FindStringSubmatch(forms[1])[1]}} // the newest first
	b.post("/settings/reports/let-through", form, http.StatusOK)
	waitUntil(t, "what was let through", reads(writer, "Danke für die Warnung!"))
}

// mustStorePlaces stores the lines and stops of a city.
func mustStorePlaces(t *testing.T, slug, places string) {
	t.Helper()
	d, err := db.Open(t.Context(), os.Getenv("TICKETFREI_DATA"), time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, err := d.FindCity(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	dbtest.MustSavePlaces(t, d, c.ID, places)
}
