package mail

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

var (
	_ bots.Movable = (*Network)(nil)
	_ bots.Growing = (*Network)(nil)
)

// moved is what is stored of a bot, as it goes to another server.
type moved struct {
	Subscribers []recipients.Moved `json:"subscribers"`
	Hourly      []int64            `json:"hourly"` // those who get one mail an hour
	Page        string             `json:"page,omitempty"`
	Digest      bool               `json:"digest"` // one mail an hour can be chosen
	// Links are hashes of what stands in the mails to each subscriber: see formerLinks.
	Links map[int64][]string `json:"links"`
}

// Export returns what is stored of a bot: see bots.Movable.
func (n *Network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	m := moved{Links: map[int64][]string{}}
	var err error
	if m.Subscribers, err = n.subscribers.Export(ctx, b); err != nil {
		return nil, err
	}
	if m.Page, err = n.page(ctx, b.ID); err != nil {
		return nil, err
	}
	if m.Digest, err = n.offersDigest(ctx, b); err != nil {
		return nil, err
	}
	m.Hourly, err = db.ReadColumn[int64](ctx, n.host.DB, "SELECT recipient_id FROM mail_digests WHERE bot_id = ? AND until IS NULL", b.ID)
	if err != nil {
		return nil, fmt.Errorf("export mail digests: %w", err)
	}
	var former []struct {
		RecipientID int64
		Hash        string
	}
	err = n.host.DB.Read(ctx).Raw("SELECT l.recipient_id, l.hash FROM mail_former_links AS l JOIN mail_recipients AS r ON r.id = l.recipient_id WHERE r.bot_id = ?", b.ID).Scan(&former).Error
	if err != nil {
		return nil, fmt.Errorf("export links of mails: %w", err)
	}
	for _, l := range former {
		m.Links[l.RecipientID] = append(m.Links[l.RecipientID], l.Hash)
	}
	for _, s := range m.Subscribers {
		m.Links[s.ID] = append(m.Links[s.ID], n.linksOf(b, s)...)
	}
	return json.Marshal(m)
}

// Import stores what was exported of a bot: see bots.Movable.
func (n *Network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	ids, err := n.subscribers.Import(tx, b, m.Subscribers)
	if err != nil {
		return err
	}
	err = tx.Exec("INSERT INTO mail_settings (bot_id, page, digest) VALUES (?, ?, ?)", b.ID, m.Page, m.Digest).Error
	if err != nil {
		return err
	}
	for _, former := range m.Hourly {
		err := tx.Exec("INSERT INTO mail_digests (recipient_id, bot_id, last) SELECT id, bot_id, "+newestDigestReport+" FROM mail_recipients WHERE id = ?", ids[former]).Error
		if err != nil {
			return err
		}
	}
	for former, hashes := range m.Links {
		for _, hash := range hashes {
			if ids[former] == 0 {
				continue
			}
			err := tx.Exec("INSERT INTO mail_former_links (hash, recipient_id) VALUES (?, ?) ON CONFLICT DO NOTHING", hash, ids[former]).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Grow adds subscribers: see bots.Growing.
func (n *Network) Grow(tx *gorm.DB, b report.Bot, stored json.RawMessage) (added int, err error) {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return 0, err
	}
	return n.subscribers.Grow(tx, b, m.Subscribers)
}

// The links and addresses in mails are made with the secret key, and with the ids of city, bot
// and subscriber. Where a city comes from another server, those in old mails are known by their
// hash: nobody finds them by trying.

// linksOf are the hashes of what stands in the mails to a subscriber.
func (n *Network) linksOf(b report.Bot, s recipients.Moved) []string {
	city := report.City{ID: b.CityID}
	return []string{
		linkHash(purposeUnsubscribe, n.sign(purposeUnsubscribe, city, s.Address, time.Time{})),
		linkHash(purposeOften, n.sign(purposeOften, city, s.Address, time.Time{})),
		linkHash(bouncePrefix, n.tag(bouncePrefix, b.ID, s.ID)),
		linkHash(unsubscribePrefix, n.tag(unsubscribePrefix, b.ID, s.ID)),
	}
}

func linkHash(purpose, link string) string {
	sum := sha256.Sum256([]byte(purpose + " " + link))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// former returns the subscriber of a bot that a link or tag of another server is about, or
// db.ErrNotFound.
func (n *Network) former(ctx context.Context, botID int64, purpose, link string) (id int64, err error) {
	err = n.host.DB.ReadRow(ctx, "SELECT l.recipient_id FROM mail_former_links AS l JOIN mail_recipients AS r ON r.id = l.recipient_id WHERE l.hash = ? AND r.bot_id = ?",
		linkHash(purpose, link), botID).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("link of another server: %w", err)
	}
	return id, nil
}

// formerTarget is readTarget for the addresses that came with the city from another server.
func (n *Network) formerTarget(ctx context.Context, city report.City, b report.Bot, tag string) (target, bool, error) {
	prefix := tag[:min(len(tag), len(bouncePrefix))]
	if prefix != bouncePrefix && prefix != unsubscribePrefix {
		return target{}, false, nil
	}
	id, err := n.former(ctx, b.ID, prefix, tag)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return target{}, false, nil
	case prefix == bouncePrefix:
		return target{city: city, bot: b, bounceOf: id}, err == nil, err
	}
	return target{city: city, bot: b, endOf: id}, err == nil, err
}

// open is verify, also for the links that came with the city from another server.
func (n *Network) open(ctx context.Context, purpose string, city report.City, b report.Bot, token string) (email string, err error) {
	email, err = n.verify(purpose, city, token)
	if !errors.Is(err, secret.ErrTokenInvalid) {
		return email, err
	}
	id, found := n.former(ctx, b.ID, purpose, token)
	if errors.Is(found, db.ErrNotFound) {
		return "", err
	}
	if found != nil {
		return "", found
	}
	s, found := n.subscribers.Get(ctx, b.ID, id)
	if found != nil {
		return "", errors.Join(err, found)
	}
	return s.Address, nil
}

// tag is what a tagged address has after the "+".
func (n *Network) tag(prefix string, botID, subscriberID int64) string {
	return prefix + strconv.FormatInt(subscriberID, 36) + "." + n.tagMAC(prefix, botID, subscriberID)
}
