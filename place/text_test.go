package place_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/place"
)

const written = "\ufeff# the underground\r\n" +
	"U1 #0065AE: Langwasser  Süd, Plärrer = Pläri = Plaza,, Fürth,\r\n" +
	"\n" +
	"Tram 4 = Straßenbahn 4: Thon, Plärrer, Friedrich-Ebert-Platz\n" +
	"U1: Hardhöhe, Plärrer\n" +
	"Ringbahn:\n" +
	"*: Zoo, 動物園\n"

func TestParse(t *testing.T) {
	p, err := place.Parse(written)
	if err != nil {
		t.Fatal(err)
	}
	want := []place.Line{
		{Name: "U1", Color: "#0065ae", Stops: []string{"Langwasser Süd", "Plärrer", "Fürth", "Hardhöhe"}},
		{Name: "Tram 4", Stops: []string{"Thon", "Plärrer", "Friedrich-Ebert-Platz"}, Also: []string{"Straßenbahn 4"}},
		{Name: "Ringbahn"},
	}
	if diff := cmp.Diff(want, p.Lines()); diff != "" {
		t.Error(diff)
	}
	stops := []string{"Langwasser Süd", "Plärrer", "Fürth", "Hardhöhe", "Thon", "Friedrich-Ebert-Platz", "Zoo", "動物園"}
	if diff := cmp.Diff(stops, p.Stops()); diff != "" {
		t.Error(diff)
	}
	const canonical = "U1 #0065ae: Langwasser Süd, Plärrer = Pläri = Plaza, Fürth, Hardhöhe\n" +
		"Tram 4 = Straßenbahn 4: Thon, Plärrer, Friedrich-Ebert-Platz\nRingbahn:\n*: Zoo, 動物園\n"
	if diff := cmp.Diff(canonical, p.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNoPlaces(t *testing.T) {
	for _, text := range []string{"", " \n", "# nothing\n"} {
		p, err := place.Parse(text)
		if p != nil || err != nil {
			t.Errorf("Parse(%q) = %v, %v", text, p, err)
		}
	}
	var none *place.Places
	if none.Lines() != nil || none.Stops() != nil || none.String() != "" {
		t.Error("a city without places has some")
	}
	if _, ok := none.Line("U1"); ok {
		t.Error("a city without places has a line")
	}
}

func TestParseErrors(t *testing.T) {
	long := strings.Repeat("ä", place.MaxName+1)
	for _, tt := range []struct {
		text string
		want place.Error
	}{
		{"U1: A\nPlärrer\n", place.Error{Kind: place.NoColon, Line: 2, Name: "Plärrer"}},
		{": Plärrer", place.Error{Kind: place.NoName, Line: 1}},
		{"U1 = : Plärrer", place.Error{Kind: place.NoName, Line: 1}},
		{"U1: = Pläri", place.Error{Kind: place.NoName, Line: 1}},
		{"U1 #06a: Plärrer", place.Error{Kind: place.BadColor, Line: 1, Name: "#06a"}},
		{"U1 #0065ag: Plärrer", place.Error{Kind: place.BadColor, Line: 1, Name: "#0065ag"}},
		{"U1: Plä|rrer", place.Error{Kind: place.BadSign, Line: 1, Name: "Plä|rrer"}},
		{"U1: 8:30", place.Error{Kind: place.BadSign, Line: 1, Name: "8:30"}},
		{"U1: a\u202eb", place.Error{Kind: place.BadSign, Line: 1, Name: "a\u202eb"}},
		{"\n\nU1: " + long, place.Error{Kind: place.NameTooLong, Line: 3, Name: long[:2*place.MaxName] + "…"}},
		{manyLines(place.MaxLines + 1), place.Error{Kind: place.TooManyLines, Line: place.MaxLines + 1, Name: "U300"}},
		{"U1: " + manyStops(place.MaxStops+1), place.Error{Kind: place.TooManyStops, Line: 1, Name: "s10000"}},
		{"U1: a" + strings.Repeat(" ", place.MaxText), place.Error{Kind: place.TooLong}},
		{"U1: a\xff", place.Error{Kind: place.NotText}},
		{"PK\x03\x04: a\x00", place.Error{Kind: place.NotText}},
	} {
		_, err := place.Parse(tt.text)
		got, ok := errors.AsType[place.Errors](err)
		if !ok || len(got) != 1 || got[0] != tt.want {
			t.Errorf("Parse(%.40q): got %v, want %v", tt.text, err, tt.want)
		}
	}
}

func TestErrorsNameTheirLines(t *testing.T) {
	_, err := place.Parse("U1\nU2: a\nU3")
	if err == nil || !strings.Contains(err.Error(), "line 1:") || !strings.Contains(err.Error(), "line 3:") {
		t.Errorf("got %v", err)
	}
	_, err = place.Parse(strings.Repeat("U1\n", 1000))
	if got, _ := errors.AsType[place.Errors](err); len(got) != 20 {
		t.Errorf("got %d errors", len(got))
	}
}

func TestBoundsAreReached(t *testing.T) {
	for _, text := range []string{manyLines(place.MaxLines), "U1: " + manyStops(place.MaxStops), "U1: " + strings.Repeat("ä", place.MaxName)} {
		if _, err := place.Parse(text); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "U%d: a\n", i)
	}
	return b.String()
}

func manyStops(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s%d, ", i)
	}
	return b.String()
}

func TestOf(t *testing.T) {
	p, err := place.Of([]place.Line{
		{Name: "U1|2", Color: "#0065ae", Stops: []string{"Berlin, Alexanderplatz", "a=b", " ", "*"}},
		{Name: "*", Stops: []string{"lost"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []place.Line{{Name: "U1 2", Color: "#0065ae", Stops: []string{"Berlin Alexanderplatz", "a b"}}}
	if diff := cmp.Diff(want, p.Lines()); diff != "" {
		t.Error(diff)
	}
}

func TestInk(t *testing.T) {
	for color, want := range map[string]string{
		"": "", "#000000": "#ffffff", "#ffffff": "#000000", "#ffd800": "#000000", "#0065ae": "#ffffff", "#777777": "#000000", "#757575": "#ffffff",
	} {
		if got := (place.Line{Color: color}).Ink(); got != want {
			t.Errorf("%s: got %q, want %q", color, got, want)
		}
	}
}

// FuzzParse checks that what is read is written so that it is read as the same.
func FuzzParse(f *testing.F) {
	f.Add(written)
	f.Add("*: a = b, c\nx #aabbcc:")
	f.Add("# a\n = b: c")
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		p, err := place.Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("the error says nothing")
			}
			return
		}
		again, err := place.Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is written as %q, which is read as %q: %v", text, p.String(), again.String(), err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
