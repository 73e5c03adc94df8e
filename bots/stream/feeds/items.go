package feeds

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/rss"

	"ticketfrei/bots/kit/text"
)

// Item is one item of a feed, as text.
type Item struct {
	Key        string // the same of the same item, of no other, and leads nowhere
	Title      string
	Summary    string
	Link       string
	Categories []string
	Published  time.Time // zero where the feed does not say
}

// Parse reads a feed. ttl is how long it says that it holds. The items are the newest, the
// oldest of them first. The error is an *Error.
func Parse(raw []byte) (items []Item, ttl time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			items, err = nil, &Error{Trouble: Broken, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true
	feed, err := parser.Parse(bytes.NewReader(bytes.TrimSpace(raw)))
	switch {
	case errors.Is(err, gofeed.ErrFeedTypeNotDetected):
		return nil, 0, &Error{Trouble: NoFeed}
	case err != nil:
		return nil, 0, &Error{Trouble: Broken, Err: err}
	case feed.FeedType == "json" && feed.FeedVersion == "":
		return nil, 0, &Error{Trouble: NoFeed}
	}
	for _, i := range newest(feed.Items) {
		items = append(items, itemOf(i))
	}
	return items, ttlOf(feed), nil
}

// newest are the newest items, the oldest of them first. Those that do not say when they
// were published stay where they are: feeds begin with what is new.
func newest(list []*gofeed.Item) []*gofeed.Item {
	list = slices.DeleteFunc(list, func(i *gofeed.Item) bool { return i == nil })
	slices.SortStableFunc(list, func(a, b *gofeed.Item) int {
		at, bt := published(a), published(b)
		if at.IsZero() || bt.IsZero() {
			return 0
		}
		return cmp.Compare(bt.UnixNano(), at.UnixNano())
	})
	list = list[:min(len(list), MaxItems)]
	slices.Reverse(list)
	return list
}

func published(i *gofeed.Item) time.Time {
	for _, t := range []*time.Time{i.PublishedParsed, i.UpdatedParsed} {
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}

// Bounds of an item, in characters.
const (
	maxTitle      = 500
	maxSummary    = 2000
	maxLink       = 2000
	maxCategory   = 100
	maxCategories = 20
)

func itemOf(i *gofeed.Item) Item {
	item := Item{Key: keyOf(i), Title: plain(i.Title, maxTitle), Summary: plain(cmp.Or(i.Description, i.Content), maxSummary), Published: published(i)}
	if len(i.Link) <= maxLink {
		item.Link = i.Link
	}
	for _, c := range i.Categories[:min(len(i.Categories), maxCategories)] {
		if c = plain(c, maxCategory); c != "" {
			item.Categories = append(item.Categories, c)
		}
	}
	return item
}

// plain is the text of HTML.
func plain(source string, most int) string {
	return text.Runes(most).Fit(strings.TrimSpace(text.FromHTML(source, text.HTML{})))
}

// keyOf tells items apart by what the feed says that they are, or else by what they say.
func keyOf(i *gofeed.Item) string {
	said := "id " + i.GUID
	switch {
	case i.GUID != "":
	case i.Link != "":
		said = "link " + i.Link + " " + i.Title
	default:
		said = "text " + i.Title + " " + i.Description + " " + i.Published
	}
	sum := sha256.Sum256([]byte(said))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ttlOf is the ttl of an RSS feed, in minutes there.
func ttlOf(f *gofeed.Feed) time.Duration {
	r, ok := f.OriginalFeed().(*rss.Feed)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(r.TTL), 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Minute, longestWish)
}

// Text is what an item says where nothing else is chosen: its title, and its summary where
// that says more.
func (i Item) Text() string {
	if strings.HasPrefix(i.Summary, strings.TrimRight(i.Title, ".…")) {
		return i.Summary
	}
	return strings.TrimSpace(i.Title + "\n" + i.Summary)
}
