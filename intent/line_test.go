package intent

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinesAreFound finds lines however people write them, and no numbers of other
// things.
func TestLinesAreFound(t *testing.T) {
	for text, want := range map[string]string{
		"U1 Plärrer":                      "[U1]",
		"u 1, U-1 und u1":                 "[U1]",
		"U-Bahn 1, S-Bahn S2":             "[U1 S2]",
		"U-Bahn-Linie 3":                  "[U3]",
		"Straßenbahn 5 oder STRASSENBAHN": "[Tram 5]",
		"Tram 5, Bus 36":                  "[Tram 5 Bus 36]",
		"M13 und M 13 und 14er":           "[M13 Linie 14]",
		"Linie 4, line 6, Linie Nr. 8":    "[Linie 4 Linie 6 Linie 8]",
		"RE7 RB 12":                       "[RE7 RB12]",
		"u1/u2":                           "[U1 U2]",
		"Linie 6 kontrolliert":            "[Linie 6]",
		"Tram 8 Kontrolleure":             "[Tram 8]",
		"In der U-Bahn 2 Kontis":          "[]",
		"2 Kontis um 16:20 an Gleis 3":    "[]",
		"Plärrer":                         "[]",
		"U0":                              "[]",
		"":                                "[]",
	} {
		if got := fmt.Sprint(LinesOf(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestNames has a line known by its number alone where people leave out what it is.
func TestNames(t *testing.T) {
	var got []bool
	for _, pair := range [][2]string{{"Kontrolle Tram 5", "Linie 5"}, {"Kontrolle Linie 5", "bus 5"}, {"Tram 5", "Bus 5"}, {"U5", "Linie 5"}, {"U1", "u-bahn 1"}, {"S1", "U1"}} {
		got = append(got, Names(pair[0], LinesOf(pair[1])))
	}
	if diff := cmp.Diff([]bool{true, true, false, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}
