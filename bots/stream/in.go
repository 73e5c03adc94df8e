package stream

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/filter"
)

// Trigger is a way in: what another service posts to its address, or what stands new in
// the feed of an operator, is a report like any. It is in the form in which the API and the
// pages have it.
type Trigger struct {
	Name   string `json:"name"`
	Preset string `json:"preset"` // one of package inbound, or PresetFeed
	// Secret is what the sender proves itself with, and of inbound.SNS the ARN of the topic.
	// Nobody who asks for a trigger gets it. Storing none leaves it as it is; a new trigger
	// gets one that is made, and is shown once.
	Secret string `json:"secret,omitempty"`

	// Text, ID and Time are read by expressions from the JSON that is posted, which is named
	// body, or from an item of a feed: see itemNames. Those of a feed are fixed but for Text.
	Text string `json:"text,omitempty"`
	ID   string `json:"id,omitempty"`
	Time string `json:"time,omitempty"`

	// What follows is of a feed. Words are some of which an item must hold; When is what must
	// be true of it; Every is how often it is read, in minutes.
	URL   string   `json:"url,omitempty"`
	Words []string `json:"words,omitempty"`
	When  string   `json:"when,omitempty"`
	Every int      `json:"every,omitempty"`

	Running bool `json:"running"`

	// What follows is told, and passed over where a trigger is stored.

	Address  string `json:"address,omitempty" readOnly:"true"`  // where to post to
	Topic    string `json:"topic,omitempty" readOnly:"true"`    // of inbound.SNS: the ARN of the topic that it hears
	Trouble  string `json:"trouble,omitempty" readOnly:"true"`  // with its feed, in English
	Paused   bool   `json:"paused,omitempty" readOnly:"true"`   // it has stopped by itself, because of Trouble
	Last     *Taken `json:"last,omitempty" readOnly:"true"`     // nil: nothing has come yet
	Revision int64  `json:"revision,omitempty" readOnly:"true"` // another one after every change

	// Why is Trouble for who reads another language; nil where there is none.
	Why bots.Sayer `json:"-"`
}

// Taken is what became of what came last: of a post, or of reading a feed.
type Taken struct {
	Time time.Time `json:"time"`
	OK   bool      `json:"ok"`
	Text string    `json:"text,omitempty"` // what the sender was told, in English
}

// PresetFeed is the preset of feeds.
const PresetFeed = "feed"

// Presets are all of them, the simplest first.
func Presets() []string {
	return []string{string(inbound.Bearer), PresetFeed, string(inbound.StandardWebhooks), string(inbound.SHA256), string(inbound.SNS)}
}

// IsFeed tells whether it reads a feed.
func (t Trigger) IsFeed() bool { return t.Preset == PresetFeed }

// Bounds of triggers.
const (
	// MaxTriggers is how many triggers a city may have, and how many feeds beside them.
	MaxTriggers  = 20
	maxWords     = 30
	maxWord      = 60
	leastMinutes = 1
	mostMinutes  = 24 * 60
	usualMinutes = 2
)

// NewTrigger returns what a form begins with: a trigger that runs.
func NewTrigger(preset string) Trigger {
	t := Trigger{Preset: preset, Running: true}
	t.tidy()
	return t
}

// tidy fills in what was left out.
func (t *Trigger) tidy() {
	for _, s := range []*string{&t.Secret, &t.Text, &t.ID, &t.Time, &t.URL, &t.When} {
		*s = strings.TrimSpace(*s)
	}
	t.Words = slices.DeleteFunc(slices.Clone(t.Words), func(w string) bool { return strings.TrimSpace(w) == "" })
	for i, w := range t.Words {
		t.Words[i] = strings.TrimSpace(w)
	}
	switch t.Preset {
	case PresetFeed:
		if t.Every == 0 {
			t.Every = usualMinutes
		}
	case string(inbound.SNS):
		if t.Text == "" {
			t.Text = "body.Message"
		}
	default:
		if t.Text == "" {
			t.Text = "body.text"
		}
	}
}

// checkTrigger tidies a trigger and says what is wrong with it.
func (n *Network) checkTrigger(t *Trigger) (m mapping, err error) {
	t.tidy()
	var wrong Invalid
	if !nameForm.MatchString(t.Name) {
		wrong.add("name", bots.Say(nil, "stream.error.name", "Max", maxName))
	}
	if !slices.Contains(Presets(), t.Preset) {
		wrong.add("preset", bots.Say(nil, "stream.in.error.preset", "Presets", strings.Join(Presets(), ", ")))
		return m, wrong
	}
	if t.IsFeed() {
		n.checkFeed(t, &wrong)
	} else {
		t.checkPost(&wrong)
	}
	m = t.compile(&wrong)
	return m, wrong.or()
}

// checkPost says what is wrong with a trigger that is posted to.
func (t *Trigger) checkPost(wrong *Invalid) {
	if t.Secret != "" && !inbound.FitsSecret(inbound.Preset(t.Preset), t.Secret) {
		wrong.add("secret", bots.Say(nil, "stream.in.error.secret."+strings.ReplaceAll(t.Preset, "-", "_")))
	}
	for field, there := range map[string]bool{"url": t.URL != "", "words": len(t.Words) > 0, "when": t.When != "", "every": t.Every != 0} {
		if there {
			wrong.add(field, bots.Say(nil, "stream.in.error.feed_only"))
		}
	}
}

// checkFeed says what is wrong with a feed.
func (n *Network) checkFeed(t *Trigger, wrong *Invalid) {
	wrong.add("url", n.checkFeedURL(t.URL))
	for field, there := range map[string]bool{"secret": t.Secret != "", "id": t.ID != "", "time": t.Time != ""} {
		if there {
			wrong.add(field, bots.Say(nil, "stream.in.error.post_only"))
		}
	}
	if t.Every < leastMinutes || t.Every > mostMinutes {
		wrong.add("every", bots.Say(nil, "stream.in.error.every", "Min", leastMinutes, "Max", mostMinutes))
	}
	long := slices.ContainsFunc(t.Words, func(w string) bool { return utf8.RuneCountInString(w) > maxWord })
	if long || len(t.Words) > maxWords {
		wrong.add("words", bots.Say(nil, "stream.in.error.words", "Max", maxWords, "Length", maxWord))
	}
}

func (n *Network) checkFeedURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || len(text) > maxTarget {
		return bots.Say(nil, "stream.in.error.url")
	}
	if u.User != nil {
		return bots.Say(nil, "stream.in.error.user")
	}
	if n.isOwn(u) {
		return bots.Say(nil, "stream.in.error.own")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !n.host.Config.Network.AllowPrivate && !isPublic(addr) {
		return bots.Say(nil, "stream.error.private", "Host", u.Host)
	}
	return nil
}

// itemNames are what expressions read of an item of a feed. published is a text, as
// "2026-05-17T08:30:00Z", and empty where the feed does not say; categories is a list.
var itemNames = filter.Names{Names: []string{"title", "summary", "link", "published", "categories"}, Size: 10_000}

// mapping is the compiled expressions of a trigger; nil is one that there is none of.
type mapping struct{ text, id, time, when *filter.Value }

// compile compiles the expressions of a trigger.
func (t *Trigger) compile(wrong *Invalid) (m mapping) {
	names := filter.Body
	if t.IsFeed() {
		names = itemNames
	}
	for _, e := range []struct {
		field, source string
		into          **filter.Value
	}{{"text", t.Text, &m.text}, {"id", t.ID, &m.id}, {"time", t.Time, &m.time}, {"when", t.When, &m.when}} {
		if e.source == "" {
			continue
		}
		v, err := filter.CompileValue(e.field, e.source, names)
		if bad, ok := errors.AsType[*filter.Error](err); ok {
			err = badSpec{bad}
		}
		wrong.add(e.field, err)
		*e.into = v
	}
	return m
}
