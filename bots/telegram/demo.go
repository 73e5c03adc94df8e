package telegram

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
)

// demoPatience is how long the page waits for what a message leads to, so that
// it is there when the page comes back.
const demoPatience = 1500 * time.Millisecond

// demo is a stand-in of Telegram with two people in it.
type demo struct {
	network *network
	server  *standin.Server
	bot     *standin.Bot
	rider   *standin.User // who looks at the page
	other   *standin.User
}

// demoPage is what demo.tmpl shows.
type demoPage struct {
	Handle   string
	Yours    []demoLine // newest first
	Other    []demoLine
	Commands []string
	Error    string // text id
}

// demoLine is a message in a chat.
type demoLine struct {
	Bot   bool
	Lines []string
	Time  time.Time
}

// StartDemo starts a stand-in on loopback with a bot, which becomes the city's,
// and two people who have subscribed. It returns the page with their chats.
func (n *network) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	n.site = site
	server, err := standin.Start(standin.Options{Now: n.host.Now})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	bot := server.AddBot("ticketfrei_demo_bot", "Ticketfrei "+city.Name)
	d := &demo{network: n, server: server, bot: bot, rider: server.AddUser("Rider", city.Language), other: server.AddUser("Other", city.Language)}
	var made report.Bot
	_, err = n.site.Connect(ctx, city, name, n.botID(ctx, city), func(tx *gorm.DB, b report.Bot) error {
		made = b
		return n.store.saveAccount(tx, b.ID, pending{CityID: city.ID, TelegramID: bot.ID(), Username: bot.Username(),
			Name: "Ticketfrei " + city.Name, Token: bot.Token()}, server.URL)
	})
	if err != nil {
		return nil, fmt.Errorf("connect the demo bot: %w", err)
	}
	for _, u := range []*standin.User{d.rider, d.other} {
		u.Open(bot)
		if _, err := n.store.subscribe(ctx, made.ID, u.ID()); err != nil {
			return nil, err
		}
	}
	r := chi.NewRouter()
	r.Get("/", n.site.Handler(d.handlePage))
	r.Post("/", n.site.Handler(d.handleWrite))
	return r, nil
}

func (d *demo) handlePage(w http.ResponseWriter, r *http.Request) error {
	return d.page(w, r, http.StatusOK, demoPage{})
}

func (d *demo) page(w http.ResponseWriter, r *http.Request, status int, p demoPage) error {
	p.Handle, p.Yours, p.Other = "@"+d.bot.Username(), d.lines(d.rider), d.lines(d.other)
	for _, command := range menu {
		p.Commands = append(p.Commands, "/"+command)
	}
	site := d.network.site
	return site.Page(w, r, status, name, "demo.tmpl", site.T(r, "telegram.demo.title"), p)
}

// lines are what stands in somebody's chat.
func (d *demo) lines(u *standin.User) []demoLine {
	var list []demoLine
	for _, m := range d.bot.Chat(u) {
		if !m.Deleted {
			list = append(list, demoLine{Bot: m.FromBot, Lines: strings.Split(m.Text, "\n"), Time: m.At})
		}
	}
	slices.Reverse(list)
	return list
}

// handleWrite writes to the bot as a rider does. A button sends a command, and
// no text with it.
func (d *demo) handleWrite(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.FormValue("text"))
	if command := r.FormValue("command"); command != "" {
		text = command
	}
	if text == "" {
		return d.page(w, r, http.StatusUnprocessableEntity, demoPage{Error: "telegram.demo.empty"})
	}
	sent := d.bot.Sent()
	d.rider.Write(d.bot, text)
	ctx, done := context.WithTimeout(r.Context(), demoPatience)
	defer done()
	// Nothing need follow: the censor may refuse it.
	_ = d.server.Wait(ctx, func() bool { return d.bot.Sent() > sent })
	http.Redirect(w, r, "/demo/"+name, http.StatusSeeOther)
	return nil
}
