package intent

import (
	"slices"
	"strings"
)

// asks tells whether a text may be a question: it inquires, or begins with a verb.
func (s said) asks() bool {
	return s.inquires() || !s.shouts() && askVerbs[withoutGreeting(s.words)[0]]
}

// inquires tells whether there is a question mark, or a text begins with a question
// word or as "weiß jemand" does, also after a greeting.
func (s said) inquires() bool {
	if slices.ContainsFunc(s.clauses, func(c clause) bool { return c.end == '?' }) {
		return true
	}
	words := withoutGreeting(s.words)
	return !s.shouts() && (askWords[words[0]] || requests(words) || len(words) > 1 &&
		(askAfter[words[0]] && askWords[words[1]] || (knows[words[0]] || has[words[0]]) && somebody[words[1]]))
}

// shouts tells whether a text ends with "!".
func (s said) shouts() bool {
	return len(s.clauses) > 0 && s.clauses[len(s.clauses)-1].end == '!'
}

// plainlyAsks tells whether a text is a question and can be nothing else: each of its
// clauses asks or is only polite, and nothing in it tells what somebody sees.
func (s said) plainlyAsks() bool {
	if s.tells() || s.points() && !(len(s.clauses) == 1 && s.clauses[0].states(withoutGreeting(s.words))) {
		return false
	}
	asked := false
	for _, c := range s.clauses {
		switch words := withoutGreeting(c.words); {
		case allOf(words, polite) && !hasInspector(words), excuses(words):
		case c.end == '!' || !single(words):
			return false
		case asked && depends[words[0]] && c.end == '?' && known(words) && wonders(words):
		case asked && c.end == '?' && alternative(words):
		case c.states(words), known(words) && c.asks(words):
			asked = true
		default:
			return false
		}
	}
	return asked
}

// onlyAsks tells whether each clause of a text is marked as a question, and nothing in it
// tells what somebody sees, where they go, or names inspectors.
func (s said) onlyAsks() bool {
	return len(s.clauses) > 0 && !s.insists && !s.tells() && !anyOf(s.words, directions) && !hasInspector(s.words) &&
		!slices.ContainsFunc(s.clauses, func(c clause) bool { return c.end != '?' })
}

// tells says whether something in a text shows that whoever wrote it sees something, or
// warns.
func (s said) tells() bool { return s.signs || anyOf(s.words, telling) || s.counts() || s.heads() }

// heads tells whether a text says in which direction, and is not marked as a question.
func (s said) heads() bool {
	return anyOf(s.words, directions) && !slices.ContainsFunc(s.clauses, func(c clause) bool { return c.end == '?' })
}

// plain tells whether a text names no line, counts nobody, and names inspectors only as
// in "danke für die Warnung vor den Kontis" and "wie melde ich Kontis".
func (s said) plain() bool {
	if s.signs || len(s.lines) > 0 || s.counts() {
		return false
	}
	for i, w := range s.words {
		if isInspector(w) && !anyOf(s.words[max(0, i-2):i], about) {
			return false
		}
	}
	return true
}

// counts tells whether a text says how many or how late: whoever does has seen them.
func (s said) counts() bool {
	for i, w := range s.words {
		if counts[w] || strings.ContainsAny(w, "0123456789") && !(i+1 < len(s.words) && money[s.words[i+1]]) {
			return true
		}
	}
	return false
}

// points tells whether a line stands without a word before it that leads to it, as
// reports are written: "Kontrolle U1 Plärrer".
func (s said) points() bool {
	for _, c := range s.clauses {
		for i, w := range c.words {
			if w == lineMark && (i == 0 || !leads[c.words[i-1]]) {
				return true
			}
		}
	}
	return false
}

// known tells whether words are those of questions, and names of places, which come
// after words such as "am".
func known(words []string) bool {
	name := 0 // how many more words may be a name
	for _, w := range words {
		switch {
		case near[w] || between[w]:
			name = 2
		case articles[w] || possessive[w]:
		case asking[w] || states[w] || w == lineMark || isInspector(w):
			name = 0
		case name > 0:
			name--
		default:
			return false
		}
	}
	return true
}

// definite tells whether inspectors are spoken of as if everybody knew which.
func definite(words []string) bool {
	for i, w := range words {
		if isInspector(w) && i > 0 && articles[words[i-1]] {
			return true
		}
	}
	return false
}

func hasInspector(words []string) bool { return slices.ContainsFunc(words, isInspector) }

// isInspector tells whether a word is one for inspectors, or for what they do.
func isInspector(word string) bool {
	if officers[word] {
		return true
	}
	for _, stem := range inspectors {
		if strings.Contains(word, stem) {
			return true
		}
	}
	return false
}

func withoutGreeting(words []string) []string {
	for greeted := false; len(words) > 1 && (greetings[words[0]] || greeted && addressed[words[0]]); greeted = true {
		words = words[1:]
	}
	return words
}

func allOf(words []string, set map[string]bool) bool {
	for _, w := range words {
		if !set[w] && !isInspector(w) {
			return false
		}
	}
	return true
}

// vocabulary returns the words of each intent's sentences.
func vocabulary(list []Sentence) map[Intent]map[string]bool {
	known := map[Intent]map[string]bool{}
	for _, i := range all {
		known[i] = map[string]bool{}
	}
	for _, s := range list {
		for _, w := range read(s.Text).words {
			known[s.Intent][w] = true
		}
	}
	return known
}
