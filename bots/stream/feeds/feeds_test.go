package feeds_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/feeds"
)

const rss2 = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Störungen</title><ttl>5</ttl>
<item><title>U1: Fahrscheinkontrolle &amp; Störung</title><description><![CDATA[<p>Zwischen <b>Plärrer</b> und<br>Fürth</p>]]></description>
<link>https://operator.example/2</link><guid>2</guid><category>U1</category><category>U-Bahn</category><pubDate>Fri, 27 Nov 2026 11:30:00 +0100</pubDate></item>
<item><title>alt</title><guid>1</guid><pubDate>Fri, 27 Nov 2026 10:00:00 GMT</pubDate></item>
</channel></rss>`

const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>
<entry><id>a</id><title>U2 Rathenauplatz</title><content type="html">&lt;p&gt;eingestellt&lt;/p&gt;</content><updated>2026-11-27T10:30:00Z</updated><link href="https://operator.example/a"/></entry></feed>`

const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="x"><title>x</title></channel>
<item rdf:about="https://operator.example/r"><title>Tram 4</title><link>https://operator.example/r</link><description>umgeleitet</description><dc:date>2026-11-27T10:30:00Z</dc:date></item></rdf:RDF>`

const jsonFeed = `{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[{"id":"j","title":"Bus 36","content_html":"<p>verspätet</p>","date_published":"2026-11-27T10:30:00Z","tags":["Bus"]}]}`

var at = time.Date(2026, 11, 27, 10, 30, 0, 0, time.UTC)

func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   []feeds.Item
		ttl    time.Duration
	}{
		"RSS": {rss2, []feeds.Item{{Title: "alt", Published: at.Add(-30 * time.Minute)},
			{Title: "U1: Fahrscheinkontrolle & Störung", Summary: "Zwischen Plärrer und\nFürth", Link: "https://operator.example/2", Categories: []string{"U1", "U-Bahn"}, Published: at}}, 5 * time.Minute},
		"Atom":      {atom, []feeds.Item{{Title: "U2 Rathenauplatz", Summary: "eingestellt", Link: "https://operator.example/a", Published: at}}, 0},
		"RDF":       {rdf, []feeds.Item{{Title: "Tram 4", Summary: "umgeleitet", Link: "https://operator.example/r", Published: at}}, 0},
		"JSON":      {jsonFeed, []feeds.Item{{Title: "Bus 36", Summary: "verspätet", Categories: []string{"Bus"}, Published: at}}, 0},
		"with BOM":  {"\ufeff" + atom, []feeds.Item{{Title: "U2 Rathenauplatz", Summary: "eingestellt", Link: "https://operator.example/a", Published: at}}, 0},
		"Latin-1":   {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss version=\"2.0\"><channel><item><title>Pl\xe4rrer</title></item></channel></rss>", []feeds.Item{{Title: "Plärrer"}}, 0},
		"no item":   {`<rss version="2.0"><channel><title>x</title></channel></rss>`, nil, 0},
		"entities":  {`<rss version="2.0"><channel><item><title>U1 &amp;amp; U2&amp;nbsp;&amp;lt;b&amp;gt;</title></item></channel></rss>`, []feeds.Item{{Title: "U1 & U2\u00a0<b>"}}, 0},
		"long ttl":  {`<rss version="2.0"><channel><ttl>99999</ttl></channel></rss>`, nil, 0},
		"a day":     {`<rss version="2.0"><channel><ttl>1440</ttl></channel></rss>`, nil, time.Hour},
		"no number": {`<rss version="2.0"><channel><ttl>-5</ttl></channel></rss>`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, ttl, err := feeds.Parse([]byte(c.source))
			if err != nil || ttl != c.ttl {
				t.Fatalf("ttl %s, %v", ttl, err)
			}
			for i := range got {
				if got[i].Key == "" {
					t.Error("no key")
				}
				got[i].Key, got[i].Published = "", got[i].Published.UTC()
				if got[i].Published.IsZero() {
					got[i].Published = time.Time{}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNoFeed(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   feeds.Trouble
	}{
		"page":      {"<!doctype html><html><body>Welcome</body></html>", feeds.NoFeed},
		"nothing":   {"", feeds.NoFeed},
		"text":      {"U1 Plärrer", feeds.NoFeed},
		"cut":       {rss2[:len(rss2)/2], feeds.Broken},
		"JSON cut":  {jsonFeed[:40], feeds.Broken},
		"JSON else": {`{"items":5}`, feeds.Broken},
		"an error":  {`{"error":"not found"}`, feeds.NoFeed},
	} {
		_, _, err := feeds.Parse([]byte(c.source))
		e, ok := errors.AsType[*feeds.Error](err)
		if !ok || e.Trouble != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// A feed with more items than are looked at: the newest count, wherever they stand.
func TestLongFeeds(t *testing.T) {
	var source strings.Builder
	source.WriteString(`<rss version="2.0"><channel>`)
	for i := range feeds.MaxItems + 500 {
		fmt.Fprintf(&source, "<item><title>%d</title><pubDate>%s</pubDate></item>", i, at.Add(time.Duration(i)*time.Minute).Format(time.RFC1123Z))
	}
	source.WriteString("</channel></rss>")
	items, _, err := feeds.Parse([]byte(source.String()))
	if err != nil || len(items) != feeds.MaxItems {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if first, last := items[0].Title, items[len(items)-1].Title; first != "500" || last != fmt.Sprint(feeds.MaxItems+499) {
		t.Errorf("from %s to %s", first, last)
	}
}

func TestKeys(t *testing.T) {
	keys := func(items string) (list []string) {
		got, _, err := feeds.Parse([]byte(`<rss version="2.0"><channel>` + items + `</channel></rss>`))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range got {
			list = append(list, i.Key)
		}
		return list
	}
	same := keys("<item><guid>1</guid><title>U1</title></item><item><guid>1</guid><title>U1, mended</title></item>")
	if same[0] != same[1] {
		t.Error("what is mended is another item")
	}
	apart := keys("<item><title>U1</title></item><item><title>U2</title></item><item><link>https://x.example</link><title>U1</title></item><item><guid>2</guid></item>")
	for i, a := range apart {
		for _, b := range apart[i+1:] {
			if a == b {
				t.Errorf("two items have the key %s", a)
			}
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ title, summary, want string }{
		{"U1", "Plärrer", "U1\nPlärrer"},
		{"U1 Störung…", "U1 Störung am Plärrer", "U1 Störung am Plärrer"},
		{"U1", "U1", "U1"},
		{"", "Plärrer", "Plärrer"},
		{"U1", "", "U1"},
	} {
		if got := (feeds.Item{Title: c.title, Summary: c.summary}).Text(); got != c.want {
			t.Errorf("%q, %q: %q", c.title, c.summary, got)
		}
	}
}

// site answers one request.
func site(t *testing.T, answer http.HandlerFunc) string {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL + "/feed"
}

func read(t *testing.T, address string, known feeds.Known) (feeds.Page, *feeds.Error) {
	t.Helper()
	p, err := feeds.Read(t.Context(), bots.NewHTTPClient(true, nil), address, known)
	e, ok := errors.AsType[*feeds.Error](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return p, e
}

func TestReadingAgain(t *testing.T) {
	address := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, Max-Age=600")
		if r.Header.Get("If-None-Match") == `W/"1"` && r.Header.Get("If-Modified-Since") == "Fri, 27 Nov 2026 10:30:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `W/"1"`)
		w.Header().Set("Last-Modified", "Fri, 27 Nov 2026 10:30:00 GMT")
		_, _ = w.Write([]byte(rss2))
	})
	p, e := read(t, address, feeds.Known{})
	if e != nil || len(p.Items) != 2 || p.Wish != 10*time.Minute {
		t.Fatalf("%+v, %v", p, e)
	}
	again, e := read(t, address, p.Known)
	if e != nil || !again.Unchanged || again.Known != p.Known || again.Wish != 10*time.Minute {
		t.Errorf("%+v, %v", again, e)
	}
}

func TestTroubles(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   feeds.Trouble
		after  time.Duration
	}{
		"401": {status(401, ""), feeds.Denied, 0}, "403": {status(403, ""), feeds.Denied, 0}, "404": {status(404, ""), feeds.Missing, 0},
		"410": {status(410, ""), feeds.Gone, 0}, "500": {status(500, ""), feeds.Status, 0}, "204": {status(204, ""), feeds.Status, 0},
		"429":       {status(429, "90"), feeds.Limited, 90 * time.Second},
		"503":       {status(503, "99999"), feeds.Limited, time.Hour},
		"503 until": {status(503, time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat)), feeds.Limited, time.Hour},
		"503 never": {status(503, "soon"), feeds.Limited, 0},
		"large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(rss2 + strings.Repeat(" ", feeds.MaxBytes)))
		}, feeds.Large, 0},
		"circle": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(bots.LoopHeader, "feed")
			_, _ = w.Write([]byte(atom))
		}, feeds.Circle, 0},
		"round and round": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", http.StatusFound) }, feeds.Unreachable, 0},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, feeds.Unreachable, 0},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			_, _ = w.Write([]byte(rss2[:100]))
		}, feeds.Unreachable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := read(t, site(t, c.answer), feeds.Known{})
			if e == nil || e.Trouble != c.want || e.After != c.after {
				t.Errorf("%+v, want %s after %s", e, c.want, c.after)
			}
		})
	}
}

func status(code int, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(code)
	}
}

func TestRedirects(t *testing.T) {
	address := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			http.Redirect(w, r, "/moved", http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte(atom))
	})
	if p, e := read(t, address, feeds.Known{}); e != nil || len(p.Items) != 1 {
		t.Errorf("%+v, %v", p, e)
	}
}

// Nothing of the network of the server is read, and what is said of a feed holds no secret
// of its address.
func TestWhatIsNotConnectedTo(t *testing.T) {
	address := site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(atom)) })
	_, err := feeds.Read(t.Context(), bots.NewHTTPClient(false, nil), address+"?token=sesame", feeds.Known{})
	e, ok := errors.AsType[*feeds.Error](err)
	if !ok || e.Trouble != feeds.Private || strings.Contains(err.Error(), "sesame") {
		t.Error(err)
	}
}

func TestAServerThatHangs(t *testing.T) {
	address := site(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client := bots.NewHTTPClient(true, nil)
	client.Timeout = 50 * time.Millisecond
	_, err := feeds.Read(t.Context(), client, address, feeds.Known{})
	if e, ok := errors.AsType[*feeds.Error](err); !ok || e.Trouble != feeds.Slow {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := feeds.Read(ctx, client, address, feeds.Known{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{rss2, atom, rdf, jsonFeed, "<rss>", "{", "<feed><entry/><entry/>", "<!DOCTYPE x [<!ENTITY a 'b'>]><rss>&a;</rss>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		items, ttl, err := feeds.Parse(source)
		if err != nil {
			if _, ok := errors.AsType[*feeds.Error](err); !ok {
				t.Error(err)
			}
			return
		}
		if len(items) > feeds.MaxItems || ttl < 0 || ttl > time.Hour {
			t.Errorf("%d items, ttl %s", len(items), ttl)
		}
		for _, i := range items {
			if i.Key == "" || len([]rune(i.Title)) > 500 || len([]rune(i.Summary)) > 2000 {
				t.Errorf("%+v", i)
			}
		}
	})
}
