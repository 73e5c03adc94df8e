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
	add(a, route{id: "get-stream", method: http.MethodGet, path: one, tag: tag, summary: "A stream", needs: seesStreams}, a.getStream)
	add(a, route{id: "put-stream", method: http.MethodPut, path: one, tag: tag, summary: "Store a stream, in place of one of that name",
		about: "With If-None-Match: * only where there is none of that name yet. A target that is sent back as it was read, or left empty, stays. " +
			"The secret that signs what is sent is in the answer when it is made, and never again.",
		needs: changesStreams, makes: true, errors: changed}, a.putStream)
	add(a, route{id: "change-stream", method: http.MethodPatch, path: one, tag: tag, summary: "Change parts of a stream", about: "What is left out stays.",
		needs: changesStreams, errors: changed}, a.changeStream)
	add(a, route{id: "delete-stream", method: http.MethodDelete, path: one, tag: tag, summary: "Delete a stream", needs: changesStreams, errors: changed[1:]}, a.deleteStream)
	add(a, route{id: "test-stream", method: http.MethodPost, path: one + "/test", tag: tag, summary: "Send a sample to a stream's target, and say what it answered",
		needs: changesStreams}, a.testStream)
	add(a, route{id: "rotate-secret", method: http.MethodPost, path: one + "/rotate", tag: tag, summary: "Make a new secret for a stream; the one before signs too for a day",
		needs: changesStreams, errors: changed[:1]}, a.rotateStream)
	add(a, route{id: "try-filter", method: http.MethodPost, path: "/cities/{city}/filter/try", tag: tag, summary: "Which of the last 50 reports a filter lets out", needs: seesStreams}, a.tryFilter)
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

func (a *API) listStreams(ctx context.Context, _ *InCity) (*struct{ Body streamList }, error) {
	list, err := a.streams.List(ctx, city(ctx).ID)
	forms := make([]streamForm, len(list))
	for i, s := range list {
		forms[i] = formOfStream(s, "")
	}
	return &struct{ Body streamList }{streamList{forms}}, err
}

// OneStream is the place of a stream.
type OneStream struct {
	InCity
	Name string `path:"name" maxLength:"40" doc:"The stream's name."`
}

// theStream is a stream with its revision.
type theStream struct {
	Status int
	ETag   string `header:"ETag"`
	Body   streamForm
}

func streamAnswer(s stream.Stored) *theStream {
	status := http.StatusOK
	if s.Created {
		status = http.StatusCreated
	}
	return &theStream{status, etag(strconv.FormatInt(s.Revision, 10)), formOfStream(s.Stream, s.Secret)}
}

func (a *API) getStream(ctx context.Context, in *struct {
	OneStream
	IfNoneMatch
}) (*theStream, error) {
	s, err := a.streams.Get(ctx, city(ctx).ID, in.Name)
	if err != nil {
		return nil, err
	}
	found := streamAnswer(stream.Stored{Stream: s})
	return found, in.unchanged(untag(found.ETag))
}

func (a *API) putStream(ctx context.Context, in *struct {
	OneStream
	IfMatch
	IfNew
	Body           streamForm
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Any name for this request: sent a second time, it is answered as before."`
}) (*theStream, error) {
	if in.Body.Name != "" && in.Body.Name != in.Name {
		return nil, wrong("body.name", "is not the name in the path, "+in.Name+": PATCH gives a stream another name", in.Body.Name)
	}
	in.Body.Name = in.Name
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" {
		seen = stream.Absent
	}
	stored, err := a.streams.Put(ctx, city(ctx).ID, in.Body.stream(), seen)
	return streamAnswer(stored), a.ofStream(err)
}

func (a *API) changeStream(ctx context.Context, in *struct {
	OneStream
	IfMatch
	Body struct {
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
}) (*theStream, error) {
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	b := in.Body
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
	return streamAnswer(stored), a.ofStream(err)
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

func (a *API) deleteStream(ctx context.Context, in *struct {
	OneStream
	IfMatch
}) (*struct{}, error) {
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

func (a *API) testStream(ctx context.Context, in *OneStream) (*struct{ Body testedStream }, error) {
	result, err := a.streams.Test(ctx, city(ctx).ID, in.Name)
	out := testedStream{Result: result}
	if s, ok := errors.AsType[bots.Sayer](err); ok {
		out.Why, err = s.Say(a.say), nil
	}
	if out.Time.IsZero() {
		out.Time = a.Now().UTC().Truncate(time.Second)
	}
	return &struct{ Body testedStream }{out}, err
}

func (a *API) rotateStream(ctx context.Context, in *OneStream) (*theStream, error) {
	stored, err := a.streams.Rotate(ctx, city(ctx).ID, in.Name)
	return streamAnswer(stored), a.ofStream(err)
}

type triedFilter struct {
	Out     int            `json:"out" doc:"How many of them it lets out."`
	Of      int            `json:"of" doc:"How many there are."`
	Reports []stream.Tried `json:"reports" nullable:"false"`
}

func (a *API) tryFilter(ctx context.Context, in *struct {
	InCity
	Body FilterForm
}) (*struct{ Body triedFilter }, error) {
	list, err := a.streams.Try(ctx, city(ctx).ID, in.Body.spec())
	if err != nil {
		return nil, a.ofStream(err)
	}
	out := triedFilter{Of: len(list), Reports: list}
	for _, t := range list {
		if t.Out {
			out.Out++
		}
	}
	return &struct{ Body triedFilter }{out}, nil
}
