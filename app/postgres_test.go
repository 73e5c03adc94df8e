package app

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// testSecret is the setting secret of programs that share a database.
var testSecret = strings.Repeat("a1", 32)

// onServer are the settings of a program whose database is at url.
func onServer(cfg *config.Config, url string) *config.Config {
	cfg.Database.URL, cfg.Secret = url, testSecret
	return cfg
}

// TestCityOnAServer serves a city whose database is on a PostgreSQL server: what is mailed
// reaches subscribers, page and feed, also after another start.
func TestCityOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	url := dbserver.Start(t).URL()
	box, dir, definitions := startMailbox(t), t.TempDir(), all.Networks()
	a := runApp(t, onServer(appConfig(t, dir, box, definitions), url), definitions)
	a.addCity("nuernberg", "kontis?", "verboten")
	a.subscribe(box, "nuernberg", "one@riders.example", "two@riders.example")
	const text = "U1 Plärrer, 2 Kontis Richtung Fürth"
	a.mustSend("one@riders.example", here, "m1@riders.example", "", text)
	box.waitFor(t, "two@riders.example", text)
	a.settled()
	a.stop()

	a = runApp(t, onServer(appConfig(t, dir, box, definitions), url), definitions)
	a.mustSend("one@riders.example", here, "m1@riders.example", "", text) // which is known
	a.mustSend("one@riders.example", here, "m2@riders.example", "", "Kontis verboten hier")
	a.mustSend("two@riders.example", here, "m3@riders.example", "", "Kontis am Rathenauplatz")
	box.waitFor(t, "one@riders.example", "Kontis am Rathenauplatz")
	a.settled()
	if got := len(box.to(t, "two@riders.example", text)); got != 1 {
		t.Errorf("the report was mailed %d times", got)
	}
	for _, path := range []string{"/city/nuernberg", "/city/nuernberg/feed.atom"} {
		if page := a.browser().get(path, http.StatusOK); !strings.Contains(page, text) || strings.Contains(page, "verboten hier") {
			t.Errorf("%s: shows the report: %v", path, strings.Contains(page, text))
		}
	}
	a.login("moderator@nuernberg.example").get("/settings/", http.StatusOK)
	a.browser().get("/readyz", http.StatusOK)
}

// TestCommandsOnAServer runs commands beside nobody, on a database that is empty, then made,
// and with another key.
func TestCommandsOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Setenv("TICKETFREI_DATABASE_URL", dbserver.Start(t).URL())
	t.Setenv("TICKETFREI_SECRET", testSecret)
	t.Setenv("TICKETFREI_DATA", t.TempDir())
	for _, step := range []struct {
		name, secret string
		args         []string
		code         int
		says         string
	}{
		{"the doctor finds nothing yet", testSecret, []string{"doctor"}, -1, "there is no database on the server"},
		{"the first command makes the tables", testSecret, []string{"city", "add", "nuernberg", "--email", "one@riders.example"}, exitOK, ""},
		{"the second finds what the first has made", testSecret, []string{"city", "list"}, exitOK, "nuernberg"},
		{"the doctor looks at it", testSecret, []string{"doctor"}, -1, "it can be opened with its secret key"},
		{"nobody makes a copy", testSecret, []string{"backup", "copy.db"}, exitError, "pg_dump"},
		{"another key is refused", strings.Repeat("b2", 32), []string{"city", "list"}, exitError, "another secret key"},
		{"no key is refused", "", []string{"city", "list"}, exitError, "openssl rand -hex 32"},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Setenv("TICKETFREI_SECRET", step.secret)
			var out bytes.Buffer
			code := runCommand(context.Background(), t, &out, &out, step.args...)
			if step.code >= 0 && code != step.code || !strings.Contains(out.String(), step.says) {
				t.Errorf("exit code %d\n%s", code, out.String())
			}
		})
	}
}

// TestCheckConfigReadsTheURL has check-config refuse an address that no start would take, and
// keep the password to itself.
func TestCheckConfigReadsTheURL(t *testing.T) {
	t.Setenv("TICKETFREI_SECRET", testSecret)
	t.Setenv("TICKETFREI_DATA", t.TempDir())
	for url, code := range map[string]int{
		"postgres://t:geheim@one/t?sslmode=disabled": exitError, "postgres://t:geh%eim@one/t": exitError, "postgres://t:geheim@one/t?sslmode=require": exitOK,
	} {
		t.Setenv("TICKETFREI_DATABASE_URL", url)
		var out bytes.Buffer
		if got := runCommand(t.Context(), t, &out, &out, "check-config"); got != code || code == exitError && !strings.Contains(out.String(), "database.url") {
			t.Errorf("%s: exit code %d\n%s", url, got, out.String())
		}
		if said := out.String(); strings.Contains(said, "geheim") || strings.Contains(said, "geh%eim") {
			t.Errorf("it says the password: %s", said)
		}
	}
}

// TestWayToTheDatabase says once which machines may be reached without encryption.
func TestWayToTheDatabase(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]int{"postgres://t:geheim@one,two/t": 1, "postgres://t:geheim@one/t?sslmode=verify-full": 0} {
		log := &logbook{}
		warnOfReaders(url, testLog(t, log))
		said := log.String()
		if strings.Count(said, "sslmode=verify-full") != want || want > 0 && !strings.Contains(said, "hosts=one,two") || strings.Contains(said, "geheim") {
			t.Errorf("%s: said %q", url, said)
		}
	}
}
