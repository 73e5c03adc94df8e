package frontend

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// strips are the lines on the page, in their order, with what is said of each.
func (a answer) strips() []string {
	a.t.Helper()
	list := []string{}
	for _, n := range a.all("details") {
		if attr(n, "class") != "strip" {
			continue
		}
		for c := range n.Descendants() {
			if c.Data == "summary" {
				list = append(list, a.text(c))
			}
		}
	}
	return list
}

// markAt returns the link of a stop of a line, and what it says.
func (a answer) markAt(line, stop string) (link *html.Node, said string) {
	a.t.Helper()
	for _, n := range a.all("a") {
		address, err := url.Parse(attr(n, "href"))
		if err == nil && address.Query().Get("text") == line+" "+stop {
			return n, a.text(n)
		}
	}
	a.t.Fatalf("%s has no stop %s", line, stop)
	return nil, ""
}

// drawn are the attributes of what is drawn within a node, by element.
func drawn(n *html.Node, element, name string) []string {
	var list []string
	for c := range n.Descendants() {
		if c.Data == element && hasAttr(c, name) {
			list = append(list, attr(c, name))
		}
	}
	return list
}

func TestLinesPage(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()
	const path = "/city/nuernberg/lines"

	page := w.get(path).want(http.StatusOK, "")
	page.says("no-lines", "Nürnberg has no lines here yet.")
	page.translated()

	tn.places(c, "U1 #0065ae: Langwasser Süd, Plärrer, Fürth\nU2 #ffd400: Röthenbach, Plärrer, Flughafen & <Mehr>\nS1: Bamberg, Plärrer\nU9: Irgendwo, Nirgendwo")
	page = w.get(path).want(http.StatusOK, "")
	want := []string{"U1 Langwasser Süd – Fürth nothing in the last hour", "U2 Röthenbach – Flughafen & <Mehr> nothing in the last hour",
		"S1 Bamberg – Plärrer nothing in the last hour", "U9 Irgendwo – Nirgendwo nothing in the last hour"}
	if diff := cmp.Diff(want, page.strips()); diff != "" {
		t.Error(diff)
	}

	tn.reads(c, "ahead", "U2 Plärrer Richtung Flughafen", 30*time.Minute, report.Reading{Line: "U2", Stop: "Plärrer", Toward: "Flughafen & <Mehr>", Lines: "|U2|"})
	tn.reads(c, "back", "U2 Flughafen", 29*time.Minute, report.Reading{Line: "U2", Stop: "Flughafen & <Mehr>", Toward: "Röthenbach", Lines: "|U2|"})
	tn.reads(c, "both", "Langwasser Süd", 5*time.Minute, report.Reading{Stop: "Langwasser Süd", Lines: "|U1|"})
	tn.reads(c, "old", "S1 Bamberg", time.Hour, report.Reading{Line: "S1", Stop: "Bamberg", Lines: "|S1|"})
	tn.reads(c, "nowhere", "Kontis im Bus", time.Minute, report.Reading{})
	tn.reads(c, "gone", "U77", time.Minute, report.Reading{Line: "U77", Lines: "|U77|"})
	tn.reads(c, "seen", "U9 Nirgendwo", 10*time.Minute, report.Reading{Line: "U9", Stop: "Nirgendwo", Lines: "|U9|"})
	tn.reads(c, "clear", "Nirgendwo frei", 3*time.Minute, report.Reading{Stop: "Nirgendwo", Lines: "|U9|", Clear: true})
	page = w.get(path).want(http.StatusOK, "")
	page.translated()
	want = []string{"U1 Langwasser Süd – Fürth 5 min Langwasser Süd", "U2 Röthenbach – Flughafen & <Mehr> 29 min Flughafen & <Mehr> ▸toward Röthenbach",
		"U9 Irgendwo – Nirgendwo ✓All-clear: 3 min Nirgendwo", "S1 Bamberg – Plärrer nothing in the last hour"}
	if diff := cmp.Diff(want, page.strips()); diff != "" {
		t.Error(diff)
	}
	page.says("elsewhere", "2 more reports name no line")

	t.Run("marks", func(t *testing.T) {
		link, said := page.markAt("U2", "Plärrer")
		if said != "30 min Plärrer" || attr(link, "href") != "/city/nuernberg?text=U2%20Pl%C3%A4rrer#report" {
			t.Errorf("%q leads to %s", said, attr(link, "href"))
		}
		if got := drawn(link, "g", "opacity"); len(got) != 1 || got[0] != "0.67" {
			t.Errorf("opacity of half an hour: %v", got)
		}
		if got := drawn(link, "path", "stroke"); len(got) == 0 || got[0] != "#ffd400" {
			t.Errorf("colours of the line: %v", got)
		}
		if got := strings.Join(drawn(link, "path", "d"), " "); !strings.Contains(got, "M17 7l5 5-5 5") {
			t.Errorf("no arrow towards the last stop: %s", got)
		}
		link, _ = page.markAt("U2", "Flughafen & <Mehr>")
		if got := strings.Join(drawn(link, "path", "d"), " "); !strings.Contains(got, "M23 7l-5 5 5 5") {
			t.Errorf("no arrow towards the first stop: %s", got)
		}
		link, said = page.markAt("U9", "Nirgendwo")
		if said != "All-clear: 3 min Nirgendwo" || attr(link.Parent, "class") != "clear" {
			t.Errorf("an all-clear: %q", said)
		}
		if link, said = page.markAt("U1", "Plärrer"); said != "Plärrer" || attr(link.Parent, "class") != "" {
			t.Errorf("a stop without reports says %q", said)
		}
		if _, said = page.markAt("S1", "Bamberg"); said != "Bamberg" {
			t.Errorf("a report of an hour ago is still there: %q", said)
		}
	})
	t.Run("table", func(t *testing.T) {
		rows := page.texts("lines-table", "tr")
		want := []string{"LineStopWhen", "U1Langwasser Süd5 min", "U2Flughafen & <Mehr> ▸toward Röthenbach29 min", "U2Plärrer ▸toward Flughafen & <Mehr>30 min",
			"U9Nirgendwo3 min ✓ all-clear", "U9Nirgendwo10 min all-clear since then", "S1nothing in the last hour"}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Error(diff)
		}
		if len(page.texts("lines-table", "caption")) != 1 {
			t.Error("the table has no caption")
		}
	})
	t.Run("one line", func(t *testing.T) {
		page := w.get(path+"?line=u2").want(http.StatusOK, "")
		if got := page.strips(); len(got) != 1 || !strings.HasPrefix(got[0], "U2") {
			t.Errorf("%q", got)
		}
		w.get(path+"?line=U5").want(http.StatusOK, "").says("unknown-line", "Nürnberg does not know this line.")
	})
	t.Run("languages", func(t *testing.T) {
		for _, lang := range tn.site.Texts.Languages() {
			page := w.get(path+"?lang="+lang).want(http.StatusOK, "")
			page.translated()
			root := page.all("html")[0]
			if attr(root, "lang") != lang || attr(root, "dir") != map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"] {
				t.Errorf("%s: the page is %s, %s", lang, attr(root, "lang"), attr(root, "dir"))
			}
			if link, _ := page.markAt("U1", "Fürth"); !strings.Contains(attr(link, "href"), "lang="+lang+"&") {
				t.Errorf("%s: a stop leads to %s", lang, attr(link, "href"))
			}
			for _, n := range page.all("ol") {
				if attr(n, "dir") != "ltr" {
					t.Errorf("%s: a strip runs %q", lang, attr(n, "dir"))
				}
			}
		}
	})
	t.Run("time goes by", func(t *testing.T) {
		tn.clock.pass(31 * time.Minute)
		page := w.get(path)
		if _, said := page.markAt("U2", "Plärrer"); said != "Plärrer" {
			t.Errorf("after more than an hour: %q", said)
		}
		if got := page.strips(); got[0] != "U1 Langwasser Süd – Fürth 36 min Langwasser Süd" {
			t.Errorf("%q", got)
		}
		tn.clock.pass(-31 * time.Minute)
	})
	t.Run("no such city", func(t *testing.T) {
		w.get("/city/atlantis/lines").want(http.StatusNotFound, "")
	})
	t.Run("search engines", func(t *testing.T) {
		if got := w.get(path).body; strings.Contains(got, "noindex") {
			t.Error("they are asked to leave it out")
		}
		leaveOut := true
		if _, err := tn.site.Cities.Change(t.Context(), c.ID, manage.Patch{NoIndex: &leaveOut}, ""); err != nil {
			t.Fatal(err)
		}
		if got := w.get(path).body; !strings.Contains(got, `content="noindex"`) {
			t.Error("they are not asked to leave it out")
		}
	})
}

// TestLinesPageIsSmall checks what six lines with reports weigh.
func TestLinesPageIsSmall(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	text := ""
	for l := range 6 {
		text += fmt.Sprintf("U%d #%06x:", l, l*1_000_003)
		for s := range 30 {
			text += fmt.Sprintf(" Haltestelle %c%c Straße %d,", 'A'+l, 'a'+s%26, s*l*7)
		}
		text += "\n"
	}
	tn.places(c, text)
	for i := range 12 {
		stop := fmt.Sprintf("Haltestelle %c%c Straße %d", 'A'+i/2, 'a'+i, i*(i/2)*7)
		line := fmt.Sprint("U", i/2)
		tn.reads(c, fmt.Sprint("r", i), line+" "+stop, time.Duration(i)*time.Minute, report.Reading{Line: line, Stop: stop, Lines: report.NewLines(line)})
	}
	resp, page := tn.request(http.MethodGet, "/city/nuernberg/lines", "", "Accept-Encoding", "gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" || len(page.body) > 10<<10 {
		t.Errorf("%s of %d bytes", resp.Header.Get("Content-Encoding"), len(page.body))
	}
	t.Logf("%d bytes", len(page.body))
	z, err := gzip.NewReader(strings.NewReader(page.body))
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if _, err := whole.ReadFrom(z); err != nil || strings.Count(whole.String(), `class="seen"`) != 12 {
		t.Errorf("%d marks, %v", strings.Count(whole.String(), `class="seen"`), err)
	}
	resp, _ = tn.request(http.MethodGet, "/city/nuernberg/lines", "", "Accept-Encoding", "gzip", "If-None-Match", resp.Header.Get("ETag"))
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("the same page is sent again: %d", resp.StatusCode)
	}
}

// TestLinesPageOfALargeCity checks that lines without reports are drawn on pages of their
// own where there are very many.
func TestLinesPageOfALargeCity(t *testing.T) {
	tn := newTown(t)
	c := tn.members("berlin", "Berlin", "rider@example.org")
	text := ""
	for l := range 200 {
		text += fmt.Sprintf("Bus %d:", l)
		for s := range 25 {
			text += fmt.Sprintf(" Haltestelle %d,", l*25+s)
		}
		text += "\n"
	}
	tn.places(c, text)
	tn.reads(c, "one", "Bus 199", time.Minute, report.Reading{Line: "Bus 199", Stop: "Haltestelle 4980", Lines: "|Bus 199|"})
	w := tn.browser()
	page := w.get("/city/berlin/lines").want(http.StatusOK, "")
	if got := page.strips(); len(got) != 200 || !strings.HasPrefix(got[0], "Bus 199") {
		t.Errorf("%d lines, first %q", len(got), got[0])
	}
	page.markAt("Bus 199", "Haltestelle 4980")
	if len(page.body) > 400<<10 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
	if !strings.Contains(page.body, "/city/berlin/lines?line=Bus&#43;150") && !strings.Contains(page.body, "/city/berlin/lines?line=Bus+150") {
		t.Error("no link to the stops of another line")
	}
	w.get("/city/berlin/lines?line=Bus+150").markAt("Bus 150", "Haltestelle 3750")
}

// TestLinesPageOfPausedCity checks that nothing invites to report where nobody may.
func TestLinesPageOfPausedCity(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.places(c, "U1: Plärrer")
	if _, _, err := tn.db.Pause(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	tn.notices.Changed(c.ID)
	page := tn.browser().get("/city/nuernberg/lines").want(http.StatusOK, "")
	page.id("paused")
	page.silent("main", "Tap a stop")
}
