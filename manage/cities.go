package manage

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// NewCity is a city that is to be made.
type NewCity struct {
	Name     string
	Slug     string // empty: as the name gives
	Language string
	Zone     string // empty: that of the language
	// Owner is the id of the moderator who makes it, its first one.
	Owner int64
	// Operator is set where the operator makes it, who may have what others may not: a slug
	// that a deleted city had, and the moderator with the address Email, who is made where
	// there is none. One who is made without a Password sets it by the page for forgotten
	// ones.
	Operator        bool
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

// Check normalizes what is typed, fills in what is empty, and says what is wrong with
// it as far as that is seen without looking at other cities.
func (n *NewCity) Check() error {
	var wrong problems
	n.checkName(&wrong)
	if !slices.Contains(i18n.Languages(), n.Language) {
		wrong.add("language", "settings.texts.language_missing")
	}
	known := zone.Known(n.Zone)
	if n.Zone != "" && known == "" {
		wrong.add("zone", "settings.texts.zone_unknown")
	}
	n.Zone = known
	if n.Operator {
		n.checkOwner(&wrong)
	}
	return wrong.err()
}

// slugField is the field that the slug comes from.
func (n *NewCity) slugField() string {
	if n.Slug == "" {
		return "name"
	}
	return "slug"
}

// checkName is the part of Check about name and slug.
func (n *NewCity) checkName(wrong *problems) {
	n.Name = oneLine(n.Name)
	field, odd := n.slugField(), "form.short.invalid"
	if n.Slug == "" {
		odd, n.Slug = "form.city.invalid", report.Slug(n.Name)
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

// checkOwner is the part of Check about the moderator.
func (n *NewCity) checkOwner(wrong *problems) {
	n.Email = NormalEmail(n.Email)
	if id := CheckEmail(n.Email); id != "" {
		wrong.add("email", id)
	}
	if n.Password == "" {
		return
	}
	if id := CheckPassword(n.Password, n.Email, n.Slug, n.Name); id != "" {
		wrong.add("password", id, "Min", MinPassword, "Max", MaxPassword)
	}
}

// CheckName normalizes the name and the slug, fills in what is empty, and says why no new
// city can have them.
func (m *Cities) CheckName(ctx context.Context, n *NewCity) error {
	var wrong problems
	field := n.slugField()
	n.checkName(&wrong)
	if len(wrong) > 0 {
		return wrong.err()
	}
	return m.checkFree(ctx, n, field)
}

// checkFree says at a field why no new city can have the slug.
func (m *Cities) checkFree(ctx context.Context, n *NewCity, field string) error {
	id, err := m.Taken(ctx, n.Slug)
	if id == formerCity && n.Operator {
		id = ""
	}
	if err == nil && id != "" {
		err = Wrong(field, id)
	}
	return err
}

// What Taken returns.
const (
	takenCity  = "form.city.taken"
	formerCity = "form.city.former"
)

// Taken returns the text id of why a new city can not have the slug; empty: it can.
func (m *Cities) Taken(ctx context.Context, slug string) (textID string, err error) {
	_, err = m.DB.FindCity(ctx, slug)
	if err == nil {
		return takenCity, nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return "", err
	}
	if kept, err := m.DB.SlugKept(ctx, slug); err != nil || !kept {
		return "", err
	}
	return formerCity, nil
}

// Made is a city that was just made.
type Made struct {
	report.City
	Owner db.Moderator
	New   bool // the owner had no account before
}

// Create makes a city with its rules as they are at first, a bot on each of the networks
// that every city has, and its first moderator.
func (m *Cities) Create(ctx context.Context, n NewCity) (Made, error) {
	field := n.slugField()
	if err := m.mayAdd(n); err != nil {
		return Made{}, err
	}
	if err := n.Check(); err != nil {
		return Made{}, err
	}
	if err := m.checkFree(ctx, &n, field); err != nil {
		return Made{}, err
	}
	var made Made
	var err error
	if made.Owner, made.New, err = m.owner(ctx, n); err != nil {
		return Made{}, err
	}
	made.City, err = m.DB.CreateCity(ctx, m.newCity(n), made.Owner.ID, m.everywhere())
	if errors.Is(err, db.ErrTaken) {
		err = Wrong(field, takenCity)
	}
	if err == nil && !n.Operator {
		m.tellOperator(ctx, made.City, made.Owner)
	}
	return made, m.did(ctx, made.City.ID, "city.added", "", err)
}

// owner returns the first moderator of a new city, who is made where there is none.
func (m *Cities) owner(ctx context.Context, n NewCity) (owner db.Moderator, made bool, err error) {
	if !n.Operator {
		owner, err = m.DB.Moderator(ctx, n.Owner)
		return owner, false, err
	}
	if err := m.DB.FreeSlug(ctx, n.Slug); err != nil {
		return db.Moderator{}, false, err
	}
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
	owner, err = m.DB.CreateModerator(ctx, n.Email, hash)
	if errors.Is(err, db.ErrTaken) { // somebody else has made them at the same moment
		owner, err = m.DB.FindModerator(ctx, n.Email)
		return owner, false, err
	}
	return owner, true, err
}

// newCity is a city as it begins: it waits where the operator is to let it begin.
func (m *Cities) newCity(n NewCity) report.City {
	c := censor.NewCity(n.Slug, n.Name, n.Language)
	c.Zone, c.Waiting = n.Zone, !n.Operator && m.Door().Signup == config.SignupApproval
	return c
}

// ErrSignupClosed is the answer to who would add a city where only the operator may.
var ErrSignupClosed = errors.New("only the operator adds cities here")

// mayAdd is ErrSignupClosed where a city may not be added.
func (m *Cities) mayAdd(n NewCity) error {
	if m.Door().Signup == config.SignupClosed && !n.Operator {
		return ErrSignupClosed
	}
	return nil
}

// Confirm makes the city of a sign-up, and its moderator with that hash of a password
// where there is none yet. The error is db.ErrTaken where another city has the slug by
// now, db.ErrNotFound where it was confirmed before, and ErrSignupClosed where only the
// operator adds cities.
func (m *Cities) Confirm(ctx context.Context, r db.Registration, hash string) (report.City, db.Moderator, error) {
	n := NewCity{Name: r.CityName, Slug: r.Slug, Language: r.Language, Zone: r.Zone}
	if err := m.mayAdd(n); err != nil {
		return report.City{}, db.Moderator{}, err
	}
	c, owner, err := m.DB.ConfirmRegistration(ctx, r.ID, hash, m.newCity(n), m.everywhere())
	if err == nil {
		m.tellOperator(ctx, c, owner)
	}
	return c, owner, m.did(As(ctx, Actor{owner.ID, owner.Email, report.Owner}), c.ID, "city.added", "", err)
}
