package place_test

import (
	"strings"
	"testing"
	"time"

	"ticketfrei/place"
)

// FuzzRead checks that whatever is read is a place of the city, in bounded time.
func FuzzRead(f *testing.F) {
	places := cities(f)
	for _, s := range sentences(f, "sentences.txt") {
		f.Add(s.city, s.text)
	}
	f.Add("wien", strings.Repeat("1 ", 2000))
	f.Add("berlin", strings.Repeat("S+U ", 1000))
	f.Fuzz(func(t *testing.T, city, text string) {
		p := places[city]
		began := time.Now()
		read := p.Read(text)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		check(t, p, read.Stop)
		check(t, p, read.Toward)
		for _, line := range append(read.Lines.List(), read.Line) {
			if _, ok := p.Line(line); line != "" && !ok {
				t.Errorf("%q is no line", line)
			}
		}
		if read.People < 0 || read.People > 99 {
			t.Errorf("there are %d people", read.People)
		}
		if read != p.Read(text) {
			t.Error("read twice, it is another")
		}
	})
}

func check(t *testing.T, p *place.Places, stop string) {
	t.Helper()
	for _, s := range p.Stops() {
		if s == stop {
			return
		}
	}
	if stop != "" {
		t.Errorf("%q is no stop", stop)
	}
}

// FuzzIndex checks that every text that can be parsed can be used.
func FuzzIndex(f *testing.F) {
	f.Add("U1 = 4: Plärrer = Ä, (x), S Bhf\n*: U, 1, 2 3\nD: Wien a\n13A: b", "D-Wagen U1 Plärrer nach Wien")
	f.Fuzz(func(t *testing.T, written, text string) {
		if p, err := place.Parse(written); err == nil {
			p.Read(text)
		}
	})
}
