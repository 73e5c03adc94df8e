package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"ticketfrei/bots/all"
	own "ticketfrei/internal/dkim"
	"ticketfrei/internal/secret"
)

// everyKindOfMail has the program send what it sends, and returns a mail of each kind.
func everyKindOfMail(t *testing.T) map[string]letter {
	t.Helper()
	const rider, owner = "one@riders.example", "moderator@nuernberg.example"
	box, remote := startMailbox(t), startMastodon(t)
	definitions := all.Networks()
	a := runAppIn(t, appConfig(t, t.TempDir(), box, definitions), definitions, mode{refusals: sureSoon})
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", rider)
	a.mustSend("x@x.example", "nuernberg@tickets.example", "m1@x", "Grüße", "Kontis am Plärrer\n.\nWelt\n")
	b := a.browser()
	b.post("/register", url.Values{"email": {"new@fuerth.example"}, "city": {"Fürth"}}, http.StatusOK)
	b.post("/password", url.Values{"email": {owner}}, http.StatusOK)
	a.login(owner).post("/settings/moderators/invite", url.Values{"email": {"second@nuernberg.example"}}, http.StatusOK)
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	account.RevokeTokens()
	remote.DropStreams()
	return map[string]letter{
		"confirmation": box.waitFor(t, rider, "/mail/confirm/"),
		"report":       box.waitFor(t, rider, "Kontis am Plärrer"),
		"sign-up":      box.waitFor(t, "new@fuerth.example", "/confirm/"),
		"password":     box.waitFor(t, owner, "/password/"),
		"invitation":   box.waitFor(t, "second@nuernberg.example", "/invitation/"),
		"attention":    box.waitFor(t, owner, "HTTP 401"),
	}
}

// dnsOfKeys is what DNS says about the keys of tests.
func dnsOfKeys(name string) (texts []string, _ error) {
	for _, r := range testKeys().Records("tickets.example") {
		if r.Name == name {
			texts = append(texts, r.Text)
		}
	}
	return texts, nil
}

// TestEveryMailIsSigned verifies every kind of mail: by the library that signs, and by
// another program.
func TestEveryMailIsSigned(t *testing.T) {
	mails := everyKindOfMail(t)
	for kind, mail := range mails {
		found, err := dkim.VerifyWithOptions(bytes.NewReader(mail.Raw), &dkim.VerifyOptions{LookupTXT: dnsOfKeys})
		if err != nil || len(found) != 2 {
			t.Errorf("%s: %d signatures, %v\n%s", kind, len(found), err, mail.Raw)
			continue
		}
		for _, v := range found {
			covered := "," + strings.ToLower(strings.Join(v.HeaderKeys, ",")) + ","
			if v.Err != nil || v.Domain != "tickets.example" || strings.Count(covered, ",from,") != 2 {
				t.Errorf("%s: %+v", kind, v)
			}
			for _, name := range []string{"To", "Subject", "Date", "Message-Id", "Reply-To", "Mime-Version", "Content-Type", "Content-Transfer-Encoding",
				"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted"} {
				if mail.Header.Get(name) != "" && !strings.Contains(covered, ","+strings.ToLower(name)+",") {
					t.Errorf("%s: %s is not signed", kind, name)
				}
			}
		}
	}
	if report := mails["report"].Header; report.Get("List-Unsubscribe-Post") == "" || report.Get("List-Unsubscribe") == "" {
		t.Error("the report cannot be unsubscribed from with one click")
	}
	t.Run("dkimpy", func(t *testing.T) { verifyWithDkimpy(t, mails) })
}

// verifyWithDkimpy verifies mails with a program that has nothing in common with ours.
func verifyWithDkimpy(t *testing.T, mails map[string]letter) {
	python := pythonWithDkim(t)
	dir := t.TempDir()
	records := map[string]string{}
	for _, r := range testKeys().Records("tickets.example") {
		records[r.Name] = r.Text
	}
	raw, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	script, dns := filepath.Join("testdata", "verify_dkim.py"), put("records.json", raw)
	verify := func(mails ...string) []string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), python, append([]string{script, dns}, mails...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	var paths []string
	for kind, mail := range mails {
		paths = append(paths, put(kind, mail.Raw))
	}
	got := verify(paths...)
	if len(got) != 2*len(mails) {
		t.Fatalf("%d signatures of %d mails: %q", len(got), len(mails), got)
	}
	for i, path := range paths {
		if rsa, short := got[2*i], got[2*i+1]; !strings.HasPrefix(rsa, "good rsa-sha256 from:") || !strings.HasPrefix(short, "good ed25519-sha256 from:") {
			t.Errorf("%s: %q, %q", filepath.Base(path), rsa, short)
		}
	}
	forged := bytes.Replace(mails["report"].Raw, []byte("One-Click"), []byte("Two-Click"), 1)
	for _, line := range verify(put("forged", forged)) {
		if !strings.HasPrefix(line, "bad ") {
			t.Errorf("a mail that was changed on its way: %s", line)
		}
	}
}

// pythonWithDkim returns a Python that has dkimpy.
func pythonWithDkim(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} { // Debian's first
		if exec.CommandContext(t.Context(), python, "-c", "import dkim, nacl").Run() == nil {
			return python
		}
	}
	const what = "install Debian's python3-dkim and python3-nacl to verify signatures with another program"
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
	return ""
}

func mustKeys(t *testing.T) *own.Keys {
	t.Helper()
	keys, err := own.New()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestKeysStay starts a program twice, and a third time with another secret key.
func TestKeysStay(t *testing.T) {
	box, dir, definitions := startMailbox(t), t.TempDir(), all.Networks()
	cfg := appConfig(t, dir, box, definitions)
	records := func(m mode) (names []string, log string) {
		t.Helper()
		a := runAppIn(t, cfg, definitions, m)
		keys, err := openKeys(t.Context(), a.server.db.Secrets(a.server.secrets), nil, cfg.Mail.Domain, a.server.log)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range keys.Records(cfg.Mail.Domain) {
			names = append(names, r.Name)
		}
		a.stop()
		return names, a.log.String()
	}
	names, log := records(mode{})
	for _, name := range names {
		if !strings.Contains(log, "record="+name) || !strings.Contains(log, "ticketfrei dns") {
			t.Errorf("the first start does not say that %s is to be set:\n%s", name, log)
		}
	}
	again, log := records(mode{keys: mustKeys(t)})
	if strings.Join(again, " ") != strings.Join(names, " ") || strings.Contains(log, "DKIM") {
		t.Errorf("the second start signs with %v in place of %v:\n%s", again, names, log)
	}
	if err := os.Remove(filepath.Join(dir, secret.FileName)); err != nil {
		t.Fatal(err)
	}
	cfg.Secret, cfg.Database.URL = "", "" // of the directory, where it is on a server
	third, log := records(mode{newKey: true, keys: mustKeys(t)})
	for i, name := range third {
		if name == names[i] || !strings.Contains(log, "record="+name) {
			t.Errorf("with another secret key mails are signed with %s, and the log says nothing of it:\n%s", name, log)
		}
	}
}

// TestKeysAreSealed looks for the keys in the files of a program.
func TestKeysAreSealed(t *testing.T) {
	dir := t.TempDir()
	a := startApp(t, dir, startMailbox(t))
	a.stop()
	text, err := testKeys().PEM()
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(text, "\n")[3]
	for _, name := range []string{"ticketfrei.db", "ticketfrei.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && bytes.Contains(raw, []byte(part)) {
			t.Errorf("%s holds a key as it is", name)
		}
	}
	if strings.Contains(a.log.String(), part) {
		t.Error("the log holds a key")
	}
}

// TestNameOfTheMailServer has the program call itself what mail.helo says, to those who
// bring mails and to the relay.
func TestNameOfTheMailServer(t *testing.T) {
	box, definitions := startMailbox(t), all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions)
	cfg.Mail.Helo = "post.tickets.example"
	a := runApp(t, cfg, definitions)
	conn, err := net.Dial("tcp", a.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "220 post.tickets.example ") {
		t.Errorf("it greets with %q, %v", line, err)
	}
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example") // with addresses and links of mail.domain
	a.mustSend("x@x.example", "nuernberg@tickets.example", "m1@x", "", "Kontis am Plärrer")
	box.waitFor(t, "one@riders.example", "nuernberg@tickets.example")
}

// TestPasswordFileAtTheStart refuses to start without the password of the relay.
func TestPasswordFileAtTheStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	t.Setenv("TICKETFREI_DATA", filepath.Join(dir, "data"))
	t.Setenv("TICKETFREI_MAIL_RELAY", "smtp://me@127.0.0.1:1")
	t.Setenv("TICKETFREI_MAIL_RELAY_PASSWORD_FILE", file)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != exitError || !strings.Contains(out.String(), "mail.relay_password_file: "+file+": no such file") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	out.Reset()
	t.Setenv("TICKETFREI_WEB_LISTEN", "nowhere")
	if code := runCommand(t.Context(), t, &out, &out, "check-config"); code != exitError ||
		!strings.Contains(out.String(), "mail.relay_password_file: "+file+": no such file") || !strings.Contains(out.String(), "web.listen") {
		t.Errorf("check-config: exit code %d\n%s", code, out.String())
	}
	t.Setenv("TICKETFREI_WEB_LISTEN", "127.0.0.1:0")
	mustBegin(t, filepath.Join(dir, "data"))
	// Other commands do not need it.
	if code := runCommand(t.Context(), t, &out, &out, "city", "list"); code != exitOK {
		t.Errorf("city list: exit code %d\n%s", code, out.String())
	}
}
