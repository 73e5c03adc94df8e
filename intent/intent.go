// Package intent recognises what somebody wants who writes to a bot: mostly to report
// something, and sometimes to ask, to thank or to get out. It learns from the sentences
// in data, one a line, and from those of the operator; no text leaves the server.
//
// A report must not be taken for a question. So a guess is only sure where the words
// that were learned say so and the form does too: see form.go.
package intent

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// Intent is what somebody wants.
type Intent string

// The intents, which are the directories of the sentences.
const (
	Report      Intent = "report"      // tell what is to be seen
	Where       Intent = "where"       // hear where inspectors are
	Thanks      Intent = "thanks"      // say thank you
	Subscribe   Intent = "subscribe"   // get the reports
	Unsubscribe Intent = "unsubscribe" // get no more
	Help        Intent = "help"        // know how it works
)

// intents is how many there are.
const intents = 6

// all are the intents, in the order of the weights.
var all = []Intent{Report, Where, Thanks, Subscribe, Unsubscribe, Help}

// The certainties from which something follows.
const (
	Sure  = 0.8 // it is answered and is no report
	Doubt = 0.5 // it is answered and is a report as well
)

// longest is how long a question is, at most, in characters: whoever writes more tells
// something.
const longest = 300

// Guess is what a text was taken for.
type Guess struct {
	Intent    Intent
	Certainty float64 // 0 to 1
	Lines     []Line  // that it names
	// Learned is how certain it would be by what was learned alone. It is more than
	// Certainty where the form may be that of a report.
	Learned float64
	// Asks is set where all of it asks, and nothing in it tells what somebody sees, or
	// names inspectors.
	Asks bool
}

// Sure tells that the text is no report.
func (g Guess) Sure() bool { return g.Intent != Report && g.Certainty >= Sure }

// Doubtful tells that the text may be a report, and may be none.
func (g Guess) Doubtful() bool { return g.Intent != Report && g.Certainty >= Doubt && !g.Sure() }

// Naming is the guess where more is known of the text: whether it names a line or stop of
// its city, and whether it is an all-clear. What names one and only asks, as "Plärrer?", is
// a question; an all-clear is a report, also with a thank-you.
func (g Guess) Naming(named, allClear bool) Guess {
	switch {
	case named && g.Asks && !g.Sure():
		g.Intent, g.Certainty = Where, Sure
	case allClear && g.Intent != Where:
		g.Intent, g.Certainty = Report, 1
	}
	return g
}

// Recognizer recognises intents. It learns when it is first asked, or by Train, and
// never changes then; it is safe for use by many goroutines.
type Recognizer struct {
	sentences []Sentence
	own       []Sentence
	once      sync.Once
	model     *model
	known     map[Intent]map[string]bool // the words of each intent's sentences
	literal   map[string]Intent          // what is meant word for word, see literally
}

// New returns a Recognizer that learns from sentences, and from the operator's own, which
// mean what they say word for word; see Read.
func New(sentences []Sentence, own ...Sentence) *Recognizer {
	return &Recognizer{sentences: sentences, own: own}
}

// Train learns. It takes some tenths of a second, and whoever asks meanwhile waits.
func (r *Recognizer) Train() {
	r.once.Do(func() {
		list := slices.Concat(r.sentences, r.own)
		r.model, r.known = train(list), vocabulary(list)
		r.literal = literally(r.sentences, r.own)
		r.sentences, r.own = nil, nil
	})
}

// Recognize says what a text is taken for.
func (r *Recognizer) Recognize(text string) Guess {
	if utf8.RuneCountInString(text) > longest {
		return Guess{Intent: Report, Certainty: 1}
	}
	said := read(text)
	g := Guess{Intent: Report, Certainty: 1, Learned: 1, Lines: said.lines, Asks: said.onlyAsks()}
	if said.insists {
		return g
	}
	r.Train()
	if meant, ok := r.literal[spelling(text)]; ok {
		g.Intent = meant
		return g
	}
	if exact, ok := exactly(said); ok {
		g.Intent = exact
		return g
	}
	if len(said.words) == 0 {
		return g
	}
	g.Intent, g.Learned = r.guess(said)
	if g.Certainty = g.Learned; g.Intent != Report && !r.allows(g.Intent, said) {
		g.Certainty = min(g.Learned, Sure-.01)
	}
	return g
}

// guess takes what the model says, and what the form of the text adds to it.
func (r *Recognizer) guess(said said) (Intent, float64) {
	p := r.model.probabilities(said.features())
	switch {
	case !said.asks():
		p[Report] += p[Where]
		p[Where] = 0
	case said.inquires() && !said.tells(), said.plainlyAsks():
		p[Where] += p[Report] / 2
		p[Report] /= 2
	}
	best := Report
	for _, i := range all {
		if p[i] > p[best] {
			best = i
		}
	}
	return best, p[best]
}

// allows tells whether a text has the form of what it is taken for, so that it can be
// nothing else.
func (r *Recognizer) allows(i Intent, said said) bool {
	if i == Where {
		return said.plainlyAsks()
	}
	return said.plain() && r.knows(i, said) && (i != Thanks || !anyOf(said.words, lasting))
}

// knows tells whether sentences of an intent have all the words of a text.
func (r *Recognizer) knows(i Intent, said said) bool {
	for _, w := range said.words {
		if !r.known[i][w] {
			return false
		}
	}
	return true
}
