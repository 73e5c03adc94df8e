package gtfs_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/slow"
	"ticketfrei/place"
	"ticketfrei/place/gtfs"
	"ticketfrei/place/gtfs/gtfstest"
)

// tables are the files of a feed by name.
type tables map[string]string

// small is a feed with two lines.
func small() tables {
	return tables{
		"agency.txt": "agency_id,agency_name\nv,Verkehr\n",
		"routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\n" +
			"r1,v,U1,Langwasser - Fürth,1,0065AE\nr2,v,4,,0,\n",
		"stops.txt": "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n" +
			"a,Langwasser Süd,,,0,\nP,Plärrer,,,1,\np1,Plärrer Gleis 1,,,0,P\np2,Plärrer Gleis 2,,,0,P\nc,\"Fürth, Rathaus\",,,0,\nd,Thon,,,0,\n",
		"trips.txt": "route_id,service_id,trip_id\nr1,s,t1\nr1,s,t2\nr2,s,t3\n",
		"stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" +
			"t1,,,a,1\nt1,,,p1,2\nt1,,,c,3\nt2,,,c,1\nt2,,,p2,2\nt2,,,a,3\nt3,,,d,1\nt3,,,p1,2\n",
	}
}

// with returns the feed with another file.
func (f tables) with(name, content string) tables {
	f[name] = content
	return f
}

// without returns the feed without a file.
func (f tables) without(name string) tables {
	delete(f, name)
	return f
}

func read(tb testing.TB, f tables) (*gtfs.Feed, error) {
	tb.Helper()
	raw := gtfstest.Zip(tb, f)
	return gtfs.Read(tb.Context(), bytes.NewReader(raw), int64(len(raw)))
}

func mustRead(tb testing.TB, f tables) *gtfs.Feed {
	tb.Helper()
	feed, err := read(tb, f)
	if err != nil {
		tb.Fatal(err)
	}
	return feed
}

// twoLines is what small has.
var twoLines = []place.Line{
	{Name: "U1", Color: "#0065ae", Stops: []string{"Langwasser Süd", "Plärrer", "Fürth Rathaus"}},
	{Name: "Tram 4", Stops: []string{"Thon", "Plärrer"}},
}

func TestRead(t *testing.T) {
	crlf := small()
	for name, content := range crlf {
		crlf[name] = "\ufeff" + strings.ReplaceAll(content, "\n", "\r\n")
	}
	inFolder := tables{}
	for name, content := range small() {
		inFolder["feed/"+name] = content
	}
	latin := small()
	latin["stops.txt"] = strings.NewReplacer("ä", "\xe4", "ü", "\xfc").Replace(latin["stops.txt"])
	quoted := small()
	quoted["trips.txt"] = "\"route_id\",\"service_id\",\"trip_id\"\n\"r1\",\"a \"\"b\"\"\",\"t1\"\nr1,\"two\nlines\",t2\nr2,s,t3"
	shuffled := small()
	rows := strings.SplitAfter(strings.TrimSpace(shuffled["stop_times.txt"])+"\n", "\n")
	slices.Reverse(rows[1 : len(rows)-1])
	shuffled["stop_times.txt"] = strings.Join(rows, "")
	for name, f := range map[string]tables{"as it should be": small(), "with marks and CR LF": crlf, "in a folder": inFolder,
		"Latin-1": latin, "with quotation marks": quoted, "in another order": shuffled,
		"without colours": small().with("routes.txt", "route_type,route_short_name,route_id\n1,U1,r1\n0,4,r2\n")} {
		t.Run(name, func(t *testing.T) {
			want := slices.Clone(twoLines)
			if name == "without colours" {
				want[0].Color = ""
			}
			feed := mustRead(t, f)
			if diff := cmp.Diff(want, feed.Lines); diff != "" || feed.Stops() != 4 || feed.Lost+feed.Idle != 0 {
				t.Errorf("%d stops, %d lost, %d idle\n%s", feed.Stops(), feed.Lost, feed.Idle, diff)
			}
		})
	}
}

// TestNames checks that lines are called as riders call them.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ kind, short, long, want string }{
		{"0", "4", "", "Tram 4"}, {"900", "4", "", "Tram 4"}, {"1", "1", "", "U1"}, {"1", "U1", "", "U1"},
		{"402", "7", "", "U7"}, {"2", "S1", "", "S1"}, {"2", "RE1", "", "RE1"}, {"109", "2", "", "S2"}, {"106", "5", "", "R5"},
		{"3", "36", "", "Bus 36"}, {"3", "N1", "", "N1"}, {"700", "149", "", "Bus 149"}, {"800", "1", "", "Bus 1"}, {"4", "10", "", "F10"},
		{"3", "", "Ringlinie", "Ringlinie"}, {"7", "1", "", "1"}, {"x", "9", "", "9"},
		{"3", "A|B: C, D = E #1 * F", "", "A B C D E 1 * F"}, {"3", "Ж1", "", "Ж1"},
	} {
		f := small().with("routes.txt", fmt.Sprintf("route_id,route_short_name,route_long_name,route_type\nr1,%q,%s,%s\n", tt.short, tt.long, tt.kind))
		if got := mustRead(t, f).Lines[0].Name; got != tt.want {
			t.Errorf("type %s, %q %q: %q, want %q", tt.kind, tt.short, tt.long, got, tt.want)
		}
	}
}

// TestPlatforms checks that a feed that names each platform, and no station, has one stop
// for all of them.
func TestPlatforms(t *testing.T) {
	for field, want := range map[string]string{
		"Plärrer Gleis 2": "Plärrer", `"Plärrer, Gleis 12a"`: "Plärrer", "Plärrer Steig B": "Plärrer", "Plärrer (Gleis 4)": "Plärrer", "Plärrer [Bussteig 3]": "Plärrer",
		"Plärrer Gl. 1": "Plärrer", "Plärrer Bstg. 3": "Plärrer", "Plärrer Gleis 1/2": "Plärrer", "Nation Quai 2": "Nation", "Plärrer - Steig 1": "Plärrer",
		"Gleisdreieck": "Gleisdreieck", "Hohe Steige": "Hohe Steige", "Steig 3": "Steig 3", "Platz der Einheit": "Platz der Einheit", "Alter Steig": "Alter Steig",
		"Quai de la Rapée": "Quai de la Rapée", "Haltestelle 12": "Haltestelle 12", "Am Quai Nord": "Am Quai Nord",
	} {
		feed := mustRead(t, small().with("stops.txt", "stop_id,stop_name\np1,"+field+"\nc,Ende\n"))
		if got := feed.Lines[0].Stops[0]; got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

// TestPacked checks that a zip with a password, or packed as few are, says so.
func TestPacked(t *testing.T) {
	raw := gtfstest.Zip(t, small())
	for name, at := range map[string]struct{ offset, value byte }{"password": {8, 1}, "LZMA": {10, 14}} {
		changed := bytes.Clone(raw)
		for i := range raw[:len(raw)-10] {
			if string(raw[i:i+4]) == "PK\x01\x02" {
				changed[i+int(at.offset)] = at.value
			}
		}
		_, err := gtfs.Read(t.Context(), bytes.NewReader(changed), int64(len(changed)))
		if p := (*gtfs.Problem)(nil); !errors.As(err, &p) || p.Kind != gtfs.Packed || !strings.Contains(err.Error(), "routes.txt has a password") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOrderOfLines(t *testing.T) {
	routes := "route_id,route_short_name,route_type,route_color\n"
	trips, times := "route_id,trip_id\n", "trip_id,stop_id,stop_sequence\n"
	for i, r := range []string{"36,3,", "10,0,", "4,0,nonsense", "S1,2,", "U2,1,FFFFFF", "U11,1,", "RE1,106,#00ff00", "U1,1,", "U1,1,ff0000", "9,3,"} {
		routes += fmt.Sprintf("r%d,%s\n", i, r)
		trips += fmt.Sprintf("r%d,t%d\n", i, i)
		if i != 9 { // it never runs
			times += fmt.Sprintf("t%d,a,1\nt%d,c,2\n", i, i)
		}
	}
	f := small().with("routes.txt", routes).with("trips.txt", trips).with("stop_times.txt", times+"t0,nowhere,3\nno trip,a,1\n")
	feed := mustRead(t, f)
	var got []string
	for _, l := range feed.Lines {
		got = append(got, strings.TrimSpace(l.Name+" "+l.Color))
	}
	if diff := cmp.Diff([]string{"U1", "U2", "U11", "S1", "RE1 #00ff00", "Tram 4", "Tram 10", "Bus 36"}, got); diff != "" {
		t.Error(diff)
	}
	if feed.Idle != 1 || feed.Lost != 2 {
		t.Errorf("%d idle lines, %d lost rows", feed.Idle, feed.Lost)
	}
}

// TestOrderOfStops checks that short trips, branches and the way back find their place.
func TestOrderOfStops(t *testing.T) {
	for _, tt := range []struct{ trips, want string }{
		{"ABCD DCBA", "ABCD"},
		{"BC ABCD", "ABCD"},
		{"ABCDE ABXDE", "ABXCDE"},
		{"ABCDE EDYBA", "ABYCDE"},
		{"ABCDE CX", "ABCXDE"},
		{"BCDE AB EF", "ABCDEF"},
		{"ABCD XY", "ABCDXY"},
		{"ABCA", "ABC"},
		{"ABCDEF FXE BA", "ABCDEXF"},
		{"A", "A"},
	} {
		stops := "stop_id,stop_name\n"
		for _, s := range "ABCDEFXY" {
			stops += fmt.Sprintf("%c,%c\n", s, s)
		}
		trips, times := "route_id,trip_id\n", "trip_id,stop_id,stop_sequence\n"
		for i, calls := range strings.Fields(tt.trips) {
			trips += fmt.Sprintf("r1,t%d\n", i)
			for n, s := range calls {
				times += fmt.Sprintf("t%d,%c,%d\n", i, s, n*10)
			}
		}
		feed := mustRead(t, small().with("stops.txt", stops).with("trips.txt", trips).with("stop_times.txt", times))
		if got := strings.Join(feed.Lines[0].Stops, ""); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.trips, got, tt.want)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name string
		feed tables
		kind gtfs.Kind
		want string
	}{
		{"no times", small().without("stop_times.txt"), gtfs.NoFile, "stop_times.txt is missing"},
		{"no routes", small().without("routes.txt"), gtfs.NoFile, "routes.txt is missing"},
		{"no column", small().with("stops.txt", "stop_id,name\na,A\n"), gtfs.NoColumn, "stops.txt has no column stop_name"},
		{"semicolons", small().with("trips.txt", "route_id;trip_id\nr1;t1\n"), gtfs.NoColumn, "trips.txt has no column trip_id"},
		{"empty table", small().with("trips.txt", ""), gtfs.NoColumn, "trips.txt has no column"},
		{"quotation mark in a field", small().with("trips.txt", "route_id,trip_id\nr1,t1\nr1,a\"b\n"), gtfs.Broken, "trips.txt cannot be read at line 3"},
		{"quotation mark that stays open", small().with("trips.txt", "route_id,trip_id\nr1,t1\nr1,\""+strings.Repeat("x", 1<<20)), gtfs.Broken, "is a quotation mark missing?"},
		{"endless row", small().with("stops.txt", strings.Repeat("x", 1<<20)), gtfs.Broken, "stops.txt cannot be read at line 1"},
		{"too many stops", small().with("stops.txt", "stop_id,stop_name\n"+strings.Repeat("a,A\n", 200_001)), gtfs.TooMany, "stops.txt has more than 200000 rows: take the feed of the city alone"},
		{"a whole country", small().with("routes.txt", country()), gtfs.ManyLines, "more than 300 lines: take the feed of the city alone"},
		{"no trips", small().with("trips.txt", "route_id,trip_id\n"), gtfs.Empty, "no line of the feed has stops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, tt.feed)
			var p *gtfs.Problem
			if !errors.As(err, &p) || p.Kind != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s: %s", err, tt.kind, tt.want)
			}
		})
	}
}

func country() string {
	routes := "route_id,route_short_name,route_type\n"
	for i := range 301 {
		routes += fmt.Sprintf("r%d,%d,3\n", i, i)
	}
	return routes
}

func TestReadFile(t *testing.T) {
	for name, tt := range map[string]struct {
		raw   []byte
		lines int
		want  string
	}{
		"a feed":     {gtfstest.Zip(t, small()), 2, ""},
		"a text":     {[]byte("U1: Plärrer, Fürth\n"), 1, ""},
		"nothing":    {nil, 0, ""},
		"PK in text": {[]byte("PK1: Plärrer"), 1, ""},
		"wrong text": {[]byte("U1: Plärrer\nFürth"), 0, "line 2:"},
		"empty zip":  {gtfstest.Zip(t, nil), 0, "routes.txt is missing"},
		"no text":    {[]byte("\x89PNG\xff"), 0, "no text in UTF-8"},
		"long text":  {bytes.Repeat([]byte(" "), place.MaxText+1), 0, "longer than"},
	} {
		p, _, err := gtfs.ReadFile(t.Context(), bytes.NewReader(tt.raw), int64(len(tt.raw)))
		if len(p.Lines()) != tt.lines || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d lines, %v, want %d, %q", name, len(p.Lines()), err, tt.lines, tt.want)
		}
	}
}

func TestNoZip(t *testing.T) {
	whole := gtfstest.Zip(t, small())
	for name, raw := range map[string][]byte{"text": []byte("U1: Plärrer"), "nothing": nil, "cut off": whole[:len(whole)/2]} {
		_, err := gtfs.Read(t.Context(), bytes.NewReader(raw), int64(len(raw)))
		var p *gtfs.Problem
		if !errors.As(err, &p) || p.Kind != gtfs.NoZip {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := gtfs.Read(t.Context(), bytes.NewReader(whole), gtfs.MaxSize+1)
	if err == nil || !strings.Contains(err.Error(), "larger than 200 MB") {
		t.Error(err)
	}
}

// TestDamagedZip checks that a table that is not what the zip says of it is refused.
func TestDamagedZip(t *testing.T) {
	whole := gtfstest.Zip(t, small().with("stops.txt", small()["stops.txt"]+strings.Repeat("x,Halt\n", 1000)))
	for i := range 40 {
		raw := bytes.Clone(whole)
		raw[len(raw)*i/40] ^= 0x55
		// It is read or refused, and does not panic.
		_, _ = gtfs.Read(t.Context(), bytes.NewReader(raw), int64(len(raw)))
	}
}

// TestBomb checks that a table is not unpacked that is far larger than any is.
func TestBomb(t *testing.T) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	_, err := z.CreateRaw(&zip.FileHeader{Name: "routes.txt", Method: zip.Deflate, UncompressedSize64: 3 << 30})
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = gtfs.Read(t.Context(), bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if p := (*gtfs.Problem)(nil); !errors.As(err, &p) || p.Kind != gtfs.TooLarge || p.File != "routes.txt" {
		t.Error(err)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	raw := gtfstest.Zip(t, small().with("stops.txt", "stop_id,stop_name\n"+strings.Repeat("a,A\n", 10_000)))
	if _, err := gtfs.Read(ctx, bytes.NewReader(raw), int64(len(raw))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// agency writes the feed of an agency with 200 lines and 5,000 stops, whose trips call a
// million times.
func agency(tb testing.TB) []byte {
	tb.Helper()
	const lines, trips, calls = 200, 200, 25
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	table := func(name string, write func(w *bufio.Writer)) {
		f, err := z.Create(name)
		if err != nil {
			tb.Fatal(err)
		}
		w := bufio.NewWriter(f)
		write(w)
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
	}
	table("routes.txt", func(w *bufio.Writer) {
		fmt.Fprintln(w, "route_id,agency_id,route_short_name,route_long_name,route_type,route_color,route_text_color")
		for l := range lines {
			fmt.Fprintf(w, "de:line:%d,1,%d,\"Hier - Dort\",3,%06X,FFFFFF\n", l, l+1, l*7919)
		}
	})
	table("stops.txt", func(w *bufio.Writer) {
		fmt.Fprintln(w, "stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station")
		for s := range lines * calls {
			fmt.Fprintf(w, "de:0956:%d,,Haltestelle %d,49.45%d,11.07%d,1,\nde:0956:%d:1,,Haltestelle %d Steig 1,,,0,de:0956:%d\n", s, s, s, s, s, s, s)
		}
	})
	table("trips.txt", func(w *bufio.Writer) {
		fmt.Fprintln(w, "route_id,service_id,trip_id,trip_headsign,direction_id")
		for l := range lines {
			for n := range trips {
				fmt.Fprintf(w, "de:line:%d,s%d,de:trip:%d:%d,Dort,%d\n", l, n%7, l, n, n%2)
			}
		}
	})
	table("stop_times.txt", func(w *bufio.Writer) {
		fmt.Fprintln(w, "trip_id,arrival_time,departure_time,stop_id,stop_sequence,stop_headsign,pickup_type,drop_off_type")
		for l := range lines {
			for n := range trips {
				for c := range calls {
					s := c
					if n%2 == 1 {
						s = calls - 1 - c
					}
					fmt.Fprintf(w, "de:trip:%d:%d,%02d:%02d:00,%02d:%02d:00,de:0956:%d:1,%d,,0,0\n", l, n, n%24, c, n%24, c, l*calls+s, c)
				}
			}
		}
	})
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// TestAgency reads the feed of a large agency within 5 s and 150 MB.
func TestAgency(t *testing.T) {
	slow.Test(t, "a million rows are written and read")
	raw := agency(t)
	runtime.GC()
	debug.FreeOSMemory()
	highest := watchMemory(t)
	start := time.Now()
	feed, err := gtfs.Read(t.Context(), bytes.NewReader(raw), int64(len(raw)))
	took, grown := time.Since(start), highest()
	if err != nil {
		t.Fatal(err)
	}
	if len(feed.Lines) != 200 || feed.Stops() != 5000 || feed.Lost+feed.Idle != 0 {
		t.Errorf("%d lines, %d stops, %d lost, %d idle", len(feed.Lines), feed.Stops(), feed.Lost, feed.Idle)
	}
	if l := feed.Lines[16]; l.Name != "Bus 17" || len(l.Stops) != 25 || l.Stops[0] != "Haltestelle 400" || l.Stops[24] != "Haltestelle 424" {
		t.Errorf("%+v", l)
	}
	t.Logf("%d kB zipped: %v, %d MB", len(raw)>>10, took, grown>>20)
	if grown > 150<<20 {
		t.Errorf("it took %d MB of memory", grown>>20)
	}
	if took > 5*time.Second && !slow.Racing() {
		t.Errorf("it took %v", took)
	}
}

// watchMemory returns what returns the most memory in use since now, beyond what is in
// use now.
func watchMemory(t *testing.T) (highest func() uint64) {
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.Sys - m.HeapReleased
	}
	before, most := inUse(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, inUse())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return max(most, before) - before
	}
}

func FuzzRead(f *testing.F) {
	s := small()
	f.Add(s["routes.txt"], s["stops.txt"], s["trips.txt"], s["stop_times.txt"])
	f.Add("\ufeffroute_id,route_type\r\n\"r\",1", "stop_id,stop_name,parent_station\na,b,a", "trip_id,route_id", "trip_id,stop_id,stop_sequence\n,,")
	f.Fuzz(func(t *testing.T, routes, stops, trips, times string) {
		feed, err := read(t, tables{"routes.txt": routes, "stops.txt": stops, "trips.txt": trips, "stop_times.txt": times})
		if err != nil {
			if p := (*gtfs.Problem)(nil); !errors.As(err, &p) || p.Error() == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, l := range feed.Lines {
			for _, name := range append([]string{l.Name}, l.Stops...) {
				if name == "" || name != place.Clean(name) {
					t.Fatalf("name %q", name)
				}
			}
		}
		p, err := place.Of(feed.Lines)
		if err == nil {
			p, err = place.Parse(p.String())
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(feed.Lines, p.Lines()); diff != "" {
			t.Fatal(diff)
		}
	})
}
