package frontend

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestSettingsTexts(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	stored := func(t *testing.T) report.City {
		t.Helper()
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("the default is shown and stays the default", func(t *testing.T) {
		page := w.get("/settings/texts")
		shown := page.value("page")
		if !strings.Contains(shown, "Fürth") {
			t.Fatalf("the default text is %q", shown)
		}
		digest := attr(page.find(func(n *html.Node) bool { return attr(n, "name") == "default" }), "value")
		typed := strings.ReplaceAll(shown, "\n", "\r\n") + "\r\n"
		w.post("/settings/texts", "name", "Fürth (Bayern)", "language", "en", "page", typed, "default", digest).
			want(http.StatusSeeOther, "/settings/texts#texts")
		got := stored(t)
		if got.Name != "Fürth (Bayern)" || got.Language != "en" || got.Page != "" {
			t.Errorf("stored %+v", got)
		}
		if now := w.get("/settings/texts").value("page"); now == shown {
			t.Error("the default text did not follow the name and the language")
		}
	})
	t.Run("saving", func(t *testing.T) {
		before := b.changes(c)
		w.post("/settings/texts", "name", " Fürth ", "language", "de", "page", "## Schön\r\n\r\nhier").
			want(http.StatusSeeOther, "/settings/texts#texts")
		got := stored(t)
		if got.Name != "Fürth" || got.Page != "## Schön\n\nhier" {
			t.Errorf("stored %+v", got)
		}
		if b.changes(c) == before {
			t.Error("nobody was told of the change")
		}
		w.get("/settings/texts").says("texts", "The texts are saved.")
	})
	t.Run("a preview saves nothing and can do no harm", func(t *testing.T) {
		before := stored(t)
		page := w.post("/settings/texts/preview", "name", "Öhringen", "language", "de",
			"page", "## Größe\r\n\r\n<script>alert(1)</script>[x](javascript:alert(1))").want(http.StatusOK, "")
		page.says("preview", "Größe")
		for n := range page.id("preview").Descendants() {
			if n.Data == "script" || strings.Contains(attr(n, "href"), "javascript") {
				t.Errorf("the preview holds <%s %v>", n.Data, n.Attr)
			}
		}
		if got := page.value("name"); got != "Öhringen" {
			t.Errorf("the name came back as %q", got)
		}
		if got := page.value("page"); !strings.Contains(got, "<script>alert(1)</script>") {
			t.Errorf("what was typed came back as %q", got)
		}
		if got := stored(t); got != before {
			t.Errorf("a preview stored %+v", got)
		}
	})
	t.Run("a preview of nothing is the default", func(t *testing.T) {
		page := w.post("/settings/texts/preview", "name", "Öhringen", "language", "de", "page", "").want(http.StatusOK, "")
		page.says("preview", "Öhringen")
	})
	t.Run("mistakes come back at their fields", func(t *testing.T) {
		before := stored(t)
		for _, path := range []string{"/settings/texts", "/settings/texts/preview"} {
			page := w.post(path, "name", " ", "language", "xx", "page", strings.Repeat("x", manage.MaxPage+1)).want(http.StatusUnprocessableEntity, "")
			page.says("name-error", "write a name")
			page.says("texts", "choose one of the languages")
			page.says("page-error", "20000")
		}
		w.post("/settings/texts", "name", strings.Repeat("ü", manage.MaxName+1), "language", "de").want(http.StatusUnprocessableEntity, "").
			says("name-error", "60")
		if got := stored(t); got != before {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("back to the default", func(t *testing.T) {
		w.post("/settings/texts/reset").want(http.StatusSeeOther, "/settings/texts#texts")
		if got := stored(t); got.Page != "" || got.Name != "Fürth" {
			t.Errorf("stored %+v", got)
		}
	})
}

func TestSettingsInGerman(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	w.lang = "de-AT,de;q=0.9"
	w.get("/settings/rules").want(http.StatusOK, "").says("rules", "Auslöser")
	w.get("/settings/networks").want(http.StatusOK, "").says("network-tram", "Startet")
	for _, p := range []string{"/settings", "/settings/reports", "/settings/reports?show=refused", "/settings/rules", "/settings/networks", "/settings/texts",
		"/settings/places", "/settings/people", "/settings/account"} {
		if body := w.get(p).body; strings.Contains(body, "<no value>") || strings.Contains(body, "!settings.") {
			t.Errorf("%s: a text or a value is missing", p)
		}
	}
}
