package mail

import (
	"context"
	"time"

	"ticketfrei/internal/mailer"
)

// tellOperator writes a mail to the operator about mails that do not leave. It lies in
// the folder of the postmaster, as no other way is sure, and is sent to the address
// that web.acme names.
func (n *Network) tellOperator(ctx context.Context, o mailer.Outage) {
	cfg := n.host.Config
	id := "mail.operator.all"
	if !o.All {
		id = "mail.operator.domain"
	}
	text := n.host.Texts.T("en", id, "Since", o.Since.UTC().Format(time.RFC1123), "Error", o.Cause.Error(),
		"Said", mailer.Words(o.Cause), "Expire", cfg.Reports.Expire.String())
	subject := n.host.Texts.T("en", "mail.operator.subject")
	now := n.host.Now()
	mail := mailer.AccountMail(cfg.Mail, "postmaster@"+cfg.Mail.Domain, subject, text, now)
	if err := n.keepForOperator(mail.Data); err != nil {
		n.host.Log.Error("the mail to the postmaster about mails that wait could not be kept", "err", err)
	}
	if cfg.Web.ACME == "" {
		return
	}
	mail = mailer.AccountMail(cfg.Mail, cfg.Web.ACME, subject, text, now)
	if err := n.host.AccountMails.StoreMail(ctx, mail); err != nil {
		n.host.Log.Error("the operator could not be mailed that mails wait", "err", err)
	}
}
