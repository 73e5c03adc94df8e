package stream

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gorm.io/gorm"
)

// TestStreamsGoOnElsewhere takes the streams of a city, and what it lets in, to another server:
// targets and secrets are the same there.
func TestStreamsGoOnElsewhere(t *testing.T) {
	home, next := newStreet(t), newStreet(t)
	want := Blank()
	must(t, json.Unmarshal(fmt.Appendf(nil, `{"name":"night","include":{"line":["U1"]},"target":%q}`, home.targets.Hook()), &want))
	made, err := home.network.Streams().Put(t.Context(), home.city.ID, want, Any)
	must(t, err)
	feed := NewTrigger(PresetFeed)
	feed.Name, feed.URL, feed.Every = "news", "https://news.example/feed?key=secret", 30
	_, err = home.network.Triggers().Put(t.Context(), home.city.ID, feed, Any)
	must(t, err)

	from, err := home.DB.FindBot(t.Context(), home.city.ID, Name)
	must(t, err)
	to, _, err := next.DB.FirstBot(t.Context(), next.city.ID, Name)
	must(t, err)
	stored, err := home.network.Export(t.Context(), from)
	must(t, err)
	must(t, next.DB.Write(t.Context(), func(tx *gorm.DB) error { return next.network.Import(tx, to, stored) }))

	before, err := home.network.Streams().List(t.Context(), home.city.ID)
	must(t, err)
	after, err := next.network.Streams().List(t.Context(), next.city.ID)
	must(t, err)
	if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(Stream{}, "Revision")); diff != "" || len(after) != 1 {
		t.Errorf("the streams are others:\n%s", diff)
	}
	feeds, err := next.network.Triggers().List(t.Context(), next.city.ID)
	must(t, err)
	if len(feeds) != 1 || feeds[0].URL != feed.URL || feeds[0].Every != feed.Every || !feeds[0].Running {
		t.Errorf("the feeds are %+v", feeds)
	}
	rows, err := next.network.rows(t.Context(), to.ID)
	must(t, err)
	if target, err := next.network.unseal(rows[0].place("target"), rows[0].Target); err != nil || target != want.Target {
		t.Errorf("it sends to %s, %v", target, err)
	}
	if secret, err := next.network.unseal(rows[0].place("secret"), rows[0].Secret); err != nil || secret == "" || secret != made.Secret {
		t.Errorf("it signs with %s, %v", secret, err)
	}
}
