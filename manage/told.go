package manage

import (
	"cmp"
	"context"
)

// told are the acts that the operator's log tells of, with what it says. It names the city and
// in which role somebody acts, and no person.
var told = map[string]string{
	"city.added":          "a city was added",
	"city.imported":       "a city was imported",
	"city.exported":       "a city was exported",
	"city.suspended":      "a city was suspended",
	"city.resumed":        "a city was resumed",
	"city.admitted":       "a city was admitted",
	"city.deleted":        "a city was deleted, and can be restored for seven days",
	"city.restored":       "a deleted city was restored",
	"city.erased":         "a city is gone for good",
	"city.moved":          "a city has moved to another server",
	"city.renamed":        "a city was renamed",
	"moderator.invited":   "a moderator was invited",
	"moderator.withdrawn": "an invitation was withdrawn",
	"moderator.joined":    "a moderator has joined",
	"moderator.added":     "a moderator was added",
	"moderator.removed":   "a moderator was removed",
	"moderator.left":      "a moderator has left",
	"moderator.role":      "a moderator was given another role",
	"operator.added":      "an operator was added",
	"operator.removed":    "an operator was removed",
}

// logAct writes an act into the operator's log, where it is one of those that are told.
func (m *Cities) logAct(ctx context.Context, cityID int64, act, subject string) {
	words := told[act]
	if words == "" {
		return
	}
	var which []any
	switch city, err := m.DB.BriefCity(ctx, cityID); {
	case cityID != 0 && err == nil:
		which = []any{"city", city.Slug}
	case cityID == 0 && isOfCity(act):
		which = []any{"city", subject}
	}
	m.Log.Info(words, append(which, "by", roleOf(actor(ctx)))...)
}

// isOfCity tells whether the subject of an act with the whole server is the slug of a city.
func isOfCity(act string) bool { return act == "city.erased" || act == "city.moved" }

// roleOf is how the log calls who acts.
func roleOf(who Actor) string {
	if who.Name == Operator().Name {
		return "operator"
	}
	return cmp.Or(string(who.Role), "program")
}
