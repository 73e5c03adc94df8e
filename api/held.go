package api

import (
	"context"
	"net/http"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

func (a *API) heldRoutes() {
	const path, tag = "/cities/{city}/held", "reports"
	add(a, route{id: "list-held", method: http.MethodGet, path: path, tag: tag, summary: "What waits for a moderator, by the brake that holds it", needs: seesReports}, a.listHeld)
	addBody(a, route{id: "let-through-held", method: http.MethodPost, path: path + "/let-through", tag: tag, summary: "Send on all that is held, or all for one reason", needs: moderates}, a.letAllThrough)
	addBody(a, route{id: "throw-away-held", method: http.MethodPost, path: path + "/throw-away", tag: tag, summary: "Throw away all that is held, or all for one reason", needs: moderates}, a.throwAllAway)
}

type heldGroup struct {
	Reason report.Reason `json:"reason"`
	Count  int           `json:"count"`
	First  time.Time     `json:"first" doc:"When the first came."`
	Last   time.Time     `json:"last" doc:"When the last came."`
	Full   bool          `json:"full" doc:"No more are held for that reason: what comes is refused."`
}

type heldList struct {
	Held []heldGroup `json:"held" nullable:"false"`
}

func (a *API) listHeld(ctx context.Context, _ *request) (*reply[heldList], error) {
	groups, err := a.DB.HeldGroups(ctx, city(ctx).ID)
	list := make([]heldGroup, len(groups))
	for i, g := range groups {
		list[i] = heldGroup{g.Reason, g.Count, g.First.UTC(), g.Last.UTC(), g.Full()}
	}
	return answered(heldList{list}, err)
}

// heldChoice says what is meant of what is held.
type heldChoice struct {
	Reason string `json:"reason,omitempty" enum:"approval,flood,flood_client,flood_domain,flood_city" doc:"Only what is held for that reason; all where it is left out."`
}

type decidedHeld struct {
	Count int `json:"count" doc:"How many there were."`
	Late  int `json:"late,omitempty" doc:"How many were too old to be sent, and are refused."`
}

func (a *API) letAllThrough(ctx context.Context, _ *request, body *heldChoice) (*reply[decidedHeld], error) {
	passed, late, err := a.Cities.LetThrough(ctx, city(ctx).ID, db.Choice{Reason: report.Reason(body.Reason)})
	return answered(decidedHeld{passed, late}, err)
}

func (a *API) throwAllAway(ctx context.Context, _ *request, body *heldChoice) (*reply[decidedHeld], error) {
	n, err := a.Cities.ThrowAway(ctx, city(ctx).ID, db.Choice{Reason: report.Reason(body.Reason)})
	return answered(decidedHeld{Count: n}, err)
}
