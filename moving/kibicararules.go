package moving

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"ticketfrei/censor"
	"ticketfrei/internal/valid"
)

// kibicaraRules are the lines of a hood's rules.
type kibicaraRules struct {
	triggers, blocked unique
	notes             []Note
}

// rules reads the rules of the hoods. Both lists were patterns of Python's re, which were
// looked for anywhere in a text, in upper and lower case.
func (k *kibicara) rules(ctx context.Context) error {
	all := make([]kibicaraRules, len(k.src.Cities))
	var pattern sql.NullString
	err := k.ofHoods(ctx, "triggers", []string{"pattern"}, []any{&pattern}, func(c *City) { all[k.at[c.ID]].trigger(pattern.String) })
	if err != nil {
		return err
	}
	err = k.ofHoods(ctx, "badwords", []string{"pattern"}, []any{&pattern}, func(c *City) { all[k.at[c.ID]].block(pattern.String) })
	for i, r := range all {
		c := &k.src.Cities[i]
		var notes []Note
		c.Copy.Triggers, c.Copy.Blocked, notes = accepted(r.triggers.list, r.blocked.list)
		c.Notes = slices.Concat(c.Notes, r.notes, notes)
		if c.Copy.Triggers == "" {
			c.Copy.Triggers = censor.DefaultTriggers(kibicaraLanguage)
			c.note("triggers_default")
		}
	}
	return err
}

// anything tells whether a pattern was found in every text, as whoever wrote it could see.
func anything(pattern string) bool { return pattern == "" || pattern == "." }

func (r *kibicaraRules) note(key, pattern string) {
	r.notes = append(r.notes, Note{key, []string{short(valid.Text(pattern))}})
}

// trigger adds what let a report pass.
func (r *kibicaraRules) trigger(pattern string) {
	line, ok := fromPython(pattern)
	switch {
	case pattern == "":
		r.notes = append(r.notes, Note{Key: "kibicara_blank"})
		line = censor.Anything
	case anything(pattern): // as each hood began
		line = censor.Anything
	case !ok || line == censor.Anything: // which is no pattern
		r.note("line_refused", pattern)
		return
	case strings.HasPrefix(line, "#"): // is no comment
		line = `\` + line
	}
	r.triggers.add(line)
}

// block adds what held a report back.
func (r *kibicaraRules) block(pattern string) {
	line, ok := fromPython(pattern)
	switch {
	case anything(pattern):
		r.note("kibicara_all_blocked", pattern)
		return
	case !ok:
		r.note("line_refused", pattern)
		return
	}
	line = "/" + line + "/"
	if word := plainWord.FindStringSubmatch(pattern); word != nil {
		line = word[1]
	}
	r.blocked.add(line)
}
