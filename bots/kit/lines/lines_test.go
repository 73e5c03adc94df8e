package lines_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/kit/lines"
)

var city = []string{"U1", "U2", "S1", "Tram 4", "Bus 36", "N4", "Straßenbahn 12E"}

func TestRead(t *testing.T) {
	for typed, want := range map[string]lines.Choice{
		"U1 U2":            {Lines: []string{"U1", "U2"}},
		"u2, u1,u2":        {Lines: []string{"U1", "U2"}},
		"U 1 und tram4":    {Lines: []string{"U1", "Tram 4"}},
		"TRAM-4; s 1":      {Lines: []string{"S1", "Tram 4"}},
		"Linie 36":         {Lines: []string{"Bus 36"}},
		"36":               {Lines: []string{"Bus 36"}},
		"strassenbahn 12e": {Lines: []string{"Straßenbahn 12E"}},
		"4":                {Unknown: []string{"4"}}, // two lines have it
		"U1 U9 Ringbahn":   {Lines: []string{"U1"}, Unknown: []string{"U9", "Ringbahn"}},
		"خط U1 و U2":       {Lines: []string{"U1", "U2"}},
		"all":              {All: true},
		"Alle Linien":      {All: true},
		"Tümü":             {All: true},
		"toutes les":       {Unknown: []string{"les"}},
		"всі":              {All: true},
		"الكل":             {All: true},
		"*":                {All: true},
		"all but U1":       {Lines: []string{"U1"}, Unknown: []string{"but"}},
		"":                 {},
		" , - ":            {},
	} {
		got := lines.Read(typed, city)
		if len(got.Lines) == 0 {
			got.Lines = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", typed, diff)
		}
		if got.Empty() != (typed == "" || typed == " , - ") {
			t.Errorf("%q: empty %v", typed, got.Empty())
		}
	}
}

func TestGone(t *testing.T) {
	if got := lines.Gone("|U1|U9|", city); !cmp.Equal(got, []string{"U9"}) {
		t.Errorf("gone: %v", got)
	}
}

func FuzzRead(f *testing.F) {
	for _, typed := range []string{"U1, tram 4", "alle", "خط U1", "\x00|\xff"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		c := lines.Read(typed, city)
		if c.All && len(c.Lines)+len(c.Unknown) > 0 || len(c.Lines) > len(city) {
			t.Errorf("%q: %+v", typed, c)
		}
	})
}
