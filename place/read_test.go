package place_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"ticketfrei/internal/report"
	"ticketfrei/place"
)

func TestLinesOfAReport(t *testing.T) {
	p := cities(t)["nuernberg"]
	for text, want := range map[string]report.Lines{
		"U1 und U2 Kontis":            "|U1|U2|",
		"U1, U1, U1":                  "|U1|",
		"Plärrer Kontis":              "|U1|U2|U3|Tram 4|Bus 36|",
		"U3 Plärrer Kontis":           "|U3|",
		"Kontis Richtung Plärrer":     "",
		"Kontis am Schlachthof":       "",
		"nichts":                      "",
		"Tram 4 Richtung Gibitzenhof": "|Tram 4|",
	} {
		if got := p.Read(text).Lines; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// TestNamesAlike reads names that are spelled alike.
func TestNamesAlike(t *testing.T) {
	p, err := place.Parse("U1: S+U Rathaus (Berlin), Yorckstr., Haus Nord = Ecke, U Tor\n" +
		"U2: S Rathaus Bhf, Yorckstraße, Haus Süd = Ecke, U Tor\nBus 4: Tor 4\nTram 4: Tor 4\nX: Weg")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]report.Reading{
		"Rathaus Kontis":         {}, // one of two
		"S+U Rathaus":            {Stop: "S+U Rathaus (Berlin)", Lines: "|U1|"},
		"Ecke Kontis":            {},                                    // one of two
		"Yorckstr":               {Stop: "Yorckstr.", Lines: "|U1|U2|"}, // one stop, written twice
		"U Tor":                  {Stop: "U Tor", Lines: "|U1|U2|"},
		"Linie 4":                {}, // one of two
		"Bus 4":                  {Line: "Bus 4", Lines: "|Bus 4|"},
		"die Tram 4 ist da":      {Line: "Tram 4", Lines: "|Tram 4|"},
		"das ist ein weiter Weg": {},
		"X":                      {},
		"Linie X":                {Line: "X", Lines: "|X|"},
	} {
		if got := p.Read(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// TestFeedOfARegion reads names that begin with the name of their town.
func TestFeedOfARegion(t *testing.T) {
	var b strings.Builder
	b.WriteString("U1: ")
	for _, s := range []string{"Plärrer", "Messe", "Rathaus", "Nord", "Hbf", "Tiergarten", "Maxfeld", "Rennweg", "Ostring", "Thon", "Hallertor"} {
		b.WriteString("Nürnberg " + s + ", Fürth Markt" + s + ", Ansbach " + s + "dorf 1, ")
	}
	p, err := place.Parse(b.String())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Plärrer": "Nürnberg Plärrer", "Hauptbahnhof": "Nürnberg Hbf", "Kontis im Norden": "", "Kontis Nord": "", "Nürnberg Nord": "Nürnberg Nord",
		"Nürnberg Kontis": "",
	} {
		if got := p.Read(text).Stop; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// TestOneMistake makes every mistake of one letter in every long name: it is read as
// that stop, or as none, and seldom as none.
func TestOneMistake(t *testing.T) {
	p := cities(t)["nuernberg"]
	made, found := 0, 0
	for _, stop := range p.Stops() {
		if len(stop) < 8 || strings.ContainsAny(stop, " .-") {
			continue
		}
		for _, text := range mistakes([]rune(stop)) {
			made++
			switch got := p.Read(text + " Kontis").Stop; got {
			case stop:
				found++
			case "":
			default:
				t.Errorf("%s is read as %s and not as %s", text, got, stop)
			}
		}
	}
	if made < 1000 || found < made*95/100 {
		t.Errorf("%d of %d were found", found, made)
	}
}

func mistakes(name []rune) []string {
	var all []string
	for i := range name {
		all = append(all, string(slices.Delete(slices.Clone(name), i, i+1)), string(slices.Insert(slices.Clone(name), i, 'x')))
		replaced := slices.Clone(name)
		replaced[i] = 'x'
		all = append(all, string(replaced))
		if i > 0 {
			swapped := slices.Clone(name)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			all = append(all, string(swapped))
		}
	}
	return all
}

func TestReadFromManyGoroutines(t *testing.T) {
	p, err := place.Parse("U1: Plärrer")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got := p.Read("U1 Plärrer 2 Kontis"); got.Line != "U1" || got.Stop != "Plärrer" || got.People != 2 {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
	all.Wait()
}
