package frontend

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// How much may be posted from one network address. People share addresses, at
// home and behind their phone's provider, so these limits are far above what
// one person does.
const (
	loginsPerMinute    = 60
	signUpsPerQuarter  = 40
	passwordPerQuarter = 20
)

// newRoutes makes the handler of all pages, including the networks' pages.
func (s *Site) newRoutes() (http.Handler, error) {
	sameOrigin, err := s.sameOrigin()
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(s.begin, s.accessLog, s.securityHeaders, s.recoverPanic, headAsGet, sameOrigin)
	r.NotFound(s.refuse(http.StatusNotFound, "error.not_found"))
	r.MethodNotAllowed(s.handleMethod)
	s.machineRoutes(r)
	s.formerRoutes(r)
	r.Route("/city/{slug}", s.cityRoutes)
	r.Group(s.personRoutes)
	if s.Demo {
		r.Route("/demo", s.demoRoutes)
	}
	return r, nil
}

// apiPath is where the API is.
const apiPath = "/api/v1"

// handleMethod answers a request by a method that its route has not. Methods that the router
// does not know do not come to what is mounted, so the API is asked here.
func (s *Site) handleMethod(w http.ResponseWriter, r *http.Request) {
	if below, ok := strings.CutPrefix(r.URL.Path, apiPath+"/"); ok && s.API != nil {
		chi.RouteContext(r.Context()).RoutePath = "/" + below
		s.API.ServeHTTP(w, r)
		return
	}
	s.refuse(http.StatusMethodNotAllowed, "error.method")(w, r)
}

// headAsGet routes HEAD as GET (RFC 9110, 9.3.2): net/http leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// machineRoutes are for programs, not for people.
func (s *Site) machineRoutes(r chi.Router) {
	r.Get("/healthz", s.handleHealth)
	r.Get("/readyz", s.handleReady)
	r.Get("/static/{hash}/{name}", s.Handler(s.handleAsset))
	for _, n := range s.Networks {
		if hooked, ok := n.Network.(bots.Hooked); ok {
			r.Route(bots.HookPath(n.Name), hooked.HookRoutes)
		}
	}
	if s.API != nil {
		r.Mount(apiPath, s.API)
	}
	if s.Dev != nil {
		r.Get("/dev/reload", s.Dev.handleReload)
		r.Get("/dev/reload.js", handleReloadScript)
	}
	r.Get("/robots.txt", s.rootAsset("robots.txt"))
	r.Get("/favicon.ico", s.rootAsset("icon.svg"))
	s.appRoutes(r)
}

// cityRoutes are the public pages of a city. They have no session, since they
// look the same to everybody.
func (s *Site) cityRoutes(r chi.Router) {
	r.Use(s.askRobots)
	for _, n := range s.Networks {
		if hooked, ok := n.Network.(bots.CityHooked); ok {
			r.Route("/"+n.Name+"/"+bots.InPath, func(r chi.Router) { hooked.CityHookRoutes(r, s) })
		}
	}
	r = r.With(s.atOwnAddress, s.unlessOff)
	r.Get("/", s.Handler(s.handleCity))
	r.Get("/feed.atom", s.Handler(s.handleFeed))
	r.Get("/live", s.Handler(s.handleLive))
	r.Get("/lines", s.Handler(s.handleLines))
	r.Get("/places.json", s.Handler(s.handlePlacesJSON))
	r.Get("/manifest.webmanifest", s.Handler(s.handleManifest))
	r.Group(func(r chi.Router) {
		r.Use(s.takeForms(maxForm), s.withCity)
		s.contactRoutes(r)
		s.posterRoutes(r)
		for _, n := range s.Networks {
			r.Route("/"+n.Name, func(r chi.Router) { n.Network.PublicRoutes(r, s) })
		}
	})
}

// personRoutes are the pages that know who is looking.
func (s *Site) personRoutes(r chi.Router) {
	r.Use(s.withSession)
	r.Group(s.visitorRoutes)
	r.Route("/settings", s.memberRoutes)
	r.Route(roomPath, s.operatorRoutes)
}

// visitorRoutes are the pages for people who are not moderators, or not yet.
func (s *Site) visitorRoutes(r chi.Router) {
	r.Use(s.takeForms(maxForm))
	r.Get("/", s.Handler(s.handleHome))
	r.Get("/imprint", s.Handler(s.handleImprint))
	r.Get("/privacy", s.Handler(s.handlePrivacy))
	r.Group(s.moderatorRoutes)
}

// moderatorRoutes are the ways in for moderators.
func (s *Site) moderatorRoutes(r chi.Router) {
	r.Use(s.forModerators)
	r.Get("/register/sent", s.Handler(s.handleRegisterSent))
	r.Get("/register/name", s.Handler(s.handleRegisterName))
	r.Group(func(r chi.Router) {
		r.Use(s.limitPosts(signUpsPerQuarter, 15*time.Minute))
		r.Group(func(r chi.Router) {
			r.Use(s.unlessClosed)
			r.Get("/register", s.Handler(s.handleRegisterForm))
			r.Post("/register", s.Handler(s.handleRegister))
			r.Get("/confirm/{token}", s.Handler(s.handleConfirmForm))
			r.Post("/confirm/{token}", s.Handler(s.handleConfirm))
		})
		r.Get("/invitation/{token}", s.Handler(s.handleInvitationForm))
		r.Post("/invitation/{token}", s.Handler(s.handleInvitation))
	})
	r.Group(func(r chi.Router) {
		r.Use(s.limitPosts(loginsPerMinute, time.Minute))
		r.Get("/login", s.Handler(s.handleLoginForm))
		r.Post("/login", s.Handler(s.handleLogin))
		r.Post("/login/passkey/begin", s.Handler(s.handlePasskeyLoginBegin))
		r.Post("/login/passkey", s.Handler(s.handlePasskeyLogin))
	})
	r.Post("/logout", s.Handler(s.handleLogout))
	r.Get("/password/sent", s.Handler(s.handlePasswordSent))
	r.Group(func(r chi.Router) {
		r.Use(s.limitPosts(passwordPerQuarter, 15*time.Minute))
		r.Get("/password", s.Handler(s.handlePasswordForm))
		r.Post("/password", s.Handler(s.handlePassword))
		r.Get("/password/{token}", s.Handler(s.handleNewPasswordForm))
		r.Post("/password/{token}", s.Handler(s.handleNewPassword))
	})
}

// memberRoutes are the settings of the logged-in moderator's city.
func (s *Site) memberRoutes(r chi.Router) {
	r.Use(s.forModerators, s.requireLogin, s.requireRole, s.allowRedirects)
	r.Group(func(r chi.Router) {
		r.Use(s.takeForms(maxSettingsForm))
		r.Post("/city", s.Handler(s.handleSwitchCity))
		s.settingsRoutes(r)
	})
	s.placesForms(r)
	for _, n := range s.Networks {
		r.Route("/"+n.Name, func(r chi.Router) {
			if u, ok := n.Network.(bots.Uploader); ok {
				u.UploadRoutes(r, s)
			}
			r.Group(func(r chi.Router) {
				r.Use(s.takeForms(maxSettingsForm), s.sameCity, s.noteConfigured(n.Name))
				n.Network.SettingsRoutes(r, s)
			})
		})
	}
}

// withCity finds the city in the path.
func (s *Site) withCity(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		city, err := s.DB.FindCity(r.Context(), chi.URLParam(r, "slug"))
		if err != nil {
			return noSuchCity(err)
		}
		v := visitOf(r.Context())
		v.city, v.lang = city, s.readIn(r, city)
		next.ServeHTTP(w, r)
		return nil
	})
}

// noSuchCity tells a visitor how to find a city if this one does not exist.
func noSuchCity(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.no_such_city", Err: err}
	}
	return err
}

// originOf returns the origin of a URL (RFC 6454): everything before its path.
func originOf(public string) string {
	u, err := url.Parse(public)
	if err != nil {
		return public
	}
	return u.Scheme + "://" + u.Host
}
