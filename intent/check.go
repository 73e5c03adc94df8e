package intent

import "math/rand/v2"

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
