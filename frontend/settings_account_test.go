package frontend

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/manage"
)

func TestSettingsPassword(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w, elsewhere := b.login("one@example.org"), b.login("one@example.org")

	t.Run("mistakes", func(t *testing.T) {
		page := w.post("/settings/account/password", "old", "wrong", "new", "short").want(http.StatusUnprocessableEntity, "")
		page.says("old-error", "not your current password")
		if page.text(page.id("new-error")) == "" {
			t.Error("nothing is said of a short password")
		}
		if strings.Contains(page.body, `value="wrong"`) || strings.Contains(page.body, `value="short"`) {
			t.Error("a password came back")
		}
		w.post("/settings/account/password", "old", boardPassword, "new", strings.Repeat("x", manage.MaxPassword+1)).want(http.StatusUnprocessableEntity, "")
		elsewhere.get("/settings").want(http.StatusOK, "")
	})
	t.Run("a new one ends all other sessions", func(t *testing.T) {
		const changed = "dreizehn Kontrolleure im Schnee"
		w.post("/settings/account/password", "old", boardPassword, "new", changed).want(http.StatusSeeOther, "/settings/account#account")
		w.get("/settings/account").want(http.StatusOK, "").says("account", "Your password is changed.")
		elsewhere.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		b.browser().post("/login", "email", "one@example.org", "password", boardPassword).want(http.StatusUnauthorized, "")
		b.browser().post("/login", "email", "one@example.org", "password", changed).want(http.StatusSeeOther, "/settings")
	})
	t.Run("guessing is limited", func(t *testing.T) {
		status := 0
		for range passwordLimit {
			status = w.post("/settings/account/password", "old", "wrong", "new", "short").status
		}
		if status != http.StatusTooManyRequests {
			t.Errorf("status %d after %d guesses", status, passwordLimit)
		}
	})
}

func TestSettingsDeleteCity(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	m := b.moderator("one@example.org")
	first, second := b.city("nuernberg", "Nürnberg", m), b.city("fuerth", "Fürth", m)
	w := b.login("one@example.org")
	// Fürth comes first by name, so the settings are about it.
	bot := b.bot(second, "tram")

	t.Run("mistakes", func(t *testing.T) {
		page := w.post("/settings/account/delete", "slug", "fuert", "password", boardPassword).want(http.StatusUnprocessableEntity, "")
		page.says("slug-error", "fuerth")
		page = w.post("/settings/account/delete", "slug", "fuerth", "password", "wrong").want(http.StatusUnprocessableEntity, "")
		page.says("delete-password-error", "not your current password")
		if got := page.value("delete-slug"); got != "fuerth" {
			t.Errorf("what was typed came back as %q", got)
		}
		if _, err := b.db.City(t.Context(), second.ID); err != nil {
			t.Error(err)
		}
	})
	t.Run("a network that does not forget", func(t *testing.T) {
		b.tram.set(func(n *toyNetwork) { n.forgetErr = errors.New("broken") })
		page := w.post("/settings/account/delete", "slug", "fuerth", "password", boardPassword).want(http.StatusInternalServerError, "")
		page.says("delete-city", "Toy tram did not let go")
		if _, err := b.db.City(t.Context(), second.ID); err != nil {
			t.Error(err)
		}
		b.tram.set(func(n *toyNetwork) { n.forgetErr, n.forgot = nil, nil })
	})
	t.Run("one of two cities", func(t *testing.T) {
		before := b.changes(second)
		w.post("/settings/account/delete", "slug", "Fuerth ", "password", boardPassword).want(http.StatusSeeOther, "/settings")
		if _, err := b.db.City(t.Context(), second.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("the city is still there: %v", err)
		}
		b.tram.set(func(n *toyNetwork) {
			if diff := cmp.Diff([]int64{bot.ID}, n.forgot); diff != "" {
				t.Errorf("forgotten bots (-want +got):\n%s", diff)
			}
		})
		if b.changes(second) == before {
			t.Error("nobody was told")
		}
		page := w.get("/settings").want(http.StatusOK, "")
		if text := page.text(page.doc); !strings.Contains(text, "Fürth is deleted") || !strings.Contains(text, "Overview · Nürnberg") {
			t.Error("the page does not say goodbye to one city and show the other")
		}
	})
	t.Run("the last city", func(t *testing.T) {
		w.post("/settings/account/delete", "slug", first.Slug, "password", boardPassword).want(http.StatusSeeOther, "/")
		if home := w.get("/"); !strings.Contains(home.text(home.doc), "Nürnberg is deleted") {
			t.Error("nothing is said")
		}
		w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		if _, err := b.db.FindModerator(t.Context(), "one@example.org"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("the login is still there: %v", err)
		}
	})
}
