package manage

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

// MaxWord bounds a word of the rules, in characters.
const MaxWord = 60

// Trigger is a line of the triggers that is a plain word. As people read it, "*" before or
// behind it says that more letters may follow there.
type Trigger struct{ Word, Line string }

// TriggerOf returns the trigger of a word as people write it: "kontroll*" finds
// "Kontrolleur".
func TriggerOf(word string) Trigger {
	plain := strings.Trim(oneLine(word), "*")
	t := Trigger{plain, quote(plain)}
	if strings.HasPrefix(oneLine(word), "*") {
		t.Word = "*" + t.Word
	} else if first, _ := utf8.DecodeRuneInString(plain); isLetter(first) {
		t.Line = `\b` + t.Line
	}
	if strings.HasSuffix(oneLine(word), "*") {
		t.Word += "*"
	} else if last, _ := utf8.DecodeLastRuneInString(plain); isLetter(last) {
		t.Line += `\b`
	}
	return t
}

// quote returns the pattern of a text. A line that begins with "#" would be a note.
func quote(text string) string {
	pattern := regexp.QuoteMeta(text)
	if strings.HasPrefix(pattern, "#") {
		return `\` + pattern
	}
	return pattern
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// quoted is a sign with its meaning taken from it.
var quoted = regexp.MustCompile(`\\([\\.+*?()|\[\]{}^$#])`)

// triggerOfLine reads a line of the triggers. ok is false where it is no plain word.
func triggerOfLine(line string) (t Trigger, ok bool) {
	line = strings.TrimSpace(line)
	rest, begins := strings.CutPrefix(line, `\b`)
	rest, ends := strings.CutSuffix(rest, `\b`)
	word := quoted.ReplaceAllString(rest, "$1")
	if word == "" || strings.HasPrefix(line, "#") || quote(word) != rest || strings.Contains(word, "*") {
		return Trigger{}, false
	}
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	if !begins && isLetter(first) {
		word = "*" + word
	}
	if !ends && isLetter(last) {
		word += "*"
	}
	return Trigger{word, line}, true
}

// WordOf returns a line of the triggers as people read it.
func WordOf(line string) string {
	if t, ok := triggerOfLine(line); ok {
		return t.Word
	}
	return line
}

// Words returns the triggers that are plain words, in their order, each once; patterns is how
// many other lines there are, without notes.
func (r Rules) Words() (words []Trigger, patterns int) {
	for line := range strings.SplitSeq(r.Triggers, "\n") {
		t, ok := triggerOfLine(line)
		line = strings.TrimSpace(line)
		switch {
		case ok && !slices.ContainsFunc(words, func(other Trigger) bool { return other.Line == line }):
			words = append(words, t)
		case !ok && line != "" && !strings.HasPrefix(line, "#"):
			patterns++
		}
	}
	return words, patterns
}

// AddTrigger has what holds a word pass, and returns its trigger. One that is there already
// is no error.
func (m *Cities) AddTrigger(ctx context.Context, cityID int64, word string) (Trigger, error) {
	t := TriggerOf(word)
	if err := t.check(); err != nil {
		return t, err
	}
	return t, m.addLine(ctx, cityID, "rules.word_added", t.Word, t.Line, func(c *report.City) *string { return &c.Triggers })
}

// RemoveTrigger removes a line from the triggers. One that is not there is no error.
func (m *Cities) RemoveTrigger(ctx context.Context, cityID int64, line string) error {
	return m.removeLine(ctx, cityID, "rules.word_removed", WordOf(line), line, func(c *report.City) *string { return &c.Triggers })
}

// Block has what holds a word be refused. One that is there already is no error.
func (m *Cities) Block(ctx context.Context, cityID int64, word string) error {
	word = oneLine(word)
	if err := checkWord("word", word); err != nil {
		return err
	}
	return m.addLine(ctx, cityID, "rules.word_blocked", word, word, func(c *report.City) *string { return &c.Blocked })
}

// Unblock removes a line from the blocked words. One that is not there is no error.
func (m *Cities) Unblock(ctx context.Context, cityID int64, line string) error {
	return m.removeLine(ctx, cityID, "rules.word_unblocked", line, line, func(c *report.City) *string { return &c.Blocked })
}

// check says what is wrong with a trigger that is typed.
func (t Trigger) check() error {
	if strings.Contains(strings.Trim(t.Word, "*"), "*") {
		return Wrong("word", "settings.words.star_inside")
	}
	return checkWord("word", t.Word)
}

// checkWord says what is wrong with a word that is typed.
func checkWord(field, word string) error {
	switch {
	case !strings.ContainsFunc(word, isLetter):
		return Wrong(field, "settings.pattern.no_word")
	case utf8.RuneCountInString(word) > MaxWord:
		return Wrong(field, "settings.error.too_long", "Max", MaxWord)
	default:
		return nil
	}
}

// addLine adds a line to the end of a list of the rules.
func (m *Cities) addLine(ctx context.Context, cityID int64, act, subject, line string, of func(*report.City) *string) error {
	return m.changeLines(ctx, cityID, act, subject, of, func(lines []string) []string {
		if slices.ContainsFunc(lines, func(l string) bool { return strings.TrimSpace(l) == line }) {
			return lines
		}
		return append(lines, line)
	})
}

// removeLine removes a line from a list of the rules, as often as it stands there.
func (m *Cities) removeLine(ctx context.Context, cityID int64, act, subject, line string, of func(*report.City) *string) error {
	return m.changeLines(ctx, cityID, act, subject, of, func(lines []string) []string {
		return withoutLine(lines, line)
	})
}

func withoutLine(lines []string, line string) []string {
	return slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == strings.TrimSpace(line) })
}

func (m *Cities) changeLines(ctx context.Context, cityID int64, act, subject string, of func(*report.City) *string, change func([]string) []string) error {
	var before report.City
	c, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before = *c
		list := of(c)
		stored := strings.TrimRight(*list, "\n")
		var lines []string
		if stored != "" {
			lines = strings.Split(stored, "\n")
		}
		after := strings.Join(change(lines), "\n")
		if after == stored {
			return nil
		}
		*list = after
		_, err := RulesOf(*c).Compile()
		return err
	})
	if err != nil || c == before {
		return err
	}
	m.tell(m.tellRules(ctx, before, c))
	return m.did(ctx, cityID, act, subject, nil)
}

// Would is how many of the last reports that passed a city's limits would have kept from it.
type Would struct{ Questions, Links, Long, Of int }

// wouldOf is how many reports are looked at for that.
const wouldOf = 50

// Would judges the last reports of a city that passed by each of its limits alone.
func (m *Cities) Would(ctx context.Context, c report.City) (Would, error) {
	list, err := m.Reports(ctx, c.ID, Wanted{Passed: true, Limit: wouldOf})
	if err != nil {
		return Would{}, err
	}
	anything, err := censor.Compile(censor.Anything, "")
	if err != nil {
		return Would{}, err
	}
	places, err := m.PlacesOf(ctx, c.ID)
	if err != nil {
		return Would{}, err
	}
	links, long := anything.With(censor.Limits{NoLinks: true}), anything.With(censor.Limits{Short: true})
	w := Would{Of: len(list)}
	for _, j := range list {
		text := j.Report.Text
		if links.Judge(text).Reason == report.ReasonLink {
			w.Links++
		}
		if long.Judge(text).Reason == report.ReasonLong {
			w.Long++
		}
		if read := places.Read(text); m.Intents != nil && m.Intents.Recognize(text).Naming(read.Named(), read.Clear).Sure() {
			w.Questions++
		}
	}
	return w, nil
}
