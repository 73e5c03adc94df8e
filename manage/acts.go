package manage

import (
	"context"
	"strconv"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Actor is who does something. What they do is stored under their name: see db.Act.
type Actor struct {
	ID   int64       // of the moderator; of the one who has made the key; 0: none, or not known
	Name string      // the address of a moderator, "operator", or "key" and its name
	Role report.Role // what they may do in the city that they do it with
}

// Operator is who runs the server, who may do everything.
func Operator() Actor { return Actor{Name: "operator", Role: report.Owner} }

// ActRole is the act of giving a moderator another role. Its subject is their address,
// RoleSign and the role.
const (
	ActRole  = "moderator.role"
	RoleSign = " → "
)

type actorKey struct{}

// As returns a context in which who acts.
func As(ctx context.Context, who Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

// actor returns who acts; the zero Actor is the program itself.
func actor(ctx context.Context) Actor {
	who, _ := ctx.Value(actorKey{}).(Actor)
	return who
}

// acted stores that who acts in ctx has done something with a city, to a subject that may be
// empty; with the server as a whole where cityID is 0. Its text is "acts." and act. What was
// done is done: if this cannot be stored, only the log says so.
func (m *Cities) acted(ctx context.Context, cityID int64, act, subject string) {
	m.logAct(context.WithoutCancel(ctx), cityID, act, subject)
	err := m.DB.AddAct(context.WithoutCancel(ctx), db.Act{CityID: cityID, Who: actor(ctx).Name, Act: act, Subject: subject})
	if err != nil {
		m.Log.Error("what was done is not in the list of acts", "act", act, "city", m.DB.Slug(ctx, cityID), "err", err)
	}
}

// did is acted where err is nil. It tells that the city was changed, and returns err.
func (m *Cities) did(ctx context.Context, cityID int64, act, subject string, err error) error {
	if err == nil {
		m.acted(ctx, cityID, act, subject)
	}
	return m.changed(cityID, err)
}

// decided is acted for so many reports, where there were some.
func (m *Cities) decided(ctx context.Context, cityID int64, act string, reports int) {
	if reports > 0 {
		m.acted(ctx, cityID, act, strconv.Itoa(reports))
	}
}

// Configured stores that a network's own page has changed how a city is on that network.
func (m *Cities) Configured(ctx context.Context, cityID int64, network string) {
	m.acted(ctx, cityID, "network.changed", network)
}

// Acts returns what was done with a city within the last 90 days, the last first: at most limit
// acts, those before the one with the id before; 0: the last ones.
func (m *Cities) Acts(ctx context.Context, cityID, before int64, limit int) ([]db.Act, error) {
	return m.DB.CityActs(ctx, cityID, before, limit)
}
