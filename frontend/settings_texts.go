package frontend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/markdown"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// textRoutes are the page of the texts.
func (s *Site) textRoutes(r chi.Router) {
	r.Get("/texts", s.Handler(s.handleTexts))
	r.Get("/texts/preview", backTo(pageTexts, pageTexts))
	r.Post("/texts", s.Handler(s.handleTextsSave))
	r.Post("/texts/preview", s.Handler(s.handleTextsPreview))
	r.Post("/texts/reset", s.Handler(s.handleTextsReset))
	r.Get("/texts/answers", backTo(pageTexts, partAnswers))
	r.Post("/texts/answers", s.Handler(s.handleAnswersSave))
	r.Post("/texts/contact", s.Handler(s.handleContactSave))
	r.Get("/texts/defaults", backTo(pageTexts, partDefaults))
	r.Post("/texts/defaults", s.Handler(s.handleDefaultsSave))
}

// textsPage is what settings/texts.tmpl shows.
type textsPage struct {
	Texts    textsForm
	Poster   posterForm
	Answers  answersForm
	Defaults defaultsForm
}

func (s *Site) handleTexts(w http.ResponseWriter, r *http.Request) error {
	return s.showTextsPage(w, r, http.StatusOK, func(*textsPage) {})
}

// showTextsPage writes the page. set replaces what is stored with what was typed.
func (s *Site) showTextsPage(w http.ResponseWriter, r *http.Request, status int, set func(*textsPage)) error {
	texts, err := s.storedTexts(r.Context(), s.City(r))
	if err != nil {
		return err
	}
	p := &textsPage{Texts: texts, Poster: s.storedPoster(s.City(r)), Answers: s.storedAnswers(r), Defaults: storedDefaults(s.City(r))}
	set(p)
	return s.showDesk(w, r, status, pageTexts, p)
}

// textsForm is the form of the texts, with what was typed.
type textsForm struct {
	meanwhile
	Name          string
	NameError     string
	Language      string
	LanguageError string
	Languages     []string
	Zone          string // as typed
	ZoneError     string
	ZoneOffered   string // a name that would be right; empty: none is better than others
	Page          string
	PageError     string
	// Default is the digest of the default text, if that is what the page
	// shows. If the text comes back unchanged, it is stored as "the default",
	// which follows the city's addresses.
	Default     string
	Preview     template.HTML // of what was typed
	ShowPreview bool
}

// storedTexts returns the form filled with what the city has.
func (s *Site) storedTexts(ctx context.Context, c report.City) (textsForm, error) {
	f := textsForm{Name: c.Name, Language: c.Language, Languages: s.Texts.Languages(), Zone: c.Zone, Page: c.Page}
	f.ZoneOffered, f.Seen = s.zoneOf(c), f.patch().Revision(c)
	if f.Page != "" {
		return f, nil
	}
	text, err := s.suggestedPage(ctx, c)
	f.Page, f.Default = text, digestOf(text)
	return f, err
}

// zoneOf returns the name of the zone that a city has if it chooses none; empty where
// that is the machine's, which has no name to type.
func (s *Site) zoneOf(c report.City) string {
	c.Zone = ""
	where := zone.Of(c, s.Config.Reports.Zone)
	if where == time.Local {
		return ""
	}
	return where.String()
}

// suggestedPage returns the default text as a textarea shows it.
func (s *Site) suggestedPage(ctx context.Context, c report.City) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sectionTimeout)
	defer cancel()
	text, err := s.defaultPage(ctx, c)
	return strings.TrimSpace(text), err
}

// digestOf stands for a text, whatever its line ends are.
func digestOf(text string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return hex.EncodeToString(sum[:16])
}

// typedTexts reads the form.
func (s *Site) typedTexts(r *http.Request) textsForm {
	f := textsForm{
		meanwhile: seen(r),
		Name:      oneLine(r.PostFormValue("name")),
		Language:  r.PostFormValue("language"),
		Languages: s.Texts.Languages(),
		Zone:      s.City(r).Zone,
		Page:      typedLines(r, "page"),
		Default:   r.PostFormValue("default"),
	}
	f.ZoneOffered = s.zoneOf(report.City{Language: f.Language})
	if r.PostForm.Has("zone") {
		f.Zone = strings.TrimSpace(r.PostFormValue("zone"))
	}
	return f
}

// patch is what the form changes.
func (f textsForm) patch() manage.Patch {
	return manage.Patch{Name: &f.Name, Language: &f.Language, Zone: &f.Zone, Page: &f.Page}
}

// showTexts shows the form with what is wrong with it; nil: nothing is.
func (s *Site) showTexts(w http.ResponseWriter, r *http.Request, f textsForm, wrong *manage.Invalid) error {
	f.NameError, f.LanguageError = s.say(r, wrong, "name"), s.say(r, wrong, "language")
	f.ZoneError, f.PageError = s.say(r, wrong, "zone"), s.say(r, wrong, "page")
	return s.showTextsPage(w, r, statusOf(wrong == nil), func(p *textsPage) { p.Texts = f })
}

// storedPage returns what to store for the page that was typed: nothing if it
// is the default text that the form had shown.
func (s *Site) storedPage(ctx context.Context, c report.City, f textsForm) (string, error) {
	if digestOf(f.Page) == f.Default {
		return "", nil
	}
	suggested, err := s.suggestedPage(ctx, c)
	if err != nil || f.Page == suggested {
		return "", err
	}
	return f.Page, nil
}

func (s *Site) handleTextsSave(w http.ResponseWriter, r *http.Request) error {
	form := s.typedTexts(r)
	p := form.patch()
	wrong, err := problems(p.Check())
	if err != nil {
		return err
	}
	if wrong != nil {
		return s.showTexts(w, r, form, wrong)
	}
	text, err := s.storedPage(r.Context(), s.City(r), form)
	if err != nil {
		return err
	}
	p.Page = &text
	_, err = s.Cities.Change(r.Context(), s.City(r).ID, p, form.Seen)
	if errors.Is(err, manage.ErrConflict) {
		return s.showTextsMeanwhile(w, r, form)
	}
	if err != nil {
		return err
	}
	return s.saved(w, r, pageTexts, pageTexts, s.T(r, "settings.texts.saved"))
}

// showTextsMeanwhile shows the form beside what somebody else has saved since.
func (s *Site) showTextsMeanwhile(w http.ResponseWriter, r *http.Request, form textsForm) error {
	now, err := s.storedTexts(r.Context(), s.City(r))
	if err != nil {
		return err
	}
	form.Seen = now.Seen
	form.add(s.T(r, "settings.texts.name"), now.Name, form.Name)
	form.add(s.T(r, "settings.texts.language"), s.T(r, "settings.texts.language_"+now.Language), s.T(r, "settings.texts.language_"+form.Language))
	form.add(s.T(r, "settings.texts.zone"), now.Zone, form.Zone)
	form.add(s.T(r, "settings.texts.page"), now.Page, form.Page)
	return s.showTextsPage(w, r, http.StatusConflict, func(p *textsPage) { p.Texts = form })
}

// handleTextsPreview shows what was typed as visitors would see it. It saves
// nothing.
func (s *Site) handleTextsPreview(w http.ResponseWriter, r *http.Request) error {
	form := s.typedTexts(r)
	p := form.patch()
	wrong, err := problems(p.Check())
	if err != nil {
		return err
	}
	if wrong == nil {
		text, err := s.previewed(r, form)
		if err != nil {
			return err
		}
		form.Preview, form.ShowPreview = markdown.HTML(text), true
	}
	return s.showTexts(w, r, form, wrong)
}

// previewed returns the markdown that visitors would see once the form is
// saved.
func (s *Site) previewed(r *http.Request, f textsForm) (string, error) {
	c := s.City(r)
	text, err := s.storedPage(r.Context(), c, f)
	if err != nil || text != "" {
		return text, err
	}
	c.Name, c.Language = f.Name, f.Language
	return s.suggestedPage(r.Context(), c)
}

// handleTextsReset stores the default text again; name and language stay.
func (s *Site) handleTextsReset(w http.ResponseWriter, r *http.Request) error {
	if err := s.Cities.ResetText(r.Context(), s.City(r).ID); err != nil {
		return err
	}
	s.offerUndo(r, manage.ActTextReset, "")
	return s.saved(w, r, pageTexts, pageTexts, s.T(r, "settings.texts.reset_done"))
}
