package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/smtp"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/slow"
)

// flooded is a city that is reached by mail, Mastodon and Telegram, with a subscriber
// of its mails.
type flooded struct {
	*app
	dir         string
	box         *mailbox
	definitions []bots.Definition
	api         *telegram.Server
	account     *standin.Account
	bot         *telegram.Bot
	moderator   *browser
}

// hiddenUntil is up to which report the form is about that asks about what is held.
var hiddenUntil = regexp.MustCompile(`name="until" value="([^"]+)"`)

const floodedModerator = "moderator@nuernberg.example"

func startFlooded(t *testing.T) *flooded {
	t.Helper()
	box, remote := startMailbox(t), startMastodon(t)
	api := startTelegram(t, telegram.Options{})
	f := &flooded{dir: t.TempDir(), box: box, definitions: all.Networks(), api: api,
		account: remote.AddAccount("kontis_nbg"), bot: api.AddBot("kontis_nbg_bot", "Kontis")}
	f.start(t)
	f.addCity("nuernberg", "*", "")
	f.connect("nuernberg", f.account, remote.URL)
	f.moderator = f.login(floodedModerator)
	f.moderator.confirm("/settings/telegram", url.Values{"token": {f.bot.Token()}}, hiddenAccount, "account")
	f.subscribe(box, "nuernberg", "one@riders.example")
	return f
}

// start starts the program, or starts it again.
func (f *flooded) start(t *testing.T) {
	f.app = runApp(t, appConfig(t, f.dir, f.box, f.definitions, "TICKETFREI_TELEGRAM_API="+f.api.URL), f.definitions)
}

// forge mails n reports over one connection, each in another name.
func (f *flooded) forge(n int) {
	f.Helper()
	c, err := smtp.Dial(f.smtp)
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	for i := range n {
		from := fmt.Sprintf("rider%d@invented%d.example", i, i)
		err := c.Mail(from)
		if err == nil {
			err = c.Rcpt(here)
		}
		if err != nil {
			f.Fatal(err)
		}
		w, err := c.Data()
		if err == nil {
			_, err = w.Write(message(from, here, fmt.Sprintf("forged%d@x", i), "", fmt.Sprintf("Gelogen %d. Xanthippe", i)))
			err = errors.Join(err, w.Close())
		}
		if err != nil {
			f.Fatal(err)
		}
	}
}

// heard is how many messages of the bot to a user contain part.
func (f *flooded) heard(u *telegram.User, part string) int {
	return said(f.bot.Chat(u), part)
}

// TestFloodOfForgedMails floods a city with mails in invented names: twenty go out.
// Riders who are known are heard in the same minute. The moderators are told once, and
// decide.
func TestFloodOfForgedMails(t *testing.T) {
	slow.Test(t, "waits until moderators are told, and until what they threw away is in no file")
	t.Parallel()
	f := startFlooded(t)
	f.forge(300)
	rider := f.api.AddUser("rider", "de")
	rider.Write(f.bot, "Kontis in der U2")
	f.account.Mention("shy@elsewhere.example", "Kontis in der U3", "direct")
	for _, text := range []string{"Kontis in der U2", "Kontis in der U3"} {
		f.box.waitFor(t, "one@riders.example", text)
	}
	f.settled()
	if n := len(f.box.to(t, "one@riders.example", "Gelogen")); n != 20 {
		t.Errorf("%d forged mails went out, want 20", n)
	}

	told := f.box.waitFor(t, floodedModerator, "280 reports in ")
	if subject := told.Header.Get("Subject"); subject != "nuernberg: 280 reports wait for you" {
		t.Errorf("the subject is %q", subject)
	}
	b := f.moderator
	page := b.get(strings.TrimPrefix(told.link(t, "show=held"), f.url), http.StatusOK)
	if !strings.Contains(page, "280 reports in ") {
		t.Error("the page does not say how many wait")
	}
	one := reportField.FindStringSubmatch(page)
	if one == nil {
		t.Fatal("the page shows no report")
	}
	b.post("/settings/reports/let-through", url.Values{"report": {one[1]}}, http.StatusOK)
	waitUntil(t, "the one that was let through", func() bool { return len(f.box.to(t, "one@riders.example", "Gelogen")) == 21 })
	ask := b.get(strings.TrimPrefix(told.link(t, "throw-away"), f.url), http.StatusOK)
	if !strings.Contains(ask, "Throw 279 reports away?") {
		t.Error("the page behind the link of the mail does not ask")
	}
	until := hiddenUntil.FindStringSubmatch(ask)
	if until == nil {
		t.Fatal("the page has no form")
	}
	page = b.post("/settings/reports/throw-away", url.Values{"until": {until[1]}}, http.StatusOK)
	if !strings.Contains(page, "279 reports are deleted") || !strings.Contains(page, "Nothing waits for you") {
		t.Errorf("the page does not say what was done:\n%s", page)
	}
	waitUntil(t, "what was thrown away to be in no file", func() bool { return len(wordsIn(t, f.dir, []string{"gelogen 150."})) == 0 })
	f.settled()
	if n := len(f.box.to(t, "one@riders.example", "Gelogen")); n != 21 {
		t.Errorf("%d forged mails went out, want 21", n)
	}
	if n := len(f.box.to(t, floodedModerator, "show=held")); n != 1 {
		t.Errorf("the moderator was told %d times", n)
	}
}

// TestStoppedCity stops a city and starts it again, with a restart of the program
// between: its reports are in no file, nothing is taken, everybody is told so, and
// subscribers stay.
func TestStoppedCity(t *testing.T) {
	slow.Test(t, "waits until what was deleted is in no file")
	t.Parallel()
	f := startFlooded(t)
	rider, leaves := f.api.AddUser("rider", "en"), f.api.AddUser("leaves", "en")
	for _, u := range []*telegram.User{rider, leaves} {
		u.Write(f.bot, "/start")
		waitUntil(t, "a welcome", func() bool { return f.heard(u, "/stop") > 0 })
	}
	f.mustSend("two@riders.example", here, "m1@x", "", "Xanthippe im Zug")
	f.box.waitFor(t, "one@riders.example", "Xanthippe")
	waitUntil(t, "the report in a chat", func() bool { return f.heard(rider, "Xanthippe") == 1 })
	f.settled()

	page := f.moderator.post("/settings/reports/pause", nil, http.StatusOK)
	if !strings.Contains(page, "1 report is deleted") {
		t.Errorf("the page does not say what was done:\n%s", page)
	}
	f.refuses("m2@x")
	waitUntil(t, "the report to be in no file", func() bool { return len(wordsIn(t, f.dir, []string{"xanthippe"})) == 0 })
	f.stop()
	f.start(t)
	f.refuses("m3@x")
	rider.Write(f.bot, "Kontis in der U5")
	waitUntil(t, "who writes in a chat to be told", func() bool { return f.heard(rider, "takes no reports at the moment") == 1 })
	leaves.Write(f.bot, "/stop")
	waitUntil(t, "a command to work", func() bool { return f.heard(leaves, "no more reports") == 1 })
	if page := f.browser().get("/city/nuernberg", http.StatusOK); !strings.Contains(page, "takes no reports at the moment") {
		t.Error("the city's page does not say so")
	}

	f.login(floodedModerator).post("/settings/reports/resume", nil, http.StatusOK)
	f.mustSend("two@riders.example", here, "m4@x", "", "Kontis in der U6")
	f.box.waitFor(t, "one@riders.example", "Kontis in der U6")
	waitUntil(t, "the report in a chat", func() bool { return f.heard(rider, "Kontis in der U6") == 1 })
	f.settled()
	for _, text := range []string{"Nichts davon", "Kontis in der U5"} {
		if n := len(f.box.to(t, "one@riders.example", text)); n > 0 {
			t.Errorf("%q was mailed", text)
		}
	}
	if n := f.heard(leaves, "Kontis in der U6"); n > 0 {
		t.Error("who left was sent a report")
	}
}

// refuses checks that a mail is answered in plain words.
func (f *flooded) refuses(id string) {
	f.Helper()
	answer, ok := errors.AsType[*textproto.Error](f.send("two@riders.example", here, id, "", "Nichts davon"))
	if !ok || answer.Code != 550 || !strings.Contains(answer.Msg, "This city takes no reports at the moment") {
		f.Errorf("a mail to a stopped city is answered %v", answer)
	}
}

// TestNameIsNotSilenced mails in the name of somebody who can prove it: a flood, the
// same text again, and what a moderator mutes. What she writes herself passes.
func TestNameIsNotSilenced(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@subscribers.example")
	const anna = "anna@riders.example"
	for i := range 30 {
		a.mustSend(anna, here, fmt.Sprintf("forged%d@x", i), "", fmt.Sprintf("Gelogen %d", i))
	}
	a.settled()
	if n := len(box.to(t, "one@subscribers.example", "Gelogen")); n != 20 {
		t.Errorf("%d forged mails went out, want 20", n)
	}
	b := a.login("moderator@nuernberg.example")
	forged := reportField.FindStringSubmatch(b.get("/settings/reports", http.StatusOK))
	if forged == nil {
		t.Fatal("the page shows no report")
	}
	b.post("/settings/reports/mute", url.Values{"report": {forged[1]}}, http.StatusOK)
	a.mustSend(anna, here, "forged again@x", "", "Gelogen und stumm")
	a.settled()
	if held := b.listed("refused", "Gelogen und stumm"); !strings.Contains(held, "this author is muted") {
		t.Errorf("whoever uses her name is not muted: %q", held)
	}

	signer := mailertest.NewSigner(t, a.names, "riders.example")
	for i, text := range []string{"Gelogen 3", "Kontis in der U1", "Kontis in der U2", "Kontis in der U3", "Kontis in der U4", "Kontis in der U5"} {
		mail := signer.Sign(message(anna, here, fmt.Sprintf("true%d@riders.example", i), "", text))
		if err := sendMail(a.smtp, anna, here, mail); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{"Gelogen 3\r\n": 2, "Kontis in der U1": 1, "Kontis in der U4": 1} {
		waitUntil(t, text, func() bool { return len(box.to(t, "one@subscribers.example", text)) == want })
	}
	a.settled()
	if held := b.listed("refused", "Kontis in der U5"); !strings.Contains(held, "unseen from one person") {
		t.Errorf("her sixth in a row is not held: %q", held)
	}
}
