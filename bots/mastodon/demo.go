package mastodon

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// demoAuthor writes the mentions of the demo.
const demoAuthor = "rider@mastodon.example"

// demo is a stand-in of Mastodon that can be watched.
type demo struct {
	network *network
	server  *standin.Server
	account *standin.Account
}

// demoPage is what demo.tmpl shows.
type demoPage struct {
	Handle  string
	Entries []demoEntry // newest first
	Text    string      // what was typed
	Error   string      // text id
}

// demoEntry is a status that the account posted or boosted.
type demoEntry struct {
	Boost      bool
	Author     string // of a boosted status
	Text       string
	Visibility string
	Time       time.Time
}

// StartDemo starts a stand-in on loopback with one account, which becomes the
// city's bot, and returns its page.
func (n *network) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	n.site = site
	server, err := standin.Start(standin.Options{Now: n.host.Now})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	account := server.AddAccount("ticketfrei")
	_, err = n.site.Connect(ctx, city, name, n.botID(ctx, city), func(tx *gorm.DB, b report.Bot) error {
		return n.store.saveAccount(tx, b.ID, pending{CityID: city.ID, Instance: server.URL, AccountID: account.ID(),
			Handle: account.Handle(), URL: account.URL(), Token: account.Token()})
	})
	if err != nil {
		return nil, fmt.Errorf("connect the demo account: %w", err)
	}
	d := &demo{network: n, server: server, account: account}
	r := chi.NewRouter()
	r.Get("/", n.site.Handler(d.handlePage))
	r.Post("/", n.site.Handler(d.handleMention))
	return r, nil
}

func (d *demo) handlePage(w http.ResponseWriter, r *http.Request) error {
	return d.page(w, r, http.StatusOK, demoPage{})
}

func (d *demo) page(w http.ResponseWriter, r *http.Request, code int, p demoPage) error {
	p.Handle, p.Entries = "@"+d.account.Handle(), d.entries()
	site := d.network.site
	return site.Page(w, r, code, name, "demo.tmpl", site.T(r, "mastodon.demo.title"), p)
}

// entries is the timeline of the account.
func (d *demo) entries() []demoEntry {
	var list []demoEntry
	for _, p := range d.account.Statuses() {
		if !p.Deleted {
			list = append(list, demoEntry{Text: p.Text, Visibility: p.Visibility, Time: p.At})
		}
	}
	for _, b := range d.account.Boosts() {
		if !b.Undone {
			list = append(list, demoEntry{Boost: true, Author: "@" + b.Author, Text: b.Text, Time: b.At})
		}
	}
	slices.SortStableFunc(list, func(a, b demoEntry) int { return cmp.Compare(b.Time.UnixNano(), a.Time.UnixNano()) })
	return list
}

// handleMention writes to the account as a rider would.
func (d *demo) handleMention(w http.ResponseWriter, r *http.Request) error {
	text, visibility := tidy(r.FormValue("text")), "public"
	if r.FormValue("visibility") == "direct" {
		visibility = "direct"
	}
	if text == "" {
		return d.page(w, r, http.StatusUnprocessableEntity, demoPage{Error: "mastodon.demo.empty"})
	}
	d.account.Mention(demoAuthor, text, visibility)
	http.Redirect(w, r, "/demo/"+name, http.StatusSeeOther)
	return nil
}
