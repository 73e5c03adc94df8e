package manage

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

var (
	// ErrNotAllowed is the answer to who may not do something with the role that they have.
	ErrNotAllowed = errors.New("this role may not do that")
	// ErrLastOwner is the answer to removing a city's last owner, or giving them another role.
	ErrLastOwner = errors.New("a city needs an owner, and this is the last one")
)

// People returns the moderators of a city, by address.
func (m *Cities) People(ctx context.Context, cityID int64) ([]db.Member, error) {
	return m.DB.Members(ctx, cityID)
}

// Person returns a moderator of a city, or db.ErrNotFound.
func (m *Cities) Person(ctx context.Context, cityID, moderatorID int64) (db.Member, error) {
	list, err := m.DB.Members(ctx, cityID)
	if err != nil {
		return db.Member{}, err
	}
	for _, p := range list {
		if p.ID == moderatorID {
			return p, nil
		}
	}
	return db.Member{}, db.ErrNotFound
}

// onlyOwners is ErrNotAllowed where who acts is no owner.
func onlyOwners(ctx context.Context) error {
	if !actor(ctx).Role.May(report.Owner) {
		return ErrNotAllowed
	}
	return nil
}

// Invitations of one city go out so often at most.
const (
	maxInvitations    = 30
	invitationsWithin = time.Hour
)

// Invite mails a link to an address by which whoever reads it becomes a moderator of the city.
// A second invitation takes the place of the first.
func (m *Cities) Invite(ctx context.Context, c report.City, email string, role report.Role) (db.Invitation, error) {
	if err := onlyOwners(ctx); err != nil {
		return db.Invitation{}, err
	}
	email, err := m.checkNewcomer(ctx, c, email, role)
	if err != nil {
		return db.Invitation{}, err
	}
	tooMany, err := m.DB.Count(ctx, m.Letters.limit("invitations", c, maxInvitations, invitationsWithin))
	switch {
	case err != nil:
		return db.Invitation{}, err
	case tooMany != "":
		return db.Invitation{}, Wrong("email", "settings.moderators.too_many")
	}
	inv, err := m.DB.CreateInvitation(ctx, db.Invitation{CityID: c.ID, Email: email, Role: role, MadeBy: actor(ctx).ID})
	if err != nil {
		return db.Invitation{}, err
	}
	m.acted(ctx, c.ID, "moderator.invited", email)
	return inv, m.Letters.write(ctx, email, c, "people.mail.invited", append(m.roleData(c, role), "Link", m.Letters.invitationLink(inv))...)
}

// checkNewcomer returns an address as it is stored, or what is wrong with it or the role.
func (m *Cities) checkNewcomer(ctx context.Context, c report.City, typed string, role report.Role) (email string, err error) {
	var wrong problems
	email = NormalEmail(typed)
	if id := CheckEmail(email); id != "" {
		wrong.add("email", id)
	}
	wrong.checkRole(role)
	list, err := m.DB.Members(ctx, c.ID)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(list, func(p db.Member) bool { return p.Email == email }) {
		wrong.add("email", "settings.moderators.email_is_moderator", "Email", email, "City", c.Name)
	}
	return email, wrong.err()
}

func (l *problems) checkRole(role report.Role) {
	if !slices.Contains(report.Roles(), role) {
		l.add("role", "people.role_unknown")
	}
}

// Withdraw takes an invitation back. The error is db.ErrNotFound where there is none.
func (m *Cities) Withdraw(ctx context.Context, cityID, id int64) error {
	if err := onlyOwners(ctx); err != nil {
		return err
	}
	inv, err := m.DB.Invitation(ctx, id)
	if err != nil {
		return err
	}
	if err := m.DB.DeleteInvitation(ctx, cityID, id); err != nil {
		return err
	}
	m.acted(ctx, cityID, "moderator.withdrawn", inv.Email)
	return nil
}

// Join accepts an invitation for whoever it was mailed to, with that hash of a password where
// they have no account yet. The others are mailed. The error is db.ErrNotFound where it was
// withdrawn or accepted before.
func (m *Cities) Join(ctx context.Context, c report.City, inv db.Invitation, hash string) (db.Moderator, error) {
	joined, err := m.DB.AcceptInvitation(ctx, inv.ID, hash)
	if err != nil {
		return db.Moderator{}, err
	}
	ctx = As(ctx, Actor{ID: joined.ID, Name: joined.Email, Role: inv.Role})
	m.acted(ctx, c.ID, "moderator.joined", joined.Email)
	m.tell(m.toOthers(ctx, c, joined.Email, "people.mail.joined", m.roleData(c, inv.Role)...))
	return joined, nil
}

// AddModerator makes the person with an address a moderator of a city at once, for the operator.
// They and the others are mailed. link is where they set a password, once; empty where they have
// one.
func (m *Cities) AddModerator(ctx context.Context, c report.City, email string, role report.Role) (added db.Moderator, link string, err error) {
	if email, err = m.checkNewcomer(ctx, c, email, role); err != nil {
		return db.Moderator{}, "", err
	}
	if added, err = m.DB.AddMember(ctx, c.ID, email, role); err != nil {
		return db.Moderator{}, "", err
	}
	m.acted(ctx, c.ID, "moderator.added", email)
	text, data := "people.mail.added", m.roleData(c, role)
	if added.Password == "" {
		link = m.Letters.passwordLink(added)
		text, data = "people.mail.added_new", append(data, "Link", link)
	}
	return added, link, errors.Join(
		m.toPerson(ctx, c, email, text, data...),
		m.toOthers(ctx, c, email, "people.mail.joined", m.roleData(c, role)...))
}

// SetRole gives a moderator of a city another role; they and the others are mailed. The error is
// ErrLastOwner where nobody would be owner, and db.ErrNotFound where there is no such moderator.
func (m *Cities) SetRole(ctx context.Context, c report.City, moderatorID int64, role report.Role) error {
	if err := onlyOwners(ctx); err != nil {
		return err
	}
	var wrong problems
	if wrong.checkRole(role); len(wrong) > 0 {
		return wrong.err()
	}
	person, err := m.Person(ctx, c.ID, moderatorID)
	if err != nil {
		return err
	}
	before, err := m.DB.SetRole(ctx, c.ID, moderatorID, role)
	if errors.Is(err, db.ErrTaken) {
		return ErrLastOwner
	}
	if err != nil || before == role {
		return err
	}
	m.acted(ctx, c.ID, ActRole, person.Email+RoleSign+string(role))
	m.tell(m.toOthers(ctx, c, person.Email, "people.mail.role", m.roleData(c, role)...))
	m.tell(m.toPerson(ctx, c, person.Email, "people.mail.your_role", m.roleData(c, role)...))
	return nil
}

// RemoveModerator takes a moderator's rights on a city away: owners do it with anybody, and
// everybody with themselves. The others and whoever is removed are mailed. The error is
// ErrLastOwner where nobody would be owner.
func (m *Cities) RemoveModerator(ctx context.Context, c report.City, moderatorID int64) error {
	leaves := actor(ctx).ID == moderatorID && moderatorID != 0
	if err := onlyOwners(ctx); err != nil && !leaves {
		return err
	}
	person, err := m.Person(ctx, c.ID, moderatorID)
	if err != nil {
		return err
	}
	err = m.DB.RemoveModerator(ctx, c.ID, moderatorID)
	if errors.Is(err, db.ErrTaken) {
		return ErrLastOwner
	}
	if err != nil {
		return err
	}
	act := "moderator.removed"
	if leaves {
		act = "moderator.left"
	}
	m.acted(ctx, c.ID, act, person.Email)
	m.tell(m.toOthers(ctx, c, person.Email, "people.mail."+act[len("moderator."):]))
	m.tell(m.toPerson(ctx, c, person.Email, "people.mail.you_removed"))
	return nil
}

// PasswordLink returns where the moderator with an address sets a new password, once, within
// PasswordFor.
func (m *Cities) PasswordLink(ctx context.Context, email string) (string, error) {
	mod, err := m.DB.FindModerator(ctx, NormalEmail(email))
	if err != nil {
		return "", err
	}
	m.acted(ctx, 0, "moderator.password", mod.Email)
	return m.Letters.passwordLink(mod), nil
}

// AddOperator makes the person with an address an operator. link is where they set a password,
// once; empty where they have one.
func (m *Cities) AddOperator(ctx context.Context, typed string) (link string, err error) {
	email := NormalEmail(typed)
	if id := CheckEmail(email); id != "" {
		return "", Wrong("email", id)
	}
	mod, err := m.DB.AddOperator(ctx, email)
	if err != nil {
		return "", err
	}
	m.acted(ctx, 0, "operator.added", email)
	if mod.Password == "" {
		link = m.Letters.passwordLink(mod)
	}
	return link, nil
}

// RemoveOperator makes the person with an address an operator no more. The error is
// db.ErrNotFound where they are none.
func (m *Cities) RemoveOperator(ctx context.Context, typed string) error {
	email := NormalEmail(typed)
	if err := m.DB.RemoveOperator(ctx, email); err != nil {
		return err
	}
	m.acted(ctx, 0, "operator.removed", email)
	return nil
}

// limit bounds how often something happens in a city.
func (l *Letters) limit(what string, c report.City, most int, within time.Duration) db.Limit {
	return db.Limit{Key: l.Secrets.Hash(what, strconv.FormatInt(c.ID, 10)), Max: most, Within: within}
}
