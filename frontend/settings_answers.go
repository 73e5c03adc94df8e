package frontend

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// The parts of the page of texts besides the page's own text.
const (
	partAnswers  = "answers"
	partContact  = "contact"
	partDefaults = "defaults"
)

// answersForm is the form of what riders are told.
type answersForm struct {
	meanwhile
	Language  string // of the texts
	Languages []string
	Texts     []answerText
}

// answerText is one of the texts.
type answerText struct {
	ID      string
	When    string // text id of when it is said
	Text    string // as typed; empty: the default
	Default string
	Places  []string
	Error   string
}

// storedAnswers is the form as it is stored, in the language that is asked for, or else that
// of the city.
func (s *Site) storedAnswers(r *http.Request) answersForm {
	language := r.FormValue("answers")
	if !slices.Contains(s.Texts.Languages(), language) {
		language = s.City(r).Language
	}
	f := answersForm{meanwhile: meanwhile{Seen: manage.AnswersRevision(s.City(r), language)}, Language: language, Languages: s.Texts.Languages()}
	own := s.City(r).AnswerTexts()[language]
	for _, t := range manage.AnswerTexts() {
		shown := answerText{ID: t.ID, When: "settings.answers.when." + t.ID, Text: own[t.ID]}
		var data []any
		for _, name := range t.Places {
			shown.Places = append(shown.Places, report.AnswerPlace(name))
			data = append(data, name, report.AnswerPlace(name))
		}
		shown.Default = s.Texts.T(language, t.ID, data...)
		f.Texts = append(f.Texts, shown)
	}
	return f
}

// handleAnswersSave saves what riders are told in a language.
func (s *Site) handleAnswersSave(w http.ResponseWriter, r *http.Request) error {
	f := s.storedAnswers(r)
	now := f.Seen
	f.meanwhile = seen(r)
	typed := map[string]string{}
	stored := slices.Clone(f.Texts)
	for i, t := range f.Texts {
		f.Texts[i].Text = typedLines(r, t.ID)
		typed[t.ID] = f.Texts[i].Text
	}
	err := s.Cities.SaveAnswers(r.Context(), s.City(r).ID, f.Language, typed, f.Seen)
	if errors.Is(err, manage.ErrConflict) {
		f.Seen = now
		for i, t := range f.Texts {
			f.add(s.T(r, t.When), stored[i].Text, t.Text)
		}
		return s.showTextsPage(w, r, http.StatusConflict, func(p *textsPage) { p.Answers = f })
	}
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		for i := range f.Texts {
			f.Texts[i].Error = s.say(r, wrong, f.Texts[i].ID)
		}
		return s.showTextsPage(w, r, http.StatusUnprocessableEntity, func(p *textsPage) { p.Answers = f })
	}
	s.sessions.Put(r.Context(), keySavedPart, partAnswers)
	s.sessions.Put(r.Context(), keySavedText, s.T(r, "settings.answers.saved"))
	http.Redirect(w, r, deskPath(pageTexts)+"?answers="+f.Language+"#"+partAnswers, http.StatusSeeOther)
	return nil
}

// handleContactSave switches the form to write to the moderators on or off.
func (s *Site) handleContactSave(w http.ResponseWriter, r *http.Request) error {
	off := r.PostFormValue("contact") == ""
	if _, err := s.Cities.Change(r.Context(), s.City(r).ID, manage.Patch{NoContact: &off}, ""); err != nil {
		return err
	}
	return s.saved(w, r, pageTexts, partContact, s.T(r, "settings.contact.saved"))
}

// defaultsForm is the form of what new subscriptions begin with.
type defaultsForm struct {
	Hourly   bool
	Quiet    bool
	From, To int
	Hours    []int
	Error    string
}

func storedDefaults(c report.City) defaultsForm {
	d := c.SubscriptionDefaults()
	f := defaultsForm{Hourly: d.Hourly, Quiet: d.Quiet != nil, From: 22, To: 6}
	if d.Quiet != nil {
		f.From, f.To = d.Quiet.From, d.Quiet.To
	}
	for hour := range 24 {
		f.Hours = append(f.Hours, hour)
	}
	return f
}

// handleDefaultsSave saves what new subscriptions begin with.
func (s *Site) handleDefaultsSave(w http.ResponseWriter, r *http.Request) error {
	f := storedDefaults(s.City(r))
	f.Hourly, f.Quiet = r.PostFormValue("hourly") != "", r.PostFormValue("quiet") != ""
	f.From, f.To = hour(r, "from"), hour(r, "to")
	d := report.SubscriptionDefaults{Hourly: f.Hourly}
	if f.Quiet {
		d.Quiet = &report.QuietTime{From: f.From, To: f.To}
	}
	_, err := s.Cities.Change(r.Context(), s.City(r).ID, manage.Patch{Defaults: &d}, "")
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		f.Error = s.say(r, wrong, "quiet")
		return s.showTextsPage(w, r, http.StatusUnprocessableEntity, func(p *textsPage) { p.Defaults = f })
	}
	return s.saved(w, r, pageTexts, partDefaults, s.T(r, "settings.defaults.saved"))
}

// hour returns the hour in a field; -1, which is none, where there is none.
func hour(r *http.Request, field string) int {
	n, err := strconv.Atoi(r.PostFormValue(field))
	if err != nil {
		return -1
	}
	return n
}
