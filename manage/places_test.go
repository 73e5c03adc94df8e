package manage_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/manage"
	"ticketfrei/place"
)

const twoLines = "# the city\nU1 = Blaue #0065ae: Langwasser Süd, Plärrer = Pläri, Fürth\nTram 4: Gleis #3, Plärrer\n*: Zoo = Tierpark"

func TestPlaces(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	stored := must(tn.SavePlaces(t.Context(), c.ID, "\n"+strings.ReplaceAll(twoLines, "\n", "\r\n")+"\n\n", ""))(t)
	tn.changed(c, 1)
	got := must(tn.Places(t.Context(), c.ID))(t)
	if got.Text != twoLines || got.Revision() != stored.Revision() {
		t.Errorf("stored %q", got.Text)
	}
	want := []manage.Line{
		{Name: "U1", Color: "#0065ae", Spellings: []string{"Blaue"}, Stops: []manage.Stop{{Name: "Langwasser Süd"}, {"Plärrer", []string{"Pläri"}}, {Name: "Fürth"}}},
		{Name: "Tram 4", Stops: []manage.Stop{{Name: "Gleis #3"}, {"Plärrer", []string{"Pläri"}}}},
		{Name: "*", Stops: []manage.Stop{{"Zoo", []string{"Tierpark"}}}},
	}
	if diff := cmp.Diff(want, got.Lines()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again := must(tn.SaveLines(t.Context(), c.ID, want, got.Revision()))(t)
	if diff := cmp.Diff(want, again.Lines()); diff != "" {
		t.Errorf("stored as lines (-want +got):\n%s", diff)
	}
	if now := must(tn.Places(t.Context(), c.ID))(t); now.Text != again.Text || strings.Contains(now.Text, "#  the city") {
		t.Errorf("stored %q", now.Text)
	}
	_, err := tn.SavePlaces(t.Context(), c.ID, "U2: Zoo", got.Revision())
	tn.is(err, manage.ErrConflict)
	_, err = tn.SaveLines(t.Context(), c.ID, want, got.Revision())
	tn.is(err, manage.ErrConflict)
	tn.changed(c, 1)
	for _, empty := range []string{"", "# notes about nothing"} {
		if now := must(tn.SavePlaces(t.Context(), c.ID, empty, ""))(t); now.Text != "" || len(now.Lines()) != 0 {
			t.Errorf("%q is stored as %q", empty, now.Text)
		}
	}
	_, err = tn.SavePlaces(t.Context(), c.ID+100, "U1: Zoo", "")
	tn.is(err, db.ErrNotFound)
}

func TestWrongPlaces(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	_, err := tn.SavePlaces(t.Context(), c.ID, "\nU1: Zoo\nno colon\nU2 #nocolour: Zoo\n", "")
	wrong := tn.wrong(err, "text", "text")
	if wrong[0].Line != 3 || wrong[1].Line != 4 || wrong[1].Value != "#nocolour" {
		t.Errorf("wrong is %+v", wrong)
	}
	_, err = tn.SavePlaces(t.Context(), c.ID, strings.Repeat("#", place.MaxText+1), "")
	tn.wrong(err, "text")
	long := strings.Repeat("x", place.MaxName+1)
	_, err = tn.SaveLines(t.Context(), c.ID, []manage.Line{
		{Name: "U1, U2", Stops: []manage.Stop{{Name: "A: B"}, {Name: "ok", Spellings: []string{"no=no"}}}},
		{Name: " ", Color: "blue"}, {Name: "U3\nU4: x"}, {Name: "U#5"},
	}, "")
	tn.wrong(err, "lines[0].name", "lines[0].stops[0].name", "lines[0].stops[1].spellings[0]", "lines[1].name", "lines[1].color", "lines[2].name", "lines[3].name")
	_, err = tn.SaveLines(t.Context(), c.ID, []manage.Line{{Name: "U1"}, {Name: "U2", Color: "#12"}, {Name: long}}, "")
	tn.wrong(err, "lines[1]", "lines[2]")
	_, err = tn.SaveLines(t.Context(), c.ID, make([]manage.Line, 500), "")
	if err == nil {
		t.Error("500 lines without names are stored")
	}
	tn.changed(c, 0)
}

func TestTimetableKeepsWhatPeopleHaveTyped(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	must(tn.SavePlaces(t.Context(), c.ID, "U1 = Blaue: Plärrer = Pläri\nU9: Gone", ""))(t)
	text := "U1 #0065ae: Plärrer, Fürth"
	p, idle, err := manage.ReadTimetable(t.Context(), strings.NewReader(text), int64(len(text)))
	if err != nil || idle != 0 {
		t.Fatal(idle, err)
	}
	got := must(tn.SaveTimetable(t.Context(), c.ID, p))(t)
	if want := "U1 = Blaue #0065ae: Plärrer = Pläri, Fürth"; strings.TrimSpace(got.Text) != want || must(tn.Places(t.Context(), c.ID))(t).Text != got.Text {
		t.Errorf("stored %q", got.Text)
	}
	for _, file := range []string{"", "no colon", "<html>", "PK\x03\x04 and no more", "\xff\xfe"} {
		_, _, err := manage.ReadTimetable(t.Context(), strings.NewReader(file), int64(len(file)))
		tn.wrong(err, "file")
	}
}

// FuzzSaveLines: whatever is taken reads as it was written.
func FuzzSaveLines(f *testing.F) {
	f.Add("U1", "#0065ae", "Blaue", "Plärrer", "Pläri")
	f.Add("U1: x", "#fff\n", "=", ",", "#")
	f.Add("*", "", "", "Zoo\u202e", "a|b")
	f.Fuzz(func(t *testing.T, name, color, spelling, stop, other string) {
		l := manage.Line{Name: name, Color: color, Stops: []manage.Stop{{stop, []string{other}}}}
		if spelling != "" {
			l.Spellings = []string{spelling}
		}
		p, err := manage.ParseLines([]manage.Line{l})
		if err != nil {
			if _, ok := errors.AsType[*manage.Invalid](err); !ok {
				t.Fatal(err)
			}
			return
		}
		again, err := manage.ParsePlaces(p.Text)
		if err != nil || !reflect.DeepEqual(manage.Places{Text: p.Text, Parsed: again}.Lines(), p.Lines()) || len(p.Lines()) != 1 || len(p.Lines()[0].Stops) != 1 {
			t.Errorf("%+v is stored as %q: %v", l, p.Text, err)
		}
	})
}
