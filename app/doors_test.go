package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
	"ticketfrei/internal/valid"
)

// sayer reports once, with NUL and a byte that is no UTF-8.
const sayer = `#!/bin/sh
while read -r line; do
  case $line in
  '{"type":"begin"'*)
    echo '{"type":"ready","protocol":1}'
    printf '{"type":"report","id":"1","author":"rider","text":"U1\\u0000 Pl\344rrer 🚇 program"}\n' ;;
  '{"type":"ping"'*) echo '{"type":"pong"}' ;;
  '{"type":"end"'*) exit 0 ;;
  esac
done
`

// TestTextsOfEveryDoor has reports with NUL, broken UTF-8 and characters of four bytes come
// in by mail, page, API, Telegram, Mastodon and an outside program, and a moderator type them:
// each is stored once, as valid text.
func TestTextsOfEveryDoor(t *testing.T) {
	slow.Test(t, "goes through all networks")
	dir := t.TempDir()
	outsideProgram(t, dir, "sayer", `can = ["receive"]`, sayer)
	c := startChats(t, append(unbraked, "TICKETFREI_PROGRAMS_DIR="+dir)...)
	a := c.app
	const raw = "U1\x00 Pl\xe4rrer 🚇 "
	a.mustSend("one@riders.example", here, "doors@riders.example", "", raw+"mail")
	a.browser().post("/city/nuernberg/web/report", url.Values{"text": {raw + "page"}}, http.StatusOK)
	rider := c.api.AddUser("rider", "de")
	rider.Write(c.bot, raw+"chat")
	instance := startMastodon(t)
	account := instance.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, instance.URL)
	account.Mention("rider@elsewhere.example", raw+"mention", "public")
	code, key, stderr := keyCommandIn(t, c.home, "add", "nuernberg", "--right", "report")
	if code != 0 {
		t.Fatal(stderr)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/api/v1/cities/nuernberg/reports",
		strings.NewReader(`{"text":"U1\u0000 Plärrer 🚇 script"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(key))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("the API answers %d", resp.StatusCode)
	}
	city, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil {
		t.Fatal(err)
	}
	a.connectProgram("sayer", city, nil)
	doors := []string{"mail", "page", "chat", "script", "mention", "program"}
	waitUntil(t, "all reports", func() bool { return len(a.passed(city)) >= len(doors) })
	a.settled()
	got := a.passed(city)
	for _, door := range doors {
		i := slices.IndexFunc(got, func(text string) bool { return strings.HasSuffix(text, "rrer 🚇 "+door) })
		if i < 0 || !valid.Is(got[i]) || !strings.HasPrefix(got[i], "U1 Pl") || len(got) != len(doors) {
			t.Errorf("%s: stored are %q", door, got)
		}
	}
	c.page.post("/settings/texts", url.Values{"name": {"N\x00\xfcrnberg 🚇"}, "language": {"de"}, "page": {raw}}, http.StatusOK)
	if city, err = a.server.db.FindCity(t.Context(), "nuernberg"); err != nil || city.Name != "N\uFFFDrnberg 🚇" || city.Page != strings.TrimSpace(valid.Text(raw)) {
		t.Errorf("the city is called %q, its page says %q, %v", city.Name, city.Page, err)
	}
	if found, err := a.server.cities.List(t.Context(), "N\x00\xfcrnberg", 10); err != nil || len(found) != 1 {
		t.Errorf("a search finds %d cities, %v", len(found), err)
	}
}
