package frontend

import (
	"compress/gzip"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/zone"
)

func TestHome(t *testing.T) {
	tn := newTown(t)
	w := tn.browser()
	empty := w.get("/").want(http.StatusOK, "")
	if !empty.has("no-cities") || empty.has("cities") {
		t.Error("the page of a new server does not say that there is no city yet")
	}
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	tn.members("uelzen", "Ülzen", "two@example.org")
	tn.members("berlin", "Berlin", "three@example.org")
	for query, want := range map[string][]string{
		"":               {"Berlin", "Nürnberg", "Ülzen"},
		"?q=N%C3%BCrn":   {"Nürnberg"},
		"?q=N%C3%9CRN":   {"Nürnberg"},
		"?q=nuern":       {"Nürnberg"},
		"?q=%C3%BClz":    {"Ülzen"},
		"?q=+berlin+":    {"Berlin"},
		"?q=%25":         nil,
		"?q=Atlantis":    nil,
		"?q=%3Czz%3E%22": nil,
	} {
		t.Run(query, func(t *testing.T) {
			page := w.get("/"+query).want(http.StatusOK, "")
			page.translated()
			var got []string
			if page.has("cities") {
				got = page.texts("cities", "a")
			} else {
				page.id("no-results")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	german := tn.browser()
	german.lang = "de-AT,de;q=0.9,en;q=0.5"
	if page := german.get("/"); attr(page.all("html")[0], "lang") != "de" || !strings.Contains(page.title(), "Fahrkartenkontrollen") {
		t.Errorf("German: %q", page.title())
	}
}

func TestCityPage(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()

	empty := w.get("/city/nuernberg").want(http.StatusOK, "")
	empty.translated()
	if !empty.has("no-reports") || attr(empty.all("html")[0], "lang") != "en" {
		t.Error("a quiet city does not say so in the language of the browser")
	}

	tn.tell(c, "old", "Vorgestern am Plärrer", 25*time.Hour)
	tn.tell(c, "first", "Kontrolle <b>Plärrer</b> & \"U1\"", 2*time.Hour)
	tn.tell(c, "second", "Kontrolle weg\nbei der Lorenzkirche", time.Hour)
	page := w.get("/city/nuernberg").want(http.StatusOK, "")
	page.translated()
	want := []string{"Kontrolle weg bei der Lorenzkirche", "Kontrolle <b>Plärrer</b> & \"U1\""}
	if diff := cmp.Diff(want, reportTexts(page)); diff != "" {
		t.Error(diff)
	}
	if page.has("no-reports") {
		t.Error("the page says that there are no reports")
	}
	if times := page.texts("reports", "time"); len(times) != 2 {
		t.Errorf("times: %q", times)
	}
	for _, hidden := range []string{"hash-of-the-author", "Vorgestern"} {
		if strings.Contains(page.body, hidden) {
			t.Errorf("the page shows %q", hidden)
		}
	}
	page.says("write", "nuernberg@tickets.example")
	page.says("write", "Toy mail")
	page.says("text", "nuernberg@tickets.example")
	if !strings.Contains(page.body, `href="/city/nuernberg/mail"`) || !strings.Contains(page.body, `href="mailto:nuernberg@tickets.example"`) {
		t.Error("a link is missing")
	}

	t.Run("what is taken back is gone at once", func(t *testing.T) {
		if err := tn.db.TakeBack(t.Context(), c.ID, "second"); err != nil {
			t.Fatal(err)
		}
		tn.notices.Passed(c.ID)
		if diff := cmp.Diff(want[1:], reportTexts(w.get("/city/nuernberg"))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the moderator's text, without what could do harm", func(t *testing.T) {
		dbtest.MustSaveTexts(t, tn.db, c.ID, "Nürnberg", "de", "**Hallo** <script>alert(1)</script> [x](javascript:alert(1))")
		tn.notices.Changed(c.ID)
		page := w.get("/city/nuernberg")
		page.says("text", "Hallo")
		for _, n := range page.all("script") {
			if attr(n, "src") == "" {
				t.Error("a script of the moderator's is on the page")
			}
		}
		for _, a := range page.all("a") {
			if strings.HasPrefix(attr(a, "href"), "javascript:") {
				t.Error("a link runs a script")
			}
		}
	})
	t.Run("a bot that is off is no address", func(t *testing.T) {
		b, err := tn.db.FindBot(t.Context(), c.ID, "mail")
		if err != nil {
			t.Fatal(err)
		}
		if err := tn.db.EnableBot(t.Context(), b.ID, false); err != nil {
			t.Fatal(err)
		}
		tn.notices.Changed(c.ID)
		w.get("/city/nuernberg").silent("write", "@tickets.example")
	})
	t.Run("changes by another process are seen within a second", func(t *testing.T) {
		b, err := tn.db.FindBot(t.Context(), c.ID, "mail")
		if err != nil {
			t.Fatal(err)
		}
		if err := tn.db.EnableBot(t.Context(), b.ID, true); err != nil {
			t.Fatal(err)
		}
		tn.clock.pass(cacheFor)
		w.get("/city/nuernberg").says("write", "nuernberg@tickets.example")
	})
	t.Run("a network that fails is left out", func(t *testing.T) {
		tn.post.lost = true
		tn.notices.Changed(c.ID)
		w.get("/city/nuernberg").want(http.StatusOK, "").silent("write", "@tickets.example")
	})
}

// reportTexts are the reports on a city's page, from top to bottom.
func reportTexts(page answer) []string {
	list := []string{}
	for n := range page.id("reports").Descendants() {
		if n.Type == html.ElementNode && attr(n, "class") == "report-text" {
			list = append(list, page.text(n))
		}
	}
	return list
}

func TestCityThatIsNotThere(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()
	for _, path := range []string{"/city/atlantis", "/city/atlantis/feed.atom", "/city/atlantis/live", "/city/atlantis/mail", "/city/%00"} {
		page := w.get(path).want(http.StatusNotFound, "")
		page.says("error", "This city is not here")
		page.id("search")
		page.translated()
	}
	w.get("/city/N%C3%BCrnberg").want(http.StatusMovedPermanently, "/city/nuernberg")
	w.get("/city/NUERNBERG").want(http.StatusMovedPermanently, "/city/nuernberg")
}

func TestCityPageIsCheapToAskForAgain(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	tn.tell(c, "one", "Kontrolle Plärrer", time.Minute)
	for _, path := range []string{"/city/nuernberg", "/city/nuernberg/feed.atom"} {
		t.Run(path, func(t *testing.T) {
			resp, plain := tn.request(http.MethodGet, path, "")
			tag := resp.Header.Get("ETag")
			resp, again := tn.request(http.MethodGet, path, "", "If-None-Match", tag)
			if tag == "" || resp.StatusCode != http.StatusNotModified || again.body != "" {
				t.Errorf("status %d for ETag %s", resp.StatusCode, tag)
			}
			resp, head := tn.request(http.MethodHead, path, "")
			if resp.StatusCode != http.StatusOK || head.body != "" || resp.ContentLength != int64(len(plain.body)) {
				t.Errorf("HEAD: status %d, %d bytes of %d", resp.StatusCode, resp.ContentLength, len(plain.body))
			}
			resp, packed := tn.request(http.MethodGet, path, "", "Accept-Encoding", "br, gzip;q=0.8")
			if path == "/city/nuernberg" && resp.Header.Get("Content-Encoding") != "gzip" {
				t.Fatal("not compressed")
			}
			if resp.Header.Get("Content-Encoding") == "gzip" {
				z, err := gzip.NewReader(strings.NewReader(packed.body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(z); err != nil || string(body) != plain.body {
					t.Errorf("unpacked it is something else (%v)", err)
				}
			}
			if cookies := resp.Cookies(); len(cookies) > 0 {
				t.Errorf("a public page sets %v", cookies)
			}
			tn.tell(c, "new"+path, "Kontrolle Opernhaus", 0)
			if resp, _ := tn.request(http.MethodGet, path, "", "If-None-Match", tag); resp.StatusCode != http.StatusOK {
				t.Errorf("after a new report: status %d", resp.StatusCode)
			}
			if err := tn.db.TakeBack(t.Context(), c.ID, "new"+path); err != nil {
				t.Fatal(err)
			}
			tn.notices.Passed(c.ID)
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br": false, "deflate, gzip": true, "gzip;q=0": false, "gzip;q=0.0": false,
		"gzip; q=0.5, br": true, "xgzip": false, "gzip;q=1": true,
	} {
		if got := acceptsGzip(&http.Request{Header: http.Header{"Accept-Encoding": {header}}}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestFeed(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	type link struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	type feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Author  []string `xml:"author>name"`
		Links   []link   `xml:"link"`
		Entries []struct {
			ID      string   `xml:"id"`
			Title   string   `xml:"title"`
			Updated string   `xml:"updated"`
			Author  []string `xml:"author>name"`
			Content struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"content"`
			Links []link `xml:"link"`
		} `xml:"entry"`
	}
	read := func() (f feed, body string) {
		t.Helper()
		resp, a := tn.request(http.MethodGet, "/city/nuernberg/feed.atom", "")
		if got := resp.Header.Get("Content-Type"); got != "application/atom+xml; charset=utf-8" {
			t.Errorf("content type %s", got)
		}
		if _, err := http.ParseTime(resp.Header.Get("Last-Modified")); err != nil {
			t.Error(err)
		}
		if err := xml.Unmarshal([]byte(a.body), &f); err != nil {
			t.Fatalf("%v\n%s", err, a.body)
		}
		return f, a.body
	}
	if f, _ := read(); len(f.Entries) != 0 || f.Updated != c.Created.In(zone.Of(c, "")).Format(time.RFC3339) {
		t.Errorf("empty feed: %+v", f)
	}
	long := "Kontrolle <U1> & \x01 " + strings.Repeat("Plärrer ", 20)
	tn.tell(c, "one", "Kontrolle Rathenauplatz\nRichtung Ziegelstein", 2*time.Hour)
	tn.tell(c, "two", long, time.Hour)
	tn.tell(c, "old", "gestern", 25*time.Hour)
	f, body := read()
	if len(f.Entries) != 2 {
		t.Fatalf("%d entries", len(f.Entries))
	}
	newest, oldest := f.Entries[0], f.Entries[1]
	if newest.Content.Text != strings.ReplaceAll(long, "\x01", "\uFFFD") || newest.Content.Type != "text" {
		t.Errorf("content %q", newest.Content.Text)
	}
	if oldest.Title != "Kontrolle Rathenauplatz" || len([]rune(newest.Title)) > maxHeadline+1 || !strings.HasSuffix(newest.Title, "Plärrer…") {
		t.Errorf("titles %q, %q", oldest.Title, newest.Title)
	}
	if oldest.ID != "tag:127.0.0.1,2025:report:one" || f.ID != "tag:127.0.0.1,2025:city:nuernberg" {
		t.Errorf("ids %s, %s", oldest.ID, f.ID)
	}
	if want := tn.clock.time().Add(-2 * time.Hour).In(zone.Of(c, "")).Format(time.RFC3339); oldest.Updated != want {
		t.Errorf("updated %s, want %s", oldest.Updated, want)
	}
	if f.Updated != newest.Updated {
		t.Errorf("the feed was updated %s, its newest entry %s", f.Updated, newest.Updated)
	}
	want := []link{{"self", tn.url + "/city/nuernberg/feed.atom"}, {"alternate", tn.url + "/city/nuernberg"}}
	if diff := cmp.Diff(want, f.Links); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Nürnberg"}, f.Author); diff != "" || len(oldest.Author) > 0 || strings.Contains(body, "hash-of-the-author") {
		t.Errorf("the authors are %v, %v", f.Author, oldest.Author)
	}
}

func TestPublicPagesOfNetworks(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	page := tn.browser().get("/city/nuernberg/mail").want(http.StatusOK, "")
	page.says("toy", "some data in Nürnberg")
	if attr(page.all("html")[0], "lang") != "en" {
		t.Error("not in the language of the browser")
	}
	t.Run("one-click unsubscribe of a mail program", func(t *testing.T) {
		resp, page := tn.request(http.MethodPost, "/city/nuernberg/mail/leave", "List-Unsubscribe=One-Click")
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
		page.says("toy", "left One-Click")
	})
	t.Run("an error in its own words", func(t *testing.T) {
		tn.browser().get("/city/nuernberg/mail/error").want(http.StatusTeapot, "").says("error", "Connected.")
	})
}

func TestCacheKeepsNothingOlderThanTheLastDrop(t *testing.T) {
	now := time.Now()
	c := newCache(func() time.Time { return now })
	build := func(v string, during func()) func() (string, error) {
		return func() (string, error) {
			return cached(t.Context(), c, "key", func(context.Context) (string, int64, error) {
				during()
				return v, 7, nil
			})
		}
	}
	steps := []struct {
		name string
		get  func() (string, error)
		want string
	}{
		{"dropped while it was made", build("one", func() { c.drop(7) }), "one"},
		{"so it is made again", build("two", func() { c.drop(8) }), "two"},
		{"and kept", build("three", func() {}), "two"},
		{"until dropped", func() (string, error) { c.drop(7); return build("four", func() {})() }, "four"},
		{"or too old", func() (string, error) { now = now.Add(cacheFor); return build("five", func() {})() }, "five"},
	}
	for _, s := range steps {
		if got, err := s.get(); err != nil || got != s.want {
			t.Errorf("%s: %q, %v", s.name, got, err)
		}
	}
	if _, err := cached(t.Context(), c, "other", func(context.Context) (string, int64, error) { return "", 0, db.ErrNotFound }); err == nil {
		t.Error("an error was lost")
	}
}
