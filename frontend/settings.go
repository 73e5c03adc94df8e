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

// The parts of the settings page: their anchors, in the order of the page.
const (
	partReports    = "reports"
	partNetworks   = "networks"
	partRules      = "rules"
	partHearing    = "hearing"
	partPlaces     = "places"
	partTexts      = "texts"
	partModerators = "moderators"
	partPause      = "pause"
	partAccount    = "account"
)

const (
	// inviteLimit and passwordLimit bound what one moderator may try in
	// limitWindow: mails to strangers, and passwords.
	inviteLimit   = 10
	passwordLimit = 10
	limitWindow   = time.Hour
)

// settingsRoutes adds the settings page and the addresses that its forms post
// to. The moderator is logged in and the city is known. It always comes from
// the session, never from the form or the URL, so that no route reaches another
// city.
func (s *Site) settingsRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(s.sameCity)
		r.Get("/", s.Handler(s.handleSettings))
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
		r.Route("/bots/{network}", s.botRoutes)
		r.Route("/moderators", s.cityModeratorRoutes)
		r.Route("/keys", s.keyRoutes)
		r.Route("/account", s.accountRoutes)
	})
}

// settingsPage is what settings/settings.tmpl shows.
type settingsPage struct {
	Parts      []string // anchors, for the navigation
	Saved      savedFlash
	Reports    latestReports
	Networks   []networkCard
	Rules      rulesForm
	Tasks      tasksPart
	Places     placesPart
	Texts      textsForm
	Poster     posterForm
	Moderators moderatorsPart
	Keys       keysPart
	Account    accountForms
	Logins     loginsPart
}

func (s *Site) handleSettings(w http.ResponseWriter, r *http.Request) error {
	p, err := s.settingsPage(r, nil)
	if err != nil {
		return err
	}
	return s.showSettings(w, r, http.StatusOK, p)
}

// settingsPage reads everything that the page shows. given is what some
// networks' sections show in place of their Network.Settings.
func (s *Site) settingsPage(r *http.Request, given map[string]any) (*settingsPage, error) {
	p := &settingsPage{Parts: []string{partReports, partNetworks, partRules, partHearing, partPlaces, partTexts, partModerators, partKeys, partPause, partAccount}}
	var err error
	if p.Reports, err = s.latestReports(r); err != nil {
		return nil, err
	}
	if p.Networks, err = s.networkCards(r, given); err != nil {
		return nil, err
	}
	if p.Moderators, err = s.moderatorsPart(r); err != nil {
		return nil, err
	}
	if p.Keys, err = s.keysPart(r); err != nil {
		return nil, err
	}
	if p.Logins, err = s.loginsPart(r); err != nil {
		return nil, err
	}
	if p.Texts, err = s.storedTexts(r.Context(), s.City(r)); err != nil {
		return nil, err
	}
	if p.Places, err = s.placesPart(r); err != nil {
		return nil, err
	}
	if p.Tasks, err = s.tasksPart(r); err != nil {
		return nil, err
	}
	if p.Tasks.Shown() {
		p.Parts = slices.Insert(p.Parts, slices.Index(p.Parts, partHearing)+1, partTasks)
	}
	p.Rules, p.Poster = storedRules(s.City(r)), s.storedPoster(s.City(r))
	p.Account = accountForms{Min: manage.MinPassword, Max: manage.MaxPassword}
	return p, nil
}

func (s *Site) showSettings(w http.ResponseWriter, r *http.Request, status int, p *settingsPage) error {
	p.Saved = savedFlash{
		part: s.sessions.PopString(r.Context(), keySavedPart),
		text: s.sessions.PopString(r.Context(), keySavedText),
	}
	title := s.T(r, "settings.title", "City", s.City(r).Name)
	return s.render(w, r, status, "settings/settings.tmpl", title, p)
}

// showForm shows the page again after a form that was refused or only tried.
// set replaces what is stored with what was typed, and says what is wrong with
// it.
func (s *Site) showForm(w http.ResponseWriter, r *http.Request, status int, set func(*settingsPage)) error {
	p, err := s.settingsPage(r, nil)
	if err != nil {
		return err
	}
	set(p)
	return s.showSettings(w, r, status, p)
}

// savedFlash is what a part of the page says once after it was changed. It
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

// What a session holds for the settings page: see savedFlash.
const (
	keySavedPart = "saved_part"
	keySavedText = "saved_text"
)

// saved leads back to a part of the settings page, which shows text once.
func (s *Site) saved(w http.ResponseWriter, r *http.Request, part, text string) error {
	s.sessions.Put(r.Context(), keySavedPart, part)
	s.sessions.Put(r.Context(), keySavedText, text)
	http.Redirect(w, r, "/settings#"+part, http.StatusSeeOther)
	return nil
}

// backTo redirects from the address of a form to the form's part of the page.
// That address is in the browser after a form was refused, and may be opened
// again from there.
func backTo(part string) http.HandlerFunc {
	return http.RedirectHandler("/settings#"+part, http.StatusSeeOther).ServeHTTP
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
