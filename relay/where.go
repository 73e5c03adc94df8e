package relay

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ticketfrei/db"
	"ticketfrei/intent"
	"ticketfrei/internal/report"
)

const (
	// lastWithin is how old reports are, at most, that somebody is told who asks, and
	// lastShown how many they are told.
	lastWithin = time.Hour
	lastShown  = 5
	// lastRead is how many reports are looked at for those about a line.
	lastRead = 200
	// maxShown and maxListed are how much of a report is told, and of all of them, in
	// characters: the last line of an answer must not be cut off by a network.
	maxShown  = 120
	maxListed = 300
)

// told is what somebody is told who has asked, in a language. What comes last says what
// became of the message, so that a report is not lost without a word.
func (rl *Relay) told(ctx context.Context, c *city, language string, q question, r db.Ruling, v report.Verdict) (string, error) {
	words := rl.say(c, language, "question."+string(q.intent))
	if q.intent == intent.Where {
		var err error
		if words, err = rl.last(ctx, language, q, r.Report); err != nil {
			return "", err
		}
	}
	switch {
	case v.Passed:
		to, err := rl.reached(ctx, c, r)
		if err != nil {
			return "", err
		}
		words += "\n\n" + rl.Texts.T(language, "question.passed") + " " + rl.passed(c, language, to)
	case v.Reason == report.ReasonQuestion && q.intent == intent.Where:
		words += "\n\n" + rl.Texts.T(language, "question.taken")
	case v.Reason == report.ReasonQuestion:
		words += "\n\n" + rl.Texts.T(language, "question.taken_otherwise")
	default:
		words += "\n\n" + rl.notPassed(c, language, v.Reason)
	}
	return words, nil
}

// last lists the last reports of a city, those about the lines or the stop that a question
// names.
func (rl *Relay) last(ctx context.Context, language string, q question, asked *report.Report) (string, error) {
	list, err := rl.DB.Reports(ctx, asked.CityID, true, lastWithin, lastRead)
	if err != nil {
		return "", err
	}
	list = slices.DeleteFunc(list, func(j db.Judged) bool {
		return j.Report.ID == asked.ID || !q.wants(&j.Report)
	})
	if len(list) == 0 {
		return rl.nothing(language, q), nil
	}
	lines := []string{rl.Texts.T(language, "question.last")}
	room := maxListed
	for _, j := range list[:min(lastShown, len(list))] {
		shown := rl.Calm(cut(j.Report.Text, maxShown))
		if room -= utf8.RuneCountInString(shown); room < 0 && len(lines) > 1 {
			break
		}
		id, minutes := "question.line", int(rl.Now().Sub(j.Report.Time).Minutes())
		if minutes < 1 {
			id = "question.line_now"
		}
		lines = append(lines, rl.Texts.T(language, id, "Minutes", minutes, "Text", shown))
	}
	return strings.Join(lines, "\n"), nil
}

// nothing says that there are no reports, or none about what was asked.
func (rl *Relay) nothing(language string, q question) string {
	names := rl.namesOf(language, q)
	if len(names) == 0 {
		return rl.Texts.T(language, "question.none")
	}
	return rl.Texts.T(language, "question.none_about", "Lines", strings.Join(names[:min(lastShown, len(names))], ", "))
}

// namesOf are the names of what a question is about.
func (rl *Relay) namesOf(language string, q question) (names []string) {
	if q.about.Named() {
		if q.about.Line != "" {
			names = q.about.Lines.List()
		}
		if q.about.Stop != "" {
			names = append(names, q.about.Stop)
		}
		return names
	}
	for _, l := range q.lines {
		if l.Kind == intent.AnyKind {
			names = append(names, rl.Texts.T(language, "question.any_line", "Number", l.Number))
		} else {
			names = append(names, l.String())
		}
	}
	return names
}

// wants tells whether a report answers a question. One that names the line of a stop and
// no stop may be there.
func (q question) wants(r *report.Report) bool {
	switch {
	case !q.about.Named():
		return len(q.lines) == 0 || intent.Names(r.Text, q.lines)
	case q.about.Stop == "":
		return r.Lines.Any(q.about.Lines) || intent.Names(r.Text, q.lines)
	case r.Stop == "":
		return r.Lines.Any(q.about.Lines)
	default:
		return r.Stop == q.about.Stop && (q.about.Line == "" || r.Line == "" || r.Lines.Any(q.about.Lines))
	}
}

// cut returns the beginning of a text on one line, of so many characters at most.
func cut(text string, most int) string {
	return shortened(strings.Join(strings.Fields(text), " "), most)
}
