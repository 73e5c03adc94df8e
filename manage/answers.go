package manage

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

// MaxAnswer bounds what moderators have riders be told, in characters.
const MaxAnswer = 300

// AnswerText is a text that riders are told, which moderators may write themselves.
type AnswerText struct {
	ID     string
	Places []string // names of what is filled in: see report.AnswerPlace
}

// AnswerTexts returns them.
func AnswerTexts() []AnswerText {
	whom, longest := []string{"Whom"}, []string{"Max"}
	return []AnswerText{
		{"answer.passed", nil}, {"answer.public", nil}, {"answer.to", whom}, {"answer.to_public", whom}, {"answer.known", nil},
		{"answer.approval", nil}, {"answer.held.no_trigger", nil}, {"answer.held.too_long", longest}, {"answer.held.link", nil},
		{"question.thanks", nil}, {"question.help", nil},
	}
}

// placeIn finds what looks like a place that is filled in.
var placeIn = regexp.MustCompile(`\{[^{}\s]*\}`)

// check says what is wrong with a text that is typed in the place of this one.
func (t AnswerText) check(typed string, wrong *problems) {
	wrong.tooLong(t.ID, typed, MaxAnswer)
	for _, found := range placeIn.FindAllString(typed, -1) {
		if !slices.ContainsFunc(t.Places, func(name string) bool { return report.AnswerPlace(name) == found }) {
			*wrong = append(*wrong, Problem{Field: t.ID, Value: found, TextID: "settings.answers.unknown_place", Data: []any{"Place", found, "Places", t.allPlaces()}})
			return
		}
	}
}

// allPlaces lists the places of a text; "–" where it has none.
func (t AnswerText) allPlaces() string {
	var list []string
	for _, name := range t.Places {
		list = append(list, report.AnswerPlace(name))
	}
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, ", ")
}

// AnswersRevision is for SaveAnswers: it stands for what a city has of a language.
func AnswersRevision(c report.City, language string) Revision {
	own := c.AnswerTexts()[language]
	var list []string
	for _, t := range AnswerTexts() {
		list = append(list, own[t.ID])
	}
	return revisionOf(list...)
}

// SaveAnswers stores what riders of a language are told, by the id of the text in whose place
// it stands. One that is empty or left out is ours again.
func (m *Cities) SaveAnswers(ctx context.Context, cityID int64, language string, texts map[string]string, seen Revision) error {
	var wrong problems
	if !slices.Contains(i18n.Languages(), language) {
		wrong.add("language", "settings.texts.language_missing")
	}
	own := map[string]string{}
	for _, t := range AnswerTexts() {
		own[t.ID] = strings.TrimSpace(plainLines(texts[t.ID]))
		t.check(own[t.ID], &wrong)
	}
	for id := range texts {
		if _, known := own[id]; !known {
			wrong = append(wrong, Problem{Field: id, Value: id, TextID: "settings.answers.unknown"})
		}
	}
	if err := wrong.err(); err != nil {
		return err
	}
	var before string
	c, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before = c.Answers
		if err := seen.of(AnswersRevision(*c, language)); err != nil {
			return err
		}
		all := c.AnswerTexts()
		if all == nil {
			all = report.AnswerTexts{}
		}
		all[language] = own
		c.Answers = all.Stored()
		return nil
	})
	if err != nil || c.Answers == before {
		return m.changed(cityID, err)
	}
	return m.did(ctx, cityID, "answers.saved", language, nil)
}
