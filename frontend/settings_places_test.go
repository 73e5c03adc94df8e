package frontend

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/place"
	"ticketfrei/place/gtfs/gtfstest"
)

// feedOf is the zip of an agency with one line.
func feedOf(tb testing.TB, line string) []byte {
	tb.Helper()
	return gtfstest.Zip(tb, map[string]string{
		"routes.txt":     "route_id,route_short_name,route_type\nr," + line + ",0\nidle,99,0\n",
		"stops.txt":      "stop_id,stop_name\na,Thon\nb,Plärrer\n",
		"trips.txt":      "route_id,trip_id\nr,t\n",
		"stop_times.txt": "trip_id,stop_id,stop_sequence\nt,a,1\nt,b,2\n",
	})
}

// upload posts a form with a file, as a browser does.
func (w *browser) upload(path string, file io.Reader, fields ...string) answer {
	w.b.t.Helper()
	body, form := io.Pipe()
	parts := multipart.NewWriter(form)
	go func() {
		for i := 0; i < len(fields); i += 2 {
			_ = parts.WriteField(fields[i], fields[i+1])
		}
		part, err := parts.CreateFormFile("file", "feed.zip")
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = parts.Close()
		}
		form.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(w.b.t.Context(), http.MethodPost, w.b.url+path, body)
	if err != nil {
		w.b.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", w.lang)
	req.Header.Set("Content-Type", parts.FormDataContentType())
	req.Header.Set("Origin", w.b.url)
	resp, err := w.client.Do(req)
	if err != nil {
		w.b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.b.t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		w.b.t.Fatal(err)
	}
	return answer{t: w.b.t, status: resp.StatusCode, location: resp.Header.Get("Location"), body: string(text), doc: doc}
}

func (b *board) places(c report.City) string {
	b.t.Helper()
	text, err := b.db.Places(b.t.Context(), c.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func TestSettingsPlaces(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	const path = "/settings/places"

	t.Run("none yet", func(t *testing.T) {
		w.get("/settings/places").says("places", "There are none yet.")
		page := w.get(path)
		page.says("places-have", "There are none yet.")
		if got := page.value("places-text"); got != "" {
			t.Errorf("the text is %q", got)
		}
	})
	t.Run("typed", func(t *testing.T) {
		before := b.changes(c)
		typed := "# Notiz\r\nU1 #0065ae: Plärrer = Pläri,  Fürth\r\nTram 4: Thon, Plärrer\r\n"
		w.post(path, "places", typed).want(http.StatusSeeOther, path+"#places")
		page := w.get(path)
		page.says("main", "Stored: 2 lines and 3 stops.")
		page.says("places-have", "2 lines and 3 stops, stored:")
		if got, want := page.value("places-text"), strings.TrimSpace(strings.ReplaceAll(typed, "\r", "")); got != want || b.places(c) != want {
			t.Errorf("the text is %q, stored %q", got, b.places(c))
		}
		if b.changes(c) == before {
			t.Error("nobody was told of the change")
		}
		w.get("/settings/places").says("places", "2 lines and 3 stops")
		w.get(path).silent("main", "Stored: 2 lines") // said once
	})
	t.Run("mistakes come back at their line", func(t *testing.T) {
		before := b.places(c)
		typed := "U1: Plärrer\nU2 Plärrer\nU3 #12: <b>"
		for _, p := range []string{path, path + "/try"} {
			page := w.post(p, "places", typed, "text", "U1").want(http.StatusUnprocessableEntity, "")
			page.says("places-error", "Line 2:")
			page.says("places-error", "There is no colon")
			page.says("places-error", "Line 3:")
			if got := page.value("places-text"); got != typed {
				t.Errorf("what was typed came back as %q", got)
			}
			if got := attr(page.id("places-text"), "aria-invalid"); got != "true" {
				t.Error("the field is not marked")
			}
		}
		w.upload(path, strings.NewReader(""), "places", strings.Repeat("x", maxPlacesForm)).want(http.StatusUnprocessableEntity, "").
			says("places-error", "at most 1024 KB")
		if got := b.places(c); got != before {
			t.Errorf("stored %q", got)
		}
	})
	t.Run("tried", func(t *testing.T) {
		before := b.places(c)
		page := w.post(path+"/try", "places", "U7: Neu", "text", "<b>hallo").want(http.StatusOK, "")
		page.says("tried", "Nothing is read in it")
		if page.value("text") != "<b>hallo" || page.value("places-text") != "U7: Neu" || b.places(c) != before {
			t.Errorf("%q in %q, stored %q", page.value("text"), page.value("places-text"), b.places(c))
		}
		page = w.post(path+"/try", "places", "U7: Neu", "text", "U7 Neu, 2 Kontis").want(http.StatusOK, "")
		page.says("tried", "Line: U7")
		page.says("tried", "Stop: Neu")
		page.says("tried", "How many: 2")
	})
	t.Run("a feed takes their place, and spellings stay", func(t *testing.T) {
		w.upload(path+"/feed", bytes.NewReader(feedOf(t, "4"))).want(http.StatusSeeOther, path+"#places")
		page := w.get(path)
		page.says("main", "Stored: 1 line and 2 stops.")
		page.says("main", "1 line on which nothing runs was left out.")
		if got := b.places(c); got != "Tram 4: Thon, Plärrer = Pläri" {
			t.Errorf("stored %q", got)
		}
	})
	t.Run("a file that is no feed", func(t *testing.T) {
		before := b.places(c)
		for content, want := range map[string]string{
			"":                              "Choose a file",
			"\x89PNG\xff":                   "That is no zip file",
			"PK\x03\x04":                    "That is no zip file",
			"U1 Plärrer":                    "Line 1: There is no colon",
			string(feedOf(t, "4")[:100]):    "That is no zip file",
			strings.Repeat("x\n", 1<<20):    "That is no zip file",
			string(zipOf(t, "stops.txt")):   "routes.txt is missing in the zip",
			string(zipOf(t, "routes.txt")):  "routes.txt in the zip has no column “route_id”",
			string(zipOf(t, "Readme.docx")): "routes.txt is missing in the zip",
		} {
			page := w.upload(path+"/feed", strings.NewReader(content)).want(http.StatusUnprocessableEntity, "")
			page.says("feed-error", want)
			page.translated()
		}
		if got := b.places(c); got != before {
			t.Errorf("stored %q", got)
		}
	})
	t.Run("a text as a file", func(t *testing.T) {
		w.upload(path+"/feed", strings.NewReader("U1: Plärrer\nU2: Thon\n")).want(http.StatusSeeOther, path+"#places")
		if got := b.places(c); got != "U1: Plärrer = Pläri\nU2: Thon" {
			t.Errorf("stored %q", got)
		}
	})
	t.Run("taken away", func(t *testing.T) {
		w.post(path, "places", " \r\n# only a note").want(http.StatusSeeOther, path+"#places")
		page := w.get(path)
		page.says("main", "There are no lines and stops any more.")
		page.says("places-have", "There are none yet.")
	})
	t.Run("in German", func(t *testing.T) {
		german := b.login("one@example.org")
		german.lang = "de"
		page := german.get(path)
		page.says("places-have", "Noch gibt es keine.")
		page.translated()
	})
}

// zipOf is a zip with one file.
func zipOf(tb testing.TB, name string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	if _, err := z.Create(name); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// TestPlacesOfAnotherCity checks that nobody writes the places of a city that is not
// theirs, nor of the one that they have just left.
func TestPlacesOfAnotherCity(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	theirs := b.city("fuerth", "Fürth", b.moderator("victim@example.org"))
	dbtest.MustSavePlaces(t, b.db, theirs.ID, "U1: Geheim")
	mine := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	id := strconv.FormatInt(theirs.ID, 10)
	if got := w.get("/settings/places").body; strings.Contains(got, "Geheim") {
		t.Error("the page shows places of another city")
	}
	w.post("/settings/places", "settings_city", id, "places", "U1: Meins").want(http.StatusConflict, "")
	w.upload("/settings/places/feed", bytes.NewReader(feedOf(t, "4")), "settings_city", id).want(http.StatusConflict, "")
	if got := b.places(theirs) + b.places(mine); got != "U1: Geheim" {
		t.Errorf("stored %q", got)
	}
	stranger := b.browser()
	for _, path := range []string{"/settings/places", "/settings/places/feed", "/settings/places/try"} {
		stranger.post(path, "places", "U1: Meins").want(http.StatusUnauthorized, "").id("login")
	}
}

// TestFetchedFeed fetches timetables from a server that behaves in all ways.
func TestFetchedFeed(t *testing.T) {
	t.Parallel()
	agency := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/feed.zip", http.StatusFound)
		case "/feed.zip":
			_, _ = w.Write(feedOf(t, "7"))
		case "/page":
			fmt.Fprint(w, "<!DOCTYPE html><html>")
		case "/empty":
		case "/broken":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(feedOf(t, "7")[:200])
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(agency.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	b := newBoard(t)
	c := b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	if page := w.get("/settings/places"); page.has("feed-url") {
		t.Error("an address can be given where nothing is fetched")
	}
	b.site.Cities.HTTP = bots.NewHTTPClient(true, nil)
	for address, want := range map[string]string{
		"":                               "Choose a file",
		"feed.zip":                       "That is no address of a file",
		"ftp://agency.example/feed.zip":  "That is no address of a file",
		"http://":                        "That is no address of a file",
		agency.URL + "/nothing":          "error 404",
		agency.URL + "/page":             "That is no zip file",
		agency.URL + "/empty":            "That is no zip file",
		agency.URL + "/broken":           "There is no answer",
		gone.URL + "/feed.zip":           "There is no answer",
		"http://agency.invalid/feed.zip": "There is no answer",
	} {
		page := w.upload("/settings/places/feed", strings.NewReader(""), "url", address).want(http.StatusUnprocessableEntity, "")
		page.says("feed-error", want)
		if got := page.value("feed-url"); got != address {
			t.Errorf("the address came back as %q, want %q", got, address)
		}
	}
	if got := b.places(c); got != "" {
		t.Fatalf("stored %q", got)
	}
	for _, path := range []string{"/feed.zip", "/moved"} {
		w.upload("/settings/places/feed", strings.NewReader(""), "url", agency.URL+path).want(http.StatusSeeOther, "/settings/places#places")
		if got := b.places(c); got != "Tram 7: Thon, Plärrer" {
			t.Errorf("%s: stored %q", path, got)
		}
	}
	b.site.Cities.HTTP = bots.NewHTTPClient(false, nil)
	w.upload("/settings/places/feed", strings.NewReader(""), "url", agency.URL+"/feed.zip").want(http.StatusUnprocessableEntity, "").
		says("feed-error", "There is no answer")
}

// endless is the content of a file that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestLargeFeed checks that a file of more than 200 MB is refused, and that none stays
// on the disk.
func TestLargeFeed(t *testing.T) {
	slow.Test(t, "uploads 200 MB")
	b := newBoard(t)
	b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	b.site.Config.Data = t.TempDir()
	w.upload("/settings/places/feed", io.LimitReader(endless{}, 202<<20)).want(http.StatusUnprocessableEntity, "").
		says("feed-error", "larger than 200 MB")
	left, err := os.ReadDir(b.site.Config.Data)
	if err != nil || len(left) > 0 {
		t.Errorf("%v stayed, %v", left, err)
	}
}

// TestUnreadablePlaces checks that places which this version cannot read break no page.
func TestUnreadablePlaces(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("fuerth", "Fürth", b.moderator("one@example.org"))
	dbtest.MustSavePlaces(t, b.db, c.ID, "no colon")
	w := b.login("one@example.org")
	w.get("/settings").want(http.StatusOK, "")
	if got := w.get("/settings/places").want(http.StatusOK, "").value("places-text"); got != "no colon" {
		t.Errorf("the text is %q", got)
	}
	for _, path := range []string{"/city/fuerth", "/city/fuerth/lines", "/city/fuerth/places.json"} {
		w.get(path).want(http.StatusOK, "")
	}
	if _, err := place.Parse("no colon"); err == nil {
		t.Error("it can be read")
	}
	w.upload("/settings/places/feed", bytes.NewReader(feedOf(t, "4"))).want(http.StatusSeeOther, "/settings/places#places")
}
