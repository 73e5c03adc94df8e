package report

import "time"

// clearsWithin is how old a report may be, at most, that an all-clear answers.
const clearsWithin = time.Hour

// Answered returns the ids of the reports that an all-clear among them answers, which
// came after them.
func Answered(newestFirst []Report) map[string]bool {
	answered := map[string]bool{}
	var clears []Report
	for _, r := range newestFirst {
		if r.Clear {
			clears = append(clears, r)
			continue
		}
		for _, c := range clears {
			if c.Time.Sub(r.Time) <= clearsWithin && c.answers(r.Reading) {
				answered[r.ID] = true
			}
		}
	}
	return answered
}

// answers tells whether an all-clear is about the same: the same stop, or the same line
// where it names no stop. What may still be true elsewhere is not answered.
func (r Reading) answers(of Reading) bool {
	if r.Toward != "" && of.Toward != "" && r.Toward != of.Toward {
		return false
	}
	if r.Stop == "" {
		return r.Lines.Contains(of.Lines)
	}
	return r.Stop == of.Stop && (r.Line == "" || of.Line == "" || r.Lines.Contains(of.Lines))
}
