package manage

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// RestoreFor is how long a city that was deleted can be brought back.
const RestoreFor = 7 * 24 * time.Hour

// MaxReason bounds why a city is suspended, in characters.
const MaxReason = 300

// Suspend switches a city off as a whole until Admit: its page and its address say that it is
// off, and its bots do not run. Its moderators are mailed the reason, and read it on their
// pages. Nothing is deleted.
func (m *Cities) Suspend(ctx context.Context, cityID int64, reason string) (report.City, error) {
	reason = oneLine(reason)
	switch {
	case reason == "":
		return report.City{}, Wrong("reason", "life.reason.empty")
	case utf8.RuneCountInString(reason) > MaxReason:
		return report.City{}, Wrong("reason", "settings.error.too_long", "Max", MaxReason)
	}
	c, err := m.DB.Suspend(ctx, cityID, reason)
	if err := m.did(ctx, cityID, "city.suspended", reason, err); err != nil {
		return report.City{}, err
	}
	return c, m.Letters.toModerators(ctx, m.DB, c, "life.mail.suspended", "Reason", reason)
}

// Admit lets a city go on that is suspended, or begin that waits: its moderators are mailed. It
// does nothing where the city does neither.
func (m *Cities) Admit(ctx context.Context, cityID int64) (report.City, error) {
	before, err := m.DB.City(ctx, cityID)
	if err != nil {
		return report.City{}, err
	}
	if !before.Waiting && before.Suspended.IsZero() {
		return before, nil
	}
	act, text := "city.resumed", "life.mail.resumed"
	if before.Waiting {
		act, text = "city.admitted", "life.mail.admitted"
	}
	c, err := m.DB.Admit(ctx, cityID)
	if err := m.did(ctx, cityID, act, "", err); err != nil {
		return report.City{}, err
	}
	return c, m.Letters.toModerators(ctx, m.DB, c, text)
}

// Delete switches a city off at once. For RestoreFor it can be brought back, then it is
// deleted with all that is stored of it: see DeleteDue. All its moderators are mailed.
func (m *Cities) Delete(ctx context.Context, cityID int64) (report.City, error) {
	before, err := m.DB.City(ctx, cityID)
	if err != nil || !before.Deleted.IsZero() {
		return before, err
	}
	c, err := m.DB.MarkDeleted(ctx, cityID)
	if err := m.did(ctx, cityID, "city.deleted", "", err); err != nil {
		return report.City{}, err
	}
	return c, m.Letters.toModerators(ctx, m.DB, c, "life.mail.deleted", "Until", GoneAfter(c).UTC().Format("2006-01-02 15:04")+" UTC")
}

// GoneAfter is until when a city that was deleted can be brought back.
func GoneAfter(c report.City) time.Time { return c.Deleted.Add(RestoreFor) }

// Restore brings a city back that was deleted; its moderators are mailed. It does nothing
// where it was not.
func (m *Cities) Restore(ctx context.Context, cityID int64) (report.City, error) {
	before, err := m.DB.City(ctx, cityID)
	if err != nil || before.Deleted.IsZero() {
		return before, err
	}
	c, err := m.DB.Restore(ctx, cityID)
	if err := m.did(ctx, cityID, "city.restored", "", err); err != nil {
		return report.City{}, err
	}
	return c, m.Letters.toModerators(ctx, m.DB, c, "life.mail.restored")
}

// DeleteNow deletes a city for good, with all that is stored of it, by the networks too. Where
// one of them fails, the error is a *ForgetError, and the city stays. All who were its
// moderators are mailed.
func (m *Cities) DeleteNow(ctx context.Context, cityID int64) error {
	c, err := m.DB.City(ctx, cityID)
	if err != nil {
		return err
	}
	moderators, err := m.DB.CityModerators(ctx, cityID)
	if err != nil {
		return err
	}
	if err := m.erase(ctx, cityID); err != nil {
		return err
	}
	m.acted(ctx, 0, "city.erased", c.Slug)
	return m.Letters.to(ctx, moderators, c, "life.mail.gone")
}

// DeleteMoved deletes a city for good that goes on on another server: its accounts are not
// logged out, and nobody is mailed.
func (m *Cities) DeleteMoved(ctx context.Context, cityID int64) error {
	c, err := m.DB.City(ctx, cityID)
	if err != nil {
		return err
	}
	if err := m.changed(cityID, m.DB.DeleteCity(ctx, cityID)); err != nil {
		return err
	}
	m.acted(ctx, 0, "city.moved", c.Slug)
	return nil
}

// erase deletes all that is stored of a city.
func (m *Cities) erase(ctx context.Context, cityID int64) error {
	list, err := m.DB.CityBots(ctx, cityID)
	if err != nil {
		return err
	}
	for _, b := range list {
		n, err := m.Network(b.Network)
		if err != nil {
			continue // the program was built without this network, so nobody can be asked
		}
		if err := m.forget(ctx, n, b); err != nil {
			return err
		}
	}
	return m.changed(cityID, m.DB.DeleteCity(ctx, cityID))
}

// DeleteDue deletes the cities for good that can be brought back no longer. Of several
// processes one calls it.
func (m *Cities) DeleteDue(ctx context.Context, now time.Time) error {
	due, err := m.DB.DeletedBefore(ctx, now.Add(-RestoreFor))
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range due {
		err := m.erase(ctx, c.ID)
		switch {
		case err == nil:
			m.acted(ctx, 0, "city.erased", c.Slug)
		case !errors.Is(err, db.ErrNotFound):
			errs = append(errs, fmt.Errorf("city %s: %w", c.Slug, err))
		}
	}
	return errors.Join(errs...)
}

// Rename gives a city another name in addresses: the one that it had goes on leading to it. Its
// moderators are mailed. The operator may take one that a deleted city had.
func (m *Cities) Rename(ctx context.Context, cityID int64, slug string) (report.City, error) {
	before, err := m.DB.City(ctx, cityID)
	if err != nil || before.Slug == slug {
		return before, err
	}
	if err := m.freeSlug(ctx, slug); err != nil {
		return report.City{}, err
	}
	c, err := m.DB.Rename(ctx, cityID, slug)
	if errors.Is(err, db.ErrTaken) {
		err = Wrong("slug", takenCity)
	}
	if err := m.did(ctx, cityID, "city.renamed", before.Slug+" → "+slug, err); err != nil {
		return report.City{}, err
	}
	return c, m.Letters.toModerators(ctx, m.DB, c, "life.mail.renamed", "Former", before.Slug)
}

// freeSlug checks a slug, and frees it where a deleted city had it.
func (m *Cities) freeSlug(ctx context.Context, slug string) error {
	if err := checkSlug(slug); err != nil {
		return err
	}
	return m.DB.FreeSlug(ctx, slug)
}

// checkSlug says why no city can have a slug.
func checkSlug(slug string) error {
	switch err := report.CheckSlug(slug); {
	case errors.Is(err, report.ErrReserved):
		return Wrong("slug", "form.city.reserved")
	case err != nil:
		return Wrong("slug", "form.short.invalid")
	}
	return nil
}

// Aliases returns the names besides its own that lead to a city.
func (m *Cities) Aliases(ctx context.Context, cityID int64) ([]string, error) {
	return m.DB.Aliases(ctx, cityID)
}

// AddAlias has a name in addresses lead to a city. The operator may take one that a deleted
// city had.
func (m *Cities) AddAlias(ctx context.Context, cityID int64, slug string) error {
	if err := m.freeSlug(ctx, slug); err != nil {
		return err
	}
	err := m.DB.AddAlias(ctx, cityID, slug)
	if errors.Is(err, db.ErrTaken) {
		err = Wrong("slug", takenCity)
	}
	return m.did(ctx, cityID, "city.alias_added", slug, err)
}

// RemoveAlias has a name lead to a city no more. The error is db.ErrNotFound where it is none
// of its aliases.
func (m *Cities) RemoveAlias(ctx context.Context, cityID int64, slug string) error {
	return m.did(ctx, cityID, "city.alias_removed", slug, m.DB.RemoveAlias(ctx, cityID, slug))
}
