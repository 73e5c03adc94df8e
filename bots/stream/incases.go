package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/feeds"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Triggers are what can be done with the triggers of cities: for the pages and the API,
// which check nothing by themselves. A trigger that is not there is db.ErrNotFound.
type Triggers struct{ n *Network }

// Triggers returns the use cases of what comes in.
func (n *Network) Triggers() Triggers { return Triggers{n} }

// StoredTrigger is a trigger as it was stored. Its Secret is set where it was made now: it
// is shown this once.
type StoredTrigger struct {
	Trigger
	Created bool `json:"-"`
}

// ErrTooManyTriggers is the answer to who wants more than MaxTriggers.
var ErrTooManyTriggers = bots.Say(nil, "stream.in.error.too_many", "Max", MaxTriggers)

// List returns the triggers of a city by name.
func (s Triggers) List(ctx context.Context, cityID int64) ([]Trigger, error) {
	b, err := s.n.host.DB.FindBot(ctx, cityID, Name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	city, err := s.n.host.DB.BriefCity(ctx, cityID)
	if err != nil {
		return nil, err
	}
	rows, err := s.n.triggerRows(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	list := make([]Trigger, len(rows))
	for i, r := range rows {
		if list[i], err = s.n.shownTrigger(city, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Get returns a trigger.
func (s Triggers) Get(ctx context.Context, cityID int64, name string) (Trigger, error) {
	r, err := s.n.findTrigger(ctx, cityID, name)
	if err != nil {
		return Trigger{}, err
	}
	return s.shown(ctx, cityID, r)
}

func (s Triggers) shown(ctx context.Context, cityID int64, r triggerRow) (Trigger, error) {
	city, err := s.n.host.DB.BriefCity(ctx, cityID)
	if err != nil {
		return Trigger{}, err
	}
	return s.n.shownTrigger(city, r)
}

// shelf is how triggers are stored.
func (s Triggers) shelf() shelf[triggerRow, Trigger, StoredTrigger] {
	return shelf[triggerRow, Trigger, StoredTrigger]{s.n.findTrigger, s.n.readableTrigger, s.create, s.replace}
}

// readableTrigger is a trigger as it is stored, without its secret.
func (n *Network) readableTrigger(r triggerRow) (Trigger, error) {
	t, err := n.triggerOf(r)
	if sealed(err) {
		err = nil
	}
	return t, err
}

// Put stores a trigger under its name, in place of the one of that name. revision is as
// that of Streams.Put. An Invalid says what is wrong with it.
func (s Triggers) Put(ctx context.Context, cityID int64, want Trigger, revision int64) (StoredTrigger, error) {
	return s.shelf().put(ctx, cityID, want.Name, want, revision)
}

// Change stores a trigger as change makes it of what is stored; also its name can be
// changed. See Put.
func (s Triggers) Change(ctx context.Context, cityID int64, name string, revision int64, change func(*Trigger) error) (StoredTrigger, error) {
	return s.shelf().change(ctx, cityID, name, revision, change)
}

// Delete deletes a trigger: see Put for the revision.
func (s Triggers) Delete(ctx context.Context, cityID int64, name string, revision int64) error {
	_, err := s.shelf().remove(ctx, cityID, name, revision, func(r triggerRow) error {
		return s.n.remove(ctx, cityID, r.BotID, r.TableName(), r.ID, r.Revision)
	})
	return err
}

// Rotate gives a trigger a new secret, in place of the one before, which counts no more: the
// one that is given, or where that is empty one that is made and shown this once.
func (s Triggers) Rotate(ctx context.Context, cityID int64, name, secret string) (StoredTrigger, error) {
	r, err := s.n.findTrigger(ctx, cityID, name)
	if err != nil {
		return StoredTrigger{}, err
	}
	if r.Preset == PresetFeed {
		return StoredTrigger{}, Invalid{{Field: "secret", Err: bots.Say(nil, "stream.in.error.post_only")}}
	}
	want, err := s.n.readableTrigger(r)
	if err != nil {
		return StoredTrigger{}, err
	}
	r.Secret, want.Secret = "", secret
	return s.replace(ctx, cityID, r, want)
}

// create stores a new trigger, and switches the bot on that hears it.
func (s Triggers) create(ctx context.Context, cityID int64, want Trigger) (StoredTrigger, error) {
	if _, err := s.n.checkTrigger(&want); err != nil {
		return StoredTrigger{}, err
	}
	b, err := s.n.Streams().Bot(ctx, cityID)
	if err != nil {
		return StoredTrigger{}, err
	}
	var r triggerRow
	made := ""
	_, err = s.n.host.DB.CreateBot(ctx, cityID, Name, b.ID, func(tx *gorm.DB, _ report.Bot) error {
		r = triggerRow{BotID: b.ID, Name: want.Name, Revision: s.n.host.Now().UnixMilli()}
		if err := roomFor(tx, b.ID, want.IsFeed()); err != nil {
			return err
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		made = s.n.giveSecret(&r, want)
		s.n.takeTrigger(&r, want)
		return tx.Save(&r).Error
	})
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return StoredTrigger{}, ErrChanged
	case err != nil:
		return StoredTrigger{}, fmt.Errorf("store trigger: %w", err)
	}
	return s.stored(ctx, cityID, r, made, true)
}

// roomFor tells by its error that a city has too many feeds, or other triggers.
func roomFor(tx *gorm.DB, botID int64, feed bool) error {
	if err := db.Lock(tx, "bots", botID); err != nil {
		return err
	}
	var n int64
	if err := tx.Model(&triggerRow{}).Where("bot_id = ? AND (preset = ?) = ?", botID, PresetFeed, feed).Count(&n).Error; err != nil {
		return err
	}
	if n >= MaxTriggers {
		return ErrTooManyTriggers
	}
	return nil
}

// giveSecret gives a row the secret of a trigger, or one that is made where it has none
// that fits, and returns that.
func (n *Network) giveSecret(r *triggerRow, t Trigger) (made string) {
	preset := inbound.Preset(t.Preset)
	switch {
	case t.IsFeed():
		r.Secret = ""
	case t.Secret != "":
		r.Secret = n.seal(r, "secret", t.Secret)
	case r.Secret == "" || r.Preset != t.Preset:
		made = inbound.NewSecret(preset)
		r.Secret = n.seal(r, "secret", made)
	}
	return made
}

// replace stores a trigger in place of another.
func (s Triggers) replace(ctx context.Context, cityID int64, r triggerRow, want Trigger) (StoredTrigger, error) {
	if _, err := s.n.checkTrigger(&want); err != nil {
		return StoredTrigger{}, err
	}
	other := want.IsFeed() != (r.Preset == PresetFeed)
	made := s.n.giveSecret(&r, want)
	s.n.takeTrigger(&r, want)
	r.Trouble, r.Status, r.Failures, r.Next = "", 0, 0, 0
	seen := r.Revision
	r.Revision = s.n.nextRevision(seen)
	err := s.n.host.DB.Write(ctx, func(tx *gorm.DB) error { return s.n.updateTrigger(tx, r, seen, other) })
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return StoredTrigger{}, Invalid{{Field: "name", Err: bots.Say(nil, "stream.in.error.taken", "Name", r.Name)}}
	case err != nil:
		return StoredTrigger{}, fmt.Errorf("store trigger: %w", err)
	}
	return s.stored(ctx, cityID, r, made, false)
}

// updateTrigger stores a row that is there. other says that it becomes a feed, or is one no
// more.
func (n *Network) updateTrigger(tx *gorm.DB, r triggerRow, seen int64, other bool) error {
	if other {
		if err := roomFor(tx, r.BotID, r.Preset == PresetFeed); err != nil {
			return err
		}
	}
	if !r.Begun {
		if err := tx.Exec("DELETE FROM stream_seen WHERE trigger_id = ?", r.ID).Error; err != nil {
			return err
		}
	}
	if err := update(tx, &r, r.ID, seen); err != nil {
		return err
	}
	return n.touch(tx, r.BotID)
}

// stored tells everybody that a trigger has changed, and returns it.
func (s Triggers) stored(ctx context.Context, cityID int64, r triggerRow, made string, created bool) (StoredTrigger, error) {
	s.n.host.Notices.Changed(cityID)
	t, err := s.shown(ctx, cityID, r)
	t.Secret = made
	return StoredTrigger{Trigger: t, Created: created}, err
}

// shownTrigger is a trigger as whoever asks for it gets it.
func (n *Network) shownTrigger(city report.City, r triggerRow) (Trigger, error) {
	t, err := n.triggerOf(r)
	secret, unread := n.unseal(r.place("secret"), r.Secret)
	if err = errors.Join(err, unread); err != nil && !sealed(err) {
		return t, err
	}
	switch {
	case err != nil:
		t.Why, t.Running = sayer("stream.in.sealed"), false
	case t.IsFeed():
		n.showFeed(&t, r)
	default:
		t.Address, t.Last = n.triggerURL(city, t.Name), n.lastPost(r)
		if t.Preset == string(inbound.SNS) {
			t.Topic = secret
		}
	}
	if t.Why != nil {
		t.Trouble = t.Why.Say(n.english)
	}
	return t, nil
}

// triggerURL is where to post to.
func (n *Network) triggerURL(city report.City, name string) string {
	return n.host.Config.Web.URL + "/city/" + city.Slug + "/" + Name + "/" + inPath + "/" + name
}

// showFeed adds to a feed what became of reading it.
func (n *Network) showFeed(t *Trigger, r triggerRow) {
	if r.Read > 0 {
		t.Last = &Taken{Time: time.UnixMilli(r.Read).UTC(), OK: r.Trouble == ""}
	}
	if r.Trouble == "" {
		return
	}
	t.Why, t.Paused = whyFeed(nil, r.Trouble, r.Status), r.paused()
	if t.Last != nil {
		t.Last.Text = t.Why.Say(n.english)
	}
}

// whyFeed says why a feed cannot be read.
func whyFeed(cause error, trouble string, status int) bots.Sayer {
	said, _ := errors.AsType[bots.Sayer](bots.Say(cause, "stream.feed.trouble."+trouble, "Status", status, "Max", feeds.MaxBytes>>20))
	return said
}
