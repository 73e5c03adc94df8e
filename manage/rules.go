package manage

import (
	"context"
	"encoding/json"
	"errors"
	"regexp/syntax"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// MaxRules bounds each of the two lists, in characters.
const MaxRules = 10_000

// Rules say what is passed on in a city: one pattern, or one word, a line.
type Rules struct{ Triggers, Blocked string }

// RulesOf returns the rules of a city.
func RulesOf(c report.City) Rules { return Rules{c.Triggers, c.Blocked} }

// DefaultRules returns the rules with which a city of a language begins.
func DefaultRules(language string) Rules {
	return Rules{censor.DefaultTriggers(language), censor.DefaultBlocked(language)}
}

// Revision is for SaveRules.
func (r Rules) Revision() Revision { return revisionOf(r.Triggers, r.Blocked) }

// Compile says what is wrong with rules that are typed.
func (r Rules) Compile() (*censor.Rules, error) {
	var wrong problems
	r = r.normal()
	wrong.tooLong("triggers", r.Triggers, MaxRules)
	wrong.tooLong("blocked", r.Blocked, MaxRules)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	rules, err := censor.Accept(r.Triggers, r.Blocked)
	if err != nil {
		return nil, &Invalid{explainPatterns(err)}
	}
	return rules, nil
}

func (r Rules) normal() Rules { return Rules{plainLines(r.Triggers), plainLines(r.Blocked)} }

// SaveRules stores rules that are typed and returns them as they are stored.
func (m *Cities) SaveRules(ctx context.Context, cityID int64, r Rules, seen Revision) (Rules, error) {
	if _, err := r.Compile(); err != nil {
		return Rules{}, err
	}
	return m.saveRules(ctx, cityID, seen, "rules.saved", func(report.City) Rules { return r.normal() })
}

// ResetRules stores those with which a city of its language begins: see Undo.
func (m *Cities) ResetRules(ctx context.Context, cityID int64, seen Revision) (Rules, error) {
	var before Rules
	now, err := m.saveRules(ctx, cityID, seen, ActRulesReset, func(c report.City) Rules {
		before = RulesOf(c)
		return DefaultRules(c.Language)
	})
	if err != nil || before == now {
		return now, err
	}
	kept, err := json.Marshal(before)
	if err != nil {
		return now, err
	}
	return now, m.keep(ctx, cityID, ActRulesReset, string(kept), now.Revision())
}

func (m *Cities) saveRules(ctx context.Context, cityID int64, seen Revision, act string, rules func(report.City) Rules) (Rules, error) {
	var before report.City
	c, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before = *c
		r := rules(*c)
		err := seen.of(RulesOf(*c).Revision())
		c.Triggers, c.Blocked = r.Triggers, r.Blocked
		return err
	})
	if err != nil || c == before {
		return RulesOf(c), err
	}
	m.tell(m.tellRules(ctx, before, c))
	return RulesOf(c), m.did(ctx, cityID, act, "", nil)
}

// Tried is what rules would make of a text.
type Tried struct {
	Verdict report.Verdict
	Asks    bool     // it would be answered instead of being passed on
	MayAsk  bool     // it would be answered, too
	Text    string   // what would be passed on of it
	Notes   []string // what else there is to say, as that nothing would be read of a mail
}

// Try judges a text, or the source of a message of a network, as of a mail, by rules that are
// typed. It saves nothing. t says the notes; nil: there are none.
func (m *Cities) Try(ctx context.Context, c report.City, r Rules, text string, t bots.T) (Tried, error) {
	rules, err := r.Compile()
	if err != nil {
		return Tried{}, err
	}
	said, notes, err := m.preview(ctx, c, text, t)
	if err != nil {
		return Tried{}, err
	}
	tried, err := m.try(ctx, c, rules, said)
	tried.Text, tried.Notes = said, notes
	return tried, err
}

// preview returns what would be relayed of a text, or of the source of a message.
func (m *Cities) preview(ctx context.Context, c report.City, text string, t bots.T) (said string, notes []string, err error) {
	said = strings.TrimSpace(text)
	if t == nil {
		t = func(string, ...any) string { return "" }
	}
	for _, n := range m.Networks {
		p, ok := n.Network.(bots.Previewer)
		if !ok {
			continue
		}
		heard, more, is, err := p.Preview(ctx, c, []byte(text), t)
		if err != nil {
			return "", nil, err
		}
		if is {
			said, notes = heard, slices.DeleteFunc(more, func(note string) bool { return note == "" })
			break
		}
	}
	if m.Rehearser != nil && said != "" {
		said, _, err = m.Rehearser.Rehearse(ctx, c.ID, said)
	}
	return said, notes, err
}

// try judges what would be heard.
func (m *Cities) try(ctx context.Context, c report.City, rules *censor.Rules, text string) (Tried, error) {
	places, err := m.PlacesOf(ctx, c.ID)
	if err != nil {
		return Tried{}, err
	}
	read := places.Read(text)
	t := Tried{Verdict: read.Admit(rules.With(censor.LimitsOf(c)).Judge(text))}
	if m.Intents != nil && c.Questions {
		g := m.Intents.Recognize(text).Naming(read.Named(), read.Clear)
		t.Asks, t.MayAsk = g.Sure(), g.Doubtful()
	}
	return t, nil
}

// explainPatterns returns what censor.Accept has said.
func explainPatterns(err error) problems {
	var wrong problems
	list, ok := errors.AsType[censor.PatternErrors](err)
	if !ok {
		wrong.add("triggers", "settings.pattern.other")
		return wrong
	}
	for _, e := range list {
		field := "triggers"
		if e.Field == "blocked" {
			field = "blocked"
		}
		id, part := patternText(e.Err)
		wrong = append(wrong, Problem{Field: field, Line: e.Line, Value: e.Pattern, TextID: id, Data: []any{"Part", part}})
	}
	return wrong
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
	case errors.Is(err, censor.ErrTooWide):
		return prefix + "too_wide", ""
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
