package frontend

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"ticketfrei/censor"
	"ticketfrei/db/dbtest"
)

// switches are the links of a page to itself in other languages, by language.
func (a answer) switches() map[string]*html.Node {
	links := map[string]*html.Node{}
	for _, n := range a.all("a") {
		if hasAttr(n, "hreflang") {
			links[attr(n, "hreflang")] = n
		}
	}
	return links
}

// inLanguage says how the page is marked.
func (a answer) inLanguage(lang, dir string) {
	a.t.Helper()
	if root := a.all("html")[0]; attr(root, "lang") != lang || attr(root, "dir") != dir {
		a.t.Errorf("the page is marked %s, %s; want %s, %s", attr(root, "lang"), attr(root, "dir"), lang, dir)
	}
}

var sixLanguages = map[string]string{"en": "English", "de": "Deutsch", "tr": "Türkçe", "ar": "العربية", "uk": "Українська", "fr": "Français"}

// TestEveryPageOfRidersHasTheSwitch follows each of its links.
func TestEveryPageOfRidersHasTheSwitch(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	for path, status := range map[string]int{
		"/": http.StatusOK, "/?q=n%C3%BCrn": http.StatusOK, "/city/nuernberg": http.StatusOK, "/city/nuernberg/mail": http.StatusOK,
		"/nowhere": http.StatusNotFound, "/city/atlantis": http.StatusNotFound,
	} {
		t.Run(path, func(t *testing.T) {
			w := tn.browser()
			w.lang = "tr"
			page := w.get(path).want(status, "")
			page.inLanguage("tr", "ltr")
			links := page.switches()
			if len(links) != len(sixLanguages) {
				t.Fatalf("there are links to %v", slices.Collect(maps.Keys(links)))
			}
			for lang, name := range sixLanguages {
				n := links[lang]
				if page.text(n) != name || attr(n, "lang") != lang || hasAttr(n, "aria-current") != (lang == "tr") {
					t.Errorf("the link to %s is %q, marked %s, %q", lang, page.text(n), attr(n, "lang"), attr(n, "aria-current"))
				}
				dir := "ltr"
				if lang == "ar" {
					dir = "rtl"
				}
				chosen := w.get(attr(n, "href")).want(status, "")
				chosen.inLanguage(lang, dir)
				chosen.translated()
				for name, values := range queryOf(t, path) {
					if name != langParam && !slices.Equal(queryOf(t, attr(n, "href"))[name], values) {
						t.Errorf("the link to %s loses %s: %s", lang, name, attr(n, "href"))
					}
				}
			}
		})
	}
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// TestACityIsReadInItsLanguage where the browser asks for none that there is.
func TestACityIsReadInItsLanguage(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	for wants, lang := range map[string]string{"ja": "de", "": "de", "ja, en;q=0.1": "en"} {
		for _, path := range []string{"/city/nuernberg", "/city/nuernberg/mail"} {
			_, page := tn.request(http.MethodGet, path, "", "Accept-Language", wants)
			page.inLanguage(lang, "ltr")
		}
	}
}

// TestTheChosenLanguageStays reads from page to page, and nothing is stored for it.
func TestTheChosenLanguageStays(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	for _, path := range []string{"/?lang=fr", "/city/nuernberg?lang=fr", "/nowhere?lang=fr"} {
		resp, page := tn.request(http.MethodGet, path, "", "Accept-Language", "de")
		if resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", path)
		}
		for _, n := range page.all("a") {
			href := attr(n, "href")
			if hasAttr(n, "hreflang") || !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "/settings") || strings.HasSuffix(href, ".atom") {
				continue // what is no page, or for moderators
			}
			if queryOf(t, href).Get("lang") != "fr" {
				t.Errorf("%s: the link to %s loses the language", path, href)
			}
		}
	}
	_, page := tn.request(http.MethodGet, "/?lang=fr", "")
	if fields := page.fields("search"); !slices.Equal(fields[:2], []string{"lang", "fr"}) {
		t.Errorf("the search sends %q", fields)
	}
	resp, _ := tn.request(http.MethodGet, "/city/N%C3%BCrnberg?lang=fr&line=U1", "")
	if got := resp.Header.Get("Location"); got != "/city/nuernberg?lang=fr&line=U1" {
		t.Errorf("who spells the city otherwise is led to %s", got)
	}
	_, page = tn.request(http.MethodGet, "/?lang=xx", "", "Accept-Language", "de")
	page.inLanguage("de", "ltr")
}

// TestAFormsAnswerLeadsToAPage answers a form in the chosen language. It has no address of
// its own that a link could open.
func TestAFormsAnswerLeadsToAPage(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	_, page := tn.request(http.MethodPost, "/city/nuernberg/mail/nothing?lang=uk", "text=x")
	page.inLanguage("uk", "ltr")
	for lang, n := range page.switches() {
		if want := "/?lang=" + lang; attr(n, "href") != want && attr(n, "href") != "/city/nuernberg?lang="+lang {
			t.Errorf("the link to %s leads to %s", lang, attr(n, "href"))
		}
	}
}

// TestModeratorsWordsKeepTheirLanguage shows a text of moderators to somebody who reads
// the page in Arabic, and what is ours in Arabic.
func TestModeratorsWordsKeepTheirLanguage(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()
	w.lang = "ar"
	page := w.get("/city/nuernberg").want(http.StatusOK, "")
	page.inLanguage("ar", "rtl")
	page.says("text", "تفتيش")
	dbtest.MustSaveTexts(t, tn.db, c.ID, c.Name, c.Language, "Willkommen in Nürnberg")
	tn.site.Notices.Changed(c.ID)
	page = w.get("/city/nuernberg").want(http.StatusOK, "")
	page.says("text", "Willkommen")
	if n := page.id("text"); attr(n, "lang") != "de" || attr(n, "dir") != "auto" {
		t.Errorf("the text is marked %s, %s", attr(n, "lang"), attr(n, "dir"))
	}
}

func TestModeratorsPagesAreInTheirLanguages(t *testing.T) {
	tn := newTown(t)
	for _, path := range []string{"/login", "/register", "/password"} {
		for wants, lang := range map[string]string{"tr": "en", "uk, de;q=0.5": "de", "de": "de", "ar": "en"} {
			w := tn.browser()
			w.lang = wants
			page := w.get(path).want(http.StatusOK, "")
			page.inLanguage(lang, "ltr")
			page.translated()
			if len(page.switches()) > 0 {
				t.Errorf("%s offers languages that it does not have", path)
			}
		}
	}
}

// TestSignUpChoosesTheLanguageOfTheCity signs up from browsers of many languages.
func TestSignUpChoosesTheLanguageOfTheCity(t *testing.T) {
	tn := newTown(t)
	for i, tt := range []struct {
		browser, path, chosen, want string
		city, slug                  string
	}{
		{"uk-UA,uk;q=0.9,en;q=0.5", "/register", "", "uk", "Київ", "kyiv"},
		{"tr", "/register", "ar", "ar", "القاهرة", "alqahra"},
		{"en", "/register?lang=tr", "", "tr", "İstanbul", "istanbul"},
		{"fr", "/register", "xx", "fr", "Orléans", "orleans"},
		{"ja", "/register", "", "en", "Springfield", "springfield"},
	} {
		t.Run(tt.city, func(t *testing.T) {
			w := tn.browser()
			w.lang = tt.browser
			if form := w.get(tt.path).want(http.StatusOK, ""); tt.chosen == "" && selected(form) != tt.want {
				t.Errorf("the form suggests %s", selected(form))
			}
			fields := []string{"email", "rider" + string(rune('a'+i)) + "@example.org", "city", tt.city}
			if tt.chosen != "" {
				fields = append(fields, "language", tt.chosen)
			}
			if sent := w.post(tt.path, fields...); sent.status != http.StatusSeeOther {
				t.Fatalf("status %d", sent.status)
			}
			_, _, text, link := tn.lastMail()
			if !strings.Contains(text, tt.slug+"@tickets.example") {
				t.Errorf("the mail says\n%s", text)
			}
			w.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
			c, err := tn.db.FindCity(t.Context(), tt.slug)
			if err != nil || c.Language != tt.want || c.Name != tt.city || c.Triggers != censor.DefaultTriggers(tt.want) {
				t.Errorf("%+v, %v", c, err)
			}
			if got := selected(w.get("/settings/texts").want(http.StatusOK, "")); got != tt.want {
				t.Errorf("the settings show %s", got)
			}
		})
	}
}

// selected is the language that the form of a page has chosen.
func selected(a answer) string {
	n := a.find(func(n *html.Node) bool {
		return n.Data == "option" && hasAttr(n, "selected") && attr(n.Parent, "id") == "language"
	})
	if n == nil {
		return ""
	}
	return attr(n, "value")
}

// TestSignUpAsksForAShortName has a name of which no address can be made.
func TestSignUpAsksForAShortName(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "someone@example.org")
	w := tn.browser()
	if w.get("/register").has("short") {
		t.Error("everybody is asked for a short name")
	}
	try := func(short string) answer {
		page := w.post("/register", "email", "rider@example.org", "city", "🚋 ☂", "short", short)
		if page.status == http.StatusUnprocessableEntity && page.value("city") != "🚋 ☂" {
			t.Error("the name did not come back")
		}
		return page
	}
	try("").want(http.StatusUnprocessableEntity, "").says("city-error", "choose a short one")
	try("-").want(http.StatusUnprocessableEntity, "").says("short-error", "at least two letters")
	try("postmaster").want(http.StatusUnprocessableEntity, "").says("short-error", "reserved")
	taken := try("Fürth").want(http.StatusUnprocessableEntity, "")
	taken.says("short-error", "here already")
	if taken.value("short") != "Fürth" {
		t.Error("the short name did not come back")
	}
	try("Tram Town").want(http.StatusSeeOther, "/register/sent")
	_, _, _, link := tn.lastMail()
	w.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
	if c, err := tn.db.FindCity(t.Context(), "tram-town"); err != nil || c.Name != "🚋 ☂" {
		t.Errorf("%+v, %v", c, err)
	}
}
