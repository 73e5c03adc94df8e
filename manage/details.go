package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// Bounds of what moderators write, in characters.
const (
	MaxName   = 60     // of a city
	MaxPage   = 20_000 // of its page
	MaxPoster = 300    // on its poster
)

// Details is what a city is called, says of itself and hears.
type Details struct {
	Name, Language, Zone, Page, Poster  string
	NoIndex, Questions, Replies, Paused bool
	Approval                            report.Approval
	NoLinks, Short, NoContact           bool
	Defaults                            report.SubscriptionDefaults
}

// DetailsOf returns the details of a city.
func DetailsOf(c report.City) Details {
	return Details{Name: c.Name, Language: c.Language, Zone: c.Zone, Page: c.Page, Poster: c.Poster,
		NoIndex: c.NoIndex, Questions: c.Questions, Replies: c.Replies, Paused: !c.Paused.IsZero(),
		Approval: c.Approval, NoLinks: c.NoLinks, Short: c.Short, NoContact: c.NoContact, Defaults: c.SubscriptionDefaults()}
}

// Revision is for Change.
func (d Details) Revision() Revision {
	return revisionOf(d.Name, d.Language, d.Zone, d.Page, d.Poster, fmt.Sprint(d.NoIndex, d.Questions, d.Replies, d.Paused, d.NoLinks, d.Short, d.NoContact), string(d.Approval), d.Defaults.Stored())
}

// Patch is what is to be changed of a city's details; nil: it stays.
type Patch struct {
	Name, Language *string
	Zone           *string // empty: that of the language
	Page, Poster   *string // empty: the default
	NoIndex        *bool   // ask search engines to leave the page out
	Questions      *bool   // are answered instead of being passed on
	Replies        *bool   // to what bots have posted are reports
	Paused         *bool   // see Pause and Resume
	Approval       *report.Approval
	NoLinks, Short *bool // see report.City
	NoContact      *bool // see report.City
	Defaults       *report.SubscriptionDefaults
}

// Revision is for Change, too: it stands for what is stored in c of the details that p changes.
func (p Patch) Revision(c report.City) Revision {
	var d Details
	now := DetailsOf(c)
	d.Paused = now.Paused && p.Paused != nil
	take(&d.Name, now.Name, p.Name)
	take(&d.Language, now.Language, p.Language)
	take(&d.Zone, now.Zone, p.Zone)
	take(&d.Page, now.Page, p.Page)
	take(&d.Poster, now.Poster, p.Poster)
	take(&d.NoIndex, now.NoIndex, p.NoIndex)
	take(&d.Questions, now.Questions, p.Questions)
	take(&d.Replies, now.Replies, p.Replies)
	take(&d.Approval, now.Approval, p.Approval)
	take(&d.NoLinks, now.NoLinks, p.NoLinks)
	take(&d.Short, now.Short, p.Short)
	take(&d.NoContact, now.NoContact, p.NoContact)
	take(&d.Defaults, now.Defaults, p.Defaults)
	return d.Revision()
}

// take is set of a value, where another one is to be changed.
func take[T any](to *T, value T, changes *T) {
	if changes != nil {
		*to = value
	}
}

// Check normalizes what is typed and says what is wrong with it.
func (p *Patch) Check() error {
	var wrong problems
	if p.Name = normal(p.Name, oneLine); p.Name != nil {
		wrong.tooLong("name", *p.Name, MaxName)
		if *p.Name == "" {
			wrong.add("name", "settings.texts.name_missing")
		}
	}
	if p.Language != nil && !slices.Contains(i18n.Languages(), *p.Language) {
		wrong.add("language", "settings.texts.language_missing")
	}
	if p.Zone = normal(p.Zone, strings.TrimSpace); p.Zone != nil && *p.Zone != "" && zone.Known(*p.Zone) == "" {
		wrong.add("zone", "settings.texts.zone_unknown")
	}
	if p.Page = normal(p.Page, plainLines); p.Page != nil {
		wrong.tooLong("page", *p.Page, MaxPage)
	}
	if p.Poster = normal(p.Poster, func(s string) string { return strings.TrimSpace(plainLines(s)) }); p.Poster != nil {
		wrong.tooLong("poster", *p.Poster, MaxPoster)
	}
	if p.Approval != nil && !slices.Contains(report.Approvals(), *p.Approval) {
		wrong.add("approval", "settings.error.required")
	}
	if p.Defaults != nil && p.Defaults.Quiet != nil && !isQuiet(*p.Defaults.Quiet) {
		wrong.add("quiet", "settings.defaults.quiet_wrong")
	}
	return wrong.err()
}

// isQuiet tells whether a time is one: from an hour to another.
func isQuiet(q report.QuietTime) bool {
	return 0 <= q.From && q.From < 24 && 0 <= q.To && q.To < 24 && q.From != q.To
}

// normal returns what is typed in the form in which it is stored.
func normal(typed *string, f func(string) string) *string {
	if typed == nil {
		return nil
	}
	s := f(*typed)
	return &s
}

// oneLine returns a name on one line, without spaces around it; empty where nothing of it can
// be seen.
func oneLine(typed string) string {
	line := without(strings.Join(strings.Fields(typed), " "), func(r rune) bool { return isControl(r) || turns(r) })
	if !strings.ContainsFunc(line, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) {
		return ""
	}
	return line
}

// turns finds what changes the direction of all that follows a name, on its page and in its
// mails. The marks that Arabic and Hebrew are written with are none.
func turns(r rune) bool { return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' }

// Change changes details of a city and returns it as it is now. Its bots restart where
// they use what was changed. seen may also be the patch's own.
func (m *Cities) Change(ctx context.Context, cityID int64, p Patch, seen Revision) (report.City, error) {
	if err := p.Check(); err != nil {
		return report.City{}, err
	}
	var before report.City
	c, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before = *c
		if seen != p.Revision(*c) {
			if err := seen.of(DetailsOf(*c).Revision()); err != nil {
				return err
			}
		}
		p.apply(c)
		return nil
	})
	if err := m.changed(cityID, err); err != nil {
		return report.City{}, err
	}
	if c != before {
		m.acted(ctx, cityID, "city.changed", "")
	}
	if p.Paused == nil || *p.Paused == !c.Paused.IsZero() {
		return c, nil
	}
	if *p.Paused {
		_, err = m.Pause(ctx, cityID)
	} else {
		err = m.Resume(ctx, cityID)
	}
	if err != nil {
		return report.City{}, err
	}
	return m.DB.City(ctx, cityID)
}

func (p Patch) apply(c *report.City) {
	set(&c.Name, p.Name)
	set(&c.Language, p.Language)
	set(&c.Zone, p.Zone)
	set(&c.Page, p.Page)
	set(&c.Poster, p.Poster)
	set(&c.NoIndex, p.NoIndex)
	set(&c.Questions, p.Questions)
	set(&c.Replies, p.Replies)
	set(&c.Approval, p.Approval)
	set(&c.NoLinks, p.NoLinks)
	set(&c.Short, p.Short)
	set(&c.NoContact, p.NoContact)
	if p.Defaults != nil {
		c.Defaults = p.Defaults.Stored()
	}
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// Pause has a city take no reports until Resume, and deletes those it has. wiped is how
// many there were.
func (m *Cities) Pause(ctx context.Context, cityID int64) (wiped int, err error) {
	before, err := m.DB.City(ctx, cityID)
	if err != nil {
		return 0, err
	}
	if wiped, err = m.Relay.Pause(ctx, cityID); err == nil && before.Paused.IsZero() {
		m.acted(ctx, cityID, "city.paused", "")
	}
	return wiped, err
}

// Resume has a city take reports again.
func (m *Cities) Resume(ctx context.Context, cityID int64) error {
	before, err := m.DB.City(ctx, cityID)
	if err != nil {
		return err
	}
	if err = m.Relay.Resume(ctx, cityID); err == nil && !before.Paused.IsZero() {
		m.acted(ctx, cityID, "city.unpaused", "")
	}
	return err
}

// ResetText stores that the page of a city says what we suggest: see Undo.
func (m *Cities) ResetText(ctx context.Context, cityID int64) error {
	var before string
	_, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before, c.Page = c.Page, ""
		return nil
	})
	if err != nil || before == "" {
		return m.changed(cityID, err)
	}
	m.acted(ctx, cityID, ActTextReset, "")
	return m.changed(cityID, m.keep(ctx, cityID, ActTextReset, before, revisionOf("")))
}
