package clients

import (
	"net/http"

	"github.com/go-chi/httprate"
)

// Part is how much one of so many processes lets through of a limit that holds for all of
// them together: at least 1, as whoever comes may always come to the same.
func Part(limit, processes int) int { return max(1, limit/max(1, processes)) }

// LimitRequest returns the request with its part of a limit for limiters of httprate, which
// were made with all of it.
func LimitRequest(r *http.Request, limit, processes int) *http.Request {
	if processes <= 1 {
		return r
	}
	return r.WithContext(httprate.WithRequestLimit(r.Context(), Part(limit, processes)))
}
