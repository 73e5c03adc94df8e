package frontend

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
)

// TestKeys has a moderator make a key, which is shown once, and remove it.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	page := w.post("/settings/keys", "name", "Skript <1>", "right", "streams", "life", "90d").want(http.StatusOK, "")
	key := page.text(page.id("new-key"))
	if !strings.HasPrefix(key, "tf_nuernberg_") {
		t.Fatalf("the key is %q", key)
	}
	page.says("key-list", "Skript <1>")
	k, err := b.db.FindAPIKey(t.Context(), apikey.Hash(key))
	if err != nil || k.CityID != c.ID || apikey.Join(k.Rights) != "streams" || k.Expires.IsZero() {
		t.Errorf("%+v, %v", k, err)
	}
	if again := w.get("/settings/people"); again.has("new-key") || strings.Contains(again.text(again.id("keys")), key) {
		t.Error("the key is shown a second time")
	}
	w.get(fmt.Sprint("/settings/keys/remove?key=", k.ID)).want(http.StatusOK, "").says("ask", "Yes, remove")
	for range 2 {
		w.post("/settings/keys/remove", "key", fmt.Sprint(k.ID)).want(http.StatusSeeOther, "/settings/people#keys")
	}
	if page := w.get("/settings/people"); page.has("key-list") {
		t.Error("the key is still listed")
	}
	w.get("/settings/keys").want(http.StatusSeeOther, "/settings/people#keys")
}

// TestKeysThatAreNotMade has the form filled in wrongly.
func TestKeysThatAreNotMade(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	page := w.post("/settings/keys", "name", "a script").want(http.StatusUnprocessableEntity, "")
	page.says("key-right-error", "Please choose at least one.")
	if page.value("key-name") != "a script" {
		t.Error("what was typed is gone")
	}
	w.post("/settings/keys", "name", strings.Repeat("ä", 61), "right", "read").want(http.StatusUnprocessableEntity, "").says("key-name-error", "At most 60")
	for _, fields := range [][]string{{"right", "cities"}, {"right", "read", "life", "soon"}} {
		w.post("/settings/keys", fields...).want(http.StatusBadRequest, "")
	}
	for i := range db.MaxAPIKeys {
		if _, err := b.db.AddAPIKey(t.Context(), apikey.Key{CityID: c.ID, Rights: []apikey.Right{apikey.Read}}, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.post("/settings/keys", "right", "read").want(http.StatusUnprocessableEntity, "").says("key-full", "There are 50 keys already.")
}

// TestKeysOfAnotherCity are neither shown nor removed.
func TestKeysOfAnotherCity(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	other := b.city("fuerth", "Fürth", b.moderator("two@example.org"))
	k, err := b.db.AddAPIKey(t.Context(), apikey.Key{CityID: other.ID, Name: "theirs", Rights: []apikey.Right{apikey.Read}}, "h")
	if err != nil {
		t.Fatal(err)
	}
	w := b.login("one@example.org")
	w.get("/settings/people").silent("keys", "theirs")
	w.get(fmt.Sprint("/settings/keys/remove?key=", k.ID)).want(http.StatusNotFound, "")
	w.post("/settings/keys/remove", "key", fmt.Sprint(k.ID))
	if _, err := b.db.FindAPIKey(t.Context(), "h"); err != nil {
		t.Errorf("the key of another city: %v", err)
	}
}
