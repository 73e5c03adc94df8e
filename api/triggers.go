package api

import (
	"context"
	"net/http"
	"strconv"

	"ticketfrei/bots/stream"
)

func (a *API) triggerRoutes() {
	const path, one, tag = "/cities/{city}/triggers", "/cities/{city}/triggers/{name}", "triggers"
	changed := []int{http.StatusConflict, http.StatusPreconditionFailed}
	add(a, route{id: "list-triggers", method: http.MethodGet, path: path, tag: tag, summary: "What is let in: posts of other services and feeds, by name", needs: seesStreams}, a.listTriggers)
	add(a, route{id: "get-trigger", method: http.MethodGet, path: one, tag: tag, summary: "A trigger", needs: seesStreams, takes: []string{ifNoneMatch}, gives: etags}, a.getTrigger)
	addBody(a, route{id: "put-trigger", method: http.MethodPut, path: one, tag: tag, summary: "Store a trigger, in place of one of that name",
		about: "With If-None-Match: * only where there is none of that name yet. A secret that is left out stays; that of a new trigger is made, and is in the answer this once.",
		needs: changesStreams, takes: []string{ifMatch, ifNoneMatch}, gives: etags, makes: true, errors: changed}, a.putTrigger)
	addBody(a, route{id: "change-trigger", method: http.MethodPatch, path: one, tag: tag, summary: "Change parts of a trigger", about: "What is left out stays.",
		needs: changesStreams, takes: []string{ifMatch}, gives: etags, errors: changed}, a.changeTrigger)
	add(a, route{id: "delete-trigger", method: http.MethodDelete, path: one, tag: tag, summary: "Delete a trigger", needs: changesStreams, takes: []string{ifMatch}, errors: changed[1:]}, a.deleteTrigger)
	add(a, route{id: "rotate-trigger-secret", method: http.MethodPost, path: one + "/rotate", tag: tag, summary: "Make a new secret for a trigger; the one before counts no more",
		needs: changesStreams, gives: etags, errors: changed[:1]}, a.rotateTrigger)
}

// triggerForm is a trigger as the API shows it and takes it.
type triggerForm struct {
	Name   string   `json:"name,omitempty" maxLength:"40" doc:"Its name, which stands in its address." example:"works"`
	Preset string   `json:"preset" doc:"How the sender proves itself: standard-webhooks, sha256, sns or bearer; feed: it is read." example:"sha256"`
	Secret string   `json:"secret,omitempty" doc:"What the sender proves itself with. It is shown when it is made, and never again."`
	Text   string   `json:"text,omitempty" maxLength:"2000" doc:"What the report says: an expression over what is posted." example:"body.alert.title + \" \" + body.stop"`
	ID     string   `json:"id,omitempty" maxLength:"2000" doc:"What tells it from others." example:"body.id"`
	Time   string   `json:"time,omitempty" maxLength:"2000" doc:"When it was written."`
	URL    string   `json:"url,omitempty" maxLength:"2000" doc:"Of the feed."`
	Words  []string `json:"words,omitempty" nullable:"false" doc:"Some of which an item of the feed must hold."`
	When   string   `json:"when,omitempty" maxLength:"2000" doc:"What must be true of an item of the feed."`
	Every  int      `json:"every,omitempty" doc:"How often the feed is read, in minutes."`

	Running *bool `json:"running,omitempty" default:"true"`

	Address  string        `json:"address,omitempty" readOnly:"true" doc:"Where to post to."`
	Topic    string        `json:"topic,omitempty" readOnly:"true" doc:"The topic that it hears."`
	Trouble  string        `json:"trouble,omitempty" readOnly:"true" doc:"What is wrong with the feed."`
	Paused   bool          `json:"paused,omitempty" readOnly:"true" doc:"It has stopped by itself because of the trouble."`
	Last     *stream.Taken `json:"last,omitempty" readOnly:"true" doc:"What became of what came last."`
	Revision int64         `json:"revision,omitempty" readOnly:"true"`
}

func formOfTrigger(t stream.Trigger) triggerForm {
	return triggerForm{Name: t.Name, Preset: t.Preset, Secret: t.Secret, Text: t.Text, ID: t.ID, Time: t.Time, URL: t.URL, Words: t.Words, When: t.When,
		Every: t.Every, Running: &t.Running, Address: t.Address, Topic: t.Topic, Trouble: t.Trouble, Paused: t.Paused, Last: t.Last, Revision: t.Revision}
}

// trigger is the trigger that was sent.
func (f triggerForm) trigger() stream.Trigger {
	return stream.Trigger{Name: f.Name, Preset: f.Preset, Secret: f.Secret, Text: f.Text, ID: f.ID, Time: f.Time, URL: f.URL, Words: f.Words, When: f.When,
		Every: f.Every, Running: f.Running == nil || *f.Running}
}

type triggerList struct {
	Triggers []triggerForm `json:"triggers" nullable:"false"`
}

func (a *API) listTriggers(ctx context.Context, _ *request) (*reply[triggerList], error) {
	list, err := a.triggers.List(ctx, city(ctx).ID)
	forms := make([]triggerForm, len(list))
	for i, t := range list {
		forms[i] = formOfTrigger(t)
	}
	return answered(triggerList{forms}, err)
}

// theTrigger is a trigger with its revision.
func theTrigger(t stream.StoredTrigger) *reply[triggerForm] {
	status := http.StatusOK
	if t.Created {
		status = http.StatusCreated
	}
	return &reply[triggerForm]{Status: status, ETag: etag(strconv.FormatInt(t.Revision, 10)), Body: formOfTrigger(t.Trigger)}
}

func (a *API) getTrigger(ctx context.Context, in *request) (*reply[triggerForm], error) {
	t, err := a.triggers.Get(ctx, city(ctx).ID, in.Name)
	if err != nil {
		return nil, err
	}
	found := theTrigger(stream.StoredTrigger{Trigger: t})
	return found, in.unchanged(untag(found.ETag))
}

func (a *API) putTrigger(ctx context.Context, in *request, body *triggerForm) (*reply[triggerForm], error) {
	if body.Name != "" && body.Name != in.Name {
		return nil, wrong("body.name", "is not the name in the path, "+in.Name+": PATCH gives a trigger another name", body.Name)
	}
	body.Name = in.Name
	seen, err := in.before(stream.Any, stream.Absent, func() (int64, error) {
		t, err := a.triggers.Get(ctx, city(ctx).ID, in.Name)
		return t.Revision, err
	})
	if err != nil {
		return nil, err
	}
	stored, err := a.triggers.Put(ctx, city(ctx).ID, body.trigger(), seen)
	return theTrigger(stored), a.ofStream(err)
}

// triggerPatch is what changes of a trigger.
type triggerPatch struct {
	Name    *string   `json:"name,omitempty" maxLength:"40"`
	Preset  *string   `json:"preset,omitempty"`
	Secret  *string   `json:"secret,omitempty"`
	Text    *string   `json:"text,omitempty" maxLength:"2000"`
	ID      *string   `json:"id,omitempty" maxLength:"2000"`
	Time    *string   `json:"time,omitempty" maxLength:"2000"`
	URL     *string   `json:"url,omitempty" maxLength:"2000"`
	Words   *[]string `json:"words,omitempty"`
	When    *string   `json:"when,omitempty" maxLength:"2000"`
	Every   *int      `json:"every,omitempty"`
	Running *bool     `json:"running,omitempty"`
}

func (a *API) changeTrigger(ctx context.Context, in *request, b *triggerPatch) (*reply[triggerForm], error) {
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	stored, err := a.triggers.Change(ctx, city(ctx).ID, in.Name, seen, func(t *stream.Trigger) error {
		set(&t.Name, b.Name)
		set(&t.Preset, b.Preset)
		set(&t.Secret, b.Secret)
		set(&t.Text, b.Text)
		set(&t.ID, b.ID)
		set(&t.Time, b.Time)
		set(&t.URL, b.URL)
		set(&t.Words, b.Words)
		set(&t.When, b.When)
		set(&t.Every, b.Every)
		set(&t.Running, b.Running)
		return nil
	})
	return theTrigger(stored), a.ofStream(err)
}

func (a *API) deleteTrigger(ctx context.Context, in *request) (*reply[none], error) {
	seen, err := in.seen(stream.Any)
	if err != nil {
		return nil, err
	}
	return nil, a.ofStream(a.triggers.Delete(ctx, city(ctx).ID, in.Name, seen))
}

func (a *API) rotateTrigger(ctx context.Context, in *request) (*reply[triggerForm], error) {
	stored, err := a.triggers.Rotate(ctx, city(ctx).ID, in.Name, "")
	return theTrigger(stored), a.ofStream(err)
}
