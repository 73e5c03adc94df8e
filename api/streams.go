package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/stream"
	"ticketfrei/filter"
	"ticketfrei/internal/apikey"
)

var (
	seesStreams    = []apikey.Right{apikey.Read, apikey.Streams}
	changesStreams = []apikey.Right{apikey.Streams}
)

func (a *API) streamRoutes() {
	const path, one, tag = "/cities/{city}/streams", "/cities/{city}/streams/{name}", "streams"
	changed := []int{http.StatusConflict, http.StatusPreconditionFailed}
	add(a, route{id: "list-streams", method: http.MethodGet, path: path, tag: tag, summary: "The streams of a city, by name", needs: seesStreams}, a.listStreams)
	add(a, route{id: "get-stream", method: http.MethodGet, path: one, tag: tag, summary: "A stream", needs: seesStreams, takes: []string{ifNoneMatch}, gives: etags}, a.getStream)
	addBody(a, route{id: "put-stream", method: http.MethodPut, path: one, tag: tag, summary: "Store a stream, in place of one of that name",
		about: "With If-None-Match: * only where there is none of that name yet. A target that is sent back as it was read, or left empty, stays. " +
			"The secret that signs what is sent is in the answer when it is made, and never again.",
		needs: changesStreams, takes: []string{ifMatch, ifNoneMatch}, gives: etags, makes: true, errors: changed}, a.putStream)
	addBody(a, route{id: "change-stream", method: http.MethodPatch, path: one, tag: tag, summary: "Change parts of a stream", about: "What is left out stays.",
		needs: changesStreams, takes: []string{ifMatch}, gives: etags, errors: changed}, a.changeStream)
	add(a, route{id: "delete-stream", method: http.MethodDelete, path: one, tag: tag, summary: "Delete a stream", needs: changesStreams, takes: []string{ifMatch}, errors: changed[1:]}, a.deleteStream)
	add(a, route{id: "test-stream", method: http.MethodPost, path: one + "/test", tag: tag, summary: "Send a sample to a stream's target, and say what it answered",
		needs: changesStreams}, a.testStream)
	add(a, route{id: "rotate-secret", method: http.MethodPost, path: one + "/rotate", tag: tag, summary: "Make a new secret for a stream; the one before signs too for a day",
		needs: changesStreams, gives: etags, errors: changed[:1]}, a.rotateStream)
	addBody(a, route{id: "try-filter", method: http.MethodPost, path: "/cities/{city}/filter/try", tag: tag, summary: "Which of the last 50 reports a filter lets out", needs: seesStreams}, a.tryFilter)
}

// FilterForm is what a stream lets out.
type FilterForm struct {
	Include map[string][]string `json:"include,omitempty" doc:"By attribute, the values of which a report must have one." example:"{\"line\":[\"U1\"]}"`
	Exclude map[string][]string `json:"exclude,omitempty" doc:"By attribute, the values of which it must have none." example:"{\"network\":[\"mail\"]}"`
	When    string              `json:"when,omitempty" maxLength:"2000" doc:"What must be true as well." example:"hour >= 20 or hour < 5"`
}

func (f FilterForm) spec() filter.Spec {
	return filter.Spec{Include: f.Include, Exclude: f.Exclude, When: f.When}
}

// streamForm is a stream as the API shows it and takes it.
type streamForm struct {
	Name string `json:"name,omitempty" maxLength:"40" doc:"Its name: lower case letters, digits, - and _." example:"u1-night"`
	FilterForm
	Target       string   `json:"target,omitempty" maxLength:"2000" doc:"Where it sends to: a webhook. It is shown as its host and last four characters." example:"https://discord.com/api/webhooks/1/abc"`
	Look         string   `json:"look,omitempty" enum:"text,card" default:"text"`
	Events       []string `json:"events,omitempty" nullable:"false" doc:"What it is told: patterns of subjects. Left out: report.passed." example:"[\"report.passed\",\"report.taken_back\"]"`
	Mention      string   `json:"mention,omitempty" doc:"Whom it calls in a channel of Discord." example:"@here"`
	MentionEvery int      `json:"mention_every,omitempty" doc:"At most every so many minutes."`
	Running      *bool    `json:"running,omitempty" default:"true"`

	Kind     string         `json:"kind,omitempty" readOnly:"true" doc:"What its target is taken for."`
	Paused   string         `json:"paused,omitempty" readOnly:"true" doc:"Why it has stopped by itself."`
	Last     *stream.Result `json:"last,omitempty" readOnly:"true" doc:"What became of what was sent last."`
	Rotated  *time.Time     `json:"rotated,omitempty" readOnly:"true"`
	Revision int64          `json:"revision,omitempty" readOnly:"true"`
	Secret   string         `json:"secret,omitempty" readOnly:"true" doc:"What signs what is sent, when it is made: it is shown this once."`
}

func formOfStream(s stream.Stream, secret string) streamForm {
	return streamForm{Name: s.Name, FilterForm: FilterForm{s.Include, s.Exclude, s.When}, Target: s.Target, Look: s.Look, Events: s.Events,
		Mention: s.Mention, MentionEvery: s.MentionEvery, Running: &s.Running, Kind: s.Kind, Paused: s.Paused, Last: s.Last, Rotated: s.Rotated,
		Revision: s.Revision, Secret: secret}
}

// stream is the stream that was sent.
func (f streamForm) stream() stream.Stream {
	return stream.Stream{Name: f.Name, Include: f.Include, Exclude: f.Exclude, When: f.When, Target: f.Target, Look: f.Look, Events: f.Events,
		Mention: f.Mention, MentionEvery: f.MentionEvery, Running: f.Running == nil || *f.Running}
}

// ofStream is an error of the use cases of streams in words for the client.
func (a *API) ofStream(err error) error {
	if list, ok := errors.AsType[stream.Invalid](err); ok {
		details := make([]error, len(list))
		for i, f := range list {
			details[i] = a.fieldError(f)
		}
		return problem(http.StatusUnprocessableEntity, "validation failed", details...)
	}
	if errors.Is(err, stream.ErrChanged) {
		return problem(http.StatusPreconditionFailed, "the stream was changed meanwhile, or is there already: read it again, and send its ETag in If-Match")
	}
	if s, ok := errors.AsType[bots.Sayer](err); ok {
		return problem(http.StatusConflict, s.Say(a.say))
	}
	return err
}

type streamList struct {
	Streams []streamForm `json:"streams" nullable:"false"`
}

func (a *API) listStreams(ctx context.Context, _ *request) (*reply[streamList], error) {
	list, err := a.streams.List(ctx, city(ctx).ID)
	forms := make([]streamForm, len(list))
	for i, s := range list {
		forms[i] = formOfStream(s, "")
	}
	return answered(streamList{forms}, err)
}

// theStream is a stream with its revision.
func theStream(s stream.Stored) *reply[streamForm] {
	status := http.StatusOK
	if s.Created {
		status = http.StatusCreated
	}
	return &reply[streamForm]{Status: status, ETag: etag(strconv.FormatInt(s.Revision, 10)), Body: formOfStream(s.Stream, s.Secret)}
}

func (a *API) getStream(ctx context.Context, in *request) (*reply[streamForm], error) {
	s, err := a.streams.Get(ctx, city(ctx).ID, in.Name)
	if err != nil {
		return nil, err
	}
	found := theStream(stream.Stored{Stream: s})
	return found, in.unchanged(untag(found.ETag))
}

func (a *API) putStream(ctx context.Context, in *request, body *streamForm) (*reply[streamForm], error) {
	if body.Name != "" && body.Name != in.Name {
		return nil, wrong("body.name", "is not the name in the path, "+in.Name+": PATCH gives a stream another name", body.Name)
	}
	body.Name = in.Name
	seen, err := in.before(stream.Any, stream.Absent, func() (int64, error) {
		s, err := a.streams.Get(ctx, city(ctx).ID, in.Name)
		return s.Revision, err
	})
	if err != nil {
		return nil, err
	}
	stored, err := a.streams.Put(ctx, city(ctx).ID, body.stream(), seen)
	return theStream(stored), a.ofStream(err)
}

// streamPatch is what changes of a stream.
type streamPatch struct {
	Name         *string              `json:"name,omitempty" maxLength:"40"`
	Include      *map[string][]string `json:"include,omitempty"`
	Exclude      *map[string][]string `json:"exclude,omitempty"`
	When         *string              `json:"when,omitempty" maxLength:"2000"`
	Target       *string              `json:"target,omitempty" maxLength:"2000"`
	Look         *string              `json:"look,omitempty" enum:"text,card"`
	Events       *[]string            `json:"events,omitempty"`
	Mention      *string              `json:"mention,omitempty"`
	MentionEvery *int                 `json:"mention_every,omitempty"`
	Running      *bool                `json:"running,omitempty"`
}

func (a *API) changeStream(ctx context.Context, in *request, b *streamPatch) (*reply[streamForm], error) {
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	stored, err := a.streams.Change(ctx, city(ctx).ID, in.Name, seen, func(s *stream.Stream) error {
		set(&s.Name, b.Name)
		set(&s.Include, b.Include)
		set(&s.Exclude, b.Exclude)
		set(&s.When, b.When)
		set(&s.Target, b.Target)
		set(&s.Look, b.Look)
		set(&s.Events, b.Events)
		set(&s.Mention, b.Mention)
		set(&s.MentionEvery, b.MentionEvery)
		set(&s.Running, b.Running)
		return nil
	})
	return theStream(stored), a.ofStream(err)
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

func (a *API) deleteStream(ctx context.Context, in *request) (*reply[none], error) {
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	return nil, a.ofStream(a.streams.Delete(ctx, city(ctx).ID, in.Name, seen))
}

type testedStream struct {
	stream.Result
	Why string `json:"why,omitempty" doc:"Why it was not taken, or not even sent."`
}

func (a *API) testStream(ctx context.Context, in *request) (*reply[testedStream], error) {
	result, err := a.streams.Test(ctx, city(ctx).ID, in.Name)
	out := testedStream{Result: result}
	if s, ok := errors.AsType[bots.Sayer](err); ok {
		out.Why, err = s.Say(a.say), nil
	}
	if out.Time.IsZero() {
		out.Time = a.Now().UTC().Truncate(time.Second)
	}
	return answered(out, err)
}

func (a *API) rotateStream(ctx context.Context, in *request) (*reply[streamForm], error) {
	stored, err := a.streams.Rotate(ctx, city(ctx).ID, in.Name)
	return theStream(stored), a.ofStream(err)
}

type triedFilter struct {
	Out     int            `json:"out" doc:"How many of them it lets out."`
	Of      int            `json:"of" doc:"How many there are."`
	Reports []stream.Tried `json:"reports" nullable:"false"`
}

func (a *API) tryFilter(ctx context.Context, _ *request, body *FilterForm) (*reply[triedFilter], error) {
	list, err := a.streams.Try(ctx, city(ctx).ID, body.spec())
	if err != nil {
		return nil, a.ofStream(err)
	}
	out := triedFilter{Of: len(list), Reports: list}
	for _, t := range list {
		if t.Out {
			out.Out++
		}
	}
	return answered(out, nil)
}
