package manage

import (
	"context"
	"errors"
	"fmt"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/moving"
)

// Subscription is what a link in an old mail of another program is about.
type Subscription struct {
	City    report.City
	Address string
}

// CityOfTicketfrei2 returns the city that was called so in a Ticketfrei 2, or db.ErrNotFound.
func (m *Cities) CityOfTicketfrei2(ctx context.Context, name string) (report.City, error) {
	return m.DB.FindMovedCityNamed(ctx, string(moving.Ticketfrei2), 0, name)
}

// CityOfKibicara returns the city that has come from the hood with that number, or
// db.ErrNotFound. Of several installations the first that came keeps its numbers.
func (m *Cities) CityOfKibicara(ctx context.Context, hood int64) (report.City, error) {
	return m.DB.FindMovedCity(ctx, string(moving.Kibicara), 0, hood)
}

// SubscriptionOfTicketfrei2 returns the subscription that a token in a mail of Ticketfrei 2 is about, to end
// it and for nothing else. The error is db.ErrNotFound where it is none of the installations that
// came here, or the city is not here any more.
func (m *Cities) SubscriptionOfTicketfrei2(ctx context.Context, token string) (Subscription, error) {
	return m.formerLink(ctx, moving.Ticketfrei2, func(source db.MovedSource) (Subscription, error) {
		email, name, err := moving.LinkOfTicketfrei2(source.Secret, token)
		if err != nil {
			return Subscription{}, err
		}
		city, err := m.DB.FindMovedCityNamed(ctx, string(moving.Ticketfrei2), source.ID, name)
		return Subscription{city, email}, err
	})
}

// SubscriptionOfKibicara is SubscriptionOfTicketfrei2 for a token in a mail of Kibicara, on the page of the hood with
// that number.
func (m *Cities) SubscriptionOfKibicara(ctx context.Context, hood int64, token string) (Subscription, error) {
	return m.formerLink(ctx, moving.Kibicara, func(source db.MovedSource) (Subscription, error) {
		email, of, err := moving.LinkOfKibicara(source.Secret, token)
		if err == nil && of != hood {
			err = moving.ErrLink
		}
		if err != nil {
			return Subscription{}, err
		}
		city, err := m.DB.FindMovedCity(ctx, string(moving.Kibicara), source.ID, hood)
		return Subscription{city, email}, err
	})
}

// formerLink returns what open makes of the first installation of a program whose link it is.
func (m *Cities) formerLink(ctx context.Context, program moving.Program, open func(db.MovedSource) (Subscription, error)) (Subscription, error) {
	sources, err := m.DB.MovedSources(ctx, m.Secrets, string(program))
	if err != nil {
		return Subscription{}, err
	}
	for _, source := range sources {
		if s, err := open(source); !errors.Is(err, moving.ErrLink) {
			return s, err
		}
	}
	return Subscription{}, fmt.Errorf("%w: %w", moving.ErrLink, db.ErrNotFound)
}
