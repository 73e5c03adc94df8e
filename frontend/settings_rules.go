package frontend

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// rulesPerMinute is how often rules may be saved or tried from one network
// address. Each time they are compiled.
const rulesPerMinute = 30

// ruleRoutes are the page of the rules.
func (s *Site) ruleRoutes(r chi.Router) {
	r.Get("/rules", s.Handler(s.handleRules))
	r.Get("/rules/try", backTo(pageRules, pageRules))
	limited := r.With(s.limitPosts(rulesPerMinute, time.Minute))
	limited.Post("/rules", s.Handler(s.handleRulesSave))
	limited.Post("/rules/try", s.Handler(s.handleRulesTry))
	r.Post("/rules/reset", s.Handler(s.handleRulesReset))
	r.Get("/rules/words", backTo(pageRules, partWords))
	limited.Post("/rules/words", s.Handler(s.handleWords))
}

// rulesPage is what settings/rules.tmpl shows.
type rulesPage struct {
	Rules rulesForm
	Tasks tasksPart
	Words wordsPart
	Would manage.Would
}

// rulesForm is the form of the rules, with what was typed.
type rulesForm struct {
	meanwhile
	Triggers      string
	Blocked       string
	TriggerErrors []patternError
	BlockedErrors []patternError
	Text          string   // the sentence to try
	Tried         *verdict // nil if none was tried
	Asks          bool     // it would be answered instead of being passed on
	MayAsk        bool     // it would be answered, too
	Said          string   // what would be passed on of Text, where that is something else
	Notes         []string // what else there is to say of it
	Unsaved       bool     // the lists differ from the stored ones
}

// Invalid reports whether something in the lists cannot be read.
func (f rulesForm) Invalid() bool { return len(f.TriggerErrors)+len(f.BlockedErrors) > 0 }

// NoTriggers reports whether nothing can pass.
func (f rulesForm) NoTriggers() bool { return strings.TrimSpace(f.Triggers) == "" }

// patternError is what is wrong with one line, in plain words.
type patternError struct {
	Line    int // 0 if it is about the whole list
	Pattern string
	Text    string
}

// verdict is a verdict as a moderator reads it.
type verdict struct {
	Passed bool
	Reason string // text id
	Detail string // the pattern or word that decided; empty if none did
}

func newVerdict(v report.Verdict) verdict {
	shown := verdict{Passed: v.Passed, Reason: "settings.reason.unknown", Detail: v.Detail}
	switch v.Reason {
	case report.ReasonTest:
		shown.Reason, shown.Detail = "settings.reason.test_held", ""
		if v.Tested().Passed {
			shown.Reason = "settings.reason.test_passed"
		}
	case report.ReasonTrigger: // as the page of rules shows it
		shown.Reason, shown.Detail = "settings.reason.trigger", manage.WordOf(v.Detail)
	case report.ReasonLink, report.ReasonLong, report.ReasonApproval, report.ReasonPlace, report.ReasonClear, report.ReasonNoTrigger, report.ReasonBlocked, report.ReasonSlur,
		report.ReasonEmpty, report.ReasonTooLong, report.ReasonRepeated, report.ReasonLetThrough,
		report.ReasonFlood, report.ReasonFloodClient, report.ReasonFloodDomain, report.ReasonFloodCity,
		report.ReasonMuted, report.ReasonExpired, report.ReasonTrouble, report.ReasonQuestion, report.ReasonTask:
		shown.Reason = "settings.reason." + string(v.Reason)
	case report.ReasonTakenBack:
		shown.Reason, shown.Detail = takenBack(v.Detail), ""
	default:
		if shown.Detail == "" {
			shown.Detail = string(v.Reason)
		}
	}
	return shown
}

// takenBack is the id of the text about a report that was taken back.
func takenBack(detail string) string {
	switch detail {
	case report.DetailDeleted:
		return "settings.reason.taken_back_deleted"
	case report.DetailChanged:
		return "settings.reason.taken_back_changed"
	default: // of older ones, the trigger that let them pass
		return "settings.reason.taken_back"
	}
}

func storedRules(c report.City) rulesForm {
	return rulesForm{meanwhile: meanwhile{Seen: manage.RulesOf(c).Revision()}, Triggers: c.Triggers, Blocked: c.Blocked}
}

// typedRules reads the form.
func (s *Site) typedRules(r *http.Request) rulesForm {
	f := rulesForm{meanwhile: seen(r), Triggers: typedLines(r, "triggers"), Blocked: typedLines(r, "blocked"), Text: r.PostFormValue("text")}
	c := s.City(r)
	f.Unsaved = f.Triggers != strings.TrimSpace(c.Triggers) || f.Blocked != strings.TrimSpace(c.Blocked)
	return f
}

func (f rulesForm) rules() manage.Rules {
	return manage.Rules{Triggers: f.Triggers, Blocked: f.Blocked}
}

// showRules shows the form with what is wrong with it; nil: nothing is.
func (s *Site) showRules(w http.ResponseWriter, r *http.Request, form rulesForm, wrong *manage.Invalid) error {
	if wrong != nil {
		for _, p := range wrong.Problems {
			e := patternError{Line: p.Line, Pattern: p.Value, Text: s.words(r, p)}
			if p.Field == "blocked" {
				form.BlockedErrors = append(form.BlockedErrors, e)
			} else {
				form.TriggerErrors = append(form.TriggerErrors, e)
			}
		}
	}
	return s.showRulesPage(w, r, statusOf(wrong == nil), func(p *rulesPage) { p.Rules = form })
}

// showRulesPage writes the page. set replaces what is stored with what was typed.
func (s *Site) showRulesPage(w http.ResponseWriter, r *http.Request, status int, set func(*rulesPage)) (err error) {
	p := &rulesPage{Rules: storedRules(s.City(r))}
	if p.Tasks, err = s.tasksPart(r); err != nil {
		return err
	}
	if p.Words, err = s.wordsPart(r); err != nil {
		return err
	}
	if p.Would, err = s.Cities.Would(r.Context(), s.City(r)); err != nil {
		return err
	}
	set(p)
	return s.showDesk(w, r, status, pageRules, p)
}

func (s *Site) handleRules(w http.ResponseWriter, r *http.Request) error {
	return s.showRules(w, r, storedRules(s.City(r)), nil)
}

func (s *Site) handleRulesSave(w http.ResponseWriter, r *http.Request) error {
	form := s.typedRules(r)
	_, err := s.Cities.SaveRules(r.Context(), s.City(r).ID, form.rules(), form.Seen)
	if errors.Is(err, manage.ErrConflict) {
		return s.showRulesMeanwhile(w, r, form)
	}
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		return s.showRules(w, r, form, wrong)
	}
	return s.saved(w, r, pageRules, pageRules, s.T(r, "settings.rules.saved"))
}

// showRulesMeanwhile shows the form beside what somebody else has saved since.
func (s *Site) showRulesMeanwhile(w http.ResponseWriter, r *http.Request, form rulesForm) error {
	now := storedRules(s.City(r))
	form.Seen = now.Seen
	form.add(s.T(r, "settings.rules.blocked"), now.Blocked, form.Blocked)
	form.add(s.T(r, "settings.rules.triggers"), now.Triggers, form.Triggers)
	return s.showRulesPage(w, r, http.StatusConflict, func(p *rulesPage) { p.Rules = form })
}

// handleRulesTry judges a sentence by the rules as typed. It saves nothing.
func (s *Site) handleRulesTry(w http.ResponseWriter, r *http.Request) error {
	form := s.typedRules(r)
	tried, err := s.Cities.Try(r.Context(), s.City(r), form.rules(), form.Text, func(id string, data ...any) string { return s.T(r, id, data...) })
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong == nil {
		v := newVerdict(tried.Verdict)
		form.Tried, form.Asks, form.MayAsk, form.Notes = &v, tried.Asks, tried.MayAsk, tried.Notes
		if tried.Text != strings.TrimSpace(form.Text) {
			form.Said = tried.Text
		}
	}
	return s.showRules(w, r, form, wrong)
}

// handleRulesReset replaces the rules with those that a new city starts with.
func (s *Site) handleRulesReset(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.Cities.ResetRules(r.Context(), s.City(r).ID, ""); err != nil {
		return err
	}
	s.offerUndo(r, manage.ActRulesReset, "")
	return s.saved(w, r, pageRules, pageRules, s.T(r, "settings.rules.reset_done"))
}
