package stream

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/bus"
)

// Stream is a filter and a target, in the form in which the API and the pages have it.
type Stream struct {
	Name    string              `json:"name"`
	Include map[string][]string `json:"include,omitempty"`
	Exclude map[string][]string `json:"exclude,omitempty"`
	When    string              `json:"when,omitempty"`
	// Target is where it sends to. Who asks for a stream gets its host and last four
	// characters: see Shown. Storing these, or nothing, leaves the target as it is.
	Target string   `json:"target"`
	Look   string   `json:"look,omitempty"`   // LookText or LookCard; empty: LookText
	Events []string `json:"events,omitempty"` // what it is told: patterns, see bus.Pattern; none: bus.ReportPassed
	// Mention is who is called in a channel of Discord, at most every so many minutes.
	Mention      string `json:"mention,omitempty"`
	MentionEvery int    `json:"mention_every,omitempty"`
	Running      bool   `json:"running"`

	// What follows is told, and passed over where a stream is stored.

	Kind     string     `json:"kind,omitempty" readOnly:"true"`   // what its target is taken for: see the kinds
	Paused   string     `json:"paused,omitempty" readOnly:"true"` // why it has stopped by itself, in English
	Last     *Result    `json:"last,omitempty" readOnly:"true"`   // nil: nothing was sent yet
	Rotated  *time.Time `json:"rotated,omitempty" readOnly:"true"`
	Revision int64      `json:"revision,omitempty" readOnly:"true"` // another one after every change

	// Why is Paused for who reads another language; nil where it has not stopped by itself.
	Why bots.Sayer `json:"-"`
}

// Result is what became of what was sent last.
type Result struct {
	Time   time.Time `json:"time"`
	Status int       `json:"status,omitempty"` // of the answer; 0: none came
	OK     bool      `json:"ok"`
}

// The looks of what is sent to chats.
const (
	LookText = "text"
	LookCard = "card"
)

// Bounds of streams.
const (
	// MaxStreams is how many streams a city may have.
	MaxStreams = 20
	maxName    = 40
	maxEvents  = 10
	maxMinutes = 7 * 24 * 60
)

// Blank is what a form begins with: a stream that runs.
func Blank() Stream { return Stream{Look: LookText, Events: []string{bus.ReportPassed}, Running: true} }

// ErrChanged is the answer to who wants to change a stream that has another revision than
// they have seen, or that is there though it should not be.
var ErrChanged = errors.New("the stream was changed meanwhile")

// ErrTooMany is the answer to who wants more than MaxStreams.
var ErrTooMany = bots.Say(nil, "stream.error.too_many", "Max", MaxStreams)

// Invalid is what is wrong with a stream, field by field.
type Invalid []*bots.FieldError

func (e Invalid) Error() string {
	var all []string
	for _, f := range e {
		all = append(all, f.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap returns them one by one.
func (e Invalid) Unwrap() []error {
	all := make([]error, len(e))
	for i, f := range e {
		all[i] = f
	}
	return all
}

// add notes what is wrong with a field, where something is.
func (e *Invalid) add(field string, err error) {
	if err != nil {
		*e = append(*e, &bots.FieldError{Field: field, Err: err})
	}
}

// or returns the error, nil where nothing is wrong.
func (e Invalid) or() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

var nameForm = regexp.MustCompile(fmt.Sprintf(`^[a-z0-9][a-z0-9_-]{0,%d}$`, maxName-1))

// mentionForm is whom Discord lets a webhook call: everybody, those who are there, or a role.
var mentionForm = regexp.MustCompile(`^(@here|@everyone|<@&[0-9]{1,20}>)$`)

// check says what is wrong with a stream, but for its filter and its target.
func (s *Stream) check(wrong *Invalid) {
	if !nameForm.MatchString(s.Name) {
		wrong.add("name", bots.Say(nil, "stream.error.name", "Max", maxName))
	}
	if s.Look != LookText && s.Look != LookCard {
		wrong.add("look", bots.Say(nil, "stream.error.look"))
	}
	s.checkEvents(wrong)
	if s.Mention != "" && !mentionForm.MatchString(s.Mention) {
		wrong.add("mention", bots.Say(nil, "stream.error.mention"))
	}
	if s.MentionEvery < 0 || s.MentionEvery > maxMinutes {
		wrong.add("mention_every", bots.Say(nil, "stream.error.mention_every", "Max", maxMinutes))
	}
}

func (s *Stream) checkEvents(wrong *Invalid) {
	if len(s.Events) > maxEvents {
		wrong.add("events", bots.Say(nil, "stream.error.many_events", "Max", maxEvents))
	}
	for _, e := range s.Events {
		if err := bus.Pattern(e).Check(); err != nil {
			wrong.add("events", bots.Say(err, "stream.error.event", "Event", e))
			return
		}
	}
}

// tidy fills in what was left out.
func (s *Stream) tidy() {
	s.Target, s.When, s.Mention = strings.TrimSpace(s.Target), strings.TrimSpace(s.When), strings.TrimSpace(s.Mention)
	if s.Look == "" {
		s.Look = LookText
	}
	if len(s.Events) == 0 {
		s.Events = []string{bus.ReportPassed}
	}
	s.Events = slices.Compact(slices.Sorted(slices.Values(s.Events)))
	s.Include, s.Exclude = withoutEmpty(s.Include), withoutEmpty(s.Exclude)
}

// withoutEmpty leaves out attributes of which no value is named.
func withoutEmpty(m map[string][]string) map[string][]string {
	out := make(map[string][]string, len(m))
	for name, values := range m {
		if len(values) > 0 {
			out[name] = values
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// wants tells whether the stream is told of events of that name.
func (s *Stream) wants(event string) bool {
	return slices.ContainsFunc(s.Events, func(p string) bool { return bus.Pattern(p).Matches(event) })
}
