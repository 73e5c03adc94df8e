package report

import (
	"encoding/json"
	"fmt"
	"strings"
)

// AnswerTexts are the texts of a city that take the place of what its bots answer, by
// language and by the id of the text whose place each takes.
type AnswerTexts map[string]map[string]string

// AnswerTexts returns those of the city; none where they cannot be read.
func (c City) AnswerTexts() AnswerTexts {
	var t AnswerTexts
	if c.Answers == "" || json.Unmarshal([]byte(c.Answers), &t) != nil {
		return nil
	}
	return t
}

// Stored returns them as City.Answers has them; empty: there are none.
func (t AnswerTexts) Stored() string {
	left := AnswerTexts{}
	for language, texts := range t {
		for id, text := range texts {
			if text != "" {
				if left[language] == nil {
					left[language] = map[string]string{}
				}
				left[language][id] = text
			}
		}
	}
	if len(left) == 0 {
		return ""
	}
	stored, err := json.Marshal(left)
	if err != nil { // no text fails
		return ""
	}
	return string(stored)
}

// Say returns the text in the place of the one with that id, with data filled in:
// alternating names and values. A place to be filled is the name in lower case, as "{whom}".
// own is false where the city has no such text.
func (t AnswerTexts) Say(language, id string, data ...any) (text string, own bool) {
	text, own = t[language][id]
	for i := 0; i+1 < len(data); i += 2 {
		text = strings.ReplaceAll(text, AnswerPlace(fmt.Sprint(data[i])), fmt.Sprint(data[i+1]))
	}
	return text, own
}

// AnswerPlace is how a text of a city has the place of what is filled in by that name.
func AnswerPlace(name string) string { return "{" + strings.ToLower(name) + "}" }

// SubscriptionDefaults are what new subscriptions of a city begin with.
type SubscriptionDefaults struct {
	Hourly bool       `json:"hourly,omitempty" doc:"One mail an hour."`
	Quiet  *QuietTime `json:"quiet,omitempty" doc:"No notifications on phones then."`
}

// QuietTime is from which hour until which nobody is disturbed, in the city's time.
type QuietTime struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// SubscriptionDefaults returns those of the city.
func (c City) SubscriptionDefaults() SubscriptionDefaults {
	var d SubscriptionDefaults
	if c.Defaults == "" || json.Unmarshal([]byte(c.Defaults), &d) != nil {
		return SubscriptionDefaults{}
	}
	return d
}

// Stored returns them as City.Defaults has them; empty: there are none.
func (d SubscriptionDefaults) Stored() string {
	if !d.Hourly && d.Quiet == nil {
		return ""
	}
	stored, err := json.Marshal(d)
	if err != nil { // numbers do not fail
		return ""
	}
	return string(stored)
}
