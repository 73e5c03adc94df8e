package main

import (
	"context"
	"errors"
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
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
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

func (quiet) PublishMail(context.Context, mailer.Mail) error        { return nil }
func (quiet) Hear(context.Context, report.Bot, bots.Incoming) error { return nil }
func (quiet) Ready(context.Context) error                           { return nil }

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
		Mailer: mailer.New(p.cfg, p.log, time.Now), Outbox: quiet{}, Hearer: hearing})
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
		if _, err := d.hand(mails, "city", body); err != nil {
			b.Fatal(err)
		}
	}
	if int(heard.Load()) != mails {
		b.Fatalf("%d mails became %d reports", mails, heard.Load())
	}
}

// BenchmarkSaveReports is reports stored with their verdicts, each of another
// author, in one transaction that nobody waits for the disk for.
func BenchmarkSaveReports(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d reports", batch), func(b *testing.B) {
			p := newParts(b)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				judged := make([]db.Judged, batch)
				for i := range judged {
					n++
					judged[i] = db.Judged{Report: storedReport(p.city, n), Verdict: report.Verdict{Passed: true, Reason: report.ReasonTrigger}}
				}
				if _, err := p.db.SaveReports(b.Context(), judged, relay.Brake{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func storedReport(c report.City, n int) report.Report {
	now := time.Now()
	return report.Report{ID: report.ID(mail.Name, 1, fmt.Sprint(n)), CityID: c.ID, BotID: 1, Network: mail.Name, NetworkID: fmt.Sprint(n),
		Author: fmt.Sprint("author ", n), Text: reportText(n), Visibility: report.Private, Time: now, Received: now}
}

// BenchmarkFanOutMarked is the mark that a report's deliveries are queued.
func BenchmarkFanOutMarked(b *testing.B) {
	p := newParts(b)
	r := storedReport(p.city, 1)
	dbtest.MustSaveReport(b, p.db, r, report.Verdict{Passed: true})
	b.ReportAllocs()
	for b.Loop() {
		if err := p.db.SetFannedOut(b.Context(), []string{r.ID}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDeliveryEnd is what is asked before every delivery: whether it has
// ended; and what is stored when it does.
func BenchmarkDeliveryEnd(b *testing.B) {
	p := newParts(b)
	list := deliveries(storedReport(p.city, 1), 1000)
	outcome := func(i int) db.Outcome { return db.Outcome{Delivery: list[i], Result: db.Sent} }
	for i := range list[:500] {
		if err := p.db.RecordOutcome(b.Context(), outcome(i)); err != nil {
			b.Fatal(err)
		}
	}
	ask := func(b *testing.B, id string, want error) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.db.DeliveryEnd(b.Context(), id); !errors.Is(err, want) {
				b.Fatal(err)
			}
		}
	}
	b.Run("open", func(b *testing.B) { ask(b, list[999].ID, db.ErrNotFound) })
	b.Run("ended", func(b *testing.B) { ask(b, list[0].ID, nil) })
	b.Run("recorded", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if err := p.db.RecordOutcome(b.Context(), outcome(i%len(list))); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
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

// BenchmarkFanOut is the deliveries of one report into the queue, each synced,
// and out of it again.
func BenchmarkFanOut(b *testing.B) {
	for _, recipients := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d recipients", recipients), func(b *testing.B) {
			q, err := queue.Open(b.Context(), b.TempDir(), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer q.Close()
			came := make(chan struct{}, recipients)
			ctx, stop := context.WithCancel(b.Context())
			var consuming sync.WaitGroup
			consuming.Go(func() {
				err := q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
					m.Done()
					came <- struct{}{}
				})
				if err != nil {
					b.Error(err)
				}
			})
			defer consuming.Wait()
			defer stop()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				r := report.Report{ID: report.ID("mail", 1, fmt.Sprint(n)), CityID: 1, BotID: 1, Network: "mail", Text: reportText(n), Time: time.Now()}
				if err := q.PublishDeliveries(b.Context(), deliveries(r, recipients)); err != nil {
					b.Fatal(err)
				}
				for range recipients {
					<-came
				}
			}
		})
	}
}

func deliveries(r report.Report, recipients int) []report.Delivery {
	list := make([]report.Delivery, recipients)
	for i := range list {
		list[i] = report.NewDelivery(r, report.Bot{ID: 1, CityID: 1, Network: "mail"}, fmt.Sprintf("s%d@subscribers.example", i))
	}
	return list
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
	site, err := frontend.NewSite(frontend.Options{Config: p.cfg, DB: p.db, Secrets: p.secrets, Texts: p.texts, Log: p.log, Now: time.Now,
		Outbox: quiet{}, Notices: notices, Relay: p.db, Health: quiet{},
		Networks: []frontend.Network{{Definition: mail.Definition(), Network: p.mailNetwork(b, quiet{})}}})
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
