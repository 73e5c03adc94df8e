package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/bots/mail"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
	"ticketfrei/relay"
	"ticketfrei/templates"
)

// The steps of a report's way, each by itself, through the doors that the
// program uses.

// parts is what the steps are made of.
type parts struct {
	cfg     *config.Config
	db      *db.DB
	city    report.City
	secrets *secret.Box
	texts   *i18n.Catalogue
	log     *slog.Logger
}

func newParts(b *testing.B) parts {
	b.Helper()
	raw, err := os.ReadFile("../../config.toml")
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := config.Load(config.Source{Defaults: raw})
	if err != nil {
		b.Fatal(err)
	}
	cfg.Mail.Domain, cfg.Mail.Listen = mailDomain, "127.0.0.1:0"
	p := parts{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if p.secrets, err = secret.Open(b.TempDir(), ""); err != nil {
		b.Fatal(err)
	}
	p.db = dbtest.MustOpen(b, time.Now, map[string][]*gormigrate.Migration{mail.Name: mail.Definition().Migrations(p.secrets)})
	p.city = dbtest.MustCreateCity(b, p.db, "city", mail.Name)
	if p.texts, err = i18n.New(append(templates.Texts[:len(templates.Texts):len(templates.Texts)], mail.Definition().Files)...); err != nil {
		b.Fatal(err)
	}
	return p
}

// quiet takes what the parts hand over, and does nothing with it.
type quiet struct{}

func (quiet) Delayed() bool                                             { return false }
func (quiet) StoreMail(context.Context, mailer.Mail) error              { return nil }
func (quiet) StoreAsked(context.Context, mailer.Mail, bots.Asked) error { return nil }
func (quiet) Hear(context.Context, report.Bot, bots.Incoming) error     { return nil }
func (quiet) Ready(context.Context) error                               { return nil }

// counting counts the reports that it hears.
type counting struct{ heard *atomic.Int64 }

func (c counting) Hear(context.Context, report.Bot, bots.Incoming) error {
	c.heard.Add(1)
	return nil
}

// mailNetwork is the network of mail, which hands what comes to hearing.
func (p parts) mailNetwork(b *testing.B, hearing bots.Hearer) *mail.Network {
	b.Helper()
	n, err := mail.New(bots.Host{Config: p.cfg, DB: p.db, Secrets: p.secrets, Texts: p.texts, Log: p.log, Now: time.Now,
		Mailer: mailer.New(p.cfg, p.log, time.Now), AccountMails: quiet{}, Hearer: hearing, Places: (*relay.Places)(nil), Notices: &notice.Board{}})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkMailToReport is a mail over an open connection until it is answered,
// without storing it: the dialogue, the recipient looked up, the mail parsed.
func BenchmarkMailToReport(b *testing.B) {
	bodies := map[string]string{
		"a report":    reportText(1),
		"1 KB prose":  strings.TrimSpace(ordinaryLines(1000)),
		"1 KB of one": strings.Repeat(strings.Repeat("X", 78)+"\r\n", 13), // as smtp-source sends
	}
	for name, body := range bodies {
		b.Run(name, func(b *testing.B) { benchmarkMail(b, body) })
	}
}

// ordinaryLines is a text of that many characters in lines of 70.
func ordinaryLines(length int) string {
	var lines []string
	text := []rune(ordinaryTexts(length)[0])
	for len(text) > 0 {
		n := min(70, len(text))
		lines, text = append(lines, string(text[:n])), text[n:]
	}
	return strings.Join(lines, "\r\n")
}

func benchmarkMail(b *testing.B, body string) {
	var heard atomic.Int64
	n := newParts(b).mailNetwork(b, counting{&heard})
	ctx, stop := context.WithCancel(b.Context())
	addr, err := n.Listen(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := n.Serve(ctx); err != nil {
			b.Error(err)
		}
	})
	defer serving.Wait()
	defer stop()
	d, err := dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	defer d.conn.Close()
	b.ReportAllocs()
	mails := 0
	for b.Loop() {
		mails++
		if _, err := d.hand(mails, "city", riderOf(mails), body); err != nil {
			b.Fatal(err)
		}
	}
	if int(heard.Load()) != mails {
		b.Fatalf("%d mails became %d reports", mails, heard.Load())
	}
}

// heard stores n reports at the same time, each of another author, and returns
// them in the order in which they were stored.
func (p parts) heard(b *testing.B, first, n int) []db.Heard {
	b.Helper()
	came := make(chan db.Heard, n)
	p.db.FollowHeard(func(h db.Heard) { came <- h })
	var group errgroup.Group
	for i := range n {
		group.Go(func() error { return p.db.Hear(b.Context(), storedReport(p.city, first+i)) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	list := make([]db.Heard, n)
	for i := range list {
		list[i] = <-came
	}
	return list
}

// BenchmarkHear is reports stored that come at the same time, until all of them
// are on disk.
func BenchmarkHear(b *testing.B) {
	for _, atOnce := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d reports", atOnce), func(b *testing.B) {
			p := newParts(b)
			b.ReportAllocs()
			for n := 1; b.Loop(); n += atOnce {
				p.heard(b, n, atOnce)
			}
		})
	}
}

// BenchmarkJudged is the verdicts on reports stored, with one fanout of each, in
// one transaction that nobody waits for the disk for.
func BenchmarkJudged(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d reports", batch), func(b *testing.B) {
			p := newParts(b)
			b.ReportAllocs()
			for n := 1; b.Loop(); n += batch {
				b.StopTimer()
				heard := p.heard(b, n, batch)
				b.StartTimer()
				p.judge(b, heard, 1)
			}
		})
	}
}

// judge lets reports pass that are sent to so many recipients, and returns their
// fanouts.
func (p parts) judge(b *testing.B, heard []db.Heard, recipients int) []db.Fanout {
	b.Helper()
	ids := make([]int64, recipients)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	rulings := make([]db.Ruling, len(heard))
	for i, h := range heard {
		rulings[i] = db.Ruling{Heard: h, Verdict: report.Verdict{Passed: true, Reason: report.ReasonTrigger},
			Audiences: []db.Audience{{BotID: 1, Recipients: ids}}}
	}
	saved, err := p.db.SaveVerdicts(b.Context(), rulings, relay.Brake{})
	if err != nil {
		b.Fatal(err)
	}
	var fanouts []db.Fanout
	for _, s := range saved {
		fanouts = append(fanouts, s.Fanouts...)
	}
	return fanouts
}

// BenchmarkFanOut is one report judged that goes to many, and what became of its
// deliveries stored, a few at a time, as a bot does that sends them.
func BenchmarkFanOut(b *testing.B) {
	const atOnce = 16
	for _, recipients := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d recipients", recipients), func(b *testing.B) {
			p := newParts(b)
			b.ReportAllocs()
			for n := 1; b.Loop(); n++ {
				b.StopTimer()
				heard := p.heard(b, n, 1)
				b.StartTimer()
				for _, f := range p.judge(b, heard, recipients) {
					for f.Open != 0 {
						before := f.OpenCount()
						for range min(atOnce, before) {
							f.Open &= f.Open - 1
						}
						outcome := db.Outcome{Fanout: &f, Open: f.Open, Counts: db.Counts{Sent: before - f.OpenCount()}}
						if _, err := p.db.SaveOutcomes(b.Context(), []db.Outcome{outcome}); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}

func storedReport(c report.City, n int) report.Report {
	now := time.Now()
	return report.Report{ID: digest(mail.Name, fmt.Sprint(n)), CityID: c.ID, BotID: 1, Network: mail.Name,
		Author: fmt.Sprint("author ", n), Text: reportText(n), Visibility: report.Private, Time: now, Received: now}
}

// BenchmarkVerdict is one verdict by the rules that a new city has.
func BenchmarkVerdict(b *testing.B) {
	rules, err := censor.Compile(censor.DefaultTriggers("de"), censor.DefaultBlocked("de"))
	if err != nil {
		b.Fatal(err)
	}
	for _, length := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%d characters", length), func(b *testing.B) {
			texts, i := ordinaryTexts(length), 0
			b.ReportAllocs()
			for b.Loop() {
				rules.Judge(texts[i%len(texts)])
				i++
			}
		})
	}
}

// BenchmarkCityPage is a city's page with a hundred reports: as readers get it,
// and rebuilt after a report.
func BenchmarkCityPage(b *testing.B) {
	p := newParts(b)
	for i := range 100 {
		r := report.Report{ID: fmt.Sprint("report ", i), CityID: p.city.ID, Network: mail.Name, Text: reportText(i), Time: time.Now(), Received: time.Now()}
		dbtest.MustSaveReport(b, p.db, r, report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	}
	notices := &notice.Board{}
	cities, err := manage.New(manage.Options{DB: p.db, Notices: notices, Log: p.log,
		Networks: []manage.Network{{Definition: mail.Definition(), Network: p.mailNetwork(b, quiet{})}}})
	if err != nil {
		b.Fatal(err)
	}
	site, err := frontend.NewSite(frontend.Options{Config: p.cfg, DB: p.db, Secrets: p.secrets, Texts: p.texts, Log: p.log, Now: time.Now,
		AccountMails: quiet{}, Notices: notices, Cities: cities, Health: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	defer site.Close()
	get := func() {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/city/city", nil))
		if body, err := io.ReadAll(w.Body); w.Code != http.StatusOK || err != nil || findIn(body) < 0 {
			b.Fatalf("status %d, %v, no report:\n%s", w.Code, err, body)
		}
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get()
		}
	})
	b.Run("rebuilt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			notices.Passed(p.city.ID)
			get()
		}
	})
}
