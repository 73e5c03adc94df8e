package api

import (
	"net/http"

	"ticketfrei/internal/config"
)

const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID"
	corsExposed = "ETag, Location, Retry-After, Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy"
	// corsMaxAge is how long a browser need not ask again, in seconds.
	corsMaxAge = "600"
)

// cors tells browsers which pages of others may use the API (setting api.cors_origins).
// It refuses nothing by itself: without these headers a browser does.
func (a *API) cors(next http.Handler) http.Handler {
	allowed := a.Config.API.CORSOrigins
	if len(allowed) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, origin := w.Header(), r.Header.Get("Origin")
		asks := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		h.Add("Vary", "Origin")
		switch {
		case origin == "":
		case allowed.Contains(origin):
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", corsExposed)
			if asks {
				h.Set("Access-Control-Allow-Methods", corsMethods)
				h.Set("Access-Control-Allow-Headers", corsHeaders)
			}
		case allowed.Contains(config.AnyOrigin) && r.Header.Get("Authorization") == "":
			// Anybody may read what is public, and nothing else: no header is allowed, so
			// that no key is sent.
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", corsExposed)
			if asks {
				h.Set("Access-Control-Allow-Methods", "GET, HEAD")
				h.Set("Access-Control-Allow-Headers", "Last-Event-ID, If-None-Match")
			}
		}
		if asks {
			h.Set("Access-Control-Max-Age", corsMaxAge)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
