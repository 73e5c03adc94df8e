package place_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"ticketfrei/censor"
	"ticketfrei/place"
)

// manyPlaces is the text of a big agency: 200 lines and 5,000 stops.
func manyPlaces() string {
	first := []string{"Alt", "Neu", "Ober", "Unter", "Groß", "Klein", "Hohen", "Nieder", "Wald", "Linden", "Eichen", "Birken", "Rosen", "Tannen",
		"Schiller", "Goethe", "Uhland", "Lessing", "Kaiser", "König"}
	second := []string{"berger", "felder", "auer", "dorfer", "hofer", "stetter", "brücker", "burger", "heimer", "hausener", "bacher", "kirchner", "grüner",
		"ähler", "öder", "monter", "wieser", "garter", "brunner", "steiner", "müller", "köhler", "schmieder", "weber", "gärtner"}
	third := []string{"Straße", "Platz", "Weg", "Allee", "Ring", "Brücke", "Tor", "Park", "Damm", "Markt"}
	var b strings.Builder
	for line := range 200 {
		fmt.Fprintf(&b, "%s%d: ", []string{"U", "S", "Tram ", "Bus "}[line%4], line/4+1)
		for stop := range 25 {
			n := line*25 + stop
			fmt.Fprintf(&b, "%s%s %s, ", first[n%20], second[n/20%25], third[n/500%10])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// benchReport has 100 characters.
const benchReport = "U1 Altberger Straße Richtung Neufelder Platz, zwei Prüfer in grünen Westen steigen gerade vorne ein "

func BenchmarkRead(b *testing.B) {
	p, err := place.Parse(manyPlaces())
	if err != nil {
		b.Fatal(err)
	}
	rules, err := censor.Compile(censor.DefaultTriggers("de"), censor.DefaultBlocked("de"))
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct{ name, text string }{
		{"places", benchReport},
		{"none", "Guten Morgen liebe Leute, wer möchte heute Nachmittag mitkommen und gemeinsam Flugblätter verteilen?"},
		{"mistakes", "Altbergr Straße Richtnug Neufleder Platz, zwie Pürfer ni gürnen Westne stiegen grade vorrne eni, ahctung"},
		{"all-clear", "Altberger Straße ist wieder frei, die Kontis sind weg"},
	} {
		p.Read(bm.text)
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Read(bm.text)
			}
		})
		b.Run(bm.name+" with verdict", func(b *testing.B) {
			for b.Loop() {
				p.Read(bm.text)
				rules.Judge(bm.text)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	text := manyPlaces()
	for b.Loop() {
		p, err := place.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		p.Read("U1")
	}
}

func TestMemory(t *testing.T) {
	text := manyPlaces()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	p, err := place.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p.Read("U1")
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := len(p.Stops()); n != 5000 {
		t.Fatalf("there are %d stops", n)
	}
	held := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
	t.Logf("%.1f MB, compiled in %v", held, took)
	if held > 30 {
		t.Errorf("5,000 stops hold %.1f MB", held)
	}
	runtime.KeepAlive(p)
}
