package frontend

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestPoster(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")

	page := w.get("/city/fuerth/poster?lang=de").want(http.StatusOK, "")
	page.translated()
	img := page.find(func(n *html.Node) bool { return n.Data == "img" && strings.HasPrefix(attr(n, "class"), "poster ") })
	for _, src := range []string{attr(img, "src"), attr(page.id("poster-svg"), "href")} {
		svg := w.get(src).want(http.StatusOK, "")
		if !strings.Contains(svg.body, ">Fürth</text>") || !strings.Contains(svg.body, "Kontrolle gesehen?") || !strings.Contains(svg.body, "/city/fuerth</text>") {
			t.Errorf("%s: %.800s", src, svg.body)
		}
	}
	if pdf := w.get(attr(page.id("poster-pdf"), "href")); !strings.HasPrefix(pdf.body, "%PDF-") {
		t.Errorf("the PDF is %.40q", pdf.body)
	}
	for _, size := range []string{"a4", "a6", "sticker"} {
		w.get("/city/fuerth/poster?size="+size).want(http.StatusOK, "").translated()
		w.get("/city/fuerth/poster.svg?size="+size).want(http.StatusOK, "")
		w.get("/city/fuerth/poster.pdf?size="+size).want(http.StatusOK, "")
	}
	for _, path := range []string{"/city/fuerth/poster?size=a0", "/city/fuerth/poster.pdf?size=", "/city/fuerth/poster.svg?size=../x", "/city/nowhere/poster"} {
		if got := w.get(path).status; got != http.StatusNotFound && !strings.HasSuffix(path, "size=") {
			t.Errorf("%s answers %d", path, got)
		}
	}

	before := b.changes(c)
	w.post("/settings/texts/poster", "poster", " Fahrt ihr?\r\n<b>Schreibt</b> ").want(http.StatusSeeOther, "/settings/texts#texts")
	if b.changes(c) == before {
		t.Error("nobody was told of the change")
	}
	settings := w.get("/settings/texts")
	settings.says("texts", "The text of the poster is saved.")
	if got := settings.value("poster"); got != "Fahrt ihr?\n<b>Schreibt</b>" {
		t.Errorf("stored %q", got)
	}
	if got := w.get("/city/fuerth/poster.svg").body; !strings.Contains(got, ">Fahrt ihr?</text>") || !strings.Contains(got, "&lt;b&gt;Schreibt&lt;/b&gt;") {
		t.Errorf("%.800s", got)
	}
	long := strings.Repeat("ä", 301)
	again := w.post("/settings/texts/poster", "poster", long).want(http.StatusUnprocessableEntity, "")
	if again.value("poster") != long || !again.has("poster-error") {
		t.Error("what was too long is not shown again with what is wrong")
	}
	w.post("/settings/texts/poster", "poster", "").want(http.StatusSeeOther, "/settings/texts#texts")
	if got := w.get("/city/fuerth/poster.svg?lang=fr").body; !strings.Contains(got, "Tu vois un contrôle") {
		t.Errorf("%.800s", got)
	}
}
