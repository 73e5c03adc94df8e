package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// grant is what a token or code stands for.
type grant struct {
	account *Account // nil for the token of an app alone
	client  string
	scopes  []string
	uri     string
	push    *subscription
}

// may tells whether the grant covers scope: "read" covers "read:accounts".
func (g *grant) may(scope string) bool {
	whole, _, _ := strings.Cut(scope, ":")
	return slices.Contains(g.scopes, scope) || slices.Contains(g.scopes, whole)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]http.HandlerFunc{
		"POST /api/v1/apps":                       s.createApp,
		"GET /api/v1/apps/verify_credentials":     s.verifyApp,
		"GET /oauth/authorize":                    s.authorizePage,
		"POST /oauth/authorize":                   s.authorize,
		"POST /oauth/token":                       s.createToken,
		"POST /oauth/revoke":                      s.revokeToken,
		"GET /api/v1/instance":                    s.instanceV1,
		"GET /api/v2/instance":                    s.instanceV2,
		"GET /api/v1/streaming":                   s.stream,
		"GET /api/v1/accounts/verify_credentials": s.user("read:accounts", s.verifyCredentials),
		"GET /api/v1/accounts/{id}/statuses":      s.user("read:statuses", s.accountStatuses),
		"GET /api/v1/notifications":               s.user("read:notifications", s.notifications),
		"GET /api/v1/notifications/{id}":          s.user("read:notifications", s.oneNotification),
		"GET /api/v1/push/subscription":           s.user("push", s.subscribed),
		"POST /api/v1/push/subscription":          s.user("push", s.subscribe),
		"DELETE /api/v1/push/subscription":        s.user("push", s.unsubscribe),
		"GET /api/v1/notifications/policy":        s.user("read:notifications", s.policyV1),
		"GET /api/v2/notifications/policy":        s.user("read:notifications", s.policyV2),
		"PATCH /api/v1/notifications/policy":      s.user("write:notifications", s.policyV1),
		"PATCH /api/v2/notifications/policy":      s.user("write:notifications", s.policyV2),
		"POST /api/v1/statuses":                   s.user("write:statuses", s.postStatus),
		"GET /api/v1/statuses/{id}":               s.user("read:statuses", s.getStatus),
		"DELETE /api/v1/statuses/{id}":            s.user("write:statuses", s.deleteStatus),
		"POST /api/v1/statuses/{id}/reblog":       s.user("write:statuses", s.reblog),
		"POST /api/v1/statuses/{id}/unreblog":     s.user("write:statuses", s.unreblog),
	}
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusNotFound, "Record not found") })
	return mux
}

func bearer(r *http.Request) (token string) {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
func (s *Server) now() time.Time                 { return s.options.Now() }
func (s *Server) grantOf(r *http.Request) *grant { return s.tokens[bearer(r)] }

// user adapts a handler that acts for an account. h is called with s.mu held
// and returns what is answered.
func (s *Server) user(scope string, h func(a *Account, w http.ResponseWriter, r *http.Request) (any, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			fail(w, http.StatusBadRequest, "bad form")
			return
		}
		answer, code := s.serve(scope, h, w, r)
		reply(w, code, answer)
	}
}

func (s *Server) serve(scope string, h func(*Account, http.ResponseWriter, *http.Request) (any, int), w http.ResponseWriter, r *http.Request) (any, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.Happened()
	g := s.grantOf(r)
	switch {
	case g == nil || g.account == nil:
		return message("The access token is invalid"), http.StatusUnauthorized
	case !g.may(scope):
		return message("This action is outside the authorized scopes"), http.StatusForbidden
	case g.account.suspended:
		return message("Your login is currently disabled"), http.StatusForbidden
	case !s.allow(g.account, w.Header()):
		return message("Too many requests"), http.StatusTooManyRequests
	}
	return h(g.account, w, r)
}

// allow counts a request of the account and writes the headers about it.
func (s *Server) allow(a *Account, h http.Header) bool {
	limit := s.options.RateLimit
	if limit == 0 {
		return true
	}
	now := s.now()
	if !now.Before(a.reset) {
		a.used, a.reset = 0, now.Add(s.options.RateWindow)
	}
	a.used++
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-a.used)))
	h.Set("X-RateLimit-Reset", a.reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
	return a.used <= limit
}

func message(text string) entity { return entity{"error": text} }

func fail(w http.ResponseWriter, code int, text string) { reply(w, code, message(text)) }

func reply(w http.ResponseWriter, code int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

func (s *Server) verifyCredentials(a *Account, _ http.ResponseWriter, _ *http.Request) (any, int) {
	e := a.entity()
	e["source"] = entity{"privacy": "public", "sensitive": false, "language": nil, "note": "", "fields": []any{}}
	return e, http.StatusOK
}

func (s *Server) instanceV1(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, entity{"uri": s.domain, "title": "Test", "version": s.v1Version(), "email": "", "description": "",
		"urls": entity{"streaming_api": "ws" + strings.TrimPrefix(s.URL, "http")}, "languages": []string{"de"},
		"configuration": entity{"statuses": entity{"max_characters": s.options.MaxCharacters, "characters_reserved_per_url": 23}}})
}

func (s *Server) instanceV2(w http.ResponseWriter, _ *http.Request) {
	if s.options.Old {
		fail(w, http.StatusNotFound, "Record not found")
		return
	}
	reply(w, http.StatusOK, entity{"domain": s.domain, "title": "Test", "version": s.options.Version, "source_url": s.options.Source, "languages": []string{"de"},
		"configuration": entity{"urls": entity{"streaming": "ws" + strings.TrimPrefix(s.URL, "http")},
			"statuses": entity{"max_characters": s.options.MaxCharacters, "characters_reserved_per_url": 23}}})
}

// v1Version is the version that an old server says it has.
func (s *Server) v1Version() string {
	if s.options.Old {
		return "3.5.0"
	}
	return s.options.Version
}
