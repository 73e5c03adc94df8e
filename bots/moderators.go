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
	moderators, err := d.CityModerators(ctx, cityID)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range moderators {
		errs = append(errs, mails.StoreMail(ctx, mailer.AccountMail(cfg, m.Email, subject, text, now)))
	}
	return errors.Join(errs...)
}
