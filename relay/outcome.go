package relay

import (
	"context"
	"embed"
	"slices"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Texts is a source of texts for the translation catalogue: en.toml and de.toml.
//
//go:embed en.toml de.toml
var Texts embed.FS

// missing are the texts that say what a report lacks that is not passed on.
var missing = map[report.Reason]string{
	report.ReasonEmpty:     "answer.held.no_trigger",
	report.ReasonNoTrigger: "answer.held.no_trigger",
	report.ReasonTooLong:   "answer.held.too_long",
	report.ReasonTrouble:   "answer.held.trouble",
}

// outcomeOf is what whoever wrote a report is told of a verdict; empty where they are
// told nothing. Who is over a brake, muted, or uses words that are refused learns
// nothing by trying.
func outcomeOf(v report.Verdict) bots.Outcome {
	switch {
	case v.Passed:
		return bots.OutcomePassed
	case v.Reason == report.ReasonRepeated:
		return bots.OutcomeKnown
	case missing[v.Reason] != "":
		return bots.OutcomeHeld
	default:
		return ""
	}
}

// answer tells whoever wrote a report what became of it, beside everything else. What
// is over a brake may be let through within minutes: then they are told of that.
func (rl *Relay) answer(r db.Ruling, v report.Verdict) {
	if rl.Answers == nil || v.Reason.Held() {
		return
	}
	to, ok := rl.Answers.take(r.Report.ID)
	outcome := outcomeOf(v)
	if !ok || outcome == "" && v.Reason != report.ReasonQuestion {
		return
	}
	if to.question != nil {
		outcome = bots.OutcomeQuestion
	} else if v.Reason == report.ReasonQuestion {
		return // whoever asks that often knows how to make a report of it
	}
	rl.Answers.say(to.bot.ID, func(ctx context.Context) error {
		words, err := rl.words(ctx, to, r, v)
		if err != nil {
			return err
		}
		return to.answer(ctx, bots.Answer{Outcome: outcome, Text: words})
	})
}

// words says what became of a report, or answers a question, in the language of whoever
// wrote it or, where that is not known, in the city's.
func (rl *Relay) words(ctx context.Context, to expected, r db.Ruling, v report.Verdict) (string, error) {
	language := to.language
	c, err := rl.cities.get(ctx, r.Report.CityID)
	if err != nil {
		return "", err
	}
	if language == "" {
		language = c.language
	} else {
		language = rl.Texts.Match(language)
	}
	switch {
	case to.question != nil:
		return rl.told(ctx, c, language, *to.question, r, v)
	case v.Passed:
		people, public, err := rl.reached(ctx, c, r)
		return rl.passed(language, people, public), err
	default:
		return rl.notPassed(language, v.Reason), nil
	}
}

// notPassed says why a report was not passed on, to those who are told so.
func (rl *Relay) notPassed(language string, why report.Reason) string {
	if why == report.ReasonRepeated {
		return rl.Texts.T(language, "answer.known")
	}
	return rl.Texts.T(language, missing[why], "Max", censor.MaxLength)
}

// passed says that a report was passed on to so many people, and whether everybody can
// see it.
func (rl *Relay) passed(language string, people int, public bool) string {
	switch {
	case people > 0 && public:
		return rl.Texts.T(language, "answer.people_public", "Count", people)
	case people > 0:
		return rl.Texts.T(language, "answer.people", "Count", people)
	case public:
		return rl.Texts.T(language, "answer.public")
	default:
		return rl.Texts.T(language, "answer.passed")
	}
}

// reached is how many a report is sent to one by one, and whether some bot posts it for
// everybody to see.
func (rl *Relay) reached(ctx context.Context, c *city, r db.Ruling) (people int, public bool, err error) {
	for _, a := range r.Audiences {
		n := len(a.Recipients)
		if slices.Contains(a.Recipients, 0) {
			n, public = n-1, true
		}
		if i := slices.IndexFunc(c.bots, func(b report.Bot) bool { return b.ID == a.BotID }); i >= 0 && n > 0 {
			if g, ok := rl.Networks[c.bots[i].Network].(bots.Gatherer); ok {
				if n, err = g.People(ctx, c.bots[i], *r.Report); err != nil {
					return 0, false, err
				}
			}
		}
		people += n
	}
	return people, public, nil
}
