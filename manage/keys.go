package manage

import (
	"cmp"
	"context"
	"slices"

	"ticketfrei/internal/apikey"
)

// AddKey stores a key of the API and returns it: it is stored nowhere. slug is that of its city;
// empty: it is the operator's. It ends when the moderator who makes it has to go. The error is
// ErrNotAllowed where an owner alone could make it, and db.ErrTooMany where there are as many as
// there may be.
func (m *Cities) AddKey(ctx context.Context, k apikey.Key, slug string) (key string, err error) {
	if slices.Contains(k.Rights, apikey.People) {
		if err := onlyOwners(ctx); err != nil {
			return "", err
		}
	}
	k.MadeBy = actor(ctx).ID
	key = apikey.New(slug)
	if k, err = m.DB.AddAPIKey(ctx, k, apikey.Hash(key)); err != nil {
		return "", err
	}
	m.acted(ctx, k.CityID, "key.added", nameOfKey(k))
	return key, nil
}

// RemoveKey removes a key of a city, or of the operator; it holds no longer. The error is
// db.ErrNotFound where there is none.
func (m *Cities) RemoveKey(ctx context.Context, k apikey.Key) error {
	if err := m.DB.RemoveAPIKey(ctx, k.CityID, k.ID); err != nil {
		return err
	}
	m.acted(ctx, k.CityID, "key.removed", nameOfKey(k))
	return nil
}

// nameOfKey tells a key from others: by its rights where it has no name.
func nameOfKey(k apikey.Key) string { return cmp.Or(k.Name, apikey.Join(k.Rights)) }
