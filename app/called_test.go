package app

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// pair are two programs on one database behind a balancer, which is what everybody calls.
type pair struct {
	*testing.T
	database *dbserver.Server
	box      *mailbox
	apps     []*app
	city     report.City // nuernberg
	target   atomic.Pointer[url.URL]
	turns    atomic.Int64 // of requests, where the balancer sends each to another program
	inTurn   atomic.Bool
}

// startPair starts them, with a city that lets everything pass. Everybody is sent to the
// program that does not work for it.
func startPair(t *testing.T, env ...string) *pair {
	t.Helper()
	database := dbserver.Start(t)
	return startPairAt(t, database, database.URL(), env...)
}

// startPairAt is startPair with a way to the database.
func startPairAt(t *testing.T, database *dbserver.Server, url string, env ...string) *pair {
	t.Helper()
	p := &pair{T: t, database: database, box: startMailbox(t)}
	balancer := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to := p.target.Load()
		if p.inTurn.Load() {
			to = p.apps[p.turns.Add(1)%2].address()
		}
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(balancer.Close)
	definitions := all.Networks()
	for range 2 {
		cfg := appConfig(t, t.TempDir(), p.box, definitions, append(unbraked, env...)...)
		cfg.Web.URL = balancer.URL
		more, _, err := programs.Definitions(cfg, definitions)
		if err != nil {
			t.Fatal(err)
		}
		p.apps = append(p.apps, runApp(t, onServer(cfg, url), slices.Concat(definitions, more)))
	}
	p.city = p.apps[0].addCity("nuernberg", "*", "")
	waitUntil(t, "the cities to be shared", func() bool {
		return p.apps[0].server.owner.Owned() == 32 && p.apps[1].server.owner.Owned() == 32
	})
	p.callAt(p.other())
	return p
}

// address is where a program is, behind the balancer.
func (a *app) address() *url.URL {
	return &url.URL{Scheme: "http", Host: a.server.web.Addr().String()}
}

// callAt has the balancer send everybody to a program.
func (p *pair) callAt(a *app) { p.target.Store(a.address()) }

// owner is the program that works for the city, and other the one that does not.
func (p *pair) owner() *app {
	return p.apps[slices.IndexFunc(p.apps, func(a *app) bool { return a.server.db.Owns(p.city.ID) })]
}

func (p *pair) other() *app {
	return p.apps[slices.IndexFunc(p.apps, func(a *app) bool { return !a.server.db.Owns(p.city.ID) })]
}

// stop stops a program; the others go on.
func (p *pair) stop(a *app) {
	a.stop()
	p.apps = slices.DeleteFunc(p.apps, func(other *app) bool { return other == a })
}

// passed are the texts of the reports of a network that have passed, in the order in which
// they were heard.
func (p *pair) passed(network string) (texts []string) {
	p.Helper()
	d := p.apps[0].server.db
	seqs, err := db.ReadColumn[int64](p.Context(), d, "SELECT seq FROM reports WHERE network = ? AND passed = TRUE ORDER BY seq", network)
	if err != nil {
		p.Fatal(err)
	}
	list, err := d.PassedReports(p.Context(), seqs)
	if err != nil {
		p.Fatal(err)
	}
	slices.SortFunc(list, func(a, b db.Judged) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, j := range list {
		texts = append(texts, j.Report.Text)
	}
	return texts
}

// waiting is how many calls wait for their bots.
func (p *pair) waiting() string { return p.database.Query("SELECT count(*) FROM calls") }

// TestTelegramCallsAnyProcess has Telegram bring updates to a program that does not run the
// bot, and to both in turn: each is heard once, and in order.
func TestTelegramCallsAnyProcess(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	t.Parallel()
	api := startTelegram(t, telegram.Options{})
	p := startPair(t, "TICKETFREI_TELEGRAM_API="+api.URL, "TICKETFREI_TELEGRAM_MODE=webhook")
	bot, rider := api.AddBot("kontis_nbg_bot", "Kontis"), api.AddUser("rider", "de")
	page := p.other().login("moderator@nuernberg.example")
	page.confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	waitUntil(t, "the webhook", bot.HasWebhook)
	var want []string
	write := func(n int) {
		t.Helper()
		for range n {
			text := fmt.Sprintf("Report %d.", len(want))
			api.AddUser("Rider", "de").Write(bot, text)
			want = append(want, text)
		}
	}
	arrived := func(what string) {
		t.Helper()
		waitUntil(t, what, func() bool { return len(p.passed("telegram")) >= len(want) && bot.Pending() == 0 })
		if got := p.passed("telegram"); !slices.Equal(got, want) {
			t.Errorf("%s: heard %q", what, got)
		}
		waitUntil(t, "no call to be left", func() bool { return p.waiting() == "0" })
	}
	write(30)
	arrived("what came to the other program")
	for range 10 {
		p.callAt(p.owner())
		write(1)
		p.callAt(p.other())
		write(1)
	}
	arrived("what came to both")
	rider.Write(bot, "/ping")
	waitUntil(t, "the answer to a command", func() bool { return said(bot.Chat(rider), " ms ") == 1 })
	if n := bot.Calls("getUpdates"); n > 0 {
		t.Errorf("the bot asked %d times for updates", n)
	}
	if page := page.get("/settings/networks", http.StatusOK); strings.Contains(page, "not called by Telegram") {
		t.Error("the settings say that Telegram does not call")
	}

	p.stop(p.owner()) // what comes before the other has its cities is found
	write(5)
	arrived("what came in between")
}

// TestInstancesCallAnyProcess has an instance call a program that does not run the bot: it
// hears mentions as soon as if it had been called itself.
func TestInstancesCallAnyProcess(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	t.Parallel()
	instancesCall(t, startPair(t, "TICKETFREI_MASTODON_MODE=push"))
}

// TestInstancesCallThroughAPooler does so where the programs hear nothing of each other, as
// pgbouncer is between them and the database. They find that out by themselves.
func TestInstancesCallThroughAPooler(t *testing.T) {
	slow.Test(t, "starts PostgreSQL, pgbouncer and two programs")
	t.Parallel()
	database := dbserver.Start(t)
	p := startPairAt(t, database, dbserver.Pooler(t, database.Address()), "TICKETFREI_MASTODON_MODE=push")
	for _, a := range p.apps {
		if !strings.Contains(a.log.String(), "behind a pooler") {
			t.Error("the log does not say that there is a pooler")
		}
		waitUntil(t, "the program to notice that it is told nothing", a.server.wire.Polls)
	}
	instancesCall(t, p)
}

func instancesCall(t *testing.T, p *pair) {
	t.Helper()
	instance := startMastodon(t)
	account := instance.AddAccount("kontis_nbg")
	p.other().connect("nuernberg", account, instance.URL)
	waitUntil(t, "the subscription", func() bool { return account.Endpoint() != "" })
	for i := range 10 {
		text := fmt.Sprintf("Report %d.", i)
		account.Mention(fmt.Sprintf("rider%d@elsewhere.example", i), text, "public")
		waitUntil(t, "the mention", func() bool { return slices.Contains(p.passed("mastodon"), text) })
	}
	if calls := account.Calls(); calls.Taken != 10 || calls.Failed > 0 {
		t.Errorf("calls %+v", calls)
	}
}
