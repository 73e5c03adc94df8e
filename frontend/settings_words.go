package frontend

import (
	"cmp"
	"net/http"

	"ticketfrei/manage"
)

// partWords is the part of the page of rules about words.
const partWords = "words"

// wordsPart is the part about words that let a report pass.
type wordsPart struct {
	List        []manage.Trigger
	Patterns    int      // how many other triggers there are
	Lines       []string // of the city, which are known by themselves
	Stops       int
	Suggestions []manage.Suggestion
	Typed       string // that cannot be taken
	Error       string
}

func (s *Site) wordsPart(r *http.Request) (p wordsPart, err error) {
	c := s.City(r)
	p.List, p.Patterns = manage.RulesOf(c).Words()
	places, err := s.Cities.PlacesOf(r.Context(), c.ID)
	if err != nil {
		return p, err
	}
	for _, l := range places.Lines() {
		p.Lines = append(p.Lines, l.Name)
	}
	p.Stops = len(places.Stops())
	p.Suggestions, err = s.Cities.Suggestions(r.Context(), c)
	return p, err
}

// handleWords adds a word to the rules, or removes one: the button says which.
func (s *Site) handleWords(w http.ResponseWriter, r *http.Request) error {
	id, field := s.City(r).ID, r.PostFormValue
	var word, shown, text string
	var err error
	switch {
	case field("remove") != "":
		word, text = field("remove"), "settings.words.removed"
		shown = manage.WordOf(word)
		err = s.Cities.RemoveTrigger(r.Context(), id, word)
	case field("block") != "":
		word, text = field("block"), "settings.words.blocked"
		err = s.Cities.Block(r.Context(), id, word)
	case field("leave") != "":
		word, text = field("leave"), "settings.words.left"
		err = s.Cities.LeaveWord(r.Context(), id, word)
	default:
		word, text = field("add"), "settings.words.added"
		var t manage.Trigger
		t, err = s.Cities.AddTrigger(r.Context(), id, word)
		shown = t.Word
	}
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		return s.showRulesPage(w, r, http.StatusUnprocessableEntity, func(p *rulesPage) {
			p.Words.Typed, p.Words.Error = word, s.words(r, wrong.Problems[0])
		})
	}
	return s.saved(w, r, pageRules, partWords, s.T(r, text, "Word", cmp.Or(shown, word)))
}
