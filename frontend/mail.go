package frontend

import (
	"context"
	"fmt"
	"strings"

	"ticketfrei/internal/mailer"
)

// linkName is the name of the value that holds the link which an account mail
// is about.
const linkName = "Link"

// mailTo sends a mail about an account, in lang. data are the values for both
// texts, alternating names and values; the one named Link is the link that the
// mail is about. When it returns nil, the mail is on disk and will be sent.
//
// If no mail can leave, as on a laptop at the first start, the link is written
// to the log instead.
func (s *Site) mailTo(ctx context.Context, lang, to, subjectID, textID string, data ...any) error {
	subject := s.Texts.T(lang, subjectID, data...)
	if !s.mailLeaves() {
		s.Log.Warn("no mail can be sent yet (mail.relay and mail.domain are not set): open the link yourself",
			"to", to, "subject", subject, "link", valueOf(data, linkName))
		return nil
	}
	text := s.Texts.T(lang, textID, data...) + "\n\n" + s.Texts.T(lang, "account_mail.footer", "URL", s.Config.Web.URL) + "\n"
	if err := s.AccountMails.StoreMail(ctx, mailer.AccountMail(s.Config.Mail, to, subject, text, s.Now())); err != nil {
		return fmt.Errorf("store account mail: %w", err)
	}
	return nil
}

// mailLeaves reports whether mail can be sent at all: there is a relay, or a
// name by which other mail servers can know us.
func (s *Site) mailLeaves() bool {
	return s.Config.Mail.Relay != "" || !strings.EqualFold(s.Config.Mail.Domain, "localhost")
}

// valueOf finds a value in alternating names and values.
func valueOf(data []any, name string) any {
	for i := 0; i+1 < len(data); i += 2 {
		if data[i] == name {
			return data[i+1]
		}
	}
	return nil
}
