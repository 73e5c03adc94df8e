package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

// maxTold is how many mails about closed groups the moderators of a bot get within
// toldWithin: strangers may close theirs as often as they like. What closes within
// toldOnce after a mail needs no other: the list that it leads to shows all of it.
const (
	maxTold    = 3
	toldWithin = 24 * time.Hour
	toldOnce   = 10 * time.Minute
)

// closings tells moderators that a group was closed, which only a person can mend.
type closings struct {
	mu   sync.Mutex
	told map[int64][]time.Time // by bot
}

// tell puts a mail to every moderator of the bot's city into the database. It names no
// group: strangers choose what theirs are called.
func (c *closings) tell(ctx context.Context, n *network, b report.Bot, kind GroupKind, why Why) error {
	if n.host.AccountMails == nil || !c.may(b.ID, n.host.Now()) {
		return nil
	}
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return err
	}
	say := func(id string, data ...any) string {
		return n.host.Texts.T(i18n.ForModerators(city.Language), id, data...)
	}
	network := say(n.Name + ".title")
	subject := say("kit.chat.closing.subject."+string(kind), "Network", network)
	text := say("kit.chat.closing.text", "City", city.Name, "Network", network, "Where", say("kit.chat.closing.where."+string(kind)),
		"Reason", say("kit.chat.closed."+string(why)), "URL", n.host.Config.Web.URL+bots.SettingsPath(n.Name))
	return bots.MailModerators(ctx, n.host.DB, n.host.AccountMails, n.host.Config.Mail, n.host.Now(), b.CityID, subject, text)
}

// may tells whether the moderators of a bot are told once more, and takes note of it.
func (c *closings) may(botID int64, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	recent := slices.DeleteFunc(c.told[botID], func(at time.Time) bool { return now.Sub(at) > toldWithin })
	if n := len(recent); n >= maxTold || n > 0 && now.Sub(recent[n-1]) < toldOnce {
		return false
	}
	if c.told == nil {
		c.told = map[int64][]time.Time{}
	}
	c.told[botID] = append(recent, now)
	return true
}

// forget drops what is known of a bot.
func (c *closings) forget(botID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.told, botID)
}
