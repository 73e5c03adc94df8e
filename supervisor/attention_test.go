package supervisor_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
	"ticketfrei/supervisor"
)

// named is a toy whose bots have accounts.
type named struct{ *toy }

var _ bots.Addressed = named{}

func (named) Address(_ context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	return fmt.Sprintf("@toy%d", b.ID), "", nil
}

// mailed tells the moderators that b needs them and returns the mail.
func (r *rig) mailed(b report.Bot) string {
	r.Helper()
	relay := mailertest.Start(r)
	log := slog.New(slog.DiscardHandler)
	cfg := &config.Config{Mail: config.Mail{Domain: "mail.example", From: "t@mail.example", Relay: "smtp://" + relay.Addr, Connections: 1}}
	m := mailer.New(cfg, log, r.clock)
	defer m.Close()
	ctx, stop := context.WithCancel(r.Context())
	done := make(chan error, 1)
	accounts := supervisor.NewAccountMails(r.db, r.secrets, m, log, r.clock)
	go func() { done <- accounts.Run(ctx) }()
	attention := &supervisor.AttentionMail{DB: r.db, AccountMails: accounts, Networks: map[string]bots.Network{"toy": named{&toy{}}},
		Texts: r.texts, Config: cfg, Log: log, Now: r.clock}
	if err := attention.Tell(ctx, b, "no"); err != nil {
		r.Fatal(err)
	}
	var got string
	r.waitFor("a mail", func() bool {
		for _, m := range relay.Take() {
			got = string(m.Data)
		}
		return got != ""
	})
	stop()
	if err := <-done; err != nil {
		r.Error(err)
	}
	return got
}

// Where a city has several bots of a network, the mail says which one stopped.
func TestMailNamesTheAccountOfSeveral(t *testing.T) {
	r := newRig(t)
	first := r.city("leeds")
	if mail := r.mailed(first); !strings.Contains(mail, "Subject: Ticketfrei: the Toy bot of your city needs you") || strings.Contains(mail, "@toy") {
		t.Errorf("of the only one: %s", mail)
	}
	second, err := r.db.CreateBot(t.Context(), first.CityID, "toy", 0, func(*gorm.DB, report.Bot) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	account := fmt.Sprintf("@toy%d", second.ID)
	mail := r.mailed(second)
	for _, want := range []string{"Subject: Ticketfrei: a Toy bot of your city needs you\r\n", "the Toy bot " + account + " of", "reach Toy through " + account} {
		if !strings.Contains(mail, want) {
			t.Errorf("no %q in %s", want, mail)
		}
	}
}
