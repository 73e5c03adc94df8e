package frontend

import (
	"net/http"
	"strings"
	"testing"

	"ticketfrei/internal/report"
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
	b.city("nuernberg", "Nürnberg", m)
	second := b.city("fuerth", "Fürth", m)
	w := b.login("one@example.org")
	// Fürth comes first by name, so the settings are about it.
	b.bot(second, "tram")

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
	t.Run("delete", func(t *testing.T) {
		before := b.changes(second)
		w.post("/settings/account/delete", "slug", "Fuerth ", "password", boardPassword).want(http.StatusSeeOther, "/settings/account#account")
		if c, err := b.db.City(t.Context(), second.ID); err != nil || c.State() != report.CityDeleted {
			t.Errorf("the city is %s: %v", c.State(), err)
		}
		b.tram.set(func(n *toyNetwork) {
			if len(n.forgot) != 0 {
				t.Errorf("forgotten are %v", n.forgot)
			}
		})
		if b.changes(second) == before {
			t.Error("nobody was told")
		}
		w.get("/settings").want(http.StatusOK, "").says("off", "Fürth is switched off")
	})
	t.Run("bring back", func(t *testing.T) {
		w.post("/settings/account/restore").want(http.StatusSeeOther, "/settings")
		page := w.get("/settings").want(http.StatusOK, "")
		if text := page.text(page.doc); !strings.Contains(text, "Fürth is back") || strings.Contains(page.body, `id="off"`) {
			t.Error("the page does not say that it is back")
		}
		if c, err := b.db.City(t.Context(), second.ID); err != nil || c.Off() {
			t.Errorf("the city is %s: %v", c.State(), err)
		}
	})
}
