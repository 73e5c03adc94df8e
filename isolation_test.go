package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/mastodon/mastodontest"
	"ticketfrei/report"
)

// panicking is a network whose bots panic whenever they are called.
type panicking struct{}

func panickingNetwork() bots.Definition {
	return bots.Definition{
		Name: "panicking",
		Files: fstest.MapFS{
			"settings.tmpl": {Data: []byte("<p>It panics.</p>")},
			"en.toml":       {Data: []byte("[panicking]\ntitle = \"Panicking\"\nblurb = \"Panics.\"\n")},
			"de.toml":       {Data: []byte("[panicking]\ntitle = \"Panik\"\nblurb = \"Gerät in Panik.\"\n")},
		},
		New: func(bots.Host) (bots.Network, error) { return panicking{}, nil },
	}
}

func (panicking) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) {
	return panickingBot{}, nil
}
func (panicking) Settings(context.Context, report.City, *report.Bot) (any, error) { return nil, nil }
func (panicking) SettingsRoutes(chi.Router)                                       {}
func (panicking) PublicRoutes(chi.Router)                                         {}
func (panicking) Forget(context.Context, report.Bot) error                        { return nil }

type panickingBot struct{}

func (panickingBot) Receive(context.Context, func(context.Context, bots.Incoming) error) error {
	panic("a bug in receive")
}

func (panickingBot) Send(context.Context, report.Delivery) (report.Receipt, error) {
	panic("a bug in send")
}

// TestTroubleOfOneCityIsNoOtherCitys measures how long reports of a city take
// alone, then beside a city whose Mastodon server hangs and one whose bot
// panics, then alone again.
func TestTroubleOfOneCityIsNoOtherCitys(t *testing.T) {
	box, remote := startMailbox(t), startMastodon(t)
	a := startApp(t, t.TempDir(), box, panickingNetwork())
	for _, slug := range []string{"nuernberg", "hanging", "broken"} {
		a.addCity(slug, "*", "")
	}
	a.subscribe(box, "nuernberg", "one@riders.example")
	account := remote.AddAccount("hanging")
	a.connect("hanging", account, remote.URL)

	serial := 0
	// median sends n reports one after the other; beside each of them go what
	// others write to the cities in trouble.
	median := func(n int, others ...string) time.Duration {
		var times []time.Duration
		for range n {
			serial++
			for _, other := range others {
				if serial%10 == 0 {
					a.mustSend(fmt.Sprintf("o%d@x.example", serial), other+"@tickets.example", fmt.Sprintf("o%d@x", serial), "", fmt.Sprintf("Other %d.", serial))
				}
			}
			text := fmt.Sprintf("Report %d.", serial)
			began := time.Now()
			a.mustSend(fmt.Sprintf("r%d@x.example", serial), here, fmt.Sprintf("r%d@x", serial), "", text)
			for len(box.to(t, "one@riders.example", text)) == 0 {
				if time.Since(began) > patience {
					t.Fatalf("%s did not arrive", text)
				}
				time.Sleep(200 * time.Microsecond)
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		return times[n/2]
	}

	median(20) // warm up
	before := median(100)
	remote.SetFault(mastodontest.Fault{Hang: true})
	remote.DropStreams()
	broken, err := a.server.db.FindCity(t.Context(), "broken")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.server.site.Connect(t.Context(), broken, "panicking", func(*gorm.DB, report.Bot) error { return nil }); err != nil {
		t.Fatal(err)
	}
	beside := median(200, "hanging", "broken")

	page := a.login("moderator@broken.example").get("/settings", http.StatusOK)
	if !strings.Contains(page, "a bug in") {
		t.Error("the settings page does not show the panic")
	}
	// The hanging server is shown once a request to it has timed out.
	if !testing.Short() {
		b := a.login("moderator@hanging.example")
		waitUntil(t, "the settings page to show that the server hangs", func() bool {
			c, err := a.server.db.FindCity(t.Context(), "hanging")
			if err != nil {
				return false
			}
			bot, err := a.server.db.FindBot(t.Context(), c.ID, "mastodon")
			return err == nil && bot.State == report.BotTrouble
		})
		if page := b.get("/settings", http.StatusOK); strings.Contains(page, "a bug in") {
			t.Error("the settings page shows another city's trouble")
		}
	}

	remote.SetFault(mastodontest.Fault{})
	bot, err := a.server.db.FindBot(t.Context(), broken.ID, "panicking")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.server.db.EnableBot(t.Context(), bot.ID, false); err != nil {
		t.Fatal(err)
	}
	a.server.changed(t.Context(), broken.ID)
	after := median(100)

	// On a quiet machine both are the same; on a busy one the slower says how
	// busy it is.
	alone := max(before, after)
	ratio := float64(beside) / float64(alone)
	t.Logf("median of 200: %s beside cities in trouble, %s and %s alone: ratio %.2f", beside, before, after, ratio)
	if ratio >= 1.2 {
		t.Errorf("ratio %.2f, want under 1.2", ratio)
	}
}
