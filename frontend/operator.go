package frontend

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	mailaddress "ticketfrei/internal/address"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// The pages of the operator's room: the names of their templates below operator/, of their
// texts and, but for the first, their paths below roomPath.
const (
	roomPath   = "/operator"
	roomCities = "cities"
	roomBots   = "bots"
	roomQueue  = "queue"
	roomMail   = "mail"
	roomServer = "server"
	roomLogs   = "logs"
)

// operatorRoutes adds the pages of the operator's room.
func (s *Site) operatorRoutes(r chi.Router) {
	r.Use(s.forModerators, s.requireOperator, s.takeForms(maxForm))
	r.Get("/", s.Handler(s.handleRoomCities))
	r.Post("/cities/{act}", s.Handler(s.handleRoomCity))
	r.Get("/bots", s.Handler(s.handleRoomBots))
	r.Post("/bots/{act}", s.Handler(s.handleRoomBot))
	r.Get("/queue", s.Handler(s.handleRoomQueue))
	r.Post("/queue/{act}", s.Handler(s.handleRoomQueueAct))
	r.Get("/mail", s.Handler(s.handleRoomMail))
	r.Post("/mail/resume", s.Handler(s.handleRoomResume))
	r.Get("/server", s.Handler(s.handleRoomServer))
	r.Get("/logs", s.Handler(s.handleRoomLogs))
}

// requireOperator has nobody but operators see the room: for others it is not there.
func (s *Site) requireOperator(next http.Handler) http.Handler {
	hidden := s.refuse(http.StatusNotFound, "error.not_found")
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		v := visitOf(r.Context())
		if v.moderator == nil {
			http.Redirect(w, r, loginURL(r), http.StatusSeeOther)
			return nil
		}
		if !v.operator {
			hidden(w, r)
			return nil
		}
		v.city = report.City{} // the room is about all of them
		who := manage.Operator()
		who.ID = v.moderator.ID
		next.ServeHTTP(w, r.WithContext(manage.As(r.Context(), who)))
		return nil
	})
}

// roomPage is what every template of the room shows.
type roomPage struct {
	Status   manage.Status
	Problems []string
	Page     any
}

// Room returns the pages of the room in the order of the menu.
func (p *page) Room() []deskPage {
	list := []deskPage{{Name: roomCities, Path: roomPath}}
	for _, name := range []string{roomBots, roomQueue, roomMail, roomServer, roomLogs} {
		list = append(list, deskPage{Name: name, Path: roomPath + "/" + name})
	}
	return list
}

// MB is a number of bytes in millions.
func (p *page) MB(bytes int64) int64 { return bytes >> 20 }

// showRoom writes a page of the room.
func (s *Site) showRoom(w http.ResponseWriter, r *http.Request, name string, data any) error {
	is, err := s.Cities.Status(r.Context())
	if err != nil {
		return err
	}
	room := roomPage{Status: is, Page: data}
	for _, p := range is.Problems {
		room.Problems = append(room.Problems, s.words(r, p))
	}
	return s.render(w, r, http.StatusOK, "operator/"+name+".tmpl", s.T(r, "room.nav."+name)+" · "+s.T(r, "room.title"), room)
}

// roomDone leads back to a page of the room, which says once what was done.
func (s *Site) roomDone(w http.ResponseWriter, r *http.Request, name, textID string, data ...any) error {
	s.flash(r.Context(), s.T(r, textID, data...))
	path := roomPath + "/" + name
	if name == roomCities {
		path = roomPath
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// pager leads from one part of a long list to the next.
type pager struct {
	From, To, All  int
	Earlier, Later string // addresses; empty: there is nothing
}

// pageOf returns the pager of a list of which size are shown at once.
func pageOf(r *http.Request, size, all int) pager {
	from := fromOf(r)
	p := pager{From: min(from+1, all), To: min(from+size, all), All: all}
	at := func(n int) string {
		q := r.URL.Query()
		q.Set("from", strconv.Itoa(n))
		return r.URL.Path + "?" + q.Encode()
	}
	if from > 0 {
		p.Earlier = at(max(0, from-size))
	}
	if from+size < all {
		p.Later = at(from + size)
	}
	return p
}

// fromOf is where the part of a long list begins that is asked for.
func fromOf(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("from"))
	return max(0, n)
}

// How much of a long list is shown at once.
const (
	citiesShown      = 50
	botsShown        = 100
	linesShown       = 200
	subscribersShown = 100
)

// citiesPage is what operator/cities.tmpl shows.
type citiesPage struct {
	Search string
	State  report.CityState
	States []report.CityState
	Cities []manage.RoomCity
	Pages  pager
}

func (s *Site) handleRoomCities(w http.ResponseWriter, r *http.Request) error {
	p := citiesPage{Search: strings.TrimSpace(r.URL.Query().Get("q")), State: report.CityState(r.URL.Query().Get("state")),
		States: []report.CityState{report.CityWaiting, report.CityOn, report.CityPaused, report.CitySuspended, report.CityDeleted}}
	list, all, err := s.Cities.RoomCities(r.Context(), p.Search, p.State, fromOf(r), citiesShown)
	if err != nil {
		return err
	}
	p.Cities, p.Pages = list, pageOf(r, citiesShown, all)
	return s.showRoom(w, r, roomCities, p)
}

// handleRoomCity suspends a city, lets it go on, deletes it or brings it back.
func (s *Site) handleRoomCity(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "city")
	if err != nil {
		return err
	}
	var c report.City
	act := chi.URLParam(r, "act")
	switch act {
	case "suspend":
		c, err = s.Cities.Suspend(r.Context(), id, r.PostFormValue("reason"))
	case "resume":
		c, err = s.Cities.Admit(r.Context(), id)
	case "delete":
		c, err = s.Cities.Delete(r.Context(), id)
	case "restore":
		c, err = s.Cities.Restore(r.Context(), id)
	default:
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	}
	if wrong, ok := errors.AsType[*manage.Invalid](err); ok {
		s.flash(r.Context(), s.words(r, wrong.Problems[0]))
		http.Redirect(w, r, roomPath, http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return orGone(err)
	}
	return s.roomDone(w, r, roomCities, "room.done."+act, "City", c.Name)
}

// orGone is the page about something that is not there any more, where err says so.
func orGone(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return gone(err)
	}
	return err
}

// roomBotsPage is what operator/bots.tmpl shows.
type roomBotsPage struct {
	Filter   manage.BotFilter
	Networks []string
	States   []report.BotState
	Bots     []manage.CityBot
	Pages    pager
}

func (s *Site) handleRoomBots(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := roomBotsPage{Filter: manage.BotFilter{City: q.Get("city"), Network: q.Get("network"), State: report.BotState(q.Get("state"))}, Networks: s.networkNames(),
		States: []report.BotState{report.BotAttention, report.BotTrouble, report.BotStarting, report.BotRunning, report.BotOff}}
	list, err := s.Cities.EveryBot(r.Context(), p.Filter)
	if err != nil && !errors.Is(err, db.ErrNotFound) { // a city that is not there has none
		return err
	}
	p.Pages = pageOf(r, botsShown, len(list))
	p.Bots = partOf(list, fromOf(r), botsShown)
	return s.showRoom(w, r, roomBots, p)
}

func partOf[T any](list []T, from, size int) []T {
	from = min(from, len(list))
	return list[from:min(from+size, len(list))]
}

// networkNames returns those of all networks.
func (s *Site) networkNames() (names []string) {
	for _, n := range s.Networks {
		names = append(names, n.Name)
	}
	return names
}

func (s *Site) handleRoomBot(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "bot")
	act := chi.URLParam(r, "act")
	if err != nil || act != "enable" && act != "disable" {
		return gone(err)
	}
	b, err := s.Cities.EnableAny(r.Context(), id, act == "enable")
	if err != nil {
		return orGone(err)
	}
	return s.roomDone(w, r, roomBots, "room.done.bot_"+act, "Bot", b.ID, "Network", b.Network)
}

func (s *Site) handleRoomQueue(w http.ResponseWriter, r *http.Request) error {
	q, err := s.Cities.Queue(r.Context(), manage.QueueFilter{})
	if err != nil {
		return err
	}
	return s.showRoom(w, r, roomQueue, q)
}

// handleRoomQueueAct tries what waits for a bot, or throws it away.
func (s *Site) handleRoomQueueAct(w http.ResponseWriter, r *http.Request) error {
	of := manage.QueueFilter{}
	var err error
	if r.PostFormValue("bot") != "" {
		if of.BotID, err = formID(r, "bot"); err != nil {
			return err
		}
	}
	n, act := 0, chi.URLParam(r, "act")
	switch {
	case act == "retry":
		n, err = s.Cities.RetryQueue(r.Context(), of)
	case act == "drop" && of.BotID != 0:
		n, err = s.Cities.DropQueue(r.Context(), of)
	default:
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	}
	if err != nil {
		return err
	}
	return s.roomDone(w, r, roomQueue, "room.done.queue_"+act, "Count", n)
}

// roomMailPage is what operator/mail.tmpl shows.
type roomMailPage struct {
	Recipients []manage.Recipient
	All        int
}

func (s *Site) handleRoomMail(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Cities.Recipients(r.Context(), "", "", true)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Address != "" {
			list[i].Address = mailaddress.Masked(list[i].Address)
		}
	}
	return s.showRoom(w, r, roomMail, roomMailPage{partOf(list, 0, subscribersShown), len(list)})
}

// handleRoomResume has a suspended subscriber be sent to again.
func (s *Site) handleRoomResume(w http.ResponseWriter, r *http.Request) error {
	bot, err := formID(r, "bot")
	if err != nil {
		return err
	}
	id, err := formID(r, "subscriber")
	if err != nil {
		return err
	}
	if err := s.Cities.ResumeRecipient(r.Context(), bot, id); err != nil {
		return orGone(err)
	}
	return s.roomDone(w, r, roomMail, "room.done.subscriber")
}

// roomServerPage is what operator/server.tmpl shows.
type roomServerPage struct{ Networks []roomNetwork }

// roomNetwork is a network, or an outside program, with its bots.
type roomNetwork struct {
	Name, Title    string
	Bots, Troubled int
}

func (s *Site) handleRoomServer(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Cities.EveryBot(r.Context(), manage.BotFilter{})
	if err != nil {
		return err
	}
	p := roomServerPage{}
	for _, name := range s.networkNames() {
		n := roomNetwork{Name: name, Title: s.T(r, name+".title")}
		for _, b := range list {
			if b.Network == name {
				n.Bots++
				if b.InTrouble() {
					n.Troubled++
				}
			}
		}
		p.Networks = append(p.Networks, n)
	}
	return s.showRoom(w, r, roomServer, p)
}

// roomLogsPage is what operator/logs.tmpl shows.
type roomLogsPage struct {
	Filter   manage.LogFilter
	Hours    int
	Networks []string
	Levels   []string
	Lines    []db.CityLogLine
}

func (s *Site) handleRoomLogs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := roomLogsPage{Filter: manage.LogFilter{City: q.Get("city"), Network: q.Get("network"), Level: q.Get("level"), Limit: linesShown},
		Networks: s.networkNames(), Levels: []string{"info", "warn", "error"}}
	if p.Hours, _ = strconv.Atoi(q.Get("hours")); p.Hours > 0 {
		p.Filter.Since = s.Now().Add(-time.Duration(min(p.Hours, 24*365)) * time.Hour)
	}
	var err error
	if p.Lines, err = s.Cities.Logs(r.Context(), p.Filter); err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	return s.showRoom(w, r, roomLogs, p)
}
