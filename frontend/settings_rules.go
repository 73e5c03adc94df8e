package frontend

import (
	"context"
	"errors"
	"net/http"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// maxRules bounds each of the two lists, in characters.
const maxRules = 10_000

// rulesPerMinute is how often rules may be saved or tried from one network
// address. Each time they are compiled.
const rulesPerMinute = 30

// ruleRoutes are the routes of the part about the rules.
func (s *Site) ruleRoutes(r chi.Router) {
	r.Get("/rules", backTo(partRules))
	r.Get("/rules/try", backTo(partRules))
	limited := r.With(s.limitPosts(rulesPerMinute, time.Minute))
	limited.Post("/rules", s.Handler(s.handleRulesSave))
	limited.Post("/rules/try", s.Handler(s.handleRulesTry))
	r.Post("/rules/reset", s.Handler(s.handleRulesReset))
}

// rulesForm is the form of the rules, with what was typed.
type rulesForm struct {
	Triggers      string
	Blocked       string
	TriggerErrors []patternError
	BlockedErrors []patternError
	Text          string   // the sentence to try
	Tried         *verdict // nil if none was tried
	Asks          bool     // it would be answered instead of being passed on
	MayAsk        bool     // it would be answered, too
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
	case report.ReasonTrigger, report.ReasonPlace, report.ReasonClear, report.ReasonNoTrigger, report.ReasonBlocked, report.ReasonSlur,
		report.ReasonEmpty, report.ReasonTooLong, report.ReasonRepeated, report.ReasonLetThrough,
		report.ReasonFlood, report.ReasonFloodClient, report.ReasonFloodDomain, report.ReasonFloodCity,
		report.ReasonMuted, report.ReasonExpired, report.ReasonTrouble, report.ReasonQuestion:
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
	return rulesForm{Triggers: c.Triggers, Blocked: c.Blocked}
}

// typedRules reads the form and compiles its rules. If something is wrong, they
// are nil and the form says what.
func (s *Site) typedRules(r *http.Request) (rulesForm, *censor.Rules) {
	f := rulesForm{Triggers: typedLines(r, "triggers"), Blocked: typedLines(r, "blocked"), Text: r.PostFormValue("text")}
	c := s.City(r)
	f.Unsaved = f.Triggers != strings.TrimSpace(c.Triggers) || f.Blocked != strings.TrimSpace(c.Blocked)
	if text := s.tooLong(r, f.Triggers, maxRules); text != "" {
		f.TriggerErrors = append(f.TriggerErrors, patternError{Text: text})
	}
	if text := s.tooLong(r, f.Blocked, maxRules); text != "" {
		f.BlockedErrors = append(f.BlockedErrors, patternError{Text: text})
	}
	if f.Invalid() {
		return f, nil
	}
	rules, err := censor.Accept(f.Triggers, f.Blocked)
	if err != nil {
		s.explainPatterns(r, &f, err)
		return f, nil
	}
	return f, rules
}

// explainPatterns puts the errors of censor.Accept at their lines.
func (s *Site) explainPatterns(r *http.Request, f *rulesForm, err error) {
	list, ok := errors.AsType[censor.PatternErrors](err)
	if !ok {
		f.TriggerErrors = append(f.TriggerErrors, patternError{Text: s.T(r, "settings.pattern.other")})
		return
	}
	for _, e := range list {
		id, part := patternText(e.Err)
		p := patternError{Line: e.Line, Pattern: e.Pattern, Text: s.T(r, id, "Part", part)}
		if e.Field == "blocked" {
			f.BlockedErrors = append(f.BlockedErrors, p)
		} else {
			f.TriggerErrors = append(f.TriggerErrors, p)
		}
	}
}

// patternText returns the text id that says in plain words why a pattern cannot
// be read, and the part of the pattern that the text is about.
func patternText(err error) (id, part string) {
	const prefix = "settings.pattern."
	switch {
	case errors.Is(err, censor.ErrTooMany):
		return prefix + "too_many", ""
	case errors.Is(err, censor.ErrTooLong):
		return prefix + "line_too_long", ""
	case errors.Is(err, censor.ErrTooComplex):
		return prefix + "too_big", ""
	case errors.Is(err, censor.ErrTooExpensive):
		return prefix + "too_expensive", ""
	case errors.Is(err, censor.ErrAllTooLong):
		return prefix + "all_too_long", ""
	case errors.Is(err, censor.ErrNoWord):
		return prefix + "no_word", ""
	}
	e, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return prefix + "other", ""
	}
	return prefix + syntaxText(e.Code), e.Expr
}

// syntaxText returns the last part of patternText's text id for a pattern that
// breaks the rules of RE2.
func syntaxText(code syntax.ErrorCode) string {
	switch code {
	case syntax.ErrMissingBracket:
		return "missing_bracket"
	case syntax.ErrMissingParen:
		return "missing_paren"
	case syntax.ErrUnexpectedParen:
		return "unexpected_paren"
	case syntax.ErrMissingRepeatArgument:
		return "nothing_to_repeat"
	case syntax.ErrInvalidRepeatOp:
		return "bad_repeat"
	case syntax.ErrInvalidRepeatSize:
		return "repeat_size"
	case syntax.ErrTrailingBackslash:
		return "trailing_backslash"
	case syntax.ErrInvalidEscape:
		return "bad_escape"
	case syntax.ErrInvalidCharRange, syntax.ErrInvalidCharClass:
		return "bad_range"
	case syntax.ErrInvalidPerlOp:
		return "lookahead"
	case syntax.ErrInvalidNamedCapture:
		return "bad_name"
	case syntax.ErrLarge, syntax.ErrNestingDepth:
		return "too_big"
	case syntax.ErrInvalidUTF8:
		return "bad_text"
	default:
		return "other"
	}
}

func (s *Site) handleRulesSave(w http.ResponseWriter, r *http.Request) error {
	form, rules := s.typedRules(r)
	if rules == nil {
		return s.showForm(w, r, http.StatusUnprocessableEntity, func(p *settingsPage) { p.Rules = form })
	}
	return s.saveRules(w, r, form.Triggers, form.Blocked, "settings.rules.saved")
}

func (s *Site) saveRules(w http.ResponseWriter, r *http.Request, triggers, blocked, textID string) error {
	if err := s.DB.SaveRules(r.Context(), s.City(r).ID, triggers, blocked); err != nil {
		return err
	}
	s.Notices.Changed(s.City(r).ID)
	return s.saved(w, r, partRules, s.T(r, textID))
}

// handleRulesTry judges a sentence by the rules as typed. It saves nothing.
func (s *Site) handleRulesTry(w http.ResponseWriter, r *http.Request) error {
	form, rules := s.typedRules(r)
	if rules != nil {
		read, err := s.readText(r.Context(), s.City(r), form.Text)
		if err != nil {
			return err
		}
		tried := newVerdict(read.Admit(rules.Judge(form.Text)))
		form.Tried = &tried
		form.Asks, form.MayAsk = s.takenFor(s.City(r), form.Text, read)
	}
	return s.showForm(w, r, statusOf(rules != nil), func(p *settingsPage) { p.Rules = form })
}

// readText reads a text by the lines and stops of a city.
func (s *Site) readText(ctx context.Context, c report.City, text string) (report.Reading, error) {
	places, err := s.places(ctx, c.ID)
	return places.Read(text), err
}

// handleRulesReset replaces the rules with those that a new city starts with.
func (s *Site) handleRulesReset(w http.ResponseWriter, r *http.Request) error {
	lang := s.City(r).Language
	return s.saveRules(w, r, censor.DefaultTriggers(lang), censor.DefaultBlocked(lang), "settings.rules.reset_done")
}
