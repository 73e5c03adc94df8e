package frontend

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

const (
	// maxMessage bounds a message to moderators, in characters.
	maxMessage = 4000
	// How many messages the moderators of a city get: from one client in an hour, and
	// from all in a day.
	messagesAClient = 3
	messagesACity   = 30
)

// contactForm is what contact.tmpl shows.
type contactForm struct {
	Message string
	Email   string // for the answer; empty: none is wanted
	Max     int
	Off     bool // no mail can leave
	Errors  fieldErrors
	Error   string // text id of what is wrong with no field
}

func (f contactForm) invalid() bool { return len(f.Errors) > 0 || f.Error != "" }

// contactRoutes are the routes below /city/{slug} of the way to the moderators. They
// are open while the city takes no reports: then people ask why.
func (s *Site) contactRoutes(r chi.Router) {
	r = r.With(s.unlessNoContact)
	r.Get("/contact", s.Handler(s.handleContactForm))
	r.Post("/contact", s.Handler(s.handleContact))
	r.Get("/contact/sent", s.Handler(s.handleContactSent))
}

// unlessNoContact says that nobody can be written to where the moderators do not want it.
func (s *Site) unlessNoContact(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		if s.City(r).NoContact {
			return &bots.PageError{Status: http.StatusNotFound, ID: "contact.none"}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func (s *Site) handleContactForm(w http.ResponseWriter, r *http.Request) error {
	return s.contactPage(w, r, http.StatusOK, contactForm{})
}

func (s *Site) contactPage(w http.ResponseWriter, r *http.Request, status int, f contactForm) error {
	f.Max, f.Off = maxMessage, !s.mailLeaves()
	return s.render(w, r, status, "contact.tmpl", s.T(r, "contact.title"), f)
}

// handleContact mails a message to the moderators, whose addresses the visitor does not
// learn.
func (s *Site) handleContact(w http.ResponseWriter, r *http.Request) error {
	f := typedContact(r)
	if f.invalid() {
		return s.contactPage(w, r, http.StatusUnprocessableEntity, f)
	}
	if !s.mailLeaves() {
		return s.contactPage(w, r, http.StatusServiceUnavailable, f)
	}
	var err error
	if f.Error, err = s.countMessage(r); err != nil {
		return err
	}
	if f.invalid() {
		return s.contactPage(w, r, http.StatusTooManyRequests, f)
	}
	if err := s.mailContact(r.Context(), s.City(r), f); err != nil {
		return err
	}
	http.Redirect(w, r, keepLanguage(visitOf(r.Context()).asked, "/city/"+s.City(r).Slug+"/contact/sent"), http.StatusSeeOther)
	return nil
}

// typedContact reads the form and says what is wrong with it.
func typedContact(r *http.Request) contactForm {
	f := contactForm{Message: strings.ToValidUTF8(typedLines(r, "message"), "\uFFFD"), Email: strings.TrimSpace(r.PostFormValue("email")), Errors: fieldErrors{}}
	switch {
	case text.Tidy(f.Message) == "":
		f.Errors.set("message", "contact.message_empty")
	case utf8.RuneCountInString(f.Message) > maxMessage:
		f.Errors.set("message", "contact.message_long")
	}
	if f.Email != "" && manage.CheckEmail(f.Email) != "" {
		f.Errors.set("email", "contact.email_wrong")
	}
	return f
}

// countMessage counts a message, or returns the text id of why there are enough.
func (s *Site) countMessage(r *http.Request) (problem string, err error) {
	all := db.Limit{Key: s.Secrets.Hash("messages to city", s.City(r).Slug), Max: messagesACity, Within: 24 * time.Hour}
	limits := []db.Limit{all}
	if s.ClientNetwork(r).IsValid() { // else everybody comes from there
		limits = append(limits, db.Limit{Key: s.Secrets.Hash("messages of client", s.ClientIP(r)), Max: messagesAClient, Within: time.Hour})
	}
	switch reached, err := s.DB.Count(r.Context(), limits...); {
	case err != nil:
		return "", err
	case reached == all.Key:
		return "contact.full", nil
	case reached != "":
		return "contact.too_many", nil
	}
	return "", nil
}

// mailContact stores the mails to the moderators, in the language of the city.
func (s *Site) mailContact(ctx context.Context, c report.City, f contactForm) error {
	t := func(id string, data ...any) string { return s.Texts.T(c.Language, id, data...) }
	// The words of a stranger cannot pass for ours.
	quoted := "> " + strings.ReplaceAll(f.Message, "\n", "\n> ")
	note := t("contact.mail.no_reply", "City", c.Name)
	if f.Email != "" {
		note = t("contact.mail.reply", "City", c.Name, "Email", f.Email)
	}
	subject := t("contact.mail.subject", "City", c.Name)
	return bots.ForwardToModerators(ctx, s.DB, s.AccountMails, s.Config.Mail, s.Now(), c.ID,
		bots.Forwarded{Subject: subject, Text: t("contact.mail.text", "City", c.Name, "Text", quoted) + "\n\n" + note + "\n", ReplyTo: f.Email})
}

func (s *Site) handleContactSent(w http.ResponseWriter, r *http.Request) error {
	c := s.City(r)
	return s.render(w, r, http.StatusOK, "sent.tmpl", s.T(r, "contact.sent.title"), sentPage{
		Text: s.T(r, "contact.sent.text", "City", c.Name), Delayed: s.AccountMails.Delayed(),
		Back: keepLanguage(visitOf(r.Context()).asked, "/city/"+c.Slug), BackText: s.T(r, "contact.back", "City", c.Name)})
}
