package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"ticketfrei/bots/web/pushtest"
)

// TestBrowsersGoOnElsewhere takes what follows a city to another server, and from there to a
// third one: browsers are sent what they want, signed by the key that they have subscribed with.
func TestBrowsersGoOnElsewhere(t *testing.T) {
	home := newPocket(t)
	all, some := home.service.Phone(), home.service.Phone()
	home.follow(all, nil)
	home.follow(some, map[string]any{"lines": []string{"U2"}, "language": "en"})
	home.send(home.about("U1", onU1))
	key := all.Got()[0].Signed
	for range 2 {
		before := len(all.Got())
		next := newPocket(t)
		stored, err := home.Network.(*Network).Export(t.Context(), home.bot)
		must(t, err)
		must(t, next.DB.Write(t.Context(), func(tx *gorm.DB) error { return next.Network.(*Network).Import(tx, next.bot, stored) }))
		next.page, err = next.Open(next.bot)
		must(t, err)
		if errs := next.send(next.about("U1", onU1)); len(errs) != 1 || errs[0] != nil {
			t.Fatalf("sent with %v", errs)
		}
		if got := all.Got(); len(got) != before+1 || slices.ContainsFunc(got, func(m pushtest.Message) bool { return m.Signed != key }) {
			t.Errorf("the phone got %d messages, signed by others than %s", len(got)-before, key)
		}
		if page := next.Browser().Get("/city/nuernberg/web/", http.StatusOK); !strings.Contains(page.Body, `data-key="`+key+`"`) {
			t.Error("who subscribes now does so with another key")
		}
		home = next
	}
	if n := len(some.Got()); n != 0 {
		t.Errorf("who wants another line got %d", n)
	}
}
