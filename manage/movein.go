package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/address"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/moving"
)

// MovedIn is what MoveIn has done.
type MovedIn struct {
	Cities []MovedCity
	Notes  []moving.Note // about what belongs to no city
}

// MovedCity is a city of another program as it is here.
type MovedCity struct {
	report.City        // with an id of 0 where it was deleted here
	Old         string // its name there
	New         bool   // it came just now, and not by an earlier import
	Moderators  int    // that were added
	Bots        []MovedBot
	Notes       []moving.Note
}

// MovedBot is a bot that was added, or was given recipients.
type MovedBot struct {
	Network    string
	New        bool
	Recipients int // that were added
}

// Changed tells whether anything was added.
func (c MovedCity) Changed() bool { return c.New || c.Moderators > 0 || len(c.Bots) > 0 }

// errOnlyTried ends the transaction of a MoveIn that is to store nothing.
var errOnlyTried = errors.New("nothing is to be stored")

// MoveIn stores the cities of an installation of another program, all or none of them. Their
// bots begin at once. Of those that came by an earlier import, it adds what is new since, and
// changes nothing. With try, it does the same and stores nothing.
func (m *Cities) MoveIn(ctx context.Context, from moving.Source, try bool) (MovedIn, error) {
	installation := installed(from)
	asked, err := m.identify(ctx, from, installation)
	if err != nil {
		return MovedIn{}, err
	}
	var in MovedIn
	err = m.DB.Arrive(ctx, m.Secrets, installation, func(a *db.Arrival) error {
		in, a.Wanted = MovedIn{Notes: from.Notes}, wanted(from)
		if a.Another {
			in.Notes = append(slices.Clone(from.Notes), moving.Note{Key: "another_installation"})
		}
		for _, c := range from.Cities {
			step := arriving{m, ctx, a, asked, &from, c, MovedCity{Old: cut(oneLine(c.Name), MaxName)}}
			if err := step.run(); err != nil {
				return fmt.Errorf("city %s: %w", step.city.Old, err)
			}
			in.Cities = append(in.Cities, step.city)
		}
		if try {
			return errOnlyTried
		}
		return nil
	})
	if try && errors.Is(err, errOnlyTried) {
		return in, nil
	}
	if err != nil {
		return MovedIn{}, err
	}
	for _, c := range in.Cities {
		if c.Changed() {
			m.Notices.Changed(c.ID)
		}
	}
	return in, nil
}

// arriving is a city on its way in.
type arriving struct {
	m      *Cities
	ctx    context.Context
	to     *db.Arrival
	asked  map[string]identified
	source *moving.Source
	from   moving.City
	city   MovedCity
}

func (a *arriving) note(key string, args ...string) {
	a.city.Notes = append(a.city.Notes, moving.Note{Key: key, Args: args})
}

func (a *arriving) run() error {
	before, err := a.to.City(a.from.ID)
	if err != nil {
		return err
	}
	switch {
	case !before.Known:
		err = a.settle()
	case before.ID == 0:
		a.note("city_gone", a.city.Old)
		return nil
	default:
		a.city.City, err = a.to.KnownCity(before.ID)
	}
	if err != nil {
		return err
	}
	if before.Known && !a.isSame(before.Name) {
		a.note("city_renamed", a.city.Old, a.city.Name)
		return nil
	}
	if err := a.moderators(before.Last); err != nil {
		return err
	}
	for _, b := range a.from.Bots {
		if err := a.bot(b); err != nil {
			return fmt.Errorf("bot on %s: %w", b.Network, err)
		}
	}
	if !a.city.New {
		return nil
	}
	return a.keepNotes()
}

// settle makes the city, with a bot on each of the networks that every city has.
func (a *arriving) settle() error {
	c := a.fitting()
	c.Language = cmp.Or(c.Language, "de")
	given := c.Slug
	made, left, err := a.to.NewCity(a.from.ID, a.from.Name, c)
	if err != nil {
		return err
	}
	a.city.City, a.city.New = made, true
	a.city.Notes = append(a.city.Notes, a.from.Notes...)
	if made.Slug != given {
		before := a.city.Old
		if a.source.Domain != "" && slices.Contains(a.from.Names, strings.TrimSpace(a.from.Name)) { // it stood in an address
			before += "@" + a.source.Domain
		}
		a.note("other_slug", before, made.Slug)
	}
	for _, alias := range left {
		a.note("name_taken", alias)
	}
	if err := a.names(); err != nil {
		return err
	}
	for _, network := range a.m.everywhere() {
		if !a.brings(network) {
			if _, err := a.to.NewBot(made.ID, network, !a.from.Off); err != nil {
				return err
			}
		}
	}
	return a.to.Act(db.Act{CityID: made.ID, Who: actor(a.ctx).Name, Act: "city.imported", Subject: string(a.source.Program)})
}

func (a *arriving) brings(network string) bool {
	for _, b := range a.from.Bots {
		if b.Network == network {
			return true
		}
	}
	return false
}

// names has the names that the city had lead to it.
func (a *arriving) names() error {
	seen := map[string]bool{a.city.Slug: true}
	for _, alias := range a.from.Copy.Aliases {
		seen[alias] = true
	}
	for _, name := range append([]string{a.from.Name}, a.from.Names...) {
		key := db.FormerName(name)
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		taken, err := a.to.Name(a.city.ID, name)
		if err != nil {
			return err
		}
		if taken {
			a.note("name_taken", cut(oneLine(name), MaxName))
		}
	}
	return nil
}

// moderators adds those whose number is higher than last.
func (a *arriving) moderators(last int64) error {
	highest := last
	for _, admin := range a.from.Admins {
		if admin.ID <= last {
			continue
		}
		highest = max(highest, admin.ID)
		email := NormalEmail(admin.Email)
		if CheckEmail(email) != "" {
			a.note("moderator_no_address", address.Masked(email))
			continue
		}
		mod := admin.ModeratorCopy
		mod.Email = email
		added, own, err := a.to.Moderator(a.city.ID, mod)
		if err != nil {
			return err
		}
		if !added {
			continue
		}
		a.city.Moderators++
		if !own {
			a.note("moderator_known", address.Masked(email))
		}
	}
	if a.city.New && a.city.Moderators == 0 {
		a.note("no_moderators", a.city.Slug)
	}
	return a.to.Reached(a.from.ID, highest)
}

// bot adds a bot of the city, or the recipients that one has since.
func (a *arriving) bot(b moving.Bot) error {
	network, ok := a.m.movable(b.Network)
	if !ok {
		a.note("network_missing", b.Network)
		return nil
	}
	before, err := a.to.Bot(a.from.ID, b.Network, b.ID)
	switch {
	case err != nil:
		return err
	case !before.Known:
		return a.newBot(network, b)
	case before.ID == 0:
		a.note("bot_gone", b.Network)
		return nil
	}
	more := b.After(before.Last)
	growing, ok := network.(bots.Growing)
	if len(more.Recipients) == 0 || !ok {
		return nil
	}
	stored, err := more.Stored()
	if err != nil {
		return err
	}
	added, err := growing.Grow(a.to.Tx(), report.Bot{ID: before.ID, CityID: a.city.ID, Network: b.Network}, stored)
	if err != nil {
		return err
	}
	if added > 0 {
		a.city.Bots = append(a.city.Bots, MovedBot{Network: b.Network, Recipients: added})
	}
	return a.to.BotReached(a.from.ID, b.Network, b.ID, before.ID, b.Last(before.Last))
}

// newBot adds a bot that has not come before.
func (a *arriving) newBot(network bots.Movable, b moving.Bot) error {
	is := a.asked[botKey(a.from.ID, b)]
	kind, _ := bots.KindOf(is.err)
	refused := kind == bots.KindRefused
	if refused && b.Account.Remote == "" {
		a.note("account_refused", b.Network, b.Called())
		return nil
	}
	b.Page = a.fittingPage(b.Page)
	stored, err := a.stored(b, is)
	if err != nil {
		return err
	}
	var made report.Bot
	err = a.to.Try(func() (err error) {
		if made, err = a.to.NewBot(a.city.ID, b.Network, b.Enabled && !a.from.Off); err != nil {
			return err
		}
		return network.Import(a.to.Tx(), made, stored)
	})
	if errors.Is(err, bots.ErrAccountTaken) {
		a.note("account_taken", b.Network, b.Called())
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case refused: // whoever connects the account again has its subscribers
		a.note("account_token", b.Network, b.Called())
	case is.err != nil:
		a.note("account_unasked", b.Network, b.Called())
	}
	a.city.Bots = append(a.city.Bots, MovedBot{b.Network, true, len(b.Recipients)})
	return a.to.BotReached(a.from.ID, b.Network, b.ID, made.ID, b.Last(0))
}

// stored is what Import takes of a bot: as its network has said it, where it has.
func (a *arriving) stored(b moving.Bot, is identified) (json.RawMessage, error) {
	if is.stored != nil && is.err == nil {
		var known struct {
			Account json.RawMessage `json:"account"`
		}
		if err := json.Unmarshal(is.stored, &known); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(known.Account, b.Account); err != nil {
			return nil, err
		}
	}
	return b.Stored()
}

// keepNotes stores what the moderators of a new city have to know.
func (a *arriving) keepNotes() error {
	for _, n := range a.city.Notes {
		if err := a.to.Note(a.city.ID, db.MovedNote(n)); err != nil {
			return err
		}
	}
	return nil
}

// MovedNotes returns what the moderators of a city that came from another program have not read
// yet.
func (m *Cities) MovedNotes(ctx context.Context, cityID int64) ([]moving.Note, error) {
	stored, err := m.DB.MovedNotes(ctx, cityID)
	if err != nil {
		return nil, err
	}
	list := make([]moving.Note, len(stored))
	for i, n := range stored {
		list[i] = moving.Note(n)
	}
	return list, nil
}

// SayNote returns a line of the protocol in a language. A network is called as people call it.
func SayNote(texts *i18n.Catalogue, lang string, n moving.Note) string {
	n.Args = slices.Clone(n.Args)
	for i, arg := range n.Args {
		if id := arg + ".title"; aboutNetworks[n.Key] && i == 0 && texts.Has(id) {
			n.Args[i] = texts.T(lang, id)
		}
	}
	return texts.T(lang, "moving."+n.Key, n.Data()...)
}

// aboutNetworks are the notes whose first place is a network.
var aboutNetworks = map[string]bool{
	"bot_gone": true, "network_missing": true, "account_refused": true, "account_token": true, "account_taken": true, "account_unasked": true,
}

// ReadMovedNotes deletes them.
func (m *Cities) ReadMovedNotes(ctx context.Context, cityID int64) error {
	return m.DB.DeleteMovedNotes(ctx, cityID)
}
