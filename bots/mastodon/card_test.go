package mastodon

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// page is what a template sees.
type page struct {
	Data any
	City report.City
	t    func(id string, data ...any) string
}

func (p *page) T(id string, data ...any) string { return p.t(id, data...) }
func (p *page) With(data any) *page             { return &page{data, p.City, p.t} }

// missing is how a text or a value that is not there looks on a page.
var missing = regexp.MustCompile(`![a-z0-9_]+\.[a-z0-9_.]+!|no value|ZgotmplZ`)

// render returns the card in a language, where every text must be there.
func (w *world) render(t *testing.T, c *account.Card, language string) string {
	t.Helper()
	set := template.Must(template.New("").Parse(`{{define "settings-city"}}{{end}}`))
	template.Must(set.ParseFS(kit.Files, "partials/*.tmpl"))
	template.Must(set.ParseFS(files, "settings.tmpl"))
	var out strings.Builder
	texts := func(id string, data ...any) string { return w.site.Texts.T(language, id, data...) }
	check(t, set.ExecuteTemplate(&out, "settings.tmpl", &page{c, w.city, texts}))
	if bad := missing.FindString(out.String()); bad != "" {
		t.Errorf("%q in\n%s", bad, out.String())
	}
	return out.String()
}

func TestCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	begin := w.card()
	w.do("POST", "/settings/mastodon/connect", url.Values{"instance": {"a<b"}})
	wrong := w.site.Shown
	w.do("POST", "/settings/mastodon/token", url.Values{"instance": {w.server.URL}, "token": {"wrong"}})
	refused := w.site.Shown
	w.do("POST", "/settings/mastodon/token", w.login())
	waiting := w.card()
	w.connect()
	for name, tt := range map[string]struct {
		card *account.Card
		want []string
	}{
		"nothing connected": {begin, []string{`<details open>`, `action="/settings/mastodon/connect"`, `name="instance"`, `name="token"`, `type="password"`}},
		"wrong instance":    {wrong, []string{`value="a&lt;b"`, `id="mastodon-error"`, `aria-invalid="true"`}},
		"token refused":     {refused, []string{`id="mastodon-token-error"`, `HTTP 401`}},
		"to be confirmed":   {waiting, []string{`action="/settings/mastodon/confirm`, `formaction="/settings/mastodon/cancel`, fmt.Sprintf(`value="%s"`, w.account.ID())}},
		"connected":         {w.card(), []string{fmt.Sprintf(`<a href="%s"`, w.account.URL()), "<details>", fmt.Sprintf(`value="%s"`, w.server.Domain())}},
	} {
		for _, language := range []string{"en", "de"} {
			html := w.render(t, tt.card, language)
			for _, want := range tt.want {
				if !strings.Contains(html, want) {
					t.Errorf("%s in %s: %q is missing in\n%s", name, language, want, html)
				}
			}
			if ids := regexp.MustCompile(` id="[^"]*"`).FindAllString(html, -1); len(ids) != len(unique(ids)) {
				t.Errorf("%s: an id is there twice: %q", name, ids)
			}
		}
	}
}

func unique(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

func TestTextsAreThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	for _, id := range []string{"title", "lead", "how", "error.bad_instance", "error.state", "error.denied", "error.no_token", "error.cut",
		"log.silent", "log.cut", "log.later", "log.strangers"} {
		if !w.site.Texts.Has("mastodon." + id) {
			t.Errorf("text mastodon.%s is missing", id)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	handler := must(w.network.(bots.Demo).StartDemo(w.ctx, w.site, w.city))(t)
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	b := w.load(row)
	check(t, b.Check(w.ctx))
	in := kittest.NewInbox()
	kittest.Receive(t, b, in)
	write := func(text, visibility string) int {
		return kittest.Request(t, handler, "POST", "/", url.Values{"text": {text}, "visibility": {visibility}}).Code
	}
	if code := write("U1 öffentlich", "public"); code != http.StatusSeeOther {
		t.Fatalf("writing answered %d", code)
	}
	write("U1 leise", "private")
	in.Wait(t, 2)
	for _, i := range in.All() {
		d := delivery(row, i.Visibility, i.Text)
		w.keep(&d, i.ID)
		must(b.Send(w.ctx, d))(t)
	}
	if code := write(" ", "public"); code != http.StatusUnprocessableEntity {
		t.Errorf("an empty text was answered with %d", code)
	}
	code := kittest.Request(t, handler, "GET", "/", nil).Code
	html := w.site.Render(t, kit.Files, "demo.tmpl", "en", w.site.ShownPage)
	boosted, posted := strings.Index(html, "U1 öffentlich"), strings.Index(html, "U1 leise")
	if code != http.StatusOK || boosted < 0 || posted < 0 || !strings.Contains(html, "shared from @rider@mastodon.example") || strings.Count(html, "<article>") != 2 {
		t.Errorf("page %d shows %s", code, html)
	}
}
