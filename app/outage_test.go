package app

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"ticketfrei/bots/all"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// heardWithin is within what time after an outage the bots hear again.
const heardWithin = 30 * time.Second

// awayCity is a city on Mastodon and Telegram, both of which can be away.
type awayCity struct {
	*app
	box     *mailbox
	remote  *standin.Server
	account *standin.Account
	api     *telegram.Server
	bot     *telegram.Bot
	anna    *telegram.User
}

func startAway(t *testing.T, m mode) *awayCity {
	t.Helper()
	w := &awayCity{box: startMailbox(t), remote: startMastodon(t)}
	w.api = startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	w.app = runAppIn(t, appConfig(t, t.TempDir(), w.box, definitions, "TICKETFREI_TELEGRAM_API="+w.api.URL), definitions, m)
	w.addCity("nuernberg", "kontis?", "")
	w.account, w.bot, w.anna = w.remote.AddAccount("kontis_nbg"), w.api.AddBot("kontis_nbg_bot", "Kontis"), w.api.AddUser("Anna", "de")
	w.connect("nuernberg", w.account, w.remote.URL)
	w.login("moderator@nuernberg.example").confirm("/settings/telegram", url.Values{"token": {w.bot.Token()}}, hiddenAccount, "account")
	w.subscribe(w.box, "nuernberg", "one@riders.example")
	w.anna.Write(w.bot, "/start")
	waitUntil(t, "the welcome", func() bool { return len(w.bot.Chat(w.anna)) == 2 })
	return w
}

// fail lets n calls of both networks end so, all of them where n is negative.
func (w *awayCity) fail(n int, ofMastodon, ofTelegram kit.Fault) {
	w.remote.Fail("", n, ofMastodon)
	w.api.Fail("/bot", n, ofTelegram)
	w.remote.DropStreams()
}

func (w *awayCity) mend() {
	w.remote.Mend()
	w.api.Mend()
}

// said tells whether the chat with Anna shows a text of the bot.
func (w *awayCity) said(text string) bool {
	return slices.ContainsFunc(w.bot.Chat(w.anna), func(m telegram.Message) bool { return m.FromBot && m.Text == text })
}

// hears checks that both bots hear, and what waited was sent, within the time.
func (w *awayCity) hears(waited string) {
	w.Helper()
	began := time.Now()
	const mention, message = "Kontis in der U1", "Kontis in der U2"
	w.account.Mention("rider@elsewhere.example", mention, "public")
	w.anna.Write(w.bot, message)
	heard := func(text string) int { return len(w.box.to(w, "one@riders.example", text)) }
	for time.Since(began) < heardWithin && (heard(mention) == 0 || heard(message) == 0) {
		time.Sleep(20 * time.Millisecond)
	}
	if n, m := heard(mention), heard(message); n != 1 || m != 1 {
		w.Errorf("after %s the mention was heard %d times, the message %d times", time.Since(began), n, m)
	}
	waitUntil(w, "what waited to be sent", func() bool { return texts(w.account.Statuses())[waited] == 1 && w.said(waited) })
	for _, network := range []string{"mastodon", "telegram"} {
		waitUntil(w, network+" to run", func() bool { return w.state(network) == report.BotRunning })
	}
	if list := w.box.to(w, "moderator@nuernberg.example", ""); len(list) > 0 {
		w.Errorf("the moderator was mailed: %s", list[0].Body)
	}
}

func (w *awayCity) state(network string) report.BotState {
	w.Helper()
	_, b, err := w.server.db.FindCityBot(w.Context(), "nuernberg", network)
	if err != nil {
		w.Fatal(err)
	}
	return b.State
}

// absence is a way in which both networks can be away.
type absence struct {
	name  string
	fault func(*awayCity) (ofMastodon, ofTelegram kit.Fault)
	calls int // that meet it; all where it is negative
	lasts time.Duration
	city  *awayCity
}

// theirOwnRefusal is how both networks refuse a login.
func theirOwnRefusal(w *awayCity) (ofMastodon, ofTelegram kit.Fault) {
	return kit.Status(http.StatusUnauthorized, `{"error":"The access token is invalid"}`), w.api.Answer(http.StatusUnauthorized, 0)
}

func both(f kit.Fault) func(*awayCity) (ofMastodon, ofTelegram kit.Fault) {
	return func(*awayCity) (kit.Fault, kit.Fault) { return f, f }
}

// TestOutages has both networks refuse a call, have a firewall before them, or be away,
// for longer than any wait: afterwards both bots hear within half a minute, what waited
// is sent, and nobody was told to do anything.
func TestOutages(t *testing.T) {
	slow.Test(t, "waits for outages of more than two minutes")
	t.Parallel()
	const waited = "Kontis am Plärrer"
	outages := []*absence{
		{"one refusal", theirOwnRefusal, 1, 0, nil},
		{"a page with 403", both(kit.HTML(http.StatusForbidden)), -1, 12 * time.Second, nil},
		{"a page with 401", both(kit.HTML(http.StatusUnauthorized)), -1, 12 * time.Second, nil},
		{"a page with 200", both(kit.HTML(http.StatusOK)), -1, 40 * time.Second, nil},
		{"refusals", theirOwnRefusal, -1, time.Minute, nil},
		{"a page with 503", both(kit.HTML(http.StatusServiceUnavailable)), -1, 140 * time.Second, nil},
		{"connections cut", both(kit.Cut()), -1, 140 * time.Second, nil},
		{"nobody answers", both(kit.Hang()), -1, 140 * time.Second, nil},
		{"429 of a firewall", both(kit.HTML(http.StatusTooManyRequests)), -1, 140 * time.Second, nil},
	}
	for _, o := range outages {
		o.city = startAway(t, mode{})
	}
	began := time.Now()
	for _, o := range outages {
		ofMastodon, ofTelegram := o.fault(o.city)
		o.city.fail(o.calls, ofMastodon, ofTelegram)
		o.city.mustSend("two@riders.example", here, "m1@x", "", waited)
	}
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			o.city.T = t
			if o.calls < 0 {
				time.Sleep(o.lasts - time.Since(began)) // the outage itself
				o.city.mend()
			}
			o.city.hears(waited)
		})
	}
}

// TestRefusedUntilMended has both networks refuse the logins for good, and accept them
// again: the moderator is told once at each end, and what waited is sent.
func TestRefusedUntilMended(t *testing.T) {
	slow.Test(t, "waits until bots were refused often enough")
	t.Parallel()
	w := startAway(t, mode{refusals: sureSoon})
	w.fail(-1, kit.Status(http.StatusForbidden, `{"error":"Your login is currently disabled"}`), w.api.Answer(http.StatusUnauthorized, 0))
	const waited = "Kontis am Plärrer"
	w.mustSend("two@riders.example", here, "m1@x", "", waited)
	const moderator = "moderator@nuernberg.example"
	for _, network := range []string{"Mastodon", "Telegram"} {
		w.box.waitFor(t, moderator, "the "+network+" bot of Nuernberg does not work")
	}
	for _, network := range []string{"mastodon", "telegram"} {
		waitUntil(t, network+" to need its moderator", func() bool { return w.state(network) == report.BotAttention })
	}
	w.mend()
	for _, network := range []string{"Mastodon", "Telegram"} {
		w.box.waitFor(t, moderator, "the "+network+" bot of Nuernberg works again")
	}
	waitUntil(t, "what waited to be sent", func() bool { return texts(w.account.Statuses())[waited] == 1 && w.said(waited) })
	w.settled()
	if n := len(w.box.to(t, moderator, "")); n != 4 {
		t.Errorf("the moderator got %d mails, want one at each end of each", n)
	}
}
