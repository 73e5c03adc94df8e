package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// Streams are what can be done with the streams of cities: for the pages and the API, which
// check nothing by themselves. A stream that is not there is db.ErrNotFound.
type Streams struct{ n *Network }

// Streams returns the use cases of the network.
func (n *Network) Streams() Streams { return Streams{n} }

// Stored is a stream as it was stored.
type Stored struct {
	Stream
	Created bool `json:"-"`
	// Secret signs what is sent, where it was made now: it is shown this once.
	Secret string `json:"secret,omitempty"`
}

// Bot returns the city's bot of streams, which is made where there is none yet. Reports
// that no network brings are heard through it.
func (s Streams) Bot(ctx context.Context, cityID int64) (report.Bot, error) {
	b, made, err := s.n.host.DB.FirstBot(ctx, cityID, Name)
	if made {
		s.n.host.Notices.Changed(cityID)
	}
	return b, err
}

// List returns the streams of a city by name. Their targets are as Shown.
func (s Streams) List(ctx context.Context, cityID int64) ([]Stream, error) {
	b, err := s.n.host.DB.FindBot(ctx, cityID, Name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.n.of(ctx, b); err != nil { // which stops those whose filter does not hold any more
		return nil, err
	}
	rows, err := s.n.rows(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	list := make([]Stream, len(rows))
	for i, r := range rows {
		if list[i], err = s.n.shown(ctx, cityID, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Get returns a stream. Its target is as Shown.
func (s Streams) Get(ctx context.Context, cityID int64, name string) (Stream, error) {
	list, err := s.List(ctx, cityID)
	if err != nil {
		return Stream{}, err
	}
	i := slices.IndexFunc(list, func(l Stream) bool { return l.Name == name })
	if i < 0 {
		return Stream{}, fmt.Errorf("stream: %w", db.ErrNotFound)
	}
	return list[i], nil
}

// shelf is how streams are stored.
func (s Streams) shelf() shelf[row, Stream, Stored] {
	return shelf[row, Stream, Stored]{s.n.find, s.n.readable, s.create, s.replace}
}

// Put stores a stream under its name, in place of the one of that name. revision is what
// the one before has to be: the revision that was seen, Any or Absent; else the error is
// ErrChanged. An Invalid says what is wrong with it.
func (s Streams) Put(ctx context.Context, cityID int64, want Stream, revision int64) (Stored, error) {
	return s.shelf().put(ctx, cityID, want.Name, want, revision)
}

// Change stores a stream as change makes it of what is stored, with the target as Shown;
// also its name can be changed. See Put.
func (s Streams) Change(ctx context.Context, cityID int64, name string, revision int64, change func(*Stream) error) (Stored, error) {
	return s.shelf().change(ctx, cityID, name, revision, change)
}

// Delete deletes a stream: see Put for the revision.
func (s Streams) Delete(ctx context.Context, cityID int64, name string, revision int64) error {
	r, err := s.shelf().remove(ctx, cityID, name, revision, func(r row) error {
		return s.n.remove(ctx, cityID, r.BotID, r.TableName(), r.ID, r.Revision)
	})
	if err == nil {
		s.n.lanes.drop(r.ID)
	}
	return err
}

// Rotate makes a new secret, which signs from now on; the one before signs too for a day.
func (s Streams) Rotate(ctx context.Context, cityID int64, name string) (Stored, error) {
	r, err := s.n.find(ctx, cityID, name)
	if err != nil {
		return Stored{}, err
	}
	old, err := s.n.unseal(r.place("secret"), r.Secret)
	if err != nil {
		return Stored{}, err
	}
	if old == "" {
		return Stored{}, bots.Say(nil, "stream.error.unsigned")
	}
	made := inbound.NewSecret(inbound.StandardWebhooks)
	r.Secret, r.Former, r.Rotated = s.n.host.Secrets.Seal(r.place("secret"), made), s.n.host.Secrets.Seal(r.place("former"), old), s.n.host.Now().UnixMilli()
	return s.save(ctx, cityID, r, made)
}

// create stores a new stream, and switches the bot on that sends to it.
func (s Streams) create(ctx context.Context, cityID int64, want Stream) (Stored, error) {
	to, err := s.n.checked(ctx, cityID, &want)
	if err != nil {
		return Stored{}, err
	}
	b, err := s.Bot(ctx, cityID)
	if err != nil {
		return Stored{}, err
	}
	r := row{BotID: b.ID, Revision: s.n.host.Now().UnixMilli()}
	secret := ""
	_, err = s.n.host.DB.CreateBot(ctx, cityID, Name, b.ID, func(tx *gorm.DB, _ report.Bot) error {
		r.ID, r.Name = 0, want.Name
		if err := roomForStream(tx, b.ID); err != nil {
			return err
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		secret = s.n.sign(&r, to)
		if err := s.n.take(&r, want); err != nil {
			return err
		}
		return tx.Save(&r).Error
	})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		err = ErrChanged
	}
	if err != nil {
		return Stored{}, fmt.Errorf("store stream: %w", err)
	}
	s.n.host.Notices.Changed(cityID)
	shown, err := s.n.shown(ctx, cityID, r)
	return Stored{Stream: shown, Created: true, Secret: secret}, err
}

// roomForStream tells whether a bot may have one more stream. It is asked where that is stored:
// others may be stored at the same moment.
func roomForStream(tx *gorm.DB, botID int64) error {
	if err := db.Lock(tx, "bots", botID); err != nil {
		return err
	}
	var count int64
	if err := tx.Model(&row{}).Where("bot_id = ?", botID).Count(&count).Error; err != nil {
		return err
	}
	if count >= MaxStreams {
		return ErrTooMany
	}
	return nil
}

// replace stores a stream in place of another.
func (s Streams) replace(ctx context.Context, cityID int64, r row, want Stream) (Stored, error) {
	before, err := s.n.streamOf(r)
	if err != nil && !sealed(err) {
		return Stored{}, err
	}
	if want.Target == "" || want.Target == Shown(before.Target) {
		want.Target = before.Target
	}
	to, err := s.n.checked(ctx, cityID, &want)
	if err != nil {
		return Stored{}, err
	}
	secret := ""
	if was, err := s.n.parse(before.Target); err != nil || !was.same(to) || to.kind == KindWebhook && r.Secret == "" {
		secret = s.n.sign(&r, to) // who knew the other place's secret cannot write to the new one in our name
		s.n.lanes.drop(r.ID)
	}
	if err := s.n.take(&r, want); err != nil {
		return Stored{}, err
	}
	r.Paused = 0
	return s.save(ctx, cityID, r, secret)
}

// save stores a row that is there with a new revision.
func (s Streams) save(ctx context.Context, cityID int64, r row, secret string) (Stored, error) {
	seen := r.Revision
	r.Revision = s.n.nextRevision(seen)
	err := s.n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if err := update(tx, &r, r.ID, seen, "mentioned", "status", "sent"); err != nil { // what deliveries note meanwhile stays
			return err
		}
		return s.n.touch(tx, r.BotID)
	})
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return Stored{}, Invalid{{Field: "name", Err: bots.Say(nil, "stream.error.taken", "Name", r.Name)}}
	case err != nil:
		return Stored{}, fmt.Errorf("store stream: %w", err)
	}
	s.n.host.Notices.Changed(cityID)
	shown, err := s.n.shown(ctx, cityID, r)
	return Stored{Stream: shown, Secret: secret}, err
}

// checked tidies a stream and returns its target. An Invalid says what is wrong with it.
func (n *Network) checked(ctx context.Context, cityID int64, s *Stream) (target, error) {
	s.tidy()
	var wrong Invalid
	s.check(&wrong)
	to, err := n.parse(s.Target)
	wrong.add("target", err)
	if err == nil && s.Mention != "" && to.kind != KindDiscord {
		wrong.add("mention", bots.Say(nil, "stream.error.mention_kind"))
	}
	if err := n.checkFilter(ctx, cityID, s, &wrong); err != nil {
		return to, err
	}
	return to, wrong.or()
}

// readable is a stream as it is stored, with its target as Shown.
func (n *Network) readable(r row) (Stream, error) {
	s, err := n.streamOf(r)
	if sealed(err) {
		err = nil
	}
	s.Target = Shown(s.Target)
	return s, err
}

// find returns the row of a city's stream.
func (n *Network) find(ctx context.Context, cityID int64, name string) (row, error) {
	r, err := db.Take[row](n.host.DB.Read(ctx).Where("name = ? AND bot_id IN (SELECT id FROM bots WHERE city_id = ? AND network = ?)", name, cityID, Name))
	if err != nil {
		return row{}, fmt.Errorf("stream: %w", err)
	}
	return r, nil
}

// sign gives a row the secret that its target needs, and returns it.
func (n *Network) sign(r *row, to target) (secret string) {
	r.Secret, r.Former, r.Rotated = "", "", 0
	if to.kind == KindWebhook {
		secret = inbound.NewSecret(inbound.StandardWebhooks)
		r.Secret = n.host.Secrets.Seal(r.place("secret"), secret)
	}
	return secret
}

// events are those that streams can be told of, for who chooses among them.
var events = []string{bus.ReportPassed, bus.ReportTakenBack, bus.ReportRefused, bus.Bot + "*", bus.CityChanged}
