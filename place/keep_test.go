package place_test

import (
	"testing"

	"ticketfrei/place"
)

func TestKeeping(t *testing.T) {
	parse := func(text string) *place.Places {
		t.Helper()
		p, err := place.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := parse("U1 = Linie 1: Plärrer = Pläri, Weg = W\nU9 = Linie 9: Weg\n*: Zoo = Tierpark, Thon")
	fresh := parse("U1 #ff0000 = Eins: Plärrer, Fürth\nU2: Plärrer, Thon")
	want := "U1 = Eins = Linie 1 #ff0000: Plärrer = Pläri, Fürth\nU2: Plärrer, Thon\n*: Zoo = Tierpark, Thon\n"
	if got := fresh.Keeping(old).String(); got != want {
		t.Errorf("%s", got)
	}
	if got := fresh.String(); got != "U1 = Eins #ff0000: Plärrer, Fürth\nU2: Plärrer, Thon\n" {
		t.Errorf("they changed: %s", got)
	}
	if got := fresh.Keeping(nil); got != fresh {
		t.Error(got)
	}
	if got := (*place.Places)(nil).Keeping(old); got != nil {
		t.Error(got)
	}
}
