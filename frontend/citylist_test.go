package frontend

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// reads is tell for a report in which something was read.
func (tn *town) reads(c report.City, id, text string, ago time.Duration, read report.Reading) {
	tn.t.Helper()
	at := tn.clock.time().Add(-ago)
	r := report.Report{ID: id, CityID: c.ID, Network: "mail", NetworkID: id, Text: text, Visibility: report.Private, Time: at, Received: at, Reading: read}
	dbtest.MustSaveReport(tn.t, tn.db, r, report.Verdict{Passed: true, Reason: report.ReasonPlace})
	tn.notices.Passed(c.ID)
}

// places gives the city its lines and stops.
func (tn *town) places(c report.City, text string) {
	tn.t.Helper()
	dbtest.MustSavePlaces(tn.t, tn.db, c.ID, text)
	tn.notices.Changed(c.ID)
}

const twoLines = "U1 #0065ae: Langwasser, Plärrer, Fürth\nU2 #ffd400: Röthenbach, Plärrer, Flughafen\nS1: Bamberg, Plärrer"

// on is what is read of a report on a line at Plärrer.
func on(line string) report.Reading {
	return report.Reading{Line: line, Stop: "Plärrer", Lines: report.NewLines(line)}
}

// classed returns the elements with a class within #id.
func (a answer) classed(id, class string) []*html.Node {
	a.t.Helper()
	var list []*html.Node
	for n := range a.id(id).Descendants() {
		if n.Type == html.ElementNode && slices.Contains(strings.Fields(attr(n, "class")), class) {
			list = append(list, n)
		}
	}
	return list
}

// ids returns the reports within #id.
func (a answer) ids(id string) []string {
	list := []string{}
	for _, n := range a.classed(id, "report") {
		list = append(list, strings.TrimPrefix(attr(n, "id"), "report-"))
	}
	return list
}

func TestReportsShowTheirAgeFadeAndFold(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	for id, ago := range map[string]time.Duration{"now": 20 * time.Second, "new": 3 * time.Minute, "half": 30 * time.Minute, "almost": 59 * time.Minute,
		"hour": time.Hour, "day": 23 * time.Hour, "gone": 25 * time.Hour} {
		tn.tell(c, id, "2 Kontis "+id, ago)
	}
	w := tn.browser()
	page := w.get("/city/nuernberg").want(http.StatusOK, "")
	if diff := cmp.Diff([]string{"now", "new", "half", "almost"}, page.ids("recent")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"hour", "day"}, page.ids("older")); diff != "" {
		t.Error(diff)
	}
	if page.id("older").Data != "details" || page.text(page.id("older-count")) != "2" {
		t.Error("older reports are not folded, with how many they are")
	}
	var faded []string
	for _, n := range page.classed("recent", "faded") {
		faded = append(faded, attr(n, "id"))
	}
	if diff := cmp.Diff([]string{"report-half", "report-almost"}, faded); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"now", "3 min", "30 min", "59 min", "1 h", "23 h"}, page.texts("reports", "time")); diff != "" {
		t.Error(diff)
	}
	page.says("state", "newest just now")
	w.lang = "de"
	german := w.get("/city/nuernberg")
	german.says("state", "neueste gerade eben")
	if got := german.texts("reports", "time")[1]; got != "3 Min." {
		t.Errorf("in German: %q", got)
	}
	at := tn.clock.time().Add(-3 * time.Minute).In(berlin(t))
	for _, n := range german.all("time") {
		if german.text(n) == "3 Min." && (attr(n, "datetime") != at.Format(time.RFC3339) || !strings.HasSuffix(attr(n, "title"), at.Format("15:04"))) {
			t.Errorf("the time itself is %s, %q", attr(n, "datetime"), attr(n, "title"))
		}
	}
	tn.clock.pass(time.Hour)
	quiet := w.get("/city/nuernberg")
	quiet.says("state", "nichts in der letzten Stunde")
	if len(quiet.ids("recent")) > 0 || len(quiet.ids("older")) != 5 {
		t.Errorf("an hour later: %q, %q", quiet.ids("recent"), quiet.ids("older"))
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneLineOfAPageAndItsFeed(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.places(c, twoLines)
	tn.reads(c, "a", "2 Kontis in der U1", 3*time.Minute, on("U1"))
	tn.reads(c, "b", "Kontrolle U2", 5*time.Minute, on("U2"))
	tn.reads(c, "both", "Kontrolle Plärrer", 7*time.Minute, report.Reading{Stop: "Plärrer", Lines: report.NewLines("U1", "U2")})
	tn.reads(c, "long ago", "U1 voll", 2*time.Hour, on("U1"))
	tn.tell(c, "none", "Kontrolle irgendwo", time.Minute)
	w := tn.browser()
	for query, want := range map[string][]string{
		"":                    {"none", "a", "b", "both", "long ago"},
		"?line=U1":            {"a", "both", "long ago"},
		"?line=u2&lang=de":    {"b", "both"},
		"?line=S1":            {},
		"?line=U9":            {},
		"?line=%22%3E%3Cscri": {},
	} {
		t.Run(query, func(t *testing.T) {
			page := w.get("/city/nuernberg"+query).want(http.StatusOK, "")
			page.translated()
			if diff := cmp.Diff(want, page.ids("reports")); diff != "" {
				t.Error(diff)
			}
			if len(want) == 0 && !page.has("no-reports") {
				t.Error("it does not say that there is nothing")
			}
			if query == "" {
				return
			}
			if attr(page.id("reports"), "data-version") != "" {
				t.Error("a page with a part of the reports seems to have all")
			}
			feed := w.get("/city/nuernberg/feed.atom"+strings.TrimSuffix(query, "&lang=de")).want(http.StatusOK, "")
			if got := strings.Count(feed.body, "<entry>"); got != len(want) {
				t.Errorf("the feed has %d entries, the page %d", got, len(want))
			}
		})
	}
	page := w.get("/city/nuernberg?lang=de")
	if diff := cmp.Diff([]string{"Alle", "U1 2", "U2 2", "S1", "Alle Linien"}, page.texts("lines", "a")); diff != "" {
		t.Error(diff)
	}
	chosen := w.get("/city/nuernberg?line=U1&lang=de")
	for _, n := range chosen.all("a") {
		if !hasAttr(n, "data-line") {
			continue
		}
		if current := attr(n, "aria-current") != ""; current != (attr(n, "data-line") == "U1") {
			t.Errorf("%s: chosen %v", chosen.text(n), current)
		}
		if attr(n, "data-line") == "U2" && attr(n, "href") != "/city/nuernberg?lang=de&line=U2" {
			t.Errorf("the link of another line leads to %s", attr(n, "href"))
		}
	}
	if !strings.Contains(chosen.body, `href="/city/nuernberg?lang=ar&amp;line=U1"`) {
		t.Error("the page in another language is about other lines")
	}
	if !strings.Contains(chosen.body, `href="/city/nuernberg/feed.atom?line=U1"`) || strings.Contains(chosen.body, `feed.atom"`) {
		t.Error("the links to the feed are about another line")
	}
}

func TestFeedSaysWhatWasRead(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.places(c, twoLines)
	read := on("U1")
	read.Toward, read.Lines = "Fürth", report.NewLines("U1", "U2")
	tn.reads(c, "a", "2 Kontis nach Fürth", time.Minute, read)
	var feed struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Entries []struct {
			Title    string `xml:"title"`
			Content  string `xml:"content"`
			Category []struct {
				Term string `xml:"term,attr"`
			} `xml:"category"`
		} `xml:"entry"`
	}
	_, a := tn.request(http.MethodGet, "/city/nuernberg/feed.atom?line=U2", "")
	if err := xml.Unmarshal([]byte(a.body), &feed); err != nil || len(feed.Entries) != 1 {
		t.Fatalf("%v\n%s", err, a.body)
	}
	e := feed.Entries[0]
	if e.Title != "U1 Plärrer → Fürth" || e.Content != "2 Kontis nach Fürth" || fmt.Sprint(e.Category) != "[{U1} {U2}]" {
		t.Errorf("entry %+v", e)
	}
	if !strings.HasSuffix(feed.ID, "city:nuernberg:line:U2") || !strings.HasSuffix(feed.Title, "· U2") {
		t.Errorf("the feed of a line is %s, %q", feed.ID, feed.Title)
	}
}

func TestAllClearIsShownAndAnswersReports(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.places(c, twoLines)
	tn.reads(c, "there", "2 Kontis", 20*time.Minute, on("U1"))
	tn.reads(c, "elsewhere", "U2 Flughafen", 19*time.Minute, report.Reading{Line: "U2", Stop: "Flughafen", Lines: "|U2|"})
	w := tn.browser()
	live := tn.watch(tn.liveURL(c))
	tn.knows(c)
	over := on("U1")
	over.Clear = true
	tn.reads(c, "clear", "Plärrer wieder frei", time.Minute, over)
	names, _, text := live.until()
	if diff := cmp.Diff([]string{"report", "report"}, names); diff != "" || !strings.Contains(text, "report-there") || !strings.Contains(text, "report-clear") {
		t.Errorf("open pages were told %s: %s", diff, text)
	}
	page := w.get("/city/nuernberg").want(http.StatusOK, "")
	for class, id := range map[string]string{"clear": "report-clear", "answered": "report-there"} {
		if list := page.classed("recent", class); len(list) != 1 || attr(list[0], "id") != id {
			t.Errorf("%s: %d of them", class, len(list))
		}
	}
	page.says("report-clear", "All-clear:")
	page.says("report-there", "all-clear since then")
	if got := page.texts("lines", "a"); got[1] != "U1" || got[2] != "U2 1" {
		t.Errorf("what is answered still counts: %q", got)
	}
}

// TestReportShowsItsLine has words that say more than what was read in them, and words
// that say the same, which stand there once.
func TestReportShowsItsLine(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.places(c, twoLines)
	read := on("U1")
	read.Toward = "Fürth"
	tn.reads(c, "more", "Plärrer U1, 2 Kontis, nach Fürth", time.Minute, read)
	tn.reads(c, "same", "Plärrer, U1!", 2*time.Minute, on("U1"))
	tn.reads(c, "former", "U7 Plärrer", 3*time.Minute, on("U7"))
	tn.tell(c, "nothing", "Kontrolle", 4*time.Minute)
	page := tn.browser().get("/city/nuernberg").want(http.StatusOK, "")
	page.says("report-more", "U1 ▸toward Fürth Plärrer")
	page.says("report-more", "Plärrer U1, 2 Kontis, nach Fürth")
	if attr(page.id("report-more"), "data-lines") != "U1" {
		t.Error("scripts cannot tell its line")
	}
	colors := map[string]string{}
	for _, n := range page.all("rect") {
		colors[page.text(n.Parent.Parent)] = attr(n, "fill") + " " + attr(n.Parent.Parent, "class")
	}
	if diff := cmp.Diff(map[string]string{"U1": "#0065ae line light", "U2": "#ffd400 line dark"}, colors); diff != "" {
		t.Error(diff)
	}
	for id, unseen := range map[string]int{"report-more": 1, "report-same": 1, "report-former": 1, "report-nothing": 0} {
		if got := len(page.classed(id, "only-heard")); got != unseen {
			t.Errorf("%s: %d parts are not to be seen", id, got)
		}
	}
	if read := page.classed("report-nothing", "read"); len(read) > 0 {
		t.Error("a report in which nothing was read shows an empty line of it")
	}
	for _, n := range page.classed("reports", "report-text") {
		if attr(n, "dir") != "auto" {
			t.Errorf("%s is not written in its own direction", page.text(n))
		}
	}
}

func TestLivePagesAreToldInTheirLanguage(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	version := attr(tn.browser().get("/city/nuernberg").id("reports"), "data-version")
	streams := map[string]*watcher{}
	for _, lang := range tn.site.Texts.Languages() {
		streams[lang] = tn.watch("/city/nuernberg/live?lang=" + lang + "&v=" + version)
	}
	tn.tell(c, "one", "Kontrolle", 5*time.Minute)
	for lang, words := range map[string]string{"en": "5 min", "de": "5 Min.", "tr": "5 dk", "ar": "5 د", "uk": "5 хв", "fr": "5 min"} {
		if _, last, text := streams[lang].until(); !strings.Contains(text, words) || last.id == version {
			t.Errorf("%s: %s", lang, text)
		}
	}
}

func TestPreviewOfACity(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()
	head := func(path string) map[string]string {
		found := map[string]string{}
		page := w.get(path).want(http.StatusOK, "")
		for _, n := range append(page.all("meta"), page.all("link")...) {
			found[attr(n, "name")+attr(n, "property")+attr(n, "rel")+attr(n, "hreflang")] = attr(n, "content") + attr(n, "href")
		}
		return found
	}
	if got := head("/city/nuernberg"); !strings.HasPrefix(got["description"], "Nothing in the last hour") {
		t.Errorf("a quiet city: %q", got["description"])
	}
	tn.places(c, twoLines)
	tn.reads(c, "a", "2 Kontis", time.Minute, on("U1"))
	tn.reads(c, "b", "2 Kontis", 2*time.Minute, on("U2"))
	tn.tell(c, "old", "Kontrolle", time.Hour)
	got := head("/city/nuernberg")
	want := map[string]string{
		"description": "2 reports in the last hour, newest: U1 Plärrer", "og:description": "2 reports in the last hour, newest: U1 Plärrer",
		"og:title": "Ticketfrei Nürnberg", "og:url": tn.url + "/city/nuernberg", "canonical": tn.url + "/city/nuernberg",
		"alternatex-default": tn.url + "/city/nuernberg", "alternatear": tn.url + "/city/nuernberg?lang=ar", "robots": "",
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: %q, want %q", name, got[name], content)
		}
	}
	if got := head("/city/nuernberg?line=U2&lang=de"); got["description"] != "1 Meldung in der letzten Stunde, neueste: U2 Plärrer" || got["canonical"] != tn.url+"/city/nuernberg?lang=de" {
		t.Errorf("one line in German: %q, %s", got["description"], got["canonical"])
	}
}

func TestModeratorsChooseWhetherSearchEnginesShowThePage(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	for _, tt := range []struct {
		fields []string
		index  bool
	}{{nil, true}, {[]string{}, false}, {[]string{"index", "yes"}, true}} {
		if tt.fields != nil {
			w.post("/settings/texts/robots", tt.fields...).want(http.StatusSeeOther, "/settings/texts#texts")
			w.get("/settings/texts").says("texts", "is saved")
		}
		if w.get("/settings/texts").checked("index") != tt.index {
			t.Errorf("%q: the page shows the other", tt.fields)
		}
		for _, path := range []string{"/city/nuernberg", "/city/nuernberg/feed.atom"} {
			resp, err := http.Get(b.url + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := resp.Header.Get("X-Robots-Tag"); (got == "") != tt.index {
				t.Errorf("%s: index %v, and X-Robots-Tag is %q", path, tt.index, got)
			}
		}
		if meta := strings.Contains(w.get("/city/nuernberg").body, `<meta name="robots" content="noindex">`); meta == tt.index {
			t.Errorf("index %v, and the page says noindex: %v", tt.index, meta)
		}
		if !strings.Contains(w.get("/").body, "/city/nuernberg") {
			t.Error("the city is no longer listed for people")
		}
	}
	w.get("/settings/texts/robots").want(http.StatusSeeOther, "/settings/texts#texts")
}

func TestPageSaysWhatBecameOfAReport(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.post.said = &bots.Said{Answer: bots.Answer{Outcome: bots.OutcomeHeld, Text: "Held back: name a line"}, Draft: "da"}
	page := tn.browser().get("/city/nuernberg/mail/said").want(http.StatusUnprocessableEntity, "")
	page.says("said", "Held back: name a line")
	if got := page.title(); got != "Held back: name a line · Nürnberg · Ticketfrei" {
		t.Errorf("the title is %q", got)
	}
	tn.post.said = &bots.Said{Answer: bots.Answer{Outcome: bots.OutcomeQuestion, Text: "The last hour:\nnow: U1"}}
	if got := tn.browser().get("/city/nuernberg/mail/said").title(); got != "The last hour · Nürnberg · Ticketfrei" {
		t.Errorf("the title of an answer is %q", got)
	}
	if n := page.id("said"); attr(n, "role") != "status" || !hasAttr(n, "autofocus") || attr(n, "tabindex") != "-1" {
		t.Error("who cannot see it does not hear it")
	}
	if !strings.HasPrefix(page.title(), "Held back: name a line · Nürnberg") || !page.has("reports") {
		t.Errorf("title %q", page.title())
	}
}

func TestManyLines(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "Bus %d #0065ae: Plärrer, Stop %d\n", i+1, i)
	}
	tn.places(c, text.String())
	tn.reads(c, "a", "Bus 150", time.Minute, on("Bus 150"))
	links := tn.browser().get("/city/nuernberg").texts("lines", "a")
	if len(links) != maxLines+2 || links[1] != "Bus 1" || !slices.Contains(links, "Bus 150 1") {
		t.Errorf("%d links: %q", len(links), links)
	}
	if got := tn.browser().get("/city/nuernberg?line=Bus+199").texts("lines", "a"); !slices.Contains(got, "Bus 199") {
		t.Errorf("the line that was chosen is not among %q", got)
	}
}
