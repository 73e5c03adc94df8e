package frontend

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/manage"
)

// Addresses that pages had in Ticketfrei 2 and Kibicara. They stand on stickers and in mails, so
// they lead to what is here in their place.

// mailNetwork is the network whose subscriptions the links in old mails are about.
const mailNetwork = "mail"

// formerRoutes are the addresses of before that belong to no page of ours. They have no session.
func (s *Site) formerRoutes(r chi.Router) {
	r.Route("/city/"+mailNetwork, func(r chi.Router) { // no city is called so
		r.Get("/{name}", s.Handler(s.handleFormerMailPage))
		r.Post("/submit/{name}", s.Handler(s.handleFormerMailPage))
		r.Get("/confirm/{token}", s.gone("error.former_confirm"))
		r.Get("/unsubscribe/{token}", s.Handler(s.handleFormerUnsubscribe))
	})
	r.With(s.forModerators).Get("/confirm/{name}/{token}", s.gone("error.former_registration"))
	r.Get("/logout/", s.moved("/"))

	r.Get("/hoods", s.moved("/"))
	r.Get("/hoods/", s.moved("/"))
	r.Route("/hoods/{hood}", func(r chi.Router) {
		r.Get("/", s.Handler(s.handleHood))
		r.Get("/email-confirm", s.gone("error.former_confirm"))
		r.Get("/email-unsubscribe", s.Handler(s.handleHoodUnsubscribe))
	})
	r.Get("/organizers", s.moved("/register"))
	r.Get("/confirm", s.moved("/register"))
	r.Get("/dashboard", s.moved("/settings"))
	r.Get("/dashboard/*", s.moved("/settings"))
	r.Get("/reset", s.moved("/password"))
	r.Get("/password-reset", s.moved("/password"))
}

// moved leads to a page for good. The query is left behind: it may hold a token of the other
// program, in which there are passwords.
func (s *Site) moved(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	}
}

// gone answers for links that are never taken again, whoever has signed them.
func (s *Site) gone(textID string) http.HandlerFunc {
	return s.Handler(func(http.ResponseWriter, *http.Request) error {
		return &bots.PageError{Status: http.StatusGone, ID: textID, Title: "error.title_link_over"}
	})
}

// toCity leads to a page below that of a city. It may be renamed: browsers ask again.
func toCity(w http.ResponseWriter, r *http.Request, status int, slug, below string) {
	w.Header().Set("Cache-Control", "no-cache")
	http.Redirect(w, r, keepQuery(r, "/city/"+slug+below), status)
}

// typed returns a part of the path as it was typed, which chi gives as it came.
func typed(r *http.Request, param string) string {
	text := chi.URLParam(r, param)
	if r.URL.RawPath == "" {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// handleFormerMailPage is where one subscribed to the mails of a city of Ticketfrei 2. What was
// typed there is typed again, as the form has other fields.
func (s *Site) handleFormerMailPage(w http.ResponseWriter, r *http.Request) error {
	name := typed(r, "name")
	city, err := s.Cities.CityOfTicketfrei2(r.Context(), name)
	if errors.Is(err, db.ErrNotFound) {
		city, err = s.DB.FindCity(r.Context(), name)
	}
	slug := city.Slug
	if errors.Is(err, db.ErrNotFound) {
		slug, err = s.DB.SlugOf(r.Context(), name)
	}
	if err != nil {
		return noSuchCity(err)
	}
	status := http.StatusMovedPermanently
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	toCity(w, r, status, slug, "/"+mailNetwork)
	return nil
}

// handleFormerUnsubscribe is behind the link in every mail of Ticketfrei 2.
func (s *Site) handleFormerUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	of, err := s.Cities.SubscriptionOfTicketfrei2(r.Context(), typed(r, "token"))
	return s.showLeaving(w, r, of, err)
}

// showLeaving leads to the page where a subscription ends, as the link in a mail of ours does.
func (s *Site) showLeaving(w http.ResponseWriter, r *http.Request, of manage.Subscription, err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.former_unsubscribe", Title: "error.title_link_broken", Err: err}
	}
	if err != nil {
		return err
	}
	for _, n := range s.Networks {
		if l, ok := n.Network.(bots.LeavingByLink); ok {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, l.LeavingLink(of.City, of.Address), http.StatusSeeOther)
			return nil
		}
	}
	return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
}

// handleHood is the page of a city by its number in Kibicara.
func (s *Site) handleHood(w http.ResponseWriter, r *http.Request) error {
	city, err := s.Cities.CityOfKibicara(r.Context(), hoodOf(r))
	if err != nil {
		return noSuchCity(err)
	}
	toCity(w, r, http.StatusMovedPermanently, city.Slug, "")
	return nil
}

// hoodOf returns the number of the hood in the path; 0, which none has, where there is none.
func hoodOf(r *http.Request) int64 {
	number, err := strconv.ParseInt(chi.URLParam(r, "hood"), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// handleHoodUnsubscribe is behind the link in every mail of Kibicara.
func (s *Site) handleHoodUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	of, err := s.Cities.SubscriptionOfKibicara(r.Context(), hoodOf(r), r.URL.Query().Get("token"))
	return s.showLeaving(w, r, of, err)
}
