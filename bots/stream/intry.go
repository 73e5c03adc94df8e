package stream

import (
	"context"
	"errors"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/feeds"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/internal/report"
)

// TriedPost is what would be heard of something that is posted to a trigger.
type TriedPost struct {
	Text string    `json:"text"`
	Time time.Time `json:"time,omitzero"` // zero: when it comes
	// Verdict is what the city's rules say of it; nil where that is not known.
	Verdict *report.Verdict `json:"-"`
}

// TryPost returns what would be heard of JSON that is posted to a trigger. An Invalid says
// what is wrong with the trigger, an *inbound.Refusal what is with the JSON.
func (s Triggers) TryPost(ctx context.Context, cityID int64, want Trigger, sample string) (TriedPost, error) {
	m, err := s.n.tryable(&want)
	if err != nil {
		return TriedPost{}, err
	}
	h, err := m.read(inbound.Sample(inbound.Preset(want.Preset), []byte(sample)), s.n.host.Now())
	if err != nil || s.n.host.Rehearser == nil {
		return TriedPost{Text: h.Text, Time: h.Time}, err
	}
	said, v, err := s.n.host.Rehearser.Rehearse(ctx, cityID, h.Text)
	return TriedPost{Text: said, Time: h.Time, Verdict: &v}, err
}

// tryable compiles a trigger that may have no name yet.
func (n *Network) tryable(want *Trigger) (mapping, error) {
	m, err := n.checkTrigger(want)
	wrong, ok := errors.AsType[Invalid](err)
	if !ok {
		return m, err
	}
	var others Invalid
	for _, f := range wrong {
		if f.Field != "name" && f.Field != "secret" {
			others = append(others, f)
		}
	}
	return m, others.or()
}

// TriedItem is an item that stands in a feed now.
type TriedItem struct {
	Time  time.Time `json:"time,omitzero"`
	Title string    `json:"title"`
	Text  string    `json:"text,omitempty"` // what would be heard of it; empty where nothing would
}

const (
	// maxTried is how many items are shown of a feed that is tried.
	maxTried = 20
	// tryPatience bounds how long somebody waits for it.
	tryPatience = 10 * time.Second
)

// TryFeed reads a feed and returns what would have been heard of its newest items, had they
// been new. An Invalid says what is wrong with the trigger or its feed.
func (s Triggers) TryFeed(ctx context.Context, want Trigger) ([]TriedItem, error) {
	m, err := s.n.tryable(&want)
	if err != nil {
		return nil, err
	}
	client := *s.n.host.HTTP
	client.Timeout = tryPatience
	page, err := feeds.Read(ctx, &client, want.URL, feeds.Known{})
	if e, ok := errors.AsType[*feeds.Error](err); ok {
		return nil, Invalid{{Field: "url", Err: whyFeed(e, string(e.Trouble), e.Status)}}
	}
	if err != nil {
		return nil, err
	}
	var tried []TriedItem
	for at := len(page.Items) - 1; at >= 0 && len(tried) < maxTried; at-- {
		i := page.Items[at]
		said, err := want.says(m, i)
		if err != nil {
			return nil, Invalid{{Field: "text", Err: bots.Say(err, "stream.in.error.item", "Title", i.Title, "Why", err.Error())}}
		}
		tried = append(tried, TriedItem{Time: i.Published, Title: i.Title, Text: said})
	}
	return tried, nil
}
