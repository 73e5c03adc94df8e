package censor

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/internal/report"
)

// manyTriggers are 200 patterns of the kinds that moderators write.
func manyTriggers() string {
	var lines []string
	for i := range 200 {
		switch i % 5 {
		case 0:
			lines = append(lines, fmt.Sprintf(`\blinie%c\s?%d\b`, 'a'+i%26, i))
		case 1:
			lines = append(lines, fmt.Sprintf("haltestelle%dstraße", i))
		case 2:
			lines = append(lines, fmt.Sprintf("stop%d", i))
		case 3:
			lines = append(lines, fmt.Sprintf(`\b(?:kontrollör|prüfer)%d(?:innen|s)?\b`, i))
		case 4:
			lines = append(lines, fmt.Sprintf(`[uvw][\s-]?%d\d`, 100+i))
		}
	}
	return strings.Join(lines, "\n")
}

// manyBlocked are 500 words and phrases.
func manyBlocked() string {
	var lines []string
	for i := range 500 {
		if i%10 == 0 {
			lines = append(lines, fmt.Sprintf("zwei wort%d", i))
			continue
		}
		lines = append(lines, fmt.Sprintf("wort%d", i))
	}
	return strings.Join(lines, "\n")
}

const (
	asciiReport  = "Linie 4 Richtung Hauptbahnhof, zwei Leute in blauen Westen steigen gerade am Markt ein, bitte Vorsicht"
	umlautReport = "Linie 4 Richtung Plärrer, zwei Prüfer in grünen Westen steigen gerade an der Straßburger Straße ein 🚇"
	exoticReport = "Linie 4 Richtung Plärrer, zwei Prüfer ｉｎ grünen Westen steigen gerade an der Žižkova-Straße ein"
)

func BenchmarkJudge(b *testing.B) {
	rules, err := Compile(manyTriggers(), manyBlocked())
	if err != nil {
		b.Fatal(err)
	}
	defaults, err := Compile(DefaultTriggers("de"), DefaultBlocked("de"))
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		name  string
		rules *Rules
		text  string
	}{
		{"200 patterns, none matches, ASCII", rules, asciiReport},
		{"200 patterns, none matches, umlauts", rules, umlautReport},
		{"200 patterns, none matches, other scripts", rules, exoticReport},
		{"200 patterns, one matches", rules, umlautReport + " stop7"},
		{"defaults", defaults, umlautReport},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.rules.Judge(bm.text)
			}
		})
	}
	b.Run("200 patterns, parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				rules.Judge(umlautReport)
			}
		})
	})
	b.Run("200 patterns, ever new texts", func(b *testing.B) {
		texts := newTexts(20000)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			rules.Judge(texts[i%len(texts)])
			i++
		}
	})
	b.Run("5000 characters", func(b *testing.B) {
		long := strings.Repeat(asciiReport+" ", 48)
		b.ReportAllocs()
		for b.Loop() {
			rules.Judge(long)
		}
	})
}

// newTexts makes n different reports of about 100 characters.
func newTexts(n int) []string {
	words := strings.Fields("Linie Richtung Plärrer zwei Prüfer grünen Westen steigen gerade an der Straße ein U1 S3 Haltestelle Stop kontrollieren Fürth Bahnhof Gleis Zivil inspectors wagen vorne hinten und am Ausgang stop9 haltestelle33 u10 linie7 12 4 kontrollör7")
	texts := make([]string, n)
	seed := uint32(1)
	for i := range texts {
		var b strings.Builder
		for b.Len() < 100 {
			seed = seed*1664525 + 1013904223
			b.WriteString(words[int(seed>>16)%len(words)])
			b.WriteByte(' ')
		}
		texts[i] = b.String()
	}
	return texts
}

func BenchmarkCompile(b *testing.B) {
	triggers, blocked := manyTriggers(), manyBlocked()
	b.Run("200 patterns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Compile(triggers, blocked); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("defaults", func(b *testing.B) {
		triggers, blocked := DefaultTriggers("de"), DefaultBlocked("de")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Compile(triggers, blocked); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	for name, text := range map[string]string{"ASCII": asciiReport, "umlauts": umlautReport, "other scripts": exoticReport} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Normalize(text)
			}
		})
	}
}

// worst holds rules and texts that take other engines practically for ever, or
// that make this one build every step again.
var worst = []struct {
	name, triggers, blocked string
	text                    func(length int) string
}{
	{"nested repetition", `(?:(?:a+)+)+$` + "\n" + `(?:a|a)*$` + "\n" + `(?:a|aa)+$`, "", repeated("a")},
	{"many states", `(?:a|b)*a(?:a|b){90}c`, "", mixed("ab")},
	{"everything under way", strings.TrimSpace(strings.Repeat(".{0,60}x.{0,60}y\n", 30)), "", mixed("abx")},
	{"every pattern another state", differentLengths(), "", mixed("abcdefgh")},
	{"classes", strings.Repeat(`\pL\PL\p{Lu}\p{Greek}+[^\pN]{1,20}`+"\n", 40), "", mixed("aЖ1")},
	{"phrases", "z", strings.Repeat(strings.Repeat("a ", 99)+"b\n", 500), repeated("a ")},
	{"accents", "z", "", repeated("a\u0301\u0327\u0336")},
	{"characters that grow", "z", "", repeated("ﷺ")},
	{"not UTF-8", "z", "", repeated("\xff")},
}

// differentLengths returns patterns of the greatest length, all matching at the
// same time, each at another place.
func differentLengths() string {
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("[%c-h].{%d}z", 'a'+i%8, 240-i))
	}
	return strings.Join(lines, "\n")
}

// repeated makes texts by repeating a piece.
func repeated(piece string) func(int) string {
	return func(length int) string {
		return string([]rune(strings.Repeat(piece, length))[:length])
	}
}

// mixed makes texts of letters in random order.
func mixed(letters string) func(int) string {
	return func(length int) string {
		from, seed := []rune(letters), uint32(1)
		text := make([]rune, length)
		for i := range text {
			seed = seed*1664525 + 1013904223
			text[i] = from[int(seed>>16)%len(from)]
		}
		return string(text)
	}
}

// TestWorstCase bounds the time that the longest texts take. An engine without
// such a bound would take years here, so the limit leaves room for slow
// machines.
func TestWorstCase(t *testing.T) {
	for _, tt := range worst {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := Compile(tt.triggers, tt.blocked)
			if err != nil {
				t.Fatal(err)
			}
			text := tt.text(MaxLength)
			start := time.Now()
			rules.Judge(text)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// BenchmarkWorstCase shows that time grows in proportion to the text.
func BenchmarkWorstCase(b *testing.B) {
	for _, bm := range worst {
		for _, length := range []int{MaxLength / 4, MaxLength / 2, MaxLength} {
			b.Run(fmt.Sprintf("%s/%d", bm.name, length), func(b *testing.B) {
				rules, err := Compile(bm.triggers, bm.blocked)
				if err != nil {
					b.Fatal(err)
				}
				text := bm.text(length)
				b.ReportAllocs()
				for b.Loop() {
					rules.found.forget()
					rules.Judge(text)
				}
			})
		}
	}
}

// TestMemoryIsBounded reads texts that keep leading to new states.
func TestMemoryIsBounded(t *testing.T) {
	rules, err := Compile(`(?:a|b)*a(?:a|b){60}c`, "")
	if err != nil {
		t.Fatal(err)
	}
	seed, forgot, before := uint32(1), 0, 0
	for range 50 {
		text := make([]byte, 1000)
		for i := range text {
			seed = seed*1664525 + 1013904223
			text[i] = 'a' + byte(seed>>24)&1
		}
		if got := rules.Judge(string(text)); got.Reason != report.ReasonNoTrigger {
			t.Fatalf("verdict %+v", got)
		}
		if rules.found.memory < before {
			forgot++
		}
		before = rules.found.memory
		if before > 2*maxMemory {
			t.Fatalf("automaton takes %d bytes", before)
		}
	}
	if forgot == 0 {
		t.Error("never forgot a state: the text is too simple for this test")
	}
	if got := rules.Judge(strings.Repeat("a", 61) + "c"); !got.Passed {
		t.Errorf("after forgetting: %+v", got)
	}
}

// TestConcurrent has many goroutines build and forget the steps of one
// automaton while the race detector watches.
func TestConcurrent(t *testing.T) {
	rules, err := Compile(`(?:a|b)*a(?:a|b){20}c`+"\nkonti", "")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			seed := uint32(g)
			for n := range 60 {
				text := make([]byte, 200)
				for i := range text {
					seed = seed*1664525 + 1013904223
					text[i] = 'a' + byte(seed>>24)&1
				}
				text[20], text[100] = 'a', ' '
				want := none
				if n%2 == 0 {
					text = append(text, "aKonti"...)
					want = 1
				}
				if n%3 == 0 {
					text[121-1-20], text[121] = 'a', 'c'
					want = 0
				}
				if got := rules.found.match(Normalize(string(text))); got != want {
					t.Errorf("%s: pattern %d, want %d", text, got, want)
				}
			}
		})
	}
	group.Wait()
}
