package mail

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
)

const (
	// toldKept is how long nobody is told a second time that pictures stay behind.
	toldKept = 90 * 24 * time.Hour
	// maxTold is how many people of a bot are remembered for it.
	maxTold = 10_000
)

// tellOfPictures mails somebody, whose address is proven, that the pictures of their
// report were not passed on. Everybody is told once.
func (n *Network) tellOfPictures(ctx context.Context, t target, author string) error {
	email, problem := n.readAddress(author)
	if problem != "" {
		return nil
	}
	first, err := n.tellOnce(ctx, t.bot.ID, email)
	if err != nil || !first {
		return err
	}
	return n.host.AccountMails.StoreAsked(ctx, n.accountMail(t.city, email, "mail.pictures.mail", n.pageURL(t.city), ""), bots.Asked{})
}

// tellOnce says whether somebody is to be told, and notes that they are. Who it was
// is a keyed hash, other than that of their reports.
func (n *Network) tellOnce(ctx context.Context, botID int64, email string) (first bool, err error) {
	who, now := n.host.Secrets.Hash("mail.told", strconv.FormatInt(botID, 10), email), n.host.Now()
	var told int
	err = n.host.DB.ReadRow(ctx, "SELECT count(*) FROM mail_told WHERE bot_id = ? AND who = ? AND at >= ?",
		botID, who, now.Add(-toldKept).UnixMilli()).Scan(&told)
	if err == nil && told == 0 { // most know, and nothing is written
		err = n.host.DB.Write(ctx, func(tx *gorm.DB) (err error) {
			first, err = noteTold(tx, botID, who, now)
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("note who was told of pictures: %w", err)
	}
	return first, nil
}

// noteTold notes that somebody is told; first is false where they were.
func noteTold(tx *gorm.DB, botID int64, who string, now time.Time) (first bool, err error) {
	told := tx.Exec(`INSERT INTO mail_told (bot_id, who, at) VALUES (?, ?, ?)
		ON CONFLICT (bot_id, who) DO UPDATE SET at = excluded.at WHERE mail_told.at < ?`,
		botID, who, now.UnixMilli(), now.Add(-toldKept).UnixMilli())
	if told.Error != nil || told.RowsAffected == 0 {
		return false, told.Error
	}
	return true, tx.Exec(`DELETE FROM mail_told WHERE at < ? OR bot_id = ? AND who IN
		(SELECT who FROM mail_told WHERE bot_id = ? ORDER BY at DESC LIMIT 1000000 OFFSET ?)`,
		now.Add(-toldKept).UnixMilli(), botID, botID, maxTold).Error
}
