package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/internal/report"
)

// Demo is a Driver of a network that can show itself without the real one.
type Demo interface {
	// StandIn starts a stand-in on loopback with one account. city is its name,
	// for that of the account.
	StandIn(city string) (Shown, error)
}

// Shown is a stand-in that can be watched, and written to as a rider does.
type Shown interface {
	// Account is the one that becomes the city's bot.
	Account() account.Account
	// Chats are the chats that subscribe to the reports, the rider's own first;
	// none where the account posts for everybody to see.
	Chats() []string
	// Write writes to the account as a rider.
	Write(text string, private bool)
	// Lines are what stands in the chats or in the account's timeline, the
	// oldest first.
	Lines() []Line
	Close() error
}

// How a post came to be: the ids of texts that say so, which may hold {{.Author}}.
const (
	Posted   = "kit.demo.posted"
	Boosted  = "kit.demo.boosted"
	Answered = "kit.demo.answered" // in private, to one person
)

// HowTo is how a post came to be: to everybody, or to one person alone.
func HowTo(person string) string {
	if person != "" {
		return Answered
	}
	return Posted
}

// Line is a message in a chat, or a post in a timeline.
type Line struct {
	Chat   string // empty in a timeline
	Own    bool   // the account wrote it
	How    string // Posted, Boosted or Answered; empty in a chat
	Author string // of what was boosted
	Text   string
	Time   time.Time
}

// Host connects the account of a stand-in, as the kit of the network does it.
type Host interface {
	ConnectDemo(ctx context.Context, site bots.Site, city report.City, s Shown) error
	// Hears tells whether people can write to an account.
	Hears(a account.Account) bool
}

// answerPatience is how long the page waits for an answer to what was written.
const answerPatience = time.Second

// Serve starts the stand-in of d, connects its account to the city and returns
// the page that shows it. The stand-in stops when ctx ends.
func Serve(ctx context.Context, h Host, d Demo, network string, site bots.Site, city report.City) (http.Handler, error) {
	s, err := d.StandIn(city.Name)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in of %s: %w", network, err)
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := h.ConnectDemo(ctx, site, city, s); err != nil {
		return nil, errors.Join(fmt.Errorf("connect the stand-in of %s: %w", network, err), s.Close())
	}
	p := &demoPages{site: site, network: network, shown: s, hears: h.Hears(s.Account())}
	r := chi.NewRouter()
	r.Get("/", site.Handler(p.handleShow))
	if p.hears {
		r.Post("/", site.Handler(p.handleWrite))
	}
	return r, nil
}

// demoPages are the pages of a stand-in.
type demoPages struct {
	site    bots.Site
	network string
	shown   Shown
	hears   bool // one can write to the account
}

// demoData is what demo.tmpl shows.
type demoData struct {
	Network  string
	Title    string
	Handle   string
	Hears    bool // one can write to the account
	Chatting bool // there are chats rather than a timeline
	Commands []string
	Parts    []demoPart
	Text     string // what was typed
	Error    string // text id
}

// demoPart is a chat or the timeline, the newest line first.
type demoPart struct {
	Title string // text id
	Lines []Line
}

// Paragraphs are the lines of a text.
func (l Line) Paragraphs() []string { return strings.Split(l.Text, "\n") }

func (p *demoPages) handleShow(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, "", "")
}

func (p *demoPages) show(w http.ResponseWriter, r *http.Request, status int, typed, wrong string) error {
	title := p.site.T(r, p.network+".title")
	data := demoData{Network: p.network, Title: title, Handle: p.shown.Account().Handle, Text: typed, Error: wrong, Hears: p.hears, Parts: p.parts()}
	if data.Chatting = len(p.shown.Chats()) > 0; data.Chatting {
		data.Commands = []string{"/start", "/stop", "/last", "/lines", "/help", "/ping"}
	}
	return p.site.Page(w, r, status, "kit", "demo.tmpl", p.site.T(r, "kit.demo.title", "Network", title), data)
}

// parts are the chats, or the timeline.
func (p *demoPages) parts() []demoPart {
	of := func(title, chat string) demoPart {
		part := demoPart{Title: title}
		for _, l := range slices.Backward(p.shown.Lines()) {
			if l.Chat == chat {
				part.Lines = append(part.Lines, l)
			}
		}
		return part
	}
	chats := p.shown.Chats()
	if len(chats) == 0 {
		return []demoPart{of("kit.demo.timeline", "")}
	}
	parts := []demoPart{of("kit.demo.yours", chats[0])}
	for _, chat := range chats[1:] {
		parts = append(parts, of("kit.demo.other", chat))
	}
	return parts
}

// handleWrite writes to the account as a rider does. A button sends a command,
// and no text with it.
func (p *demoPages) handleWrite(w http.ResponseWriter, r *http.Request) error {
	typed := strings.TrimSpace(r.FormValue("text"))
	if command := r.FormValue("command"); command != "" {
		typed = command
	}
	if typed == "" {
		return p.show(w, r, http.StatusUnprocessableEntity, "", "kit.demo.empty")
	}
	before := p.answers()
	p.shown.Write(typed, r.FormValue("visibility") == "private")
	// Nothing need follow: the censor may hold it.
	late := time.Now().Add(answerPatience)
	for p.answers() == before && time.Now().Before(late) && r.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	back := url.URL{Path: "/demo/" + p.network, RawQuery: r.URL.RawQuery} // keeps the chosen language
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
	return nil
}

// answers counts what the account wrote.
func (p *demoPages) answers() int {
	n := 0
	for _, l := range p.shown.Lines() {
		if l.Own {
			n++
		}
	}
	return n
}
