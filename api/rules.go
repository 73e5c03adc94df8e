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
	add(a, route{id: "get-rules", method: http.MethodGet, path: path, tag: tag, summary: "What passes and what is blocked", needs: seesRules}, a.getRules)
	add(a, route{id: "put-rules", method: http.MethodPut, path: path, tag: tag, summary: "Change what passes and what is blocked", needs: changesRules, errors: changed}, a.putRules)
	add(a, route{id: "reset-rules", method: http.MethodDelete, path: path, tag: tag, summary: "Go back to the rules with which a city of its language begins",
		needs: changesRules, status: http.StatusOK, errors: changed}, a.resetRules)
	add(a, route{id: "try-rules", method: http.MethodPost, path: path + "/try", tag: tag, summary: "What would become of a text, without posting it", needs: seesRules}, a.tryRules)
	add(a, route{id: "get-tasks", method: http.MethodGet, path: "/cities/{city}/tasks", tag: tag, summary: "The outside programs that look at reports before the rules do", needs: seesRules}, a.getTasks)
	add(a, route{id: "put-tasks", method: http.MethodPut, path: "/cities/{city}/tasks", tag: tag, summary: "Change them and their order", needs: changesRules, errors: changed}, a.putTasks)
}

// rulesForm is the rules of a city.
type rulesForm struct {
	Triggers []string `json:"triggers" nullable:"false" maxItems:"1000" doc:"Patterns, in the order in which they are written: what one of them matches passes. What begins with # is a note."`
	Blocked  []string `json:"blocked" nullable:"false" maxItems:"1000" doc:"Words: what has one of them does not pass."`
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

type theRules struct {
	ETag string `header:"ETag"`
	Body rulesForm
}

func rulesAnswer(r manage.Rules) *theRules {
	return &theRules{etag(string(r.Revision())), formOfRules(r)}
}

func (a *API) getRules(ctx context.Context, in *struct {
	InCity
	IfNoneMatch
}) (*theRules, error) {
	found := rulesAnswer(manage.RulesOf(city(ctx)))
	return found, in.unchanged(untag(found.ETag))
}

func (a *API) putRules(ctx context.Context, in *struct {
	InCity
	IfMatch
	Body rulesForm
}) (*theRules, error) {
	typed, err := in.Body.rules()
	if err != nil {
		return nil, err
	}
	saved, err := a.Cities.SaveRules(ctx, city(ctx).ID, typed, in.revision())
	return rulesAnswer(saved), err
}

func (a *API) resetRules(ctx context.Context, in *struct {
	InCity
	IfMatch
}) (*theRules, error) {
	saved, err := a.Cities.ResetRules(ctx, city(ctx).ID, in.revision())
	return rulesAnswer(saved), err
}

type verdictForm struct {
	Passed bool          `json:"passed"`
	Reason report.Reason `json:"reason"`
	Detail string        `json:"detail,omitempty" doc:"The pattern, word, line or stop that decides."`
	Asks   bool          `json:"asks,omitempty" doc:"It would be answered as a question instead."`
	MayAsk bool          `json:"may_ask,omitempty" doc:"It would be answered as a question, too."`
}

func (a *API) tryRules(ctx context.Context, in *struct {
	InCity
	Body struct {
		Text     string    `json:"text" maxLength:"5000"`
		Triggers *[]string `json:"triggers,omitempty" maxItems:"1000" doc:"To be tried in place of those that the city has."`
		Blocked  *[]string `json:"blocked,omitempty" maxItems:"1000"`
	}
}) (*struct{ Body verdictForm }, error) {
	f := formOfRules(manage.RulesOf(city(ctx)))
	if in.Body.Triggers != nil {
		f.Triggers = *in.Body.Triggers
	}
	if in.Body.Blocked != nil {
		f.Blocked = *in.Body.Blocked
	}
	typed, err := f.rules()
	if err != nil {
		return nil, err
	}
	t, err := a.Cities.Try(ctx, city(ctx), typed, in.Body.Text)
	return &struct{ Body verdictForm }{verdictForm{t.Verdict.Passed, t.Verdict.Reason, t.Verdict.Detail, t.Asks, t.MayAsk}}, err
}

type tasksForm struct {
	Tasks []string `json:"tasks" nullable:"false" doc:"Names of networks, in their order." example:"[\"gtfs\"]"`
}

type theTasks struct {
	ETag string `header:"ETag"`
	Body tasksForm
}

func tasksAnswer(t manage.Tasks) *theTasks {
	if t == nil {
		t = manage.Tasks{}
	}
	return &theTasks{etag(string(t.Revision())), tasksForm{t}}
}

func (a *API) getTasks(ctx context.Context, _ *InCity) (*theTasks, error) {
	return tasksAnswer(manage.TasksOf(city(ctx))), nil
}

func (a *API) putTasks(ctx context.Context, in *struct {
	InCity
	IfMatch
	Body tasksForm
}) (*theTasks, error) {
	return tasksAnswer(in.Body.Tasks), a.Cities.SaveTasks(ctx, city(ctx).ID, in.Body.Tasks, in.revision())
}
