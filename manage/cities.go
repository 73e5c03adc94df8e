package manage

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// NewCity is a city that is to be made.
type NewCity struct {
	Name     string
	Slug     string // empty: as the name gives
	Language string
	Zone     string // empty: that of the language
	// Owner is the id of the moderator who makes it. Where it is 0, the operator does,
	// who may have what others may not: a slug that a deleted city had, and a moderator
	// with the address Email, who is made where there is none. One who is made without a
	// Password sets one by the mail that the page for forgotten passwords sends.
	Owner           int64
	Email, Password string
}

// List returns the cities whose name or slug contains search, sorted by name, at most
// limit of them.
func (m *Cities) List(ctx context.Context, search string, limit int) ([]report.City, error) {
	return m.DB.Cities(ctx, search, limit)
}

// Find returns the city with that slug, or db.ErrNotFound.
func (m *Cities) Find(ctx context.Context, slug string) (report.City, error) {
	return m.DB.FindCity(ctx, slug)
}

// CheckNew normalizes what is typed, fills in what is empty, and says what is wrong with
// it as far as that is seen without looking at other cities.
func (m *Cities) CheckNew(n *NewCity) error {
	var wrong problems
	n.checkName(&wrong)
	if !slices.Contains(m.Languages, n.Language) {
		wrong.add("language", "settings.texts.language_missing")
	}
	if known := zone.Known(n.Zone); n.Zone != "" && known == "" {
		wrong.add("zone", "settings.texts.zone_unknown")
	} else {
		n.Zone = known
	}
	if n.Owner != 0 {
		return wrong.err()
	}
	n.Email = NormalEmail(n.Email)
	if id := CheckEmail(n.Email); id != "" {
		wrong.add("email", id)
	}
	if n.Password != "" {
		if id := CheckPassword(n.Password, n.Email, n.Slug, n.Name); id != "" {
			wrong.add("password", id, "Min", MinPassword, "Max", MaxPassword)
		}
	}
	return wrong.err()
}

// checkName is the part of CheckNew about name and slug.
func (n *NewCity) checkName(wrong *problems) {
	n.Name = oneLine(n.Name)
	field, odd := "slug", "form.short.invalid"
	if n.Slug == "" {
		field, odd, n.Slug = "name", "form.city.invalid", report.Slug(n.Name)
	}
	err := report.CheckSlug(n.Slug)
	switch {
	case n.Name == "":
		wrong.add("name", "form.city.empty")
	case utf8.RuneCountInString(n.Name) > MaxName:
		wrong.add("name", "form.city.long")
	case errors.Is(err, report.ErrReserved):
		wrong.add(field, "form.city.reserved")
	case err != nil:
		wrong.add(field, odd)
	}
}

// Taken returns the text id of why no new city can have the slug; empty: it can.
func (m *Cities) Taken(ctx context.Context, slug string) (textID string, err error) {
	_, err = m.DB.FindCity(ctx, slug)
	if err == nil {
		return "form.city.taken", nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return "", err
	}
	if kept, err := m.DB.SlugKept(ctx, slug); err != nil || !kept {
		return "", err
	}
	return "form.city.former", nil
}

// CheckFree is CheckNew, and Taken.
func (m *Cities) CheckFree(ctx context.Context, n *NewCity) error {
	field := "slug"
	if n.Slug == "" {
		field = "name"
	}
	if err := m.CheckNew(n); err != nil {
		return err
	}
	id, err := m.Taken(ctx, n.Slug)
	if err == nil && id != "" && (n.Owner != 0 || id != "form.city.former") {
		err = invalid(field, id)
	}
	return err
}

// Create makes a city with its rules as they are at first, a bot on each of the networks
// that every city has, and its first moderator. made tells whether that one is new.
func (m *Cities) Create(ctx context.Context, n NewCity) (c report.City, owner db.Moderator, made bool, err error) {
	if err := m.CheckFree(ctx, &n); err != nil {
		return report.City{}, db.Moderator{}, false, err
	}
	if n.Owner != 0 {
		owner, err = m.DB.Moderator(ctx, n.Owner)
	} else {
		owner, made, err = m.moderator(ctx, n)
	}
	if err == nil && n.Owner == 0 {
		err = m.DB.FreeSlug(ctx, n.Slug)
	}
	if err != nil {
		return report.City{}, db.Moderator{}, false, err
	}
	c, err = m.DB.CreateCity(ctx, n.city(), owner.ID, m.everywhere())
	if errors.Is(err, db.ErrTaken) {
		err = invalid("name", "form.city.taken")
	}
	return c, owner, made, m.changed(c.ID, err)
}

func (n NewCity) city() report.City {
	c := censor.NewCity(n.Slug, n.Name, n.Language)
	c.Zone = n.Zone
	return c
}

// moderator returns the moderator with the address, who is made where there is none.
func (m *Cities) moderator(ctx context.Context, n NewCity) (db.Moderator, bool, error) {
	known, err := m.DB.FindModerator(ctx, n.Email)
	if !errors.Is(err, db.ErrNotFound) {
		return known, false, err
	}
	hash := ""
	if n.Password != "" {
		if hash, err = HashPassword(n.Password); err != nil {
			return db.Moderator{}, false, err
		}
	}
	made, err := m.DB.CreateModerator(ctx, n.Email, hash)
	return made, true, err
}

// Confirm makes the city of a sign-up, and its moderator with that hash of a password
// where there is none yet. The error is db.ErrTaken where another city has the slug by
// now, and db.ErrNotFound where it was confirmed before.
func (m *Cities) Confirm(ctx context.Context, r db.Registration, hash string) (report.City, db.Moderator, error) {
	n := NewCity{Name: r.CityName, Slug: r.Slug, Language: r.Language, Zone: r.Zone}
	c, owner, err := m.DB.ConfirmRegistration(ctx, r.ID, hash, n.city(), m.everywhere())
	return c, owner, m.changed(c.ID, err)
}

// Delete deletes a city with all that is stored of it, by the networks too. Where one of
// them fails, the error is a *ForgetError, and the city stays.
func (m *Cities) Delete(ctx context.Context, cityID int64) error {
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
