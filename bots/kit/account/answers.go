package account

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Answering is what moderators choose from: how a bot answers who reports.
type Answering struct {
	Choices []report.Answers // the usual one first
	Texts   string           // the texts of the choices are <Texts>.<choice>
}

// usual is report.AnswersUsual in forms and texts.
const usual = "usual"

// ShownAnswers is the choice of one bot as it is shown.
type ShownAnswers struct {
	BotID   int64
	Handle  string
	Choices []ShownChoice
}

// ShownChoice is a way to answer as it is shown.
type ShownChoice struct {
	Value  string
	Text   string // text id
	Chosen bool
}

// shownAnswers are the choices of a bot.
func (p *Pages) shownAnswers(b report.Bot, handle string) ShownAnswers {
	shown := ShownAnswers{BotID: b.ID, Handle: handle}
	for _, choice := range p.Answering.Choices {
		name := nameOf(choice)
		shown.Choices = append(shown.Choices, ShownChoice{Value: name, Text: p.Answering.Texts + "." + name, Chosen: b.Answers == choice})
	}
	return shown
}

func nameOf(a report.Answers) string {
	if a == report.AnswersUsual {
		return usual
	}
	return string(a)
}

// handleAnswers stores how a bot answers who reports.
func (f *form) handleAnswers(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.FormValue("bot_id"), 10, 64)
	if err != nil {
		return goneError(db.ErrNotFound)
	}
	i := slices.IndexFunc(f.Answering.Choices, func(a report.Answers) bool { return nameOf(a) == r.FormValue("answers") })
	if i < 0 {
		return f.Show(w, r, f.site, func(c *Card) { c.Error = f.site.T(r, "kit.answers.none") })
	}
	b, err := f.Host.DB.CityBot(r.Context(), f.site.City(r).ID, f.Network, id)
	if errors.Is(err, db.ErrNotFound) {
		return goneError(err)
	}
	if err == nil {
		err = f.Host.DB.SaveAnswers(r.Context(), b.ID, f.Answering.Choices[i])
	}
	if err != nil {
		return err
	}
	f.Host.Notices.Changed(b.CityID)
	return f.site.Saved(w, r, f.Network, f.site.T(r, "kit.answers.saved"))
}

// goneError is that the bot of a form is not there any more.
func goneError(err error) error {
	return &bots.PageError{Status: http.StatusNotFound, ID: "settings.error.gone", Err: err}
}
