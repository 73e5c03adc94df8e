package app

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/all"
	"ticketfrei/place"
	"ticketfrei/place/gtfs/gtfstest"
)

// sampleFeed is the zip of an agency with one line.
func sampleFeed(tb testing.TB) []byte {
	tb.Helper()
	return gtfstest.Zip(tb, map[string]string{
		"routes.txt":     "route_id,route_short_name,route_type,route_color\nr,7,0,ff0000\nidle,8,0,\n",
		"stops.txt":      "stop_id,stop_name,parent_station\na,Yorckstraße,\nP,Goetheplatz,\np1,Goetheplatz Steig 1,P\n",
		"trips.txt":      "route_id,trip_id\nr,t\n",
		"stop_times.txt": "trip_id,stop_id,stop_sequence\nt,a,1\nt,p1,2\nt,nowhere,3\n",
	})
}

// placesCommand runs "city places" on a data directory.
func placesCommand(t *testing.T, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("TICKETFREI_DATA", dir)
	setDatabase(t)
	var out, errs bytes.Buffer
	code = run(&console{ctx: t.Context(), stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, defaults: builtIn(t)},
		append([]string{"city", "places"}, args...))
	return code, out.String(), errs.String()
}

func TestCityPlaces(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	mustBegin(t, dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "graz", "--name", "Graz", "--email", "m@graz.example"); code != 0 {
		t.Fatalf("city add: exit code %d\n%s", code, out.String())
	}
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name           string
		stdin          string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"none yet", "", []string{"graz"}, 0, "", "Graz has no lines and stops yet."},
		{"a feed", "", []string{"graz", file("feed.zip", string(sampleFeed(t)))}, 0, "Graz has 1 line and 2 stops now.",
			"Left out: 1 line on which no trip runs.\nLeft out: 1 row of stop_times.txt"},
		{"printed", "", []string{"graz"}, 0, "Tram 7 #ff0000: Yorckstraße, Goetheplatz\n", ""},
		{"a text", "", []string{"graz", file("places.txt", "\ufeff1: Hauptplatz = Platz,\r\n  7 : Jakominiplatz, Hauptplatz\r\n*: Zoo\r\n")}, 0, "Graz has 2 lines and 3 stops now.", ""},
		{"a mistake in the text", "", []string{"graz", file("wrong.txt", "1: Hauptplatz\n7 Jakominiplatz\n")}, 1, "", "wrong.txt: line 2: "},
		{"a mistake in a feed", "", []string{"graz", file("cut.zip", string(sampleFeed(t)[:200]))}, 1, "", "cut.zip: this is no zip file"},
		{"no file", "", []string{"graz", filepath.Join(dir, "nothing")}, 1, "", "nothing: no such file"},
		{"a directory", "", []string{"graz", dir}, 1, "", "this is no file"},
		{"an empty file", "", []string{"graz", file("empty.zip", "")}, 1, "", "empty.zip: there are no lines and stops in it"},
		{"a file of notes", "", []string{"graz", file("notes.txt", "# later\n")}, 1, "", "city places graz - < /dev/null"},
		{"the old ones are still there", "", []string{"graz"}, 0, "1: Hauptplatz = Platz\n7: Jakominiplatz, Hauptplatz\n*: Zoo\n", ""},
		{"standard input", "U1: Plärrer\n", []string{"graz", "-"}, 0, "Graz has 1 line and 1 stop now.", ""},
		{"nothing takes them away", "", []string{"graz", "-"}, 0, "Graz has no lines and stops any more.", ""},
		{"none any more", "", []string{"graz"}, 0, "", "Graz has no lines and stops yet."},
		{"no such city", "", []string{"linz", "-"}, 1, "", "there is no city linz (see ticketfrei city list)"},
		{"no slug", "", nil, 2, "", "<slug>"},
	} {
		code, stdout, stderr := placesCommand(t, dir, tt.stdin, tt.args...)
		if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) ||
			tt.stdout == "" && stdout != "" || tt.stderr == "" && stderr != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q, want %d, %q, %q", tt.name, code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
		}
	}
}

// TestCityPlacesBesideAServer checks that a running server reads reports by places that
// a command has stored, and shows them.
func TestCityPlacesBesideAServer(t *testing.T) {
	dir, box := t.TempDir(), startMailbox(t)
	definitions := all.Networks()
	a := runApp(t, appConfig(t, dir, box, definitions, unbraked...), definitions)
	a.addCity("graz", "kontrolle", "")
	tries := 0
	// passes tells whether a report that names a stop of the feed passes now.
	passes := func() bool {
		t.Helper()
		tries++
		text := fmt.Sprintf("Yorckstraße jetzt, %dx", tries)
		a.mustSend("rider@riders.example", "graz@tickets.example", fmt.Sprint(tries, "@riders.example"), "", text)
		a.settled()
		return strings.Contains(a.browser().get("/city/graz", http.StatusOK), text)
	}
	if passes() {
		t.Fatal("it passed before the city had places")
	}
	feed := filepath.Join(dir, "feed.zip")
	if err := os.WriteFile(feed, sampleFeed(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := placesCommand(t, dir, "", "graz", feed); code != 0 {
		t.Fatal(stderr)
	}
	waitUntil(t, "a report that names a stop of the feed to pass", passes)
	if code, _, stderr := placesCommand(t, dir, "", "graz", "-"); code != 0 {
		t.Fatal(stderr)
	}
	waitUntil(t, "a report to be held that names a stop which the city no longer has", func() bool { return !passes() })
}

// TestDemoPlaces checks that the sample city has lines, and that what the demo writes is
// about one of them.
func TestDemoPlaces(t *testing.T) {
	p, err := place.Parse(demoPlaces)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range p.Lines() {
		names = append(names, l.Name)
		if l.Ink() == "" || len(l.Stops) < 5 {
			t.Errorf("%s: colour %q, %d stops", l.Name, l.Color, len(l.Stops))
		}
	}
	if diff := cmp.Diff([]string{"U1", "U2", "U3", "S1", "S2", "Tram 4", "Tram 8"}, names); diff != "" {
		t.Error(diff)
	}
	if got := p.Read(demoText); got.Line != "U1" || got.Stop != "Plärrer" {
		t.Errorf("%q is %+v", demoText, got)
	}
}
