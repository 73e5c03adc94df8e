package frontend

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// Purposes of signed links.
const (
	purposeRegister = "register" // payload: id of the registration
)

// registerFor is how long the link of a sign-up is good.
const registerFor = 48 * time.Hour

// registerForm is what register.tmpl shows.
type registerForm struct {
	Email     string
	City      cityNames
	Address   string // the address that the city's names give; empty if they give none
	Language  string // of the city
	Languages []string
	Errors    fieldErrors
	Zone      string // of the browser; empty: not known
	Member    bool   // somebody is logged in, so only the city is asked for
	Waits     bool   // the city begins when the operator lets it
}

// cityNames are what a new city is called.
type cityNames struct {
	Name  string
	Short string // in Latin letters, for its addresses; empty: as the name gives
	// AskShort is whether Short is asked for: from some names no address can be made.
	AskShort bool
}

// typedNames reads what a new city is called.
func typedNames(r *http.Request) cityNames {
	n := cityNames{Name: oneLine(r.PostFormValue("city")), Short: oneLine(r.PostFormValue("short"))}
	err := report.CheckSlug(report.Slug(n.Name))
	n.AskShort = n.Short != "" || n.Name != "" && err != nil && utf8.RuneCountInString(n.Name) <= manage.MaxName
	return n
}

// slug is the name of the city in addresses.
func (n cityNames) slug() string { return report.Slug(cmp.Or(n.Short, n.Name)) }

// isClosed tells whether nobody but the operator adds cities.
func (s *Site) isClosed() bool { return s.Cities.Door().Signup == config.SignupClosed }

// isApproved tells whether the operator lets each city begin.
func (s *Site) isApproved() bool { return s.Cities.Door().Signup == config.SignupApproval }

// contact is how the operator is reached.
func (s *Site) contact() string {
	return cmp.Or(s.Cities.Door().Operator, "postmaster@"+s.Config.Mail.Domain)
}

// unlessClosed answers who would sign up where nobody can.
func (s *Site) unlessClosed(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		if !s.isClosed() {
			next.ServeHTTP(w, r)
			return nil
		}
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusForbidden
		}
		return s.render(w, r, status, "closed.tmpl", s.T(r, "register.title"), nil)
	})
}

func (s *Site) handleRegisterForm(w http.ResponseWriter, r *http.Request) error {
	return s.registerPage(w, r, http.StatusOK, registerForm{Language: s.visitorLanguage(r)})
}

func (s *Site) registerPage(w http.ResponseWriter, r *http.Request, status int, form registerForm) error {
	form.Member = visitOf(r.Context()).moderator != nil
	if slug := form.City.slug(); report.CheckSlug(slug) == nil {
		form.Address = s.cityAddress(slug)
	}
	form.Languages, form.Waits = s.Texts.Languages(), s.isApproved()
	return s.render(w, r, status, "register.tmpl", s.T(r, "register.title"), form)
}

// cityAddress returns the mail address of the city with that slug.
func (s *Site) cityAddress(slug string) string { return slug + "@" + s.Config.Mail.Domain }

func (s *Site) handleRegister(w http.ResponseWriter, r *http.Request) error {
	form := registerForm{Email: manage.NormalEmail(r.PostFormValue("email")), City: typedNames(r), Language: r.PostFormValue("language"), Errors: fieldErrors{}}
	if !slices.Contains(s.Texts.Languages(), form.Language) {
		form.Language = s.visitorLanguage(r)
	}
	form.Zone = zone.OfBrowser(r.PostFormValue("zone"), form.Language)
	member := visitOf(r.Context()).moderator
	slug, err := s.checkCityName(r.Context(), form.City, form.Errors)
	if err != nil {
		return err
	}
	if member == nil {
		form.Errors.set("email", manage.CheckEmail(form.Email))
	}
	if len(form.Errors) > 0 {
		return s.registerPage(w, r, http.StatusUnprocessableEntity, form)
	}
	if member != nil {
		return s.addCity(w, r, form)
	}
	if err := s.signUp(r, form, slug); err != nil {
		return err
	}
	s.Log.Info("somebody signs a city up: it is added when the link in their mail is opened", "city", slug)
	http.Redirect(w, r, keepLanguage(visitOf(r.Context()).asked, "/register/sent"), http.StatusSeeOther)
	return nil
}

// oneLine returns a name without what is left out of it where it is stored.
func oneLine(typed string) string { return strings.Join(strings.Fields(typed), " ") }

// checkCityName returns the slug for the names of a new city. If they cannot be used,
// wrong["city"] or wrong["short"] says why.
func (s *Site) checkCityName(ctx context.Context, names cityNames, wrong fieldErrors) (string, error) {
	n := names.city()
	invalid, err := problems(s.Cities.CheckName(ctx, &n))
	names.explain(invalid, wrong)
	if len(wrong) > 0 {
		return "", err
	}
	return n.Slug, err
}

// city is the new city with these names.
func (n cityNames) city() manage.NewCity {
	return manage.NewCity{Name: n.Name, Slug: cmp.Or(report.Slug(n.Short), n.Short)}
}

// explain puts what is wrong with a new city at the fields of its names.
func (n cityNames) explain(wrong *manage.Invalid, at fieldErrors) {
	for field, of := range map[string]string{"city": "name", "short": "slug"} {
		if p, ok := wrong.Of(of); ok {
			at.set(field, p.TextID)
		}
	}
}

// signUp stores the sign-up and mails its link, behind which the owner of the
// address sets the password. If the address has an account, the mail says so
// instead. The visitor, who may be somebody else, is told the same either way and
// after the same work: the sign-up is stored in both cases.
func (s *Site) signUp(r *http.Request, form registerForm, slug string) error {
	ctx := r.Context()
	reg, err := s.DB.CreateRegistration(ctx, db.Registration{Email: form.Email, CityName: form.City.Name, Slug: slug, Language: form.Language, Zone: form.Zone})
	if err != nil {
		return err
	}
	token := s.Secrets.Sign(purposeRegister, strconv.FormatInt(reg.ID, 10), s.Now().Add(registerFor))
	mail, link := "account_mail.register", s.link("/confirm/"+token)
	_, err = s.DB.FindModerator(ctx, form.Email)
	switch {
	case err == nil:
		mail, link = "account_mail.known", s.link("/login?next=/register")
	case !errors.Is(err, db.ErrNotFound):
		return err
	default:
		if err := s.logFirstLink(ctx, link); err != nil {
			return err
		}
	}
	return s.mailAsked(r, form.Email, bots.Asked{}, mail+".subject", mail+".text", "Address", s.cityAddress(slug), linkName, link)
}

// addCity creates another city for a moderator who is logged in.
func (s *Site) addCity(w http.ResponseWriter, r *http.Request, form registerForm) error {
	n := form.City.city()
	n.Language, n.Zone, n.Owner = form.Language, form.Zone, s.moderator(r).ID
	made, err := s.Cities.Create(r.Context(), n)
	wrong, err := problems(err)
	if wrong != nil { // somebody else was faster
		form.City.explain(wrong, form.Errors)
		return s.registerPage(w, r, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	s.welcome(w, r, made.City)
	return nil
}

// welcome leads to the settings of a city that was just made.
func (s *Site) welcome(w http.ResponseWriter, r *http.Request, made report.City) {
	ctx := r.Context()
	s.sessions.Put(ctx, keyCity, made.ID)
	text := "register.welcome"
	if made.Waiting {
		text = "register.welcome_waits"
	}
	s.flash(ctx, s.T(r, text, "City", made.Name))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}

func (s *Site) handleRegisterSent(w http.ResponseWriter, r *http.Request) error {
	return s.showSent(w, r, "register.sent", "/register")
}

// sentPage is what sent.tmpl shows: a mail is being sent.
type sentPage struct {
	Text, Hint     string
	Delayed        bool   // no mail leaves at the moment
	Back, BackText string // the one link back to where the visitor came from
}

// showSent writes the page that says so in the texts id. back is the form that the
// visitor has filled in, where an address that was mistyped is typed again.
func (s *Site) showSent(w http.ResponseWriter, r *http.Request, id, back string) error {
	return s.render(w, r, http.StatusOK, "sent.tmpl", s.T(r, id+".title"), sentPage{
		Text: s.T(r, id+".text"), Hint: s.T(r, id+".hint"), Delayed: s.AccountMails.Delayed(),
		Back: back, BackText: s.T(r, "account_sent.back")})
}

// handleRegisterName says what address a city's name would give. The form shows
// it while the name is typed.
func (s *Site) handleRegisterName(w http.ResponseWriter, r *http.Request) error {
	names, wrong := cityNames{Name: oneLine(r.URL.Query().Get("city"))}, fieldErrors{}
	if names.Name == "" {
		answerPlainly(w, http.StatusOK, "")
		return nil
	}
	slug, err := s.checkCityName(r.Context(), names, wrong)
	if err != nil {
		return err
	}
	text := s.T(r, "register.address", "Address", s.cityAddress(slug))
	if id, bad := wrong["city"]; bad {
		text = s.T(r, id)
	}
	answerPlainly(w, http.StatusOK, text)
	return nil
}
