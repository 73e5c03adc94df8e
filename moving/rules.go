package moving

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/censor"
)

// accepted returns the rules of the lines, as a city may have them, without those that it may
// not have, each of which is named.
func accepted(triggers, blocked []string) (t, b string, notes []Note) {
	lists := map[string][]string{"triggers": triggers, "blocked": blocked}
	for {
		_, err := censor.Accept(joined(lists["triggers"]), joined(lists["blocked"]))
		wrong, ok := errors.AsType[censor.PatternErrors](err)
		if !ok {
			return joined(lists["triggers"]), joined(lists["blocked"]), notes
		}
		before := len(lists["triggers"]) + len(lists["blocked"])
		slices.SortFunc(wrong, func(a, b censor.PatternError) int { return b.Line - a.Line }) // the last first
		for _, e := range wrong {
			list, at := lists[e.Field], e.Line-1
			if at < 0 || at >= len(list) {
				continue
			}
			key, what := "line_refused", short(e.Pattern)
			switch {
			case errors.Is(e.Err, censor.ErrTooLong):
				key = "line_long"
			case errors.Is(e.Err, censor.ErrTooMany):
				key, what = "lines_many", strconv.Itoa(len(list)-at)
			case errors.Is(e.Err, censor.ErrNoWord):
				key = "word_none"
			}
			if key == "lines_many" {
				lists[e.Field] = list[:at]
			} else {
				lists[e.Field] = slices.Delete(slices.Clone(list), at, at+1)
			}
			notes = append(notes, Note{key, []string{what}})
		}
		if len(lists["triggers"])+len(lists["blocked"]) == before { // it is about no line
			return "", "", append(notes, Note{Key: "rules_refused"})
		}
	}
}

// mostListed is how many lines a note lists.
const mostListed = 20

// listed are lines as a note lists them.
func listed(lines []string) string {
	if len(lines) <= mostListed {
		return strings.Join(lines, ", ")
	}
	return strings.Join(lines[:mostListed], ", ") + ", …"
}

// unique are lines of which each is there once.
type unique struct {
	list []string
	has  map[string]bool
}

func (u *unique) add(line string) {
	if u.has == nil {
		u.has = map[string]bool{}
	}
	if !u.has[line] {
		u.has[line] = true
		u.list = append(u.list, line)
	}
}

// joined is a list with a line each.
func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// longestShown is how much of a line a note shows, in characters.
const longestShown = 60

// short is a line as a note shows it.
func short(line string) string {
	if runes := []rune(line); len(runes) > longestShown {
		return string(runes[:longestShown]) + "…"
	}
	return line
}
