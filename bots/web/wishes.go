package web

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/webpush"
	"ticketfrei/internal/zone"
)

// wishTables are the subscriptions of browsers that follow a city, and what they want to
// be sent, as migration web_0002 makes them. A subscription stands there whole, so that
// one row is read for a message; its endpoint is the address of the recipient, too.
var wishTables = []string{
	`CREATE TABLE web_wishes (
		recipient_id INTEGER PRIMARY KEY REFERENCES web_recipients(id) ON DELETE CASCADE,
		bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
		subscription TEXT NOT NULL,
		language TEXT NOT NULL,
		quiet_from INTEGER NOT NULL,
		quiet_to INTEGER NOT NULL)`,
	// By it those who sleep are found without reading what is sealed.
	`CREATE INDEX web_wishes_quiet ON web_wishes(bot_id, quiet_from, quiet_to)`,
}

// wishes is what a browser wants to be sent.
type wishes struct {
	language string
	lines    report.Lines // empty: all
	quiet    quiet
}

// quiet is from which hour to which nothing is sent, by the time of the city.
type quiet struct{ from, to int }

// never is the quiet of those who want to be told at any time.
var never = quiet{-1, -1}

// subscription is a browser that follows a city.
type subscription struct {
	endpoint string
	keys     *webpush.Receiver
	wishes
}

// errFull is that a city has as many browsers that follow it as it may.
var errFull = errors.New("too many browsers follow this city")

// maxSubscriptions is how many browsers may follow a city: more than its riders have, and
// little enough to be stored and listed.
const maxSubscriptions = 50_000

// save stores a browser that follows the city of a bot, or what it wishes now. The error
// is errFull, or db.ErrNotFound where the bot is gone.
func (n *Network) save(ctx context.Context, botID int64, s subscription) error {
	for range 2 { // a second one of the same browser may be faster
		r, err := n.subscribers.Find(ctx, botID, s.endpoint)
		if err == nil {
			return n.host.DB.Write(ctx, func(tx *gorm.DB) error { return n.putWishes(tx, botID, r.ID, s) })
		}
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
		count, err := n.subscribers.Count(ctx, botID)
		if err != nil {
			return err
		}
		if count >= maxSubscriptions {
			return errFull
		}
		err = n.subscribers.Add(ctx, botID, s.endpoint, func(tx *gorm.DB, id int64) error { return n.putWishes(tx, botID, id, s) })
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
	return errors.New("a browser subscribed and unsubscribed at the same time")
}

// putWishes stores what a recipient wishes. One that is gone meanwhile is no error.
func (n *Network) putWishes(tx *gorm.DB, botID, id int64, s subscription) error {
	p256dh, auth := s.keys.Keys()
	err := tx.Exec(`INSERT INTO web_wishes (recipient_id, bot_id, subscription, language, quiet_from, quiet_to)
		SELECT id, bot_id, ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM web_recipients WHERE id = ? AND bot_id = ?
		ON CONFLICT (recipient_id) DO UPDATE SET subscription = excluded.subscription, language = excluded.language,
			quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to`,
		n.host.Secrets.Seal(subscriptionPlace(id), strings.Join([]string{s.endpoint, p256dh, auth}, " ")), s.language, s.quiet.from, s.quiet.to, id, botID).Error
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE web_recipients SET lines = ? WHERE id = ? AND bot_id = ?", string(s.lines), id, botID).Error
}

// subscriptionPlace is where the subscription of a recipient is stored, which sealing
// binds it to.
func subscriptionPlace(id int64) string {
	return "web_wishes.subscription:" + strconv.FormatInt(id, 10)
}

// find returns a browser that follows the city of a bot. The error is db.ErrNotFound, or
// recipients.ErrSealed.
func (n *Network) find(ctx context.Context, botID, id int64) (subscription, error) {
	var s subscription
	var sealed string
	err := n.host.DB.ReadRow(ctx, "SELECT subscription, language FROM web_wishes WHERE recipient_id = ? AND bot_id = ?", id, botID).Scan(&sealed, &s.language)
	if err != nil {
		return s, fmt.Errorf("subscription: %w", err)
	}
	text, err := n.host.Secrets.Open(subscriptionPlace(id), sealed)
	if err != nil {
		return s, fmt.Errorf("subscription: %w: %w", recipients.ErrSealed, err)
	}
	parts := strings.Split(text, " ")
	if len(parts) != 3 {
		return s, errors.New("a subscription that is stored cannot be read")
	}
	s.endpoint = parts[0]
	s.keys, err = webpush.NewReceiver(parts[1], parts[2])
	return s, err
}

// sleepers are the recipients of a bot that want to be left in peace at an hour.
const sleepers = `SELECT recipient_id FROM web_wishes WHERE bot_id = ?1 AND quiet_from >= 0
	AND CASE WHEN quiet_from < quiet_to THEN ?2 >= quiet_from AND ?2 < quiet_to ELSE ?2 >= quiet_from OR ?2 < quiet_to END`

// asleep returns the recipients of a bot that want to be left in peace at this hour.
func (n *Network) asleep(ctx context.Context, b report.Bot) (map[int64]bool, error) {
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
	hour := n.host.Now().In(zone.Of(city, n.host.Config.Reports.Zone)).Hour()
	ids, err := db.ReadColumn[int64](ctx, n.host.DB, sleepers, b.ID, hour)
	if err != nil {
		return nil, fmt.Errorf("who wants to be left in peace: %w", err)
	}
	asleep := make(map[int64]bool, len(ids))
	for _, id := range ids {
		asleep[id] = true
	}
	return asleep, nil
}

// unreadable is the error of a delivery whose recipient cannot be read.
func unreadable(err error) error {
	switch {
	case errors.Is(err, db.ErrNotFound):
		return bots.Gone(bots.Say(err, "web.error.unsubscribed"))
	case errors.Is(err, recipients.ErrSealed):
		return bots.Permanent(bots.Say(err, "web.error.sealed"))
	}
	return err
}
