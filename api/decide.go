package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// alwaysForm is what would change of the rules so that a report passes.
type alwaysForm struct {
	Unblock   string   `json:"unblock,omitempty" doc:"The line of the blocked words that would go."`
	NeedsWord bool     `json:"needs_word,omitempty" doc:"A word is to be added to the triggers."`
	Words     []string `json:"words,omitempty" doc:"Words of the report that may become a trigger, the most telling first."`
}

// ofRule says that nothing of the rules would change.
func ofRule(err error) error {
	if errors.Is(err, manage.ErrNoRule) {
		return problem(http.StatusConflict, "no rule of the city has kept the report: let it through")
	}
	return err
}

func (a *API) getAlways(ctx context.Context, in *request) (*reply[alwaysForm], error) {
	always, err := a.Cities.AlwaysOf(ctx, city(ctx), in.ID)
	return answered(alwaysForm{always.Unblock, always.NeedsWord, always.Words}, ofRule(err))
}

// alwaysWord is the word that becomes a trigger.
type alwaysWord struct {
	Word string `json:"word,omitempty" maxLength:"60" doc:"A word of the report, as kontroll* for all that begin with it. Left out where none is needed." example:"kontroll*"`
}

type alwaysDone struct {
	Passed bool `json:"passed" doc:"The report is on its way. It is not where it is too old, or was decided about already: the rules are changed all the same."`
}

func (a *API) alwaysLetThrough(ctx context.Context, in *request, body *alwaysWord) (*reply[alwaysDone], error) {
	if !may(ctx, moderates...) {
		return nil, problem(http.StatusForbidden, "the key needs the right "+anyOf(moderates)+", too")
	}
	passed, err := a.Cities.AlwaysLetThrough(ctx, city(ctx), in.ID, body.Word)
	return answered(alwaysDone{passed}, ofRule(err))
}

type reasonCount struct {
	State  string        `json:"state" enum:"passed,refused,held,taken_back"`
	Reason report.Reason `json:"reason"`
	Count  int           `json:"count"`
}

type reasonCounts struct {
	Counts []reasonCount `json:"counts" nullable:"false"`
}

func (a *API) countReports(ctx context.Context, _ *request) (*reply[reasonCounts], error) {
	list, err := a.Cities.CountReports(ctx, city(ctx).ID)
	counts := make([]reasonCount, len(list))
	for i, c := range list {
		state := stateRefused
		switch {
		case c.Passed:
			state = statePassed
		case c.Held:
			state = stateHeld
		case c.Reason == report.ReasonTakenBack:
			state = stateTakenBack
		}
		counts[i] = reasonCount{state, c.Reason, c.Count}
	}
	return answered(reasonCounts{counts}, err)
}

type muteForm struct {
	ID     string    `json:"id" doc:"Stands for the author in this city, and leads to nobody."`
	Since  time.Time `json:"since"`
	Report string    `json:"report,omitempty" doc:"The id of the newest that is kept of what they wrote."`
}

type muteList struct {
	Mutes []muteForm `json:"mutes" nullable:"false"`
}

func (a *API) listMuted(ctx context.Context, _ *request) (*reply[muteList], error) {
	list, err := a.Cities.Muted(ctx, city(ctx).ID)
	mutes := make([]muteForm, len(list))
	for i, m := range list {
		mutes[i] = muteForm{m.Author, m.Since.UTC(), m.Last.Report.ID}
	}
	return answered(muteList{mutes}, err)
}

func (a *API) endMute(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.UnmuteAuthor(ctx, city(ctx).ID, in.ID)
}
