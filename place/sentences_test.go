package place_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// sentence is a line of a file of sentences.
type sentence struct {
	city, text string
	want       report.Reading
}

// sentences reads a file of them; see the head of testdata/sentences.txt.
func sentences(tb testing.TB, file string) []sentence {
	tb.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []sentence
	city := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch text, want, ok := strings.Cut(line, " => "); {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "@"):
			city = line[1:]
		case ok:
			all = append(all, sentence{city, text, expected(tb, want)})
		case line != "":
			tb.Fatalf("%s: %q is no sentence", file, line)
		}
	}
	return all
}

func expected(tb testing.TB, want string) report.Reading {
	tb.Helper()
	var r report.Reading
	for part := range strings.SplitSeq(want, "; ") {
		key, value, _ := strings.Cut(part, " ")
		switch key {
		case "line":
			r.Line = value
		case "stop":
			r.Stop = value
		case "toward":
			r.Toward = value
		case "people":
			r.People, _ = strconv.Atoi(value)
		case "clear":
			r.Clear = true
		case "none":
		default:
			tb.Fatalf("nothing is called %q", key)
		}
	}
	return r
}

// cities reads the places of testdata.
func cities(tb testing.TB) map[string]*place.Places {
	tb.Helper()
	all := map[string]*place.Places{"nowhere": nil}
	for _, name := range []string{"nuernberg", "berlin", "wien", "leipzig", "istanbul", "kyiv", "paris"} {
		text, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			tb.Fatal(err)
		}
		if all[name], err = place.Parse(string(text)); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

func TestSentences(t *testing.T) {
	places := cities(t)
	for _, s := range append(sentences(t, "sentences.txt"), sentences(t, "strangers.txt")...) {
		got := places[s.city].Read(s.text)
		got.Lines = ""
		if got != s.want {
			t.Errorf("%s: %s\n got %+v\nwant %+v", s.city, s.text, got, s.want)
		}
	}
}

// TestUnseenSentences reads sentences that the reader was not made with.
func TestUnseenSentences(t *testing.T) {
	places := cities(t)
	all := sentences(t, "unseen.txt")
	right := 0
	for _, s := range all {
		got := places[s.city].Read(s.text)
		got.Lines = ""
		if got == s.want {
			right++
		}
	}
	t.Logf("%d of %d are read right", right, len(all))
}
