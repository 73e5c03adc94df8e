package api

import (
	"context"
	"net/http"
	"time"
)

// healthWithin bounds how long the program may take to say how it is.
const healthWithin = 5 * time.Second

type healthForm struct {
	Status  string `json:"status" enum:"ok" doc:"ok: it works. Where it does not, the answer is 503 with the reason."`
	Version string `json:"version" doc:"The program's version."`
}

func (a *API) healthRoutes() {
	add(a, route{id: "get-health", method: http.MethodGet, path: "/health", tag: "server", summary: "Whether the server works"}, a.health)
}

func (a *API) health(ctx context.Context, _ *request) (*reply[healthForm], error) {
	ctx, done := context.WithTimeout(ctx, healthWithin)
	defer done()
	if err := a.Health.Ready(ctx); err != nil {
		a.Log.Warn("the program is not ready", "err", err)
		return nil, later(http.StatusServiceUnavailable, "the server cannot work at the moment", healthWithin)
	}
	return answered(healthForm{"ok", a.Version}, nil)
}
