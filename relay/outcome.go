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

// Texts is a source of texts for the translation catalogue.
//
//go:embed *.toml
var Texts embed.FS

// missing are the texts that say what a report lacks that is not passed on.
var missing = map[report.Reason]string{
	report.ReasonEmpty:     "answer.held.no_trigger",
	report.ReasonNoTrigger: "answer.held.no_trigger",
	report.ReasonTooLong:   "answer.held.too_long",
	report.ReasonLong:      "answer.held.too_long",
	report.ReasonLink:      "answer.held.link",
	report.ReasonTrouble:   "answer.held.trouble",
	report.ReasonTask:      "answer.held.task",
	report.ReasonApproval:  "answer.approval",
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

// answer tells whoever wrote a report what became of it, and what outside programs have to
// say to them, beside everything else. What is over a brake may be let through within
// minutes: then they are told of that.
func (rl *Relay) answer(r db.Ruling, v report.Verdict) {
	if rl.Answers == nil {
		return
	}
	find := rl.Answers.take
	if v.Reason.Held() && v.Reason != report.ReasonApproval {
		find = rl.Answers.find
	}
	to, ok := find(r.Report.ID)
	outcome := to.outcome(v)
	if !ok || outcome == "" && r.TaskAnswer == "" {
		return
	}
	rl.Answers.say(to.botID, func(ctx context.Context) error {
		if outcome == "" {
			return to.answer(ctx, bots.Answer{Outcome: bots.OutcomeReceived, Text: r.TaskAnswer, Spoken: true})
		}
		words, err := rl.words(ctx, to, r, v)
		if err != nil {
			return err
		}
		return to.answer(ctx, bots.Answer{Outcome: outcome, Text: joined(words, r.TaskAnswer), Spoken: r.TaskAnswer != ""})
	})
}

// outcome is what whoever waits is told of a verdict; empty where they are told nothing.
func (e expected) outcome(v report.Verdict) bots.Outcome {
	outcome := outcomeOf(v)
	switch {
	case v.Reason == report.ReasonApproval && e.question == nil:
		return bots.OutcomeReceived
	case v.Reason.Held() && v.Reason != report.ReasonApproval:
		return ""
	case e.question != nil && (outcome != "" || v.Reason == report.ReasonQuestion):
		return bots.OutcomeQuestion
	default: // whoever asks too often knows how to make a report of it
		return outcome
	}
}

// words says what became of a report, or answers a question, in the language of whoever
// wrote it or, where we do not have it, in the city's.
func (rl *Relay) words(ctx context.Context, to expected, r db.Ruling, v report.Verdict) (string, error) {
	c, err := rl.cities.get(ctx, r.Report.CityID)
	if err != nil {
		return "", err
	}
	language := rl.Texts.MatchOr(to.language, c.language)
	switch {
	case to.question != nil:
		return rl.told(ctx, c, language, *to.question, r, v)
	case v.Passed:
		to, err := rl.reached(ctx, c, r)
		return rl.passed(c, language, to), err
	default:
		return rl.notPassed(c, language, v.Reason), nil
	}
}

// notPassed says why a report was not passed on, to those who are told so.
func (rl *Relay) notPassed(c *city, language string, why report.Reason) string {
	longest := censor.MaxLength
	switch why {
	case report.ReasonRepeated:
		return rl.say(c, language, "answer.known")
	case report.ReasonLong:
		longest = report.ShortChars
	}
	return rl.say(c, language, missing[why], "Max", longest)
}

// say returns a text in the words of a city's moderators, or else in ours.
func (rl *Relay) say(c *city, language, id string, data ...any) string {
	if text, own := c.answers.Say(language, id, data...); own {
		return text
	}
	return rl.Texts.T(language, id, data...)
}

// passed says that a report was passed on to so many, and whether everybody can see it.
func (rl *Relay) passed(c *city, language string, to reach) string {
	say := func(id string, data ...any) string { return rl.say(c, language, id, data...) }
	whom := say("answer.people", "Count", to.people)
	switch groups := say("answer.groups", "Count", to.groups); {
	case to.people == 0 && to.groups == 0 && to.public:
		return say("answer.public")
	case to.people == 0 && to.groups == 0:
		return say("answer.passed")
	case to.people == 0:
		whom = groups
	case to.groups > 0:
		whom = say("answer.both", "People", whom, "Groups", groups)
	}
	if to.public {
		return say("answer.to_public", "Whom", whom)
	}
	return say("answer.to", "Whom", whom)
}

// reach is how many a report is sent to one by one, and whether some bot posts it for
// everybody to see.
type reach struct {
	people, groups int
	public         bool
}

// reached is whom a report reaches that is passed on.
func (rl *Relay) reached(ctx context.Context, c *city, r db.Ruling) (to reach, err error) {
	for _, a := range r.Audiences {
		sent := a.Recipients
		if slices.Contains(sent, 0) {
			sent, to.public = slices.DeleteFunc(slices.Clone(sent), func(id int64) bool { return id == 0 }), true
		}
		if len(sent) == 0 {
			continue
		}
		people, groups, err := rl.counted(ctx, c, r, db.Audience{BotID: a.BotID, Recipients: sent})
		if err != nil {
			return reach{}, err
		}
		to.people, to.groups = to.people+people, to.groups+groups
	}
	return to, nil
}

// counted tells people and groups apart of those whom a bot sends a report to.
func (rl *Relay) counted(ctx context.Context, c *city, r db.Ruling, a db.Audience) (people, groups int, err error) {
	i := slices.IndexFunc(c.bots, func(b report.Bot) bool { return b.ID == a.BotID })
	if i < 0 {
		return len(a.Recipients), 0, nil
	}
	switch n := rl.Networks[c.bots[i].Network].(type) {
	case bots.Gatherer:
		people, err = n.People(ctx, c.bots[i], *r.Report)
	case bots.Grouped:
		groups, err = n.Groups(ctx, c.bots[i], a.Recipients)
		people = len(a.Recipients) - groups
	default:
		people = len(a.Recipients)
	}
	return people, groups, err
}
