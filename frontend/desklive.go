package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

const (
	// settles is how long the picture waits for what comes together, and until what was
	// told is stored.
	settles = 300 * time.Millisecond
	// deskLife is how long a stream of the desk may be open. A browser opens another,
	// if whoever looks may still do so.
	deskLife = 10 * time.Minute
	deskRoom = 64
)

// handleDeskLive is the event stream of the overview: /settings/live. The event "picture" is
// the HTML of the picture as it is now, "run" says where a report just went along, and
// "beat" that the stream is there.
func (s *Site) handleDeskLive(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	place, ok := s.Streams.Enter(s.ClientNetwork(r), cancel)
	if !ok {
		w.Header().Set("Retry-After", "30")
		return &bots.PageError{Status: http.StatusServiceUnavailable, ID: "error.busy", Err: errTooManyStreams}
	}
	defer place.Leave()
	d := &deskStream{site: s, r: r, login: s.sessions.GetInt64(ctx, keyLogin), end: cancel, out: make(chan []byte, 1)}
	if s.Bus != nil {
		sub := s.Bus.Subscribe(s.City(r).ID, deskRoom, "report.*", bus.Bot+"*", bus.CityChanged)
		defer sub.Close()
		d.events = sub.C
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.follow(ctx)
	}()
	defer func() { <-done }()
	defer cancel()
	return feed(w, r.WithContext(ctx), &stream{out: d.out}, streamTimes{write: 10 * time.Second, life: deskLife})
}

// deskStream makes what one stream of the desk is told.
type deskStream struct {
	site   *Site
	r      *http.Request
	login  int64 // that it was opened with
	end    func()
	events <-chan bus.Event // nil: nothing is told
	out    chan []byte

	last  picture
	shown []byte // the HTML that was sent last
}

// follow sends the picture whenever it has changed, until ctx ends.
func (d *deskStream) follow(ctx context.Context) {
	d.look(ctx)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.events:
			if !d.settle(ctx) {
				return
			}
		}
		d.look(ctx)
	}
}

// settle waits for a moment, and takes what else has happened. It is false when ctx ends.
func (d *deskStream) settle(ctx context.Context) bool {
	wait := time.NewTimer(settles)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-d.events:
		case <-wait.C:
			return true
		}
	}
}

// look sends the picture as it is now; a sign of life where it is as it was.
func (d *deskStream) look(ctx context.Context) {
	s, first := d.site, d.shown == nil
	p := s.sectionPage(d.r, nil)
	role, err := s.roleNow(ctx, d.login, p.City.ID)
	if err == nil {
		p.City, err = s.DB.City(ctx, p.City.ID)
	}
	if errors.Is(err, db.ErrNotFound) {
		d.end()
		return
	}
	var pic picture
	var html []byte
	if err == nil {
		p.Role = role
		pic, html, err = s.drawPicture(ctx, p)
	}
	if ctx.Err() != nil {
		return
	}
	var update events
	switch {
	case err != nil:
		s.Log.Error("the picture of a city could not be drawn", "city", p.City.Slug, "err", err)
		update.add("beat", nil)
	case bytes.Equal(html, d.shown):
		update.add("beat", nil)
	default:
		if run := runBetween(d.last, pic); !first && len(run.From) > 0 {
			raw, _ := json.Marshal(run)
			update.add("run", raw)
		}
		update.add("picture", html)
		d.last, d.shown = pic, html
	}
	select {
	case d.out <- update.buf.Bytes():
	case <-ctx.Done():
	}
}

// roleNow returns the role in a city of who is logged in, as it is now. The error is
// db.ErrNotFound where the login has ended, or they are no moderator of the city any more.
func (s *Site) roleNow(ctx context.Context, login, cityID int64) (report.Role, error) {
	m, err := s.DB.LoggedIn(ctx, login)
	if err != nil {
		return "", err
	}
	roles, err := s.DB.Roles(ctx, m.ID)
	if err == nil && roles[cityID] == "" {
		err = db.ErrNotFound
	}
	return roles[cityID], err
}

// drawPicture returns the picture of the page's city, and its HTML.
func (s *Site) drawPicture(ctx context.Context, p *page) (picture, []byte, error) {
	pic, err := s.picture(ctx, p.City, p)
	if err != nil {
		return pic, nil, err
	}
	html, err := s.execute("settings/picture.tmpl", p.With(pic))
	return pic, html, err
}

// run is where reports went along: keys of boxes.
type run struct {
	From []string `json:"from"`
	To   []string `json:"to"`
}

// runBetween returns where reports went along between two pictures.
func runBetween(before, now picture) (r run) {
	heard := map[string]int{}
	for _, b := range before.Hears {
		heard[b.Key] = b.LastHour
	}
	for _, b := range now.Hears {
		if b.LastHour > heard[b.Key] {
			r.From = append(r.From, b.Key)
		}
	}
	if now.Passed <= before.Passed {
		return r
	}
	for _, b := range now.Sends {
		if b.State == "running" && b.People != 0 && !slices.Contains(r.To, b.Key) {
			r.To = append(r.To, b.Key)
		}
	}
	return r
}
