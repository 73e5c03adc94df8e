package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// censorSpeed measures one verdict, in this process.
type censorSpeed struct{}

func (*censorSpeed) name() string { return "censor" }
func (*censorSpeed) what() string {
	return "one verdict with 200 patterns and 500 blocked words, and with the worst that a moderator may write"
}

// The targets for a verdict.
const (
	wantVerdict = 3.0 // µs, of 100 characters
	wantLinear  = 1.2 // 5,000 characters to 50 times that
	// wantGrowth is for a text and one of half its length, whatever the rules:
	// 2 is linear, 4 quadratic.
	wantGrowth = 3.0
)

func (c *censorSpeed) run(_ context.Context, b *bench, r *Result) error {
	runs := 5 // the best counts: whatever else the machine does only takes time
	if b.Quick {
		runs = 2
	}
	r.Axes = Axes{Title: "One verdict, and the first one of the worst rules", X: "characters", Y: "µs", LogX: true, LogY: true}
	if err := c.ordinary(runs, r); err != nil {
		return err
	}
	return c.worst(runs, r)
}

// ordinary measures rules as moderators write them, on texts that they read to
// the end.
func (c *censorSpeed) ordinary(runs int, r *Result) error {
	rules, err := censor.Compile(manyTriggers(200), manyBlocked(500))
	if err != nil {
		return err
	}
	lengths := []int{20, 100, 500, 1000, 5000}
	texts := map[int][]string{}
	for _, length := range lengths {
		texts[length] = ordinaryTexts(length)
		if v := rules.Judge(texts[length][0]); v.Reason != report.ReasonNoTrigger {
			return fmt.Errorf("a text that is to be read to its end got the verdict %+v", v)
		}
	}
	took := map[int]float64{} // by length
	for range runs {
		for _, length := range lengths {
			t := judgeTime(rules, texts[length])
			if best, ok := took[length]; !ok || t < best {
				took[length] = t
			}
		}
	}
	line := Series{Name: "ordinary rules"}
	for _, length := range lengths {
		line.Points = append(line.Points, Point{float64(length), took[length]})
		f := r.add(fmt.Sprintf("%d characters", length), took[length], "µs")
		if length == 100 {
			f.atMost(wantVerdict)
		}
	}
	r.add("5000 characters, to 50 times 100", took[5000]/(50*took[100]), "×").atMost(wantLinear)
	r.Series = append(r.Series, line)
	return nil
}

// judgeTime is the time of one verdict in microseconds, on average over texts.
func judgeTime(rules *censor.Rules, texts []string) float64 {
	result := testing.Benchmark(func(tb *testing.B) {
		i := 0
		for tb.Loop() {
			rules.Judge(texts[i%len(texts)])
			i++
		}
	})
	return float64(result.T.Nanoseconds()) / float64(result.N) / 1000
}

// worst measures rules that make other engines take time beyond all bounds, on
// the longest text and on one of half its length. Each time the rules have just
// been compiled, since they remember what they have seen.
func (c *censorSpeed) worst(runs int, r *Result) error {
	slowest, steepest := 0.0, 0.0
	var slowestName, steepestName string
	for _, bad := range worstRules() {
		half, whole, err := bad.best(runs)
		if err != nil {
			return err
		}
		if whole > slowest {
			slowest, slowestName = whole, bad.name
		}
		if whole/half > steepest {
			steepest, steepestName = whole/half, bad.name
		}
		r.Series = append(r.Series, Series{Name: "worst: " + bad.name, Points: []Point{{censor.MaxLength / 2, half * 1000}, {censor.MaxLength, whole * 1000}}})
	}
	r.add("worst rules, 5000 characters, first time", slowest, "ms").note("%s", slowestName)
	r.add("worst rules, 5000 to 2500 characters", steepest, "×").atMost(wantGrowth).note("%s; 2 is linear", steepestName)
	return nil
}

// badRules are rules, and texts that they are slow on.
type badRules struct {
	name, triggers, blocked string
	text                    func(length int) string
}

// cold is the time in milliseconds that the rules take for a text when they
// have just been compiled.
func (b badRules) cold(length int) (float64, error) {
	text := b.text(length)
	rules, err := censor.Compile(b.triggers, b.blocked)
	if err != nil {
		return 0, fmt.Errorf("worst rules, %s: %w", b.name, err)
	}
	began := time.Now()
	rules.Judge(text)
	return milliseconds(float64(time.Since(began))), nil
}

// best is cold for the longest text and for one of half its length, each the
// best of some runs, in turn.
func (b badRules) best(runs int) (half, whole float64, err error) {
	half, whole = math.Inf(1), math.Inf(1)
	for range runs {
		h, err := b.cold(censor.MaxLength / 2)
		if err != nil {
			return 0, 0, err
		}
		w, err := b.cold(censor.MaxLength)
		if err != nil {
			return 0, 0, err
		}
		half, whole = min(half, h), min(whole, w)
	}
	return half, whole, nil
}

func worstRules() []badRules {
	return []badRules{
		{"nested repetition", `(?:(?:a+)+)+$` + "\n" + `(?:a|a)*$` + "\n" + `(?:a|aa)+$`, "", repeated("a")},
		{"many states", `(?:a|b)*a(?:a|b){90}c`, "", mixed("ab")},
		{"all under way", strings.TrimSpace(strings.Repeat(".{0,60}x.{0,60}y\n", 30)), "", mixed("abx")},
		{"phrases", "z", strings.Repeat(strings.Repeat("a ", 99)+"b\n", 500), repeated("a ")},
		{"accents", "z", "", repeated("a\u0301\u0327\u0336")},
		{"not UTF-8", "z", "", repeated("\xff")},
	}
}
