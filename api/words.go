package api

import (
	"context"
	"net/http"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func (a *API) wordRoutes() {
	const path, tag = "/cities/{city}/rules", "rules"
	addBody(a, route{id: "add-word", method: http.MethodPost, path: path + "/words", tag: tag, summary: "Add a word to the triggers or the blocked words", needs: changesRules, gives: etags}, a.addWord)
	addBody(a, route{id: "remove-word", method: http.MethodPost, path: path + "/words/remove", tag: tag, summary: "Remove a line from the triggers or the blocked words", needs: changesRules, gives: etags}, a.removeWord)
	add(a, route{id: "list-suggestions", method: http.MethodGet, path: path + "/suggestions", tag: tag, summary: "Words for the rules, by what moderators have let through and taken back",
		about: "Nothing of them holds until it is added.", needs: seesRules}, a.listSuggestions)
	addBody(a, route{id: "leave-word", method: http.MethodPost, path: path + "/suggestions/leave", tag: tag, summary: "Have a word not be suggested any more", needs: changesRules}, a.leaveWord)
	add(a, route{id: "get-would", method: http.MethodGet, path: path + "/would", tag: tag, summary: "How many of the last reports each limit of the city would have kept from passing", needs: seesRules}, a.getWould)
	add(a, route{id: "get-answers", method: http.MethodGet, path: "/cities/{city}/answers", tag: tag, summary: "What riders are told in the moderators' words", needs: seesCity}, a.getAnswers)
	addBody(a, route{id: "put-answers", method: http.MethodPut, path: "/cities/{city}/answers/{name}", tag: tag, summary: "Change what riders of a language are told; the name is the language",
		about: "What is left out is said in the program's words. The texts are answer.passed, answer.to and others, as get-answers names them.", needs: []apikey.Right{apikey.City}}, a.putAnswers)
}

// ruleWord is a word of the rules.
type ruleWord struct {
	Word  string `json:"word" minLength:"1" maxLength:"60" doc:"As kontroll* for all that begin with it." example:"kontroll*"`
	Block bool   `json:"block,omitempty" doc:"Among the blocked words; else among the triggers."`
}

func (a *API) addWord(ctx context.Context, _ *request, body *ruleWord) (*reply[rulesForm], error) {
	id := city(ctx).ID
	var err error
	if body.Block {
		err = a.Cities.Block(ctx, id, body.Word)
	} else {
		_, err = a.Cities.AddTrigger(ctx, id, body.Word)
	}
	return a.rulesNow(ctx, err)
}

// ruleLine is a line of the rules.
type ruleLine struct {
	Line  string `json:"line" minLength:"1" maxLength:"200" doc:"As get-rules has it."`
	Block bool   `json:"block,omitempty" doc:"Of the blocked words; else of the triggers."`
}

func (a *API) removeWord(ctx context.Context, _ *request, body *ruleLine) (*reply[rulesForm], error) {
	remove := a.Cities.RemoveTrigger
	if body.Block {
		remove = a.Cities.Unblock
	}
	return a.rulesNow(ctx, remove(ctx, city(ctx).ID, body.Line))
}

// rulesNow are the rules as they are stored now, where err is nil.
func (a *API) rulesNow(ctx context.Context, err error) (*reply[rulesForm], error) {
	if err != nil {
		return nil, err
	}
	c, err := a.DB.City(ctx, city(ctx).ID)
	return theRules(manage.RulesOf(c)), err
}

type suggestionForm struct {
	Word  string `json:"word"`
	Block bool   `json:"block" doc:"For the blocked words; else for the triggers."`
	Count int    `json:"count" doc:"In how many reports it stood."`
}

type suggestionList struct {
	Suggestions []suggestionForm `json:"suggestions" nullable:"false"`
}

func (a *API) listSuggestions(ctx context.Context, _ *request) (*reply[suggestionList], error) {
	list, err := a.Cities.Suggestions(ctx, city(ctx))
	forms := make([]suggestionForm, len(list))
	for i, s := range list {
		forms[i] = suggestionForm(s)
	}
	return answered(suggestionList{forms}, err)
}

type leftWord struct {
	Word string `json:"word" minLength:"1" maxLength:"200"`
}

func (a *API) leaveWord(ctx context.Context, _ *request, body *leftWord) (*reply[none], error) {
	return nil, a.Cities.LeaveWord(ctx, city(ctx).ID, body.Word)
}

type wouldForm struct {
	Of        int `json:"of" doc:"How many of the last reports that passed were looked at."`
	Questions int `json:"questions" doc:"Would be answered as questions."`
	Links     int `json:"links" doc:"Have a link."`
	Long      int `json:"long" doc:"Have more than 250 characters."`
}

func (a *API) getWould(ctx context.Context, _ *request) (*reply[wouldForm], error) {
	w, err := a.Cities.Would(ctx, city(ctx))
	return answered(wouldForm{Of: w.Of, Questions: w.Questions, Links: w.Links, Long: w.Long}, err)
}

type answersForm struct {
	Texts   []string           `json:"texts" nullable:"false" doc:"The ids of the texts that may be written."`
	Answers report.AnswerTexts `json:"answers" doc:"The moderators' own, by language and id."`
}

func (a *API) getAnswers(ctx context.Context, _ *request) (*reply[answersForm], error) {
	f := answersForm{Answers: city(ctx).AnswerTexts()}
	if f.Answers == nil {
		f.Answers = report.AnswerTexts{}
	}
	for _, t := range manage.AnswerTexts() {
		f.Texts = append(f.Texts, t.ID)
	}
	return answered(f, nil)
}

type ownAnswers struct {
	Texts map[string]string `json:"texts" doc:"By id. A place that is filled in stands in braces, as {whom}."`
}

func (a *API) putAnswers(ctx context.Context, in *request, body *ownAnswers) (*reply[none], error) {
	return nil, a.Cities.SaveAnswers(ctx, city(ctx).ID, in.Name, body.Texts, "")
}
