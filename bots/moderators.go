package bots

import (
	"context"
	"errors"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
)

// MailModerators stores the same account mail for every moderator of a city.
func MailModerators(ctx context.Context, d *db.DB, mails AccountMails, cfg config.Mail, now time.Time, cityID int64, subject, text string) error {
	return ForwardToModerators(ctx, d, mails, cfg, now, cityID, Forwarded{Subject: subject, Text: text})
}

// Forwarded is what moderators get by mail of somebody who may want an answer.
type Forwarded struct {
	Subject, Text string
	ReplyTo       string // mail address for the answer; empty: none
}

// ForwardToModerators is MailModerators for the words of others.
func ForwardToModerators(ctx context.Context, d *db.DB, mails AccountMails, cfg config.Mail, now time.Time, cityID int64, f Forwarded) error {
	moderators, err := d.CityModerators(ctx, cityID)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range moderators {
		errs = append(errs, mails.StoreMail(ctx, mailer.AnswerableMail(cfg, m.Email, f.ReplyTo, f.Subject, f.Text, now)))
	}
	return errors.Join(errs...)
}
