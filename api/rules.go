package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

var (
	seesRules    = []apikey.Right{apikey.Read, apikey.Rules}
	changesRules = []apikey.Right{apikey.Rules}
)

func (a *API) ruleRoutes() {
	const path, tag = "/cities/{city}/rules", "rules"
	changed := []int{http.StatusPreconditionFailed}
	add(a, route{id: "get-rules", method: http.MethodGet, path: path, tag: tag, summary: "What passes and what is blocked", needs: seesRules, takes: []string{ifNoneMatch}, gives: etags}, a.getRules)
	addBody(a, route{id: "put-rules", method: http.MethodPut, path: path, tag: tag, summary: "Change what passes and what is blocked", needs: changesRules, takes: []string{ifMatch}, gives: etags, errors: changed}, a.putRules)
	add(a, route{id: "reset-rules", method: http.MethodDelete, path: path, tag: tag, summary: "Go back to the rules with which a city of its language begins",
		needs: changesRules, takes: []string{ifMatch}, gives: etags, errors: changed}, a.resetRules)
	addBody(a, route{id: "try-rules", method: http.MethodPost, path: path + "/try", tag: tag, summary: "What would become of a text, without posting it", needs: seesRules}, a.tryRules)
	add(a, route{id: "get-tasks", method: http.MethodGet, path: "/cities/{city}/tasks", tag: tag, summary: "The outside programs that look at reports before the rules do", needs: seesRules, gives: etags}, a.getTasks)
	addBody(a, route{id: "put-tasks", method: http.MethodPut, path: "/cities/{city}/tasks", tag: tag, summary: "Change them and their order", needs: changesRules, takes: []string{ifMatch}, gives: etags, errors: changed}, a.putTasks)
	a.wordRoutes()
}

// rulesForm is the rules of a city.
type rulesForm struct {
	Triggers []string `json:"triggers" nullable:"false" maxItems:"1000" doc:"Patterns, in the order in which they are written: what one of them matches passes. What begins with # is a note."`
	Blocked  []string `json:"blocked" nullable:"false" maxItems:"1000" doc:"Words: what has one of them does not pass. What stands between two / is a pattern."`
}

func formOfRules(r manage.Rules) rulesForm { return rulesForm{lines(r.Triggers), lines(r.Blocked)} }

// rules returns the rules that were sent.
func (f rulesForm) rules() (manage.Rules, error) {
	for name, list := range map[string][]string{"triggers": f.Triggers, "blocked": f.Blocked} {
		for i, line := range list {
			if strings.ContainsAny(line, "\r\n") {
				return manage.Rules{}, wrong(fmt.Sprintf("body.%s[%d]", name, i), "has more than one line: each is an item of its own", line)
			}
		}
	}
	return manage.Rules{Triggers: strings.Join(f.Triggers, "\n"), Blocked: strings.Join(f.Blocked, "\n")}, nil
}

// lines returns the lines of a text; none where it is empty.
func lines(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(text, "\n")
}

func theRules(r manage.Rules) *reply[rulesForm] {
	return &reply[rulesForm]{ETag: etag(string(r.Revision())), Body: formOfRules(r)}
}

func (a *API) getRules(ctx context.Context, in *request) (*reply[rulesForm], error) {
	found := theRules(manage.RulesOf(city(ctx)))
	return found, in.unchanged(untag(found.ETag))
}

func (a *API) putRules(ctx context.Context, in *request, body *rulesForm) (*reply[rulesForm], error) {
	typed, err := body.rules()
	if err != nil {
		return nil, err
	}
	saved, err := a.Cities.SaveRules(ctx, city(ctx).ID, typed, in.revision())
	return theRules(saved), err
}

func (a *API) resetRules(ctx context.Context, in *request) (*reply[rulesForm], error) {
	saved, err := a.Cities.ResetRules(ctx, city(ctx).ID, in.revision())
	return theRules(saved), err
}

type verdictForm struct {
	Passed bool          `json:"passed"`
	Reason report.Reason `json:"reason"`
	Detail string        `json:"detail,omitempty" doc:"The pattern, word, line or stop that decides."`
	Asks   bool          `json:"asks,omitempty" doc:"It would be answered as a question instead."`
	MayAsk bool          `json:"may_ask,omitempty" doc:"It would be answered as a question, too."`
	Text   string        `json:"text" doc:"What would be passed on of it: of the source of a mail what its sender wrote."`
}

// triedText is a text that is tried.
type triedText struct {
	Text     string    `json:"text" maxLength:"5000"`
	Triggers *[]string `json:"triggers,omitempty" maxItems:"1000" doc:"To be tried in place of those that the city has."`
	Blocked  *[]string `json:"blocked,omitempty" maxItems:"1000"`
}

func (a *API) tryRules(ctx context.Context, _ *request, body *triedText) (*reply[verdictForm], error) {
	f := formOfRules(manage.RulesOf(city(ctx)))
	if body.Triggers != nil {
		f.Triggers = *body.Triggers
	}
	if body.Blocked != nil {
		f.Blocked = *body.Blocked
	}
	typed, err := f.rules()
	if err != nil {
		return nil, err
	}
	t, err := a.Cities.Try(ctx, city(ctx), typed, body.Text, nil)
	return answered(verdictForm{t.Verdict.Passed, t.Verdict.Reason, t.Verdict.Detail, t.Asks, t.MayAsk, t.Text}, err)
}

type tasksForm struct {
	Tasks []string `json:"tasks" nullable:"false" doc:"Names of networks, in their order." example:"[\"gtfs\"]"`
}

func theTasks(t manage.Tasks) *reply[tasksForm] {
	if t == nil {
		t = manage.Tasks{}
	}
	return &reply[tasksForm]{ETag: etag(string(t.Revision())), Body: tasksForm{t}}
}

func (a *API) getTasks(ctx context.Context, _ *request) (*reply[tasksForm], error) {
	return theTasks(manage.TasksOf(city(ctx))), nil
}

func (a *API) putTasks(ctx context.Context, in *request, body *tasksForm) (*reply[tasksForm], error) {
	return theTasks(body.Tasks), a.Cities.SaveTasks(ctx, city(ctx).ID, body.Tasks, in.revision())
}
