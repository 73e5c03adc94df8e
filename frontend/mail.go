package frontend

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"ticketfrei/bots"
	"ticketfrei/internal/mailer"
)

// linkName is the name of the value that holds the link that a mail is about.
const linkName = "Link"

// mailTo sends a mail about an account, in lang. data are the values for both
// texts, alternating names and values; the one named Link is the link that the
// mail is about. When it returns nil, the mail is on disk and will be sent.
func (s *Site) mailTo(ctx context.Context, lang, to, subjectID, textID string, data ...any) error {
	if !s.mailLeaves() {
		s.Log.Warn(noMailLeaves)
		return nil
	}
	if err := s.AccountMails.StoreMail(ctx, s.accountMail(lang, to, subjectID, textID, data)); err != nil {
		return fmt.Errorf("store account mail: %w", err)
	}
	return nil
}

// mailAsked is mailTo for a mail that somebody who is not logged in has caused: see
// bots.AccountMails. Where the client has caused too many, the error says so to
// people.
func (s *Site) mailAsked(r *http.Request, to string, asked bots.Asked, subjectID, textID string, data ...any) error {
	if !s.mailLeaves() {
		s.Log.Warn(noMailLeaves)
		return nil
	}
	asked.Client = s.ClientIP(r)
	err := s.AccountMails.StoreAsked(r.Context(), s.accountMail(visitOf(r.Context()).lang, to, subjectID, textID, data), asked)
	if errors.Is(err, bots.ErrTooManyMails) {
		return &bots.PageError{Status: http.StatusTooManyRequests, ID: "error.too_many_mails", Err: err}
	}
	if err != nil {
		return fmt.Errorf("store account mail: %w", err)
	}
	return nil
}

// noMailLeaves is said in the log where a mail cannot be sent. For whom it was, and
// its link, nobody may read there.
const noMailLeaves = "a mail was to be sent, but none can leave: set mail.domain or mail.relay"

func (s *Site) accountMail(lang, to, subjectID, textID string, data []any) mailer.Mail {
	text := s.Texts.T(lang, textID, data...) + "\n\n" + s.Texts.T(lang, "account_mail.footer", "URL", s.Config.Web.URL) + "\n"
	return mailer.AccountMail(s.Config.Mail, to, s.Texts.T(lang, subjectID), text, s.Now())
}

// logFirstLink writes the link of a sign-up to the log where no mail can leave, as
// on a laptop at the first start, and only while there is no city: whoever signs up
// then is the operator.
func (s *Site) logFirstLink(ctx context.Context, link string) error {
	if s.mailLeaves() {
		return nil
	}
	cities, err := s.DB.Cities(ctx, "", 1)
	if err == nil && len(cities) == 0 {
		s.Log.Warn("no mail can leave yet: open the link of this sign-up yourself", "link", link)
	}
	return err
}

// mailLeaves reports whether mail can be sent at all.
func (s *Site) mailLeaves() bool { return s.Config.Mail.Leaves() }
