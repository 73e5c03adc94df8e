package frontend

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/manage"
)

// partTasks is the part of the page of the rules about the outside programs that look at
// reports before the rules do. It is there where the city has some that could.
const partTasks = "tasks"

// maxResultWords is how much of what a program said of a report is shown, in characters.
const maxResultWords = 300

// tasksPart is what the part shows.
type tasksPart struct {
	Chain []taskItem
	Free  []taskItem // that could be added
	Full  bool       // no more can be
}

// taskItem is one program of the part.
type taskItem struct {
	Name, Title string
	Off         bool // it is passed over: there is no bot of it at work
	First, Last bool
}

// taskRoutes is the route of the part.
func (s *Site) taskRoutes(r chi.Router) {
	r.Get("/rules/tasks", backTo(pageRules, partTasks))
	r.Post("/rules/tasks", s.Handler(s.handleTasks))
}

// tasksPart reads what the part shows.
func (s *Site) tasksPart(r *http.Request) (p tasksPart, err error) {
	c, ctx := s.City(r), r.Context()
	able, err := s.Cities.Taskers(ctx, c.ID)
	if err != nil || len(able) == 0 && c.Tasks == "" {
		return p, err
	}
	list, err := s.DB.CityBots(ctx, c.ID)
	if err != nil {
		return p, err
	}
	on := make(map[string]bool)
	for _, b := range list {
		on[b.Network] = on[b.Network] || b.Enabled
	}
	chain := manage.TasksOf(c)
	for i, name := range chain {
		p.Chain = append(p.Chain, taskItem{Name: name, Title: s.networkName(visitOf(ctx).lang, name),
			Off: !on[name] || !slices.Contains(able, name), First: i == 0, Last: i == len(chain)-1})
	}
	for _, name := range able {
		if !slices.Contains(chain, name) {
			p.Free = append(p.Free, taskItem{Name: name, Title: s.networkName(visitOf(ctx).lang, name)})
		}
	}
	p.Full = len(chain) >= manage.MaxTasks
	return p, nil
}

// Shown tells whether there is anything to choose.
func (p tasksPart) Shown() bool { return len(p.Chain)+len(p.Free) > 0 }

// handleTasks moves, adds or removes one program. What is pressed twice is done once.
func (s *Site) handleTasks(w http.ResponseWriter, r *http.Request) error {
	c, ctx := s.City(r), r.Context()
	able, err := s.Cities.Taskers(ctx, c.ID)
	if err != nil {
		return err
	}
	stored := manage.TasksOf(c)
	next := moved(stored, r.PostFormValue("do"), r.PostFormValue("task"))
	next = slices.DeleteFunc(next, func(name string) bool { return !slices.Contains(able, name) })
	if err := s.Cities.SaveTasks(ctx, c.ID, next, stored.Revision()); err != nil {
		wrong, err := problems(err)
		if err != nil {
			return err
		}
		return &bots.PageError{Status: http.StatusUnprocessableEntity, ID: "settings.error.gone", Err: wrong}
	}
	return s.saved(w, r, pageRules, partTasks, s.T(r, "settings.tasks.saved"))
}

// moved returns the tasks with one moved up or down, added or removed.
func moved(tasks manage.Tasks, do, name string) manage.Tasks {
	next, at := slices.Clone(tasks), slices.Index(tasks, name)
	switch {
	case do == "add" && at < 0 && name != "":
		next = append(next, name)
	case do == "remove" && at >= 0:
		next = slices.Delete(next, at, at+1)
	case do == "up" && at > 0:
		next[at-1], next[at] = next[at], next[at-1]
	case do == "down" && at >= 0 && at < len(next)-1:
		next[at+1], next[at] = next[at], next[at+1]
	}
	return next
}

// reportResult is what a program said of a report, as a moderator reads it.
type reportResult struct{ Title, Words string }

// resultsOf puts what the programs of a city said of a report into words.
func (s *Site) resultsOf(lang string, j db.Judged) (list []reportResult) {
	if j.Report.Results == "" {
		return nil
	}
	fields := json.NewDecoder(strings.NewReader(j.Report.Results))
	_, err := fields.Token() // "{"
	for err == nil && fields.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = fields.Token(); err == nil {
			err = fields.Decode(&value)
		}
		if text, ok := name.(string); ok && err == nil {
			list = append(list, reportResult{s.networkName(lang, text), cutRunes(resultWords(value), maxResultWords)})
		}
	}
	return list
}

// resultWords are the names and values of an object, or whatever else a program said.
func resultWords(raw json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return plain(raw)
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		words = append(words, name+": "+plain(object[name]))
	}
	return strings.Join(words, ", ")
}

// plain is a value as text without quotes, and everything else as it is.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(bytes.TrimSpace(raw))
}

// cutRunes returns the beginning of a text that is longer than so many characters.
func cutRunes(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
