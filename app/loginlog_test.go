package app

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/bots/all"
)

// failedLogin sends a wrong password as a proxy on this machine hands it on.
func (a *app) failedLogin(from string) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), http.MethodPost, a.url+"/login",
		strings.NewReader(url.Values{"email": {"moderator@nuernberg.example"}, "password": {"not the password"}}.Encode()))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", a.url)
	if from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	b := a.browser()
	resp, err := b.client.Do(req)
	b.read(resp, err, "/login", http.StatusUnauthorized)
}

// TestFailedLoginsAreLogged with the address that they come from and nothing else, in a line
// that the filter for fail2ban knows. Where everybody may be at an address, there is none.
func TestFailedLoginsAreLogged(t *testing.T) {
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), startMailbox(t), definitions, "TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1"), definitions)
	a.addCity("nuernberg", "*", "")
	a.failedLogin("198.51.100.7")
	a.failedLogin("2001:db8::7")
	a.failedLogin("")
	var lines []string
	for line := range strings.Lines(a.log.String()) {
		if strings.Contains(line, "login failed") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 3 || !strings.Contains(lines[2], "client=unknown") {
		t.Fatalf("the log says\n%s", strings.Join(lines, ""))
	}
	text := strings.Join(lines, "") + `{"time":"2026-11-27T22:00:00.000000000Z","level":"INFO","msg":"login failed","client":"198.51.100.8"}` + "\n" +
		`time=2026-11-27T22:00:00.000Z level=INFO msg="a page failed" err="level=INFO msg=\"login failed\" client=198.51.100.9"` + "\n"
	if strings.Contains(text, "moderator@") {
		t.Errorf("the log says who: %s", text)
	}
	filter, err := filepath.Abs("../deploy/fail2ban/filter.conf")
	if err != nil {
		t.Fatal(err)
	}
	banned := matches(t, filter, text)
	if want := "198.51.100.7 2001:db8::7 198.51.100.8"; strings.Join(banned, " ") != want {
		t.Errorf("the filter finds %s, want %s", banned, want)
	}
	if _, err := exec.LookPath("fail2ban-regex"); err != nil {
		t.Log("the filter was not tried with fail2ban itself: Debian's package fail2ban has fail2ban-regex")
		return
	}
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "fail2ban-regex", log, filter).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Lines: 5 lines, 0 ignored, 3 matched, 2 missed") {
		t.Errorf("fail2ban-regex: %v\n%s", err, out)
	}
}

// TestRefusedPasskeysAreLogged as wrong passwords are.
func TestRefusedPasskeysAreLogged(t *testing.T) {
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), startMailbox(t), definitions)
	cfg.Web.URL = strings.Replace(cfg.Web.URL, "127.0.0.1", "localhost", 1)
	a := runApp(t, cfg, definitions)
	b := a.browser()
	b.post("/login/passkey/begin", nil, http.StatusOK)
	b.post("/login/passkey", url.Values{"credential": {"{}"}}, http.StatusUnauthorized)
	if n := strings.Count(a.log.String(), `msg="login failed"`); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	if !strings.Contains(a.figures(), "\nticketfrei_logins_failed_total 1\n") {
		t.Error("it is not counted")
	}
}

// matches returns the addresses that the expressions of a filter find in lines of a log.
func matches(t *testing.T, filter, log string) (addresses []string) {
	t.Helper()
	raw, err := os.ReadFile(filter)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(raw), "failregex =")
	list, _, _ = strings.Cut(list, "datepattern")
	for line := range strings.Lines(log) {
		for expression := range strings.Lines(strings.TrimSpace(list)) {
			re := regexp.MustCompile(strings.ReplaceAll(strings.TrimSpace(expression), "<ADDR>", `([0-9a-f.:]+)`))
			if found := re.FindStringSubmatch(line); found != nil {
				addresses = append(addresses, found[1])
			}
		}
	}
	return addresses
}

// TestSignUpsAreLogged by the city's slug, without an address.
func TestSignUpsAreLogged(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	b := a.browser()
	b.post("/register", url.Values{"email": {"new@moderators.example"}, "city": {"Würzburg"}}, http.StatusOK)
	link := box.waitFor(t, "new@moderators.example", "/confirm/").link(t, "/confirm/")
	b.post(strings.TrimPrefix(link, a.url), url.Values{"password": {password}}, http.StatusOK)
	for _, line := range []string{`msg="somebody signs a city up: it is added when the link in their mail is opened" city=wuerzburg`, `msg="a city was added" city=wuerzburg by=owner`} {
		if !strings.Contains(a.log.String(), line) {
			t.Errorf("no %s in the log:\n%s", line, a.log)
		}
	}
	if strings.Contains(a.log.String(), "new@moderators") {
		t.Errorf("the log names the moderator:\n%s", a.log)
	}
}
