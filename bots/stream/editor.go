package stream

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/filter"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// editor is what edit.tmpl shows: a stream as it is stored or as it was typed.
type editor struct {
	Old         string // its name until now; empty: it is new
	Stream             // Target is as typed: empty leaves it as it is
	Target      string // as typed
	Now         string // the target until now, as Shown
	Minutes     string // of MentionEvery, as typed
	From, To    string // hours
	Told        []choice
	OtherEvents string
	Groups      []group
	Vocabulary  []string // names for the expression
	Wrong       map[string]string
	Marked      *marked
	Trouble     string // with the whole
	Saved       string // that it was stored
	Tried       *preview
	Tested      *outcome
	Secret      string // shown this once
	Former      bool   // the secret before that holds for a while
}

// choice is something that can be ticked.
type choice struct {
	Value, Label string
	Count        int
	On           bool
}

// marked is a line of the expression, cut where it is wrong.
type marked struct{ Before, After string }

// preview is which of the last reports a filter lets out.
type preview struct {
	Of  int // as many were tried
	Out []Tried
}

// outcome is what became of a test.
type outcome struct {
	Result
	Wrong   string
	Stopped bool // the stream has stopped, and says why by itself
}

// editorOf shows a stream that is stored.
func editorOf(s Stream) *editor {
	e := &editor{Old: s.Name, Stream: s, Now: s.Target, Minutes: strconv.Itoa(s.MentionEvery), Wrong: map[string]string{}}
	e.Running = s.Running || s.Why != nil // who mends one that has stopped wants it to go on
	e.takeHours()
	e.takeEvents(s.Events)
	return e
}

// Reason says why the stream has stopped by itself; empty where it has not.
func (e *editor) Reason(page speaker) string { return listed{e.Stream}.Reason(page) }

// Sentence says what the stream wants.
func (e *editor) Sentence(page speaker) string { return sentence(e.spec(), page.T) }

// hour is the attribute that has fields of its own.
const hour = "hour"

// takeHours puts a single range of hours into its two fields.
func (e *editor) takeHours() {
	if len(e.Include[hour]) != 1 {
		return
	}
	from, to, ok := strings.Cut(e.Include[hour][0], "-")
	if !ok || !isHour(from) || !isHour(to) {
		return
	}
	e.From, e.To = from, to
	e.Include = without(e.Include, hour)
}

// isHour tells whether a text is an hour as the fields offer it, or none.
func isHour(text string) bool {
	n, err := strconv.Atoi(text)
	return text == "" || err == nil && n >= 0 && n <= 24 && strconv.Itoa(n) == text
}

func without(values map[string][]string, name string) map[string][]string {
	left := make(map[string][]string, len(values))
	for n, v := range values {
		if n != name {
			left[n] = v
		}
	}
	return left
}

// spec is the filter, with the hours.
func (e *editor) spec() filter.Spec {
	spec := e.Filter()
	if e.From != "" || e.To != "" {
		spec.Include = without(spec.Include, hour)
		spec.Include[hour] = append(slices.Clone(e.Include[hour]), e.From+"-"+e.To)
	}
	return spec
}

// wanted is what is to be stored.
func (e *editor) wanted() Stream {
	s, spec := e.Stream, e.spec()
	s.Target, s.Include, s.Exclude = e.Target, spec.Include, spec.Exclude
	return s
}

// takeEvents ticks those that can be ticked; the others stand in a field.
func (e *editor) takeEvents(patterns []string) {
	var others []string
	for _, name := range events {
		e.Told = append(e.Told, choice{Value: name, On: slices.Contains(patterns, name)})
	}
	for _, name := range patterns {
		if !slices.Contains(events, name) {
			others = append(others, name)
		}
	}
	e.OtherEvents = strings.Join(others, " ")
}

// EventID is the end of the text id of an event.
func (choice) EventID(name string) string {
	return map[string]string{bus.ReportPassed: "passed", bus.ReportTakenBack: "taken_back", bus.ReportRefused: "refused", bus.Bot + "*": "bot", bus.CityChanged: "city"}[name]
}

// typed reads the form. What cannot be read at all is noted in Wrong.
func (p *pages) typed(r *http.Request) (*editor, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	value := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	e := &editor{Old: value("stream"), Target: value("target"), Minutes: value("mention_every"), From: value("hour_from"), To: value("hour_to"), Wrong: map[string]string{},
		Stream: Stream{Name: value("name"), When: strings.ReplaceAll(value("when"), "\r\n", "\n"), Look: value("look"), Mention: value("mention"),
			Running: value("running") != "", Include: lists(r, "include."), Exclude: lists(r, "exclude.")}}
	e.Events = append(slices.Clone(r.PostForm["event"]), strings.Fields(value("other_events"))...)
	e.takeEvents(e.Events)
	e.Revision, _ = strconv.ParseInt(value("revision"), 10, 64)
	var err error
	if e.MentionEvery, err = strconv.Atoi(cmp.Or(e.Minutes, "0")); err != nil {
		e.MentionEvery = -1 // the streams say what is right
	}
	return e, nil
}

// lists reads what was ticked and typed of all attributes: "include.line" has a value,
// "include.line.more" several with commas between them.
func lists(r *http.Request, prefix string) map[string][]string {
	all := map[string][]string{}
	for field, values := range r.PostForm {
		name, ok := strings.CutPrefix(field, prefix)
		if !ok {
			continue
		}
		if attribute, more := strings.CutSuffix(name, ".more"); more {
			name, values = attribute, strings.Split(strings.Join(values, ","), ",")
		}
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" && !slices.Contains(all[name], v) {
				all[name] = append(all[name], v)
			}
		}
	}
	for _, values := range all {
		slices.Sort(values)
	}
	return all
}

// known completes what was typed with what is stored and not typed.
func (p *pages) known(r *http.Request, e *editor) error {
	if e.Old == "" {
		return nil
	}
	s, err := p.Streams().Get(r.Context(), p.site.City(r).ID, e.Old)
	if err != nil {
		return noStream(err)
	}
	e.Now, e.Kind, e.Why, e.Paused, e.Last, e.Rotated = s.Target, s.Kind, s.Why, s.Paused, s.Last, s.Rotated
	return nil
}

// show writes the page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, e *editor) error {
	used, err := p.used(r.Context(), p.site.City(r).ID)
	if err != nil {
		return err
	}
	say := p.say(r)
	e.Groups = e.groups(used, say)
	for i, c := range e.Told {
		e.Told[i].Label = say("stream.settings.event_" + c.EventID(c.Value))
	}
	e.Vocabulary = filter.Attributes()
	title := say("stream.settings.new_title")
	if e.Old != "" {
		title = say("stream.settings.edit_title", "Name", e.Old)
	}
	return p.site.Page(w, r, status, Name, "edit.tmpl", title, e)
}

func (p *pages) handleNew(w http.ResponseWriter, r *http.Request) error {
	e := editorOf(Blank())
	e.Old, e.Minutes = "", ""
	return p.show(w, r, http.StatusOK, e)
}

func (p *pages) handleEdit(w http.ResponseWriter, r *http.Request) error {
	s, err := p.stream(r)
	if err != nil {
		return err
	}
	return p.show(w, r, http.StatusOK, editorOf(s))
}

// handleTry shows which of the last reports the filter lets out, and what was typed.
func (p *pages) handleTry(w http.ResponseWriter, r *http.Request) error {
	e, err := p.typed(r)
	if err != nil {
		return err
	}
	if err := p.known(r, e); err != nil {
		return err
	}
	tried, err := p.Streams().Try(r.Context(), p.site.City(r).ID, e.spec())
	if wrong, ok := errors.AsType[Invalid](err); ok {
		e.blame(p.say(r), wrong)
		return p.show(w, r, http.StatusUnprocessableEntity, e)
	}
	if err != nil {
		return err
	}
	e.Tried = &preview{Of: len(tried)}
	for _, t := range tried {
		if t.Out {
			e.Tried.Out = append(e.Tried.Out, t)
		}
	}
	return p.show(w, r, http.StatusOK, e)
}

// handleSave stores what was typed.
func (p *pages) handleSave(w http.ResponseWriter, r *http.Request) error {
	e, err := p.typed(r)
	if err != nil {
		return err
	}
	stored, err := p.store(r, p.site.City(r), e)
	switch wrong, invalid := errors.AsType[Invalid](err); {
	case invalid:
		return p.typedWrong(w, r, e, func() { e.blame(p.say(r), wrong) })
	case errors.Is(err, ErrChanged) && e.Old == "":
		return p.typedWrong(w, r, e, func() { e.Wrong["name"] = p.site.T(r, "stream.error.taken", "Name", e.Name) })
	case errors.Is(err, ErrChanged):
		return p.changed(w, r, e)
	case errors.Is(err, ErrTooMany):
		return p.typedWrong(w, r, e, func() { e.Trouble = bots.Words(err, p.say(r)) })
	case err != nil:
		return noStream(err)
	case stored.Secret != "":
		e = editorOf(stored.Stream)
		e.Secret, e.Saved = stored.Secret, p.site.T(r, "stream.settings.saved", "Name", stored.Name)
		return p.show(w, r, http.StatusOK, e)
	}
	return p.site.Saved(w, r, Name, p.site.T(r, "stream.settings.saved", "Name", stored.Name))
}

func (p *pages) store(r *http.Request, city report.City, e *editor) (Stored, error) {
	if e.Old == "" {
		return p.Streams().Put(r.Context(), city.ID, e.wanted(), Absent)
	}
	return p.Streams().Change(r.Context(), city.ID, e.Old, e.Revision, func(s *Stream) error {
		*s = e.wanted()
		return nil
	})
}

// typedWrong shows what was typed, and what is wrong with it.
func (p *pages) typedWrong(w http.ResponseWriter, r *http.Request, e *editor, blame func()) error {
	if err := p.known(r, e); err != nil {
		return err
	}
	blame()
	return p.show(w, r, http.StatusUnprocessableEntity, e)
}

// changed shows what was typed to somebody whose stream was changed meanwhile: stored once
// more, it takes the place of that.
func (p *pages) changed(w http.ResponseWriter, r *http.Request, e *editor) error {
	s, err := p.Streams().Get(r.Context(), p.site.City(r).ID, e.Old)
	if err != nil {
		return noStream(err)
	}
	e.Revision = s.Revision
	return p.typedWrong(w, r, e, func() { e.Trouble = p.site.T(r, "stream.settings.changed") })
}

// blame notes what is wrong, field by field.
func (e *editor) blame(say bots.T, wrong Invalid) {
	for _, f := range wrong {
		field, text := f.Field, bots.Words(f.Err, say)
		if bad, ok := errors.AsType[*filter.Error](f.Err); ok {
			if before, after := bad.Marked(); after != "" || before != "" {
				e.Marked = &marked{before, after}
			}
			if bad.Attribute != "" && field != "when" {
				field += "." + bad.Attribute
			}
		}
		if field == "include."+hour && e.Include[hour] == nil {
			field = hour
		}
		e.Wrong[field] = text
	}
}
