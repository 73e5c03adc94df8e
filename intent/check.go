package intent

import (
	"math/rand/v2"
	"slices"
)

// folds are the parts into which sentences are dealt to be checked.
const folds = 10

// Result is what became of a sentence of which is known what it is.
type Result struct {
	Sentence
	Guess Guess
}

// Swallowed tells that a report would not have been passed on.
func (r Result) Swallowed() bool { return r.Intent == Report && r.Guess.Sure() }

// Answered tells that whoever wrote it would have been answered.
func (r Result) Answered() bool { return r.Guess.Sure() || r.Guess.Doubtful() }

// CrossCheck recognises each of the sentences by what is learned from the others: by
// those in the nine tenths of them where it is not.
func CrossCheck(list []Sentence) []Result {
	shuffled := make([]Sentence, len(list))
	for i, at := range rand.New(rand.NewPCG(3, 4)).Perm(len(list)) {
		shuffled[i] = list[at]
	}
	var results []Result
	for fold := range folds {
		var learned, asked []Sentence
		for i, s := range shuffled {
			if i%folds == fold {
				asked = append(asked, s)
			} else {
				learned = append(learned, s)
			}
		}
		results = append(results, New(learned).Check(asked)...)
	}
	return results
}

// Check recognises each of the sentences.
func (r *Recognizer) Check(list []Sentence) []Result {
	results := make([]Result, len(list))
	for i, s := range list {
		results[i] = Result{s, r.Recognize(s.Text)}
	}
	return results
}

// Nearest returns that of the sentences of an intent which is most like a text. ok is
// false where there is none of that intent.
func Nearest(text string, is Intent, list []Sentence) (nearest Sentence, ok bool) {
	best, looked := 0.0, read(text).features()
	for _, s := range list {
		if s.Intent != is {
			continue
		}
		features := read(s.Text).features()
		common := 0
		for _, f := range features {
			if slices.Contains(looked, f) {
				common++
			}
		}
		// What both have of what either has: a long sentence has something of every text.
		if share := float64(common) / float64(len(looked)+len(features)-common); share > best {
			best, nearest = share, s
		}
	}
	return nearest, best > 0
}

// Confusion counts which sentences of each intent were taken for which; certain says
// from which certainty on, and what is below counts as a report.
func Confusion(results []Result, certain float64) map[Intent]map[Intent]int {
	counts := map[Intent]map[Intent]int{}
	for _, is := range all {
		counts[is] = map[Intent]int{}
	}
	for _, r := range results {
		taken := r.Guess.Intent
		if r.Guess.Certainty < certain {
			taken = Report
		}
		counts[r.Intent][taken]++
	}
	return counts
}

// All returns the intents, in the order in which they are shown.
func All() []Intent { return append([]Intent(nil), all...) }
