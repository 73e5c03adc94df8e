package frontend

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"ticketfrei/bots"
	"ticketfrei/internal/clients"
	"ticketfrei/manage"
)

// The pages of the desk, where moderators look after their city: the names of their
// templates below settings/, of their texts and, but for the overview, their paths below
// /settings.
const (
	pageOverview = "overview"
	pageReports  = "reports"
	pageRules    = "rules"
	pageNetworks = "networks"
	pageTexts    = "texts"
	pagePlaces   = "places"
	pagePeople   = "people"
	pageAccount  = "account"
)

// The parts of the pages that have several: their anchors.
const (
	partPause      = "pause"
	partHearing    = "hearing"
	partModerators = "moderators"
)

const (
	// inviteLimit and passwordLimit bound what one moderator may try in
	// limitWindow: mails to strangers, and passwords.
	inviteLimit   = 10
	passwordLimit = 10
	limitWindow   = time.Hour
)

// settingsRoutes adds the pages of the desk and the addresses that their forms post
// to. The moderator is logged in and the city is known. It always comes from
// the session, never from the form or the URL, so that no route reaches another
// city.
func (s *Site) settingsRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(s.sameCity)
		r.Get("/", s.Handler(s.handleOverview))
		r.Get("/live", s.Handler(s.handleDeskLive))
		s.stepRoutes(r)
		s.movedRoutes(r)
		r.Get("/undo", backTo(pageOverview, "now"))
		r.Post("/undo", s.Handler(s.handleUndo))
		s.reportRoutes(r)
		s.heldRoutes(r)
		s.pauseRoutes(r)
		s.ruleRoutes(r)
		s.hearingRoutes(r)
		s.taskRoutes(r)
		s.placesRoutes(r)
		s.textRoutes(r)
		s.robotRoutes(r)
		s.posterSettings(r)
		r.Get("/networks", s.Handler(s.handleNetworks))
		r.Get("/people", s.Handler(s.handlePeople))
		r.Route("/bots/{network}", s.botRoutes)
		r.Route("/moderators", s.cityModeratorRoutes)
		r.Route("/keys", s.keyRoutes)
		r.Route("/account", s.accountRoutes)
	})
}

// deskPage is one page of the desk in its menu.
type deskPage struct {
	Name  string
	Path  string
	Parts string // anchors on it, with spaces between them; so that old links find them
}

// Desk returns the pages of the desk that the moderator may see, in the order of the menu.
func (p *page) Desk() []deskPage {
	return slices.DeleteFunc(deskPages(), func(d deskPage) bool { return !p.Role.May(roleFor(d.Path)) })
}

func deskPages() []deskPage {
	return []deskPage{
		{pageOverview, "/settings", ""},
		{pageReports, deskPath(pageReports), "reports"},
		{pageRules, deskPath(pageRules), "rules hearing tasks"},
		{pageNetworks, deskPath(pageNetworks), "networks"},
		{pageTexts, deskPath(pageTexts), "texts"},
		{pagePlaces, deskPath(pagePlaces), "places"},
		{pagePeople, deskPath(pagePeople), "moderators keys acts"},
		{pageAccount, deskPath(pageAccount), "account"},
	}
}

func deskPath(name string) string {
	if name == pageOverview {
		return "/settings"
	}
	return "/settings/" + name
}

// partPath is the address of a part of a page.
func partPath(name, part string) string { return deskPath(name) + "#" + part }

// showDesk writes a page of the desk.
func (s *Site) showDesk(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	return s.render(w, r, status, "settings/"+name+".tmpl", s.T(r, "settings.nav."+name)+" · "+s.City(r).Name, data)
}

// savedFlash is what a part of a page says once after it was changed. It
// appears at that part, because the browser jumps there and does not show the
// top of the page.
type savedFlash struct{ part, text string }

// For returns what to say at the part with that anchor, or "".
func (f savedFlash) For(part string) string {
	if f.part != part {
		return ""
	}
	return f.text
}

// What a session holds for the desk: see savedFlash.
const (
	keySavedPart = "saved_part"
	keySavedText = "saved_text"
)

// popSaved returns what a part of the next page is to say.
func (s *Site) popSaved(r *http.Request) savedFlash {
	return savedFlash{
		part: s.sessions.PopString(r.Context(), keySavedPart),
		text: s.sessions.PopString(r.Context(), keySavedText),
	}
}

// saved leads back to a part of a page of the desk, which shows text once.
func (s *Site) saved(w http.ResponseWriter, r *http.Request, name, part, text string) error {
	s.sessions.Put(r.Context(), keySavedPart, part)
	s.sessions.Put(r.Context(), keySavedText, text)
	http.Redirect(w, r, partPath(name, part), http.StatusSeeOther)
	return nil
}

// backTo redirects from the address of a form to where the form is.
// That address is in the browser after a form was refused, and may be opened
// again from there.
func backTo(name, part string) http.HandlerFunc {
	return http.RedirectHandler(partPath(name, part), http.StatusSeeOther).ServeHTTP
}

// cityField is the hidden field, in every form here, that names the city that
// the page was about.
const cityField = "settings_city"

// sameCity refuses a form whose page was about another city than the session is
// now. Somebody who has the pages of two cities open must not write the rules
// of one into the other.
func (s *Site) sameCity(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if err := s.checkCity(r, r.PostFormValue(cityField)); err != nil {
				return err
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// checkCity refuses a form whose field cityField names another city than the request
// is about.
func (s *Site) checkCity(r *http.Request, field string) error {
	if field != "" && field != strconv.FormatInt(s.City(r).ID, 10) {
		return &bots.PageError{Status: http.StatusConflict, ID: "settings.error.other_city"}
	}
	return nil
}

// limitModerator lets one moderator do something n times in limitWindow. After
// that the answer is the text textID.
func (s *Site) limitModerator(n int, textID string) func(http.Handler) http.Handler {
	key := func(r *http.Request) (string, error) {
		return strconv.FormatInt(s.moderator(r).ID, 10), nil
	}
	limit := httprate.LimitBy(n, limitWindow, key, httprate.WithLimitHandler(s.refuse(http.StatusTooManyRequests, textID)))
	return func(next http.Handler) http.Handler {
		limited := limit(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limited.ServeHTTP(w, clients.LimitRequest(r, n, s.DB.LivingProcesses()))
		})
	}
}

// gone answers a form about something that does not exist or is not this
// city's.
func gone(err error) error {
	return &bots.PageError{Status: http.StatusNotFound, ID: "settings.error.gone", Err: err}
}

// formID returns the number in a field of the form.
func formID(r *http.Request, field string) (int64, error) {
	id, err := strconv.ParseInt(r.PostFormValue(field), 10, 64)
	if err != nil {
		return 0, gone(fmt.Errorf("field %s: %w", field, err))
	}
	return id, nil
}

// typedLines returns the content of a textarea with the line ends that we
// store; browsers send CR LF.
func typedLines(r *http.Request, field string) string {
	text := strings.ReplaceAll(r.PostFormValue(field), "\r\n", "\n")
	return strings.TrimRight(strings.ReplaceAll(text, "\r", "\n"), "\n\t ")
}

// say returns what is wrong with a field, or "".
func (s *Site) say(r *http.Request, wrong *manage.Invalid, field string) string {
	p, ok := wrong.Of(field)
	if !ok {
		return ""
	}
	return s.words(r, p)
}

// words says a problem in the language of the page.
func (s *Site) words(r *http.Request, p manage.Problem) string {
	return p.Say(func(id string, data ...any) string { return s.T(r, id, data...) })
}

// statusOf returns the HTTP status of a page about a form.
func statusOf(ok bool) int {
	if ok {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}
