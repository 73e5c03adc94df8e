package stream

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
	"ticketfrei/filter"
	"ticketfrei/internal/report"
)

// inRoutes adds the routes of the pages of what comes in.
func (p *pages) inRoutes(r chi.Router) {
	r.Get("/in/new", p.site.Handler(p.handleInNew))
	r.Get("/in/edit", p.site.Handler(p.handleInEdit))
	r.Post("/in/save", p.site.Handler(p.handleInSave))
	r.Post("/in/try", p.site.Handler(p.handleInTry))
	r.Post("/in/switch", p.site.Handler(p.handleInSwitch))
	r.Post("/in/secret", p.site.Handler(p.handleInSecret))
	r.Get("/in/delete", p.site.Handler(p.handleInDeleteQuestion))
	r.Post("/in/delete", p.site.Handler(p.handleInDelete))
	for _, path := range []string{"/in/save", "/in/try", "/in/switch", "/in/secret"} { // who reloads a page that came back
		r.Get(path, http.RedirectHandler(bots.SettingsPath(Name), http.StatusSeeOther).ServeHTTP)
	}
}

// inCard is what settings.tmpl shows of what comes in.
type inCard struct {
	Triggers []listedTrigger
	Full     bool // there is room for no more, of either kind
	Max      int
}

// listedTrigger is a trigger in the list.
type listedTrigger struct{ Trigger }

// Reason says what is wrong; empty where nothing is.
func (t listedTrigger) Reason(page speaker) string {
	if t.Why == nil {
		return ""
	}
	return t.Why.Say(page.T)
}

// Kind is the end of the text id of the preset.
func (t Trigger) Kind() string { return strings.ReplaceAll(t.Preset, "-", "_") }

// State is how it is shown to be doing.
func (t Trigger) State() string {
	switch {
	case t.Running && t.Why != nil:
		return "trouble"
	case t.Running:
		return "running"
	case t.Why != nil:
		return "attention"
	}
	return "off"
}

func (n *Network) inCard(ctx context.Context, cityID int64) (c inCard, err error) {
	list, err := n.Triggers().List(ctx, cityID)
	counts := map[bool]int{}
	for _, t := range list {
		c.Triggers = append(c.Triggers, listedTrigger{t})
		counts[t.IsFeed()]++
	}
	c.Max = MaxTriggers
	c.Full = counts[true] >= MaxTriggers && counts[false] >= MaxTriggers
	return c, err
}

// inEditor is what in.tmpl shows: a trigger as it is stored or as it was typed.
type inEditor struct {
	Old string // its name until now; empty: it is new
	Trigger
	AllWords string // as typed
	Minutes  string // of Every, as typed
	Sample   string // JSON to try it with
	Wrong    map[string]string
	Marked   map[string]marked
	Trouble  string // with the whole
	Made     string // a secret that is shown this once
	Example  string
	Post     *triedPost
	Items    []TriedItem
	Tried    bool
	Presets  []string
	Names    []string // for the expressions
}

// triedPost is a TriedPost in words.
type triedPost struct {
	TriedPost
	Passes bool
	Reason string
}

// inEditorOf shows a trigger that is stored.
func inEditorOf(t Trigger) *inEditor {
	e := &inEditor{Old: t.Name, Trigger: t, AllWords: strings.Join(t.Words, ", "), Wrong: map[string]string{}, Marked: map[string]marked{}}
	e.Running = t.Running || t.Why != nil // who mends one that has stopped wants it to go on
	e.Made, e.Secret = t.Secret, ""
	if t.Every > 0 {
		e.Minutes = strconv.Itoa(t.Every)
	}
	return e
}

// Reason says what is wrong; empty where nothing is.
func (e *inEditor) Reason(page speaker) string { return listedTrigger{e.Trigger}.Reason(page) }

// usualSample is what is tried where nothing was typed, and stands in examples.
func (t Trigger) usualSample() string {
	const text = "U1 Plärrer, 2 Kontis"
	if t.Preset == string(inbound.SNS) {
		return `{"Type": "Notification", "MessageId": "1", "Message": "` + text + `"}`
	}
	return `{"text": "` + text + `"}`
}

// showIn writes the page.
func (p *pages) showIn(w http.ResponseWriter, r *http.Request, status int, e *inEditor) error {
	title := p.site.T(r, "stream.in.new_title")
	if e.Old != "" {
		title = p.site.T(r, "stream.in.edit_title", "Name", e.Old)
	}
	e.Names = filter.Body.Names
	if e.IsFeed() {
		e.Names = itemNames.Names
	}
	e.Sample = cmp.Or(e.Sample, e.usualSample())
	if e.Address != "" {
		e.Example = e.example(e.Made, e.Sample)
	}
	return p.site.Page(w, r, status, Name, "in.tmpl", title, e)
}

// handleInNew asks first what comes in, and then for the rest.
func (p *pages) handleInNew(w http.ResponseWriter, r *http.Request) error {
	preset := r.FormValue("preset")
	if !slices.Contains(Presets(), preset) {
		return p.site.Page(w, r, http.StatusOK, Name, "innew.tmpl", p.site.T(r, "stream.in.new_title"), listOf(Presets()))
	}
	e := inEditorOf(NewTrigger(preset))
	return p.showIn(w, r, http.StatusOK, e)
}

// listOf is presets as the page lists them.
func listOf(presets []string) (list []Trigger) {
	for _, preset := range presets {
		list = append(list, Trigger{Preset: preset})
	}
	return list
}

func (p *pages) trigger(r *http.Request, name string) (Trigger, error) {
	t, err := p.Triggers().Get(r.Context(), p.site.City(r).ID, name)
	return t, noTrigger(err)
}

// noTrigger tells who asks for a trigger that is gone, as after a click in an old window.
func noTrigger(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "stream.in.none", Err: err}
	}
	return err
}

func (p *pages) handleInEdit(w http.ResponseWriter, r *http.Request) error {
	t, err := p.trigger(r, r.FormValue("trigger"))
	if err != nil {
		return err
	}
	return p.showIn(w, r, http.StatusOK, inEditorOf(t))
}

// typedIn reads the form, and completes it with what is stored and not typed.
func (p *pages) typedIn(r *http.Request) (*inEditor, error) {
	value := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(r.PostFormValue(name), "\r\n", "\n"))
	}
	e := inEditorOf(Trigger{Name: value("name"), Preset: value("preset"), Text: value("text"), ID: value("id"), Time: value("time"),
		URL: value("url"), When: value("when"), Running: value("running") != ""})
	e.Old, e.Secret, e.AllWords, e.Minutes, e.Sample = value("trigger"), value("secret"), value("words"), value("every"), value("sample")
	e.Words = strings.FieldsFunc(e.AllWords, func(c rune) bool { return c == ',' || c == '\n' })
	e.Revision, _ = strconv.ParseInt(value("revision"), 10, 64)
	var err error
	if e.Every, err = strconv.Atoi(cmp.Or(e.Minutes, "0")); err != nil {
		e.Every = -1 // the triggers say what is right
	}
	if e.Old == "" {
		return e, nil
	}
	t, err := p.trigger(r, e.Old)
	if err != nil {
		return nil, err
	}
	e.Address, e.Topic, e.Last, e.Why, e.Paused = t.Address, t.Topic, t.Last, t.Why, t.Paused
	return e, nil
}

// handleInTry shows what would be heard, and what was typed.
func (p *pages) handleInTry(w http.ResponseWriter, r *http.Request) error {
	e, err := p.typedIn(r)
	if err != nil {
		return err
	}
	e.Tried = true
	if e.IsFeed() {
		e.Items, err = p.Triggers().TryFeed(r.Context(), e.Trigger)
	} else {
		var tried TriedPost
		if tried, err = p.Triggers().TryPost(r.Context(), p.site.City(r).ID, e.Trigger, cmp.Or(e.Sample, e.usualSample())); err == nil {
			e.Post = p.judged(r, tried)
		}
	}
	wrong, invalid := errors.AsType[Invalid](err)
	refused, isRefused := errors.AsType[*inbound.Refusal](err)
	switch {
	case invalid:
		e.Tried = false
		e.blame(p.say(r), wrong)
	case isRefused:
		e.Tried = false
		e.Wrong["sample"] = p.site.T(r, "stream.in.not_heard") + " " + refused.Text
	case err != nil:
		return err
	default:
		return p.showIn(w, r, http.StatusOK, e)
	}
	return p.showIn(w, r, http.StatusUnprocessableEntity, e)
}

// judged puts what was tried into words.
func (p *pages) judged(r *http.Request, tried TriedPost) *triedPost {
	t := &triedPost{TriedPost: tried}
	if tried.Verdict == nil {
		return t
	}
	id := "settings.reason." + string(tried.Verdict.Reason)
	if !p.host.Texts.Has(id) {
		id = "settings.reason.unknown"
	}
	t.Passes, t.Reason = tried.Verdict.Passed, strings.TrimSpace(p.site.T(r, id)+" "+tried.Verdict.Detail)
	return t
}

// handleInSave stores what was typed.
func (p *pages) handleInSave(w http.ResponseWriter, r *http.Request) error {
	e, err := p.typedIn(r)
	if err != nil {
		return err
	}
	stored, err := p.storeIn(r, p.site.City(r), e)
	wrong, invalid := errors.AsType[Invalid](err)
	switch {
	case invalid:
		e.blame(p.say(r), wrong)
	case errors.Is(err, ErrChanged) && e.Old == "":
		e.Wrong["name"] = p.site.T(r, "stream.in.error.taken", "Name", e.Name)
	case errors.Is(err, ErrChanged):
		now, err := p.trigger(r, e.Old)
		if err != nil {
			return err
		}
		e.Revision, e.Trouble = now.Revision, p.site.T(r, "stream.in.error.changed")
	case errors.Is(err, ErrTooManyTriggers):
		e.Trouble = bots.Words(err, p.say(r))
	case err != nil:
		return noTrigger(err)
	case stored.Created && !stored.IsFeed() || stored.Secret != "":
		return p.showIn(w, r, http.StatusOK, inEditorOf(stored.Trigger))
	default:
		return p.site.Saved(w, r, Name, p.site.T(r, "stream.in.saved", "Name", stored.Name))
	}
	return p.showIn(w, r, http.StatusUnprocessableEntity, e)
}

func (p *pages) storeIn(r *http.Request, city report.City, e *inEditor) (StoredTrigger, error) {
	if e.Old == "" {
		return p.Triggers().Put(r.Context(), city.ID, e.Trigger, Absent)
	}
	return p.Triggers().Change(r.Context(), city.ID, e.Old, e.Revision, func(t *Trigger) error {
		*t = e.Trigger
		return nil
	})
}

// blame notes what is wrong, field by field.
func (e *inEditor) blame(say bots.T, wrong Invalid) {
	for _, f := range wrong {
		e.Wrong[f.Field] = bots.Words(f.Err, say)
		if bad, ok := errors.AsType[*filter.Error](f.Err); ok {
			if before, after := bad.Marked(); after != "" || before != "" {
				e.Marked[f.Field] = marked{before, after}
			}
		}
	}
}

// handleInSwitch switches a trigger on or off.
func (p *pages) handleInSwitch(w http.ResponseWriter, r *http.Request) error {
	on, name := r.PostFormValue("running") != "", r.PostFormValue("trigger")
	_, err := p.Triggers().Change(r.Context(), p.site.City(r).ID, name, Any, func(t *Trigger) error {
		t.Running = on
		return nil
	})
	if wrong, ok := errors.AsType[Invalid](err); ok {
		t, err := p.trigger(r, name)
		if err != nil {
			return err
		}
		e := inEditorOf(t)
		e.blame(p.say(r), wrong)
		return p.showIn(w, r, http.StatusUnprocessableEntity, e)
	}
	if err != nil {
		return noTrigger(err)
	}
	id := "stream.in.off"
	if on {
		id = "stream.in.on"
	}
	return p.site.Saved(w, r, Name, p.site.T(r, id, "Name", name))
}

// handleInSecret gives a trigger another secret, and shows it this once where it was made.
func (p *pages) handleInSecret(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("trigger")
	stored, err := p.Triggers().Rotate(r.Context(), p.site.City(r).ID, name, "")
	if err != nil {
		return noTrigger(err)
	}
	return p.showIn(w, r, http.StatusOK, inEditorOf(stored.Trigger))
}

// handleInDeleteQuestion asks before a trigger is deleted.
func (p *pages) handleInDeleteQuestion(w http.ResponseWriter, r *http.Request) error {
	t, err := p.trigger(r, r.FormValue("trigger"))
	if err != nil {
		return err
	}
	return p.site.Page(w, r, http.StatusOK, Name, "indelete.tmpl", p.site.T(r, "stream.in.delete_title", "Name", t.Name), t)
}

func (p *pages) handleInDelete(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("trigger")
	err := p.Triggers().Delete(r.Context(), p.site.City(r).ID, name, Any)
	if err != nil && !errors.Is(err, db.ErrNotFound) { // one that somebody else has deleted is just as gone
		return err
	}
	return p.site.Saved(w, r, Name, p.site.T(r, "stream.in.deleted", "Name", name))
}
