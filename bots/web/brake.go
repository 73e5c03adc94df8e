package web

import (
	"net/http"
	"time"

	"github.com/go-chi/httprate"

	"ticketfrei/bots"
	"ticketfrei/internal/clients"
)

// everybody is how many networks of clients are reckoned with behind a gateway, which
// hides them.
const everybody = 50

// brake bounds how often one network of clients does something, and how often everybody
// behind a gateway does.
type brake struct {
	n         int
	processes func() int // that share n
	one, all  *httprate.RateLimiter
}

func newBrake(n int, while time.Duration, processes func() int) brake {
	return brake{n, processes, httprate.NewRateLimiter(n, while), httprate.NewRateLimiter(n*everybody, while)}
}

// holds tells whether the client of a request has come too often, and counts it.
func (b brake) holds(site bots.Site, w http.ResponseWriter, r *http.Request) bool {
	if client := site.ClientNetwork(r); client.IsValid() {
		return b.one.OnLimit(w, clients.LimitRequest(r, b.n, b.processes()), client.String())
	}
	return b.all.OnLimit(w, clients.LimitRequest(r, b.n*everybody, b.processes()), site.ClientIP(r))
}
