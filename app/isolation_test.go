package app

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
	"ticketfrei/bots/all"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
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
func (panicking) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }
func (panicking) SettingsRoutes(chi.Router, bots.Site)                             {}
func (panicking) PublicRoutes(chi.Router, bots.Site)                               {}
func (panicking) Forget(context.Context, report.Bot) error                         { return nil }

type panickingBot struct{}

func (panickingBot) Receive(context.Context, func(context.Context, bots.Incoming) error) error {
	panic("a bug in receive")
}

func (panickingBot) Send(context.Context, report.Delivery) (report.Receipt, error) {
	panic("a bug in send")
}

// besideTrouble is a server with a city that is well and two in trouble: one
// whose Mastodon server hangs and one whose bot panics.
type besideTrouble struct {
	*app
	box       *mailbox
	remote    *standin.Server
	broken    report.City
	panicking report.Bot
	serial    int // of the last report
}

func startBesideTrouble(t *testing.T) *besideTrouble {
	t.Helper()
	box, remote := startMailbox(t), startMastodon(t)
	definitions := append(all.Networks(), panickingNetwork())
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, unbraked...), definitions)
	for _, slug := range []string{"nuernberg", "hanging", "broken"} {
		a.addCity(slug, "*", "")
	}
	a.subscribe(box, "nuernberg", "one@riders.example")
	a.connect("hanging", remote.AddAccount("hanging"), remote.URL)
	broken, err := a.server.db.FindCity(t.Context(), "broken")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.server.site.Connect(t.Context(), broken, "panicking", 0, func(*gorm.DB, report.Bot) error { return nil }); err != nil {
		t.Fatal(err)
	}
	bot, err := a.server.db.FindBot(t.Context(), broken.ID, "panicking")
	if err != nil {
		t.Fatal(err)
	}
	return &besideTrouble{app: a, box: box, remote: remote, broken: broken, panicking: bot}
}

// trouble begins or ends the trouble of both cities.
func (w *besideTrouble) trouble(on bool) {
	w.Helper()
	w.remote.Mend()
	if on {
		w.remote.Fail("", -1, fault.Hang())
		w.remote.DropStreams()
	}
	if err := w.server.db.EnableBot(w.Context(), w.panicking.ID, on); err != nil {
		w.Fatal(err)
	}
	w.server.notices.Changed(w.broken.ID)
}

// sendInTurn sends reports one at a time, each after the one before has
// arrived, and returns how long each took. With every tenth one it sends what
// others write to the cities in trouble.
func (w *besideTrouble) sendInTurn(reports int, others ...string) (times []time.Duration) {
	w.Helper()
	for range reports {
		w.serial++
		for _, other := range others {
			if w.serial%10 == 0 {
				w.mustSend(fmt.Sprintf("o%d@x.example", w.serial), other+"@tickets.example", fmt.Sprintf("o%d@x", w.serial), "", fmt.Sprintf("Other %d.", w.serial))
			}
		}
		text := fmt.Sprintf("Report %d.", w.serial)
		began := time.Now()
		w.mustSend(fmt.Sprintf("r%d@x.example", w.serial), here, fmt.Sprintf("r%d@x", w.serial), "", text)
		for len(w.box.to(w, "one@riders.example", text)) == 0 {
			if time.Since(began) > patience {
				w.Fatalf("%s did not arrive", text)
			}
			time.Sleep(200 * time.Microsecond)
		}
		times = append(times, time.Since(began))
	}
	return times
}

// TestTroubleOfOneCityIsNoOtherCitys measures how long a city's reports take,
// alone and beside two cities in trouble. Other work on the machine slows down
// one or the other for a while, so there are several rounds. Trouble that
// cities share shows in all of them.
func TestTroubleOfOneCityIsNoOtherCitys(t *testing.T) {
	slow.Test(t, "measures times")
	t.Parallel()
	w := startBesideTrouble(t)
	w.trouble(false)
	w.sendInTurn(20) // warm up
	const rounds = 5
	for round := 1; ; round++ {
		alone := w.sendInTurn(100)
		w.trouble(true)
		beside := median(w.sendInTurn(200, "hanging", "broken"))
		w.trouble(false)
		alone = append(alone, w.sendInTurn(100)...)
		ratio := float64(beside) / float64(median(alone))
		t.Logf("median of 200: %s beside cities in trouble, %s alone: ratio %.2f", beside, median(alone), ratio)
		if ratio < 1.2 {
			break
		}
		if round == rounds {
			t.Fatalf("ratio %.2f, want under 1.2", ratio)
		}
	}
	w.trouble(true)
	w.checkPanicIsShown()
	// The hanging server shows up only after a request to it has timed out.
	w.checkHangIsShown()
}

func (w *besideTrouble) checkPanicIsShown() {
	w.Helper()
	b := w.login("moderator@broken.example")
	waitUntil(w, "the settings page to show the panic", func() bool {
		return strings.Contains(b.get("/settings/networks", http.StatusOK), "inside the program")
	})
}

func (w *besideTrouble) checkHangIsShown() {
	w.Helper()
	b := w.login("moderator@hanging.example")
	waitUntil(w, "the settings page to show that the server hangs", func() bool {
		c, err := w.server.db.FindCity(w.Context(), "hanging")
		if err != nil {
			return false
		}
		bot, err := w.server.db.FindBot(w.Context(), c.ID, "mastodon")
		return err == nil && bot.State == report.BotTrouble
	})
	if page := b.get("/settings/networks", http.StatusOK); strings.Contains(page, "a bug in") {
		w.Error("the settings page shows another city's trouble")
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
