package scaffold

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold/scaffoldtest"
)

// demoAuthor writes the messages of the demo.
const demoAuthor = "rider"

// demo is a stand-in of the network that can be watched.
type demo struct {
	network *network
	server  *scaffoldtest.Server
}

// demoPage is what demo.tmpl shows.
type demoPage struct {
	Handle string
	Posts  []scaffoldtest.Post // newest first
	Error  string              // text id
}

// StartDemo starts a stand-in on loopback, whose account becomes the city's
// bot, and returns its page.
func (n *network) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	n.site = site
	server, err := scaffoldtest.Start(n.host.Now)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	a := account{Address: server.URL, Handle: scaffoldtest.Handle, Token: server.Token()}
	_, err = n.site.Connect(ctx, city, name, n.botID(ctx, city), func(tx *gorm.DB, b report.Bot) error {
		return n.saveAccount(tx, b.ID, a)
	})
	if err != nil {
		return nil, fmt.Errorf("connect the demo account: %w", err)
	}
	d := &demo{network: n, server: server}
	r := chi.NewRouter()
	r.Get("/", n.site.Handler(d.handlePage))
	r.Post("/", n.site.Handler(d.handleWrite))
	return r, nil
}

func (d *demo) handlePage(w http.ResponseWriter, r *http.Request) error {
	return d.page(w, r, http.StatusOK, "")
}

func (d *demo) page(w http.ResponseWriter, r *http.Request, status int, textID string) error {
	posts := d.server.Posts()
	slices.Reverse(posts)
	site := d.network.site
	return site.Page(w, r, status, name, "demo.tmpl", site.T(r, "scaffold.demo.title"),
		demoPage{Handle: scaffoldtest.Handle, Posts: posts, Error: textID})
}

// handleWrite writes to the account as a rider would.
func (d *demo) handleWrite(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.PostFormValue("text"))
	if text == "" {
		return d.page(w, r, http.StatusUnprocessableEntity, "scaffold.demo.empty")
	}
	d.server.Write(scaffoldtest.Message{Author: demoAuthor, Text: text, Private: r.PostFormValue("private") != ""})
	http.Redirect(w, r, "/demo/"+name, http.StatusSeeOther)
	return nil
}
