package stream

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/bots/stream/feeds"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// longestPause is how long a feed that cannot be read, or whose server asks for it, is
	// left alone at most.
	longestPause = time.Hour
	// mostDoublings is how often the pause doubles until then.
	mostDoublings = 10
)

// feedText bounds what a feed says where no expression was written: it was made to be read
// on a page.
var feedText = text.Runes(1000)

// pause waits until it is time to read a feed again, or ctx ends.
type pause func(ctx context.Context, d time.Duration) error

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// emitter takes in what was heard.
type emitter = func(context.Context, bots.Incoming) error

// readFeeds begins to read the feeds of the city, each by itself.
func (b *bot) readFeeds(ctx context.Context, group *errgroup.Group, emit emitter) error {
	rows, err := b.network.triggerRows(ctx, b.bot.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Preset == PresetFeed && r.Running {
			group.Go(func() error { return bots.Guard(func() error { return b.readFeed(ctx, r, emit) }) })
		}
	}
	return nil
}

// readFeed reads a feed again and again until ctx ends, the feed is gone for good, or
// nothing is taken in.
func (b *bot) readFeed(ctx context.Context, r triggerRow, emit emitter) error {
	var err error
	for r.Running && err == nil {
		pause := time.UnixMilli(r.Next).Sub(b.network.host.Now())
		if b.network.rest(ctx, max(pause, 0)) != nil {
			return nil
		}
		err = b.readOnce(ctx, &r, emit)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readOnce reads a feed and hears what is new in it.
func (b *bot) readOnce(ctx context.Context, r *triggerRow, emit emitter) error {
	n := b.network
	t, err := n.triggerOf(*r)
	if err != nil {
		r.Running = false // it is shown why
		return nil
	}
	page, err := feeds.Read(ctx, n.host.HTTP, t.URL, feeds.Known{ETag: r.ETag, Modified: r.Modified})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := n.host.Now()
	if e, ok := errors.AsType[*feeds.Error](err); ok {
		b.failed(r, e, now)
		err := n.remember(ctx, *r, nil, nil, now)
		if err == nil && r.paused() {
			n.host.Notices.Changed(b.bot.CityID)
		}
		return err
	} else if err != nil {
		return err
	}
	var add, forget []string
	if !page.Unchanged {
		if add, forget, err = b.news(ctx, *r, t, page.Items, emit); err != nil {
			return err
		}
	}
	b.worked(r, page, now)
	return n.remember(ctx, *r, add, forget, now)
}

// failed notes that a feed could not be read.
func (b *bot) failed(r *triggerRow, e *feeds.Error, now time.Time) {
	if r.Trouble != string(e.Trouble) {
		b.log.Warn("stream.log.feed", "name", r.Name, "err", whyFeed(e, string(e.Trouble), e.Status))
	}
	pause := time.Duration(r.Every) * time.Minute << min(r.Failures, mostDoublings)
	r.Failures++
	r.Trouble, r.Status, r.Read = string(e.Trouble), e.Status, now.UnixMilli()
	r.Next = now.Add(spread(min(max(pause, e.After), longestPause))).UnixMilli()
	r.Running = !r.paused()
}

// worked notes that a feed was read.
func (b *bot) worked(r *triggerRow, page feeds.Page, now time.Time) {
	if r.Trouble != "" {
		b.log.Info("stream.log.feed_again", "name", r.Name)
	}
	pause := max(time.Duration(r.Every)*time.Minute, page.Wish)
	r.FeedState = FeedState{ETag: page.ETag, Modified: page.Modified, Begun: true, Read: now.UnixMilli(), Worked: now.UnixMilli(), Next: now.Add(spread(pause)).UnixMilli()}
}

// spread is a pause that is a little longer: not all feeds are to be read at the same time.
func spread(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// news hears what is new in a feed. It returns the items to be remembered from now on, and
// those that need not be any more. An error is one of hearing.
func (b *bot) news(ctx context.Context, r triggerRow, t Trigger, items []feeds.Item, emit emitter) (add, forget []string, err error) {
	seen, err := b.network.seen(ctx, r.ID)
	if err != nil {
		return nil, nil, err
	}
	var invalid Invalid
	m := t.compile(&invalid)
	if err := invalid.or(); err != nil {
		return nil, nil, err
	}
	for _, i := range items {
		if _, known := seen[i.Key]; known {
			continue
		}
		if r.Begun && !slices.Contains(add, i.Key) {
			if err := b.tellItem(ctx, r, t, m, i, emit); err != nil {
				return nil, nil, err
			}
		}
		add = append(add, i.Key)
	}
	return add, tooMuch(seen, items, len(add)), nil
}

// tooMuch are the items that are forgotten: the oldest of those that the feed has no more.
func tooMuch(seen map[string]int64, items []feeds.Item, more int) []string {
	excess := len(seen) + more - maxSeen
	if excess <= 0 {
		return nil
	}
	for _, i := range items {
		delete(seen, i.Key)
	}
	var old []string
	for key := range seen {
		old = append(old, key)
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(cmp.Compare(seen[a], seen[b]), strings.Compare(a, b)) })
	return old[:min(excess, len(old))]
}

// isOld tells whether an item is news no more. One that does not say when it was published
// may be as old as the time for which the feed was not read: switched off, or in trouble.
func (b *bot) isOld(r triggerRow, i feeds.Item) bool {
	now, fresh := b.network.host.Now(), b.network.host.Config.Reports.Expire
	if i.Published.IsZero() {
		return now.Sub(time.UnixMilli(r.Worked)) > fresh+2*time.Duration(r.Every)*time.Minute
	}
	return now.Sub(i.Published) > fresh
}

// tellItem hears an item, where it is news and wanted.
func (b *bot) tellItem(ctx context.Context, r triggerRow, t Trigger, m mapping, i feeds.Item, emit emitter) error {
	if b.isOld(r, i) {
		return nil
	}
	said, err := t.says(m, i)
	if err != nil {
		b.log.Warn("stream.log.item", "name", r.Name, "err", err)
		return nil
	}
	if said == "" {
		return nil
	}
	err = emit(ctx, bots.Incoming{ID: "feed " + strconv.FormatInt(r.ID, 10) + " " + i.Key, Author: r.Name, Text: said, Visibility: report.Public, Time: i.Published})
	if errors.Is(err, bots.ErrMessage) || errors.Is(err, db.ErrPaused) {
		return nil
	}
	return err
}

// says is the report that becomes of an item; empty where it is not wanted.
func (t Trigger) says(m mapping, i feeds.Item) (string, error) {
	if !t.hasWord(i) {
		return "", nil
	}
	names := itemValues(i)
	if m.when != nil {
		if ok, err := m.when.Bool(names); err != nil || !ok {
			return "", err
		}
	}
	if m.text == nil {
		return feedText.Fit(i.Text()), nil
	}
	said, err := m.text.String(names)
	return strings.TrimSpace(said), err
}

// hasWord tells whether an item has one of the words that are wanted.
func (t Trigger) hasWord(i feeds.Item) bool {
	if len(t.Words) == 0 {
		return true
	}
	all := strings.ToLower(i.Title + "\n" + i.Summary + "\n" + strings.Join(i.Categories, "\n"))
	return slices.ContainsFunc(t.Words, func(w string) bool { return strings.Contains(all, strings.ToLower(w)) })
}

// itemValues are the values of itemNames.
func itemValues(i feeds.Item) map[string]any {
	published, categories := "", make([]any, len(i.Categories))
	if !i.Published.IsZero() {
		published = i.Published.UTC().Format(time.RFC3339)
	}
	for at, c := range i.Categories {
		categories[at] = c
	}
	return map[string]any{"title": i.Title, "summary": i.Summary, "link": i.Link, "published": published, "categories": categories}
}
