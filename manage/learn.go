package manage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// How words are suggested for the rules.
const (
	learnFrom      = 500 // reports that are looked at, of each kind
	suggestAfter   = 3   // in how many reports a word must stand
	maxSuggestions = 5   // of each kind
	minSuggested   = 4   // letters of a word
)

// Suggestion is a word that moderators may want in their rules.
type Suggestion struct {
	Word  string
	Block bool // among the blocked words; else among the triggers
	Count int  // in how many reports it stood that they let through, or took back
}

// Suggestions returns words that moderators may want in their rules by what they have let
// through and taken back. Nothing of them holds until somebody takes it. Those that were left
// are not among them: see LeaveWord.
func (m *Cities) Suggestions(ctx context.Context, c report.City) ([]Suggestion, error) {
	l, err := m.learning(ctx, c)
	if err != nil {
		return nil, err
	}
	find := func(w Wanted) ([]db.Judged, error) {
		w.Limit = learnFrom
		return m.Reports(ctx, c.ID, w)
	}
	through, err := find(Wanted{Passed: true, Reasons: []report.Reason{report.ReasonLetThrough}})
	if err != nil {
		return nil, err
	}
	taken, err := find(Wanted{Refused: true, Reasons: []report.Reason{report.ReasonTakenBack}})
	if err != nil {
		return nil, err
	}
	passed, err := find(Wanted{Passed: true})
	if err != nil {
		return nil, err
	}
	through = slices.DeleteFunc(through, func(j db.Judged) bool { return l.judge(j.Report.Text).Passed })
	taken = slices.DeleteFunc(taken, func(j db.Judged) bool {
		return j.Verdict.Detail == report.DetailDeleted || j.Verdict.Detail == report.DetailChanged
	})
	list := l.suggest(through, nil, false)
	return append(list, l.suggest(taken, passed, true)...), nil
}

// LeaveWord has a word not be suggested any more.
func (m *Cities) LeaveWord(ctx context.Context, cityID int64, word string) error {
	return m.DB.LeaveWord(ctx, cityID, censor.Normalize(word))
}

// learning is what is known of a city's rules when words are suggested.
type learning struct {
	rules  *censor.Rules
	places *place.Places
	left   func(word string) bool
}

func (m *Cities) learning(ctx context.Context, c report.City) (*learning, error) {
	rules, err := censor.Compile(c.Triggers, c.Blocked)
	if err != nil {
		return nil, err
	}
	places, err := m.PlacesOf(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	left, err := m.DB.LeftWords(ctx, c.ID)
	return &learning{rules, places, left}, err
}

func (l *learning) judge(text string) report.Verdict {
	return l.places.Read(text).Admit(l.rules.Judge(text))
}

// suggest returns the words that stand in several of the reports, those in most of them
// first. What stands in others as well, as the name of a stop, says nothing of them.
func (l *learning) suggest(reports, others []db.Judged, block bool) []Suggestion {
	counts, elsewhere := countWords(reports), countWords(others)
	var list []Suggestion
	for word, n := range counts {
		if n >= suggestAfter && n > 3*elsewhere[word] && l.tells(word) && !l.left(word) {
			list = append(list, Suggestion{word, block, n})
		}
	}
	slices.SortFunc(list, func(a, b Suggestion) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word)) })
	return list[:min(maxSuggestions, len(list))]
}

// tells tells whether a word says something that the rules do not know: no place of the city,
// no trigger and no blocked word.
func (l *learning) tells(word string) bool {
	return utf8.RuneCountInString(word) >= minSuggested && strings.ContainsFunc(word, unicode.IsLetter) && !stopWords[fold(word)] &&
		!l.places.Read(word).Named() && l.rules.Judge(word).Reason == report.ReasonNoTrigger
}

// countWords counts in how many reports each word stands.
func countWords(reports []db.Judged) map[string]int {
	counts := map[string]int{}
	for _, j := range reports {
		for _, word := range wordsOf(j.Report.Text) {
			counts[word]++
		}
	}
	return counts
}

// wordsOf returns the words of a text as they are compared, in their order, each once. What
// addresses consist of is none.
func wordsOf(text string) (words []string) {
	for part := range strings.FieldsSeq(censor.Normalize(text)) {
		if isAddress(part) {
			continue
		}
		for word := range strings.FieldsFuncSeq(part, func(r rune) bool { return !isLetter(r) && r != '-' }) {
			if word = strings.Trim(word, "-"); word != "" && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	return words
}

// isAddress tells whether what stands between two spaces leads to a site, or to somebody.
func isAddress(part string) bool {
	return strings.Contains(part, "://") || strings.HasPrefix(part, "www.") || strings.Contains(part, "@") ||
		strings.Contains(part, ".") && strings.Contains(part, "/")
}

// telling returns the words of a report that one of them may be made a trigger of, the most
// telling first: the longest that the rules do not know.
func (l *learning) telling(text string) []string {
	words := slices.DeleteFunc(wordsOf(text), func(word string) bool { return !l.tells(word) })
	slices.SortStableFunc(words, func(a, b string) int {
		return cmp.Compare(utf8.RuneCountInString(b), utf8.RuneCountInString(a))
	})
	return words
}

// stopWords are common words of riders that say nothing of a report, folded.
var stopWords = setOf(`
aber alle allem allen anscheinend bestimmt denke dachte gesehen glaub glaube hoffe irgendwie sehe siehe scheinbar vielleicht wahrscheinlich ungefähr aller alles also andere anderen auch bald beim bitte danke dann dass dein deine denn diese diesem diesen dieser dieses doch
dort drei drin drauf einem einen einer eines einfach endlich etwas eben erst fahren fahrt fahrtrichtung fünf für ganz ganze ganzen gegen gehen geht gerade gestern
gleich grad grade gerne habe haben halt heute hier hallo immer inzwischen jede jeden jeder jetzt kann kein keine keinen kommen kommt leider leute liebe machen macht
mehr mehrere meine minuten mich mit mitte morgen muss nach nicht nichts noch nochmal nummer oben oder ohne richtung runter rauf schon sehr seid sein seine
seit sich sind sieht sitzen steht stehen stehn steigen steigt stelle soeben sogar sonst trotzdem ueber und uns unten unter unterwegs viel viele vielen vier vom von vor vorbei vorher
vorne waren warten wegen weiter weiss welche wenn werden wieder wird wohl wurde wurden zwei zurück zusammen zwischen
about after again already believe maybe probably seems think perhaps also anybody around because been before being both came coming could down each every everyone five four from getting going gone guys have heading hello
here hers into just know last left like line look many more most much near next once only other over people platform please point right same seen should side some
somebody someone standing still stop such than thank thanks that their them then there these they this those three through today towards toward train under until very
waiting watch well went were what when where which while will with would your
avec dans elle elles entre fait leur leurs mais merci pour plus quai sont sous tous tout toute trois vers votre vous
`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[fold(word)] = true
	}
	return set
}
