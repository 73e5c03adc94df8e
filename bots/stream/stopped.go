package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/i18n"
)

// gather is how long moderators are not told yet of what has stopped: one report may stop
// several streams, and all of them stand in one mail.
const gather = 5 * time.Second

// stopped is what has stopped by itself in a city, and why, by name.
type stopped struct{ streams, triggers map[string]bots.Sayer }

// names are all of it, in order.
func (s stopped) names() []string {
	var all []string
	for _, of := range []map[string]bots.Sayer{s.streams, s.triggers} {
		for name := range of {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// stopped returns what has stopped in the city.
func (b *bot) stopped(ctx context.Context) (stopped, error) {
	s := stopped{map[string]bots.Sayer{}, map[string]bots.Sayer{}}
	streams, err := b.network.Streams().List(ctx, b.bot.CityID)
	if err != nil {
		return s, err
	}
	for _, one := range streams {
		if one.Why != nil {
			s.streams[one.Name] = one.Why
		}
	}
	triggers, err := b.network.Triggers().List(ctx, b.bot.CityID)
	for _, one := range triggers {
		if one.Why != nil && !one.Running {
			s.triggers[one.Name] = one.Why
		}
	}
	return s, err
}

// mind says of the bot what has stopped, and returns what the moderators were not told of.
func (b *bot) mind(ctx context.Context) (untold stopped, err error) {
	all, err := b.stopped(ctx)
	if err != nil {
		return all, err
	}
	if names := all.names(); len(names) > 0 {
		bots.Stand(ctx, bots.Trouble(bots.Say(nil, "stream.stopped.limit", "Count", len(names), "Names", strings.Join(names, ", "))))
	} else {
		bots.Stand(ctx, nil)
	}
	err = errors.Join(b.forgetTold(ctx, "stream_streams", all.streams), b.forgetTold(ctx, "stream_triggers", all.triggers))
	return all, err
}

// forgetTold leaves out what the moderators were told of.
func (b *bot) forgetTold(ctx context.Context, table string, of map[string]bots.Sayer) error {
	if len(of) == 0 {
		return nil
	}
	var names []string
	err := b.network.host.DB.Read(ctx).Raw("SELECT name FROM "+table+" WHERE bot_id = ? AND told", b.bot.ID).Scan(&names).Error
	if err != nil {
		return fmt.Errorf("what moderators were told: %w", err)
	}
	for _, name := range names {
		delete(of, name)
	}
	return nil
}

// tellStopped mails the moderators what has stopped, once, also where the program is started
// again meanwhile. The bot is made again whenever something stops, and waits again.
func (b *bot) tellStopped(ctx context.Context) error {
	n := b.network
	if n.gather(ctx, gather) != nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // what was begun is finished, and who comes next sees that they were told
	s, err := b.mind(ctx)
	if err != nil || len(s.names()) == 0 {
		return err
	}
	if err := b.mailStopped(ctx, s); err != nil { // first: who is killed here tells twice rather than never
		return err
	}
	err = n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return errors.Join(b.noteTold(tx, "stream_streams", s.streams), b.noteTold(tx, "stream_triggers", s.triggers))
	})
	if err != nil {
		return fmt.Errorf("note what moderators were told: %w", err)
	}
	return nil
}

func (b *bot) noteTold(tx *gorm.DB, table string, of map[string]bots.Sayer) error {
	for name := range of {
		if err := tx.Exec("UPDATE "+table+" SET told = TRUE WHERE bot_id = ? AND name = ?", b.bot.ID, name).Error; err != nil {
			return err
		}
	}
	return nil
}

// mailStopped puts a mail to every moderator of the city into the database.
func (b *bot) mailStopped(ctx context.Context, s stopped) error {
	h := b.network.host
	city, err := h.DB.BriefCity(ctx, b.bot.CityID)
	if err != nil {
		return err
	}
	say := func(id string, data ...any) string {
		return h.Texts.T(i18n.ForModerators(city.Language), id, data...)
	}
	var lines []string
	for id, of := range map[string]map[string]bots.Sayer{"stream.stopped.stream": s.streams, "stream.stopped.in": s.triggers} {
		for name, why := range of {
			lines = append(lines, say(id, "Name", name, "Why", why.Say(say)))
		}
	}
	slices.Sort(lines)
	subject := say("stream.stopped.subject", "Count", len(lines))
	text := say("stream.stopped.text", "City", city.Name, "Lines", strings.Join(lines, "\n"), "URL", h.Config.Web.URL+bots.SettingsPath(Name))
	return bots.MailModerators(ctx, h.DB, h.AccountMails, h.Config.Mail, h.Now(), b.bot.CityID, subject, text)
}
