package intent

import (
	"slices"
	"strings"
)

// single tells whether words may be one sentence: whoever writes two without a sign
// between them may ask in one and tell in the other.
func single(words []string) bool {
	verbs, inspectors := 0, 0
	for _, w := range words {
		if finite[w] {
			verbs++
		}
		if isInspector(w) {
			inspectors++
		}
	}
	return verbs <= 1 && inspectors <= 1
}

// excuses tells whether words only say why somebody asks: "muss gleich zum Hbf".
func excuses(words []string) bool {
	words = withoutSelf(words)
	return len(words) > 1 && (needs[words[0]] || words[0] == "have" && words[1] == "to") && !hasInspector(words) && !anyOf(words, persons) && !anyOf(words, telling) && !anyOf(words, free)
}

func withoutSelf(words []string) []string {
	for len(words) > 1 && (words[0] == "ich" || words[0] == "i" || words[0] == "im") {
		words = words[1:]
	}
	return words
}

// alternative tells whether words are the other half of a question: "oder nicht", "or is it
// clear".
func alternative(words []string) bool {
	return (words[0] == "oder" || words[0] == "or") && allOf(words[1:], free) && !hasInspector(words)
}

// states tells whether a clause asks whether something is free, and may name it by any
// words: "ist Ostkreuz frei", "U1 safe?".
func (c clause) states(words []string) bool {
	last, verb := len(words)-1, yesNo[words[0]] && words[0] != "are"
	for last > 0 && (soon[words[last]] || leads[words[last]]) {
		last--
	}
	if last < 1 || last > 6 || !free[words[last]] || pointing[words[1]] || hasInspector(words[:last]) || anyOf(words, depends) {
		return false
	}
	if anyOf(words[:last], free) || anyOf(words[1:last], finite) {
		return false
	}
	return c.end == '?' || verb && articles[words[1]]
}

// asks tells whether a clause, here without its greeting, is a question.
func (c clause) asks(words []string) bool {
	words, open := withoutChoice(words)
	first, rest := words[0], words[1:]
	marked := c.end == '?' || open
	switch {
	case near[first] && len(rest) > 0 && which[rest[0]]: // "in welcher Linie sind sie"
		return c.asks(rest)
	case which[first]:
		return (marked || allOf(rest, asking)) && seeks(words) && !anyOf(rest, free)
	case matters[first]:
		return (marked || allOf(rest, asking)) && len(rest) > 0 && (news[first] || news[rest[0]]) && !hasInspector(rest)
	case knows[first] && anyOf(rest, somebody) && allOf(rest, asking) && !hasInspector(rest) && !anyOf(rest, depends):
		return true // "weiß jemand", and what follows says what
	case knows[first] && len(rest) > 0 && self[rest[0]]:
		return c.end == '?' && !definite(rest)
	case knows[first]:
		return (marked || anyOf(rest, depends)) && anyOf(rest[:min(4, len(rest))], somebody) && wonders(rest)
	case wants[first]: // "Status U1", "letzte Meldungen"
		return allOf(rest, asking) && !hasInspector(rest) && !anyOf(rest, free)
	case requests(words):
		return true
	case has[first], people[first] && len(rest) > 0 && !has[rest[0]]: // "hat jemand Kontis gesehen", "anyone seen inspectors"
		return (marked || saw(words)) && anyOf(rest, perceived) && !definite(rest) && !anyOf(rest, depends)
	case anything[first]:
		return marked && (hasInspector(rest) || anyOf(rest, news)) && !definite(rest)
	case len(rest) > 0 && self[rest[0]]: // "muss ich aufpassen"
		return c.end == '?' && !definite(rest)
	default:
		return yesNo[first] && (marked || inverted(rest)) && asksWhether(first, rest)
	}
}

// asksWhether tells whether a verb and what follows are a question for yes or no, if they
// are a question.
func asksWhether(first string, rest []string) bool {
	return (hasInspector(rest) || anyOf(rest, subjects)) && (!definite(rest) || anyOf(rest, still)) && !anyOf(rest, again) && !doubts(first, rest)
}

// withoutChoice takes "oder nicht" from the end of words; open tells that it was there.
func withoutChoice(words []string) (left []string, open bool) {
	n := len(words) - 2
	if n < 1 || words[n] != "oder" && words[n] != "or" || !nots[words[n+1]] {
		return words, false
	}
	return words[:n], true
}

// saw tells whether words ask who has seen something, wherever, so that it needs no mark.
func saw(words []string) bool {
	if slices.Contains(words, lineMark) || anyOf(words, near) || anyOf(words, between) {
		return false
	}
	return people[words[0]] || len(words) > 1 && people[words[1]]
}

// inverted tells whether a verb stands before those whom everybody knows, and asks whether
// they are still there: "sind die Kontis noch da".
func inverted(rest []string) bool {
	return len(rest) > 1 && articles[rest[0]] && isInspector(rest[1]) && anyOf(rest, still)
}

// requests tells whether words ask to be told something: "brauche Info, ob …", "anyone
// know if …".
func requests(words []string) bool {
	at := slices.IndexFunc(words, func(w string) bool { return depends[w] })
	return at > 0 && allOf(words[:at], request) && !hasInspector(words[:at]) && wonders(words)
}

// doubts tells whether a question for yes or no is by somebody who sees something: "Sind
// das Kontis?", "Are they inspectors?", or is no question at all: "Gibt Kontis am Plärrer?"
func doubts(first string, rest []string) bool {
	switch {
	case pointing[rest[0]], slices.Contains(rest, "what"):
		return true
	case first == "gibt" || first == "is" && rest[0] == "a":
		return rest[0] != "es"
	default:
		return persons[rest[0]] && !(articles[rest[0]] && len(rest) > 1 && isInspector(rest[1])) && slices.ContainsFunc(rest, func(w string) bool { return isInspector(w) && !doing[w] })
	}
}

// seeks tells whether words ask for a place: "wo sind Kontis", "which line are they on".
func seeks(words []string) bool {
	if wh := words[0]; len(words) > 1 && (strings.HasPrefix(wh, "welch") || wh == "which") && !kindsOfPlaces[words[1]] {
		return false
	}
	reach := 4 // words to the verb
	if len(words) > 1 && near[words[1]] {
		reach++
	}
	return anyOf(words[:min(reach, len(words))], states) && !locates(words)
}

// locates tells whether words name inspectors whom everybody knows, and where they are.
func locates(words []string) bool {
	at := slices.IndexFunc(words, isInspector)
	if !definite(words) {
		return false
	}
	after := words[at+1:]
	return slices.Contains(after, lineMark) || len(after) > 1 && (anyOf(after[:len(after)-1], near) || anyOf(after, between))
}

// wonders tells whether words say what somebody wants to know: "ob am Plärrer noch
// Kontrolle ist".
func wonders(words []string) bool {
	at := slices.IndexFunc(words, func(w string) bool { return depends[w] })
	if at < 0 || at+1 == len(words) || pointing[words[at+1]] {
		return false
	}
	return !definite(words) || anyOf(words, still) || which[words[at]] && !locates(words)
}
