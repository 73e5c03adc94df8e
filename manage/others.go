package manage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

// What one moderator does that matters to the others is mailed to them.

// SayWho says who did something: see db.Act.
func SayWho(t bots.T, who string) string {
	name, isKey := strings.CutPrefix(who, "key ")
	switch {
	case who == "":
		return t("acts.who.program")
	case who == Operator().Name:
		return t("acts.who.operator")
	case isKey:
		return t("acts.who.key", "Name", name)
	case who == "key":
		return t("acts.who.nameless_key")
	}
	return who
}

// toOthers writes the text id about a person to a city's moderators, but for that person and
// who acts.
func (m *Cities) toOthers(ctx context.Context, c report.City, person, id string, data ...any) error {
	if m.Letters == nil {
		return nil
	}
	list, err := m.DB.CityModerators(ctx, c.ID)
	if err != nil {
		return err
	}
	var others []db.Moderator
	for _, mod := range list {
		if mod.Email != person && mod.Email != actor(ctx).Name {
			others = append(others, mod)
		}
	}
	return m.Letters.to(ctx, others, c, id, append(data, "Person", person, "Who", m.whoIn(ctx, c))...)
}

// toPerson writes to the person that the text is about, unless they did it themselves.
func (m *Cities) toPerson(ctx context.Context, c report.City, person, id string, data ...any) error {
	if m.Letters == nil || person == actor(ctx).Name {
		return nil
	}
	return m.Letters.write(ctx, person, c, id, append(data, "Person", person, "Who", m.whoIn(ctx, c))...)
}

// tell logs that a mail could not be stored: what it tells of is done.
func (m *Cities) tell(err error) {
	if err != nil {
		m.Log.Error("moderators are not mailed what another one did", "err", err)
	}
}

// whoIn names who acts, in the language of the city's mails.
func (m *Cities) whoIn(ctx context.Context, c report.City) string {
	return SayWho(m.Letters.t(c), actor(ctx).Name)
}

// roleData is what texts about a role are filled with.
func (m *Cities) roleData(c report.City, role report.Role) []any {
	if m.Letters == nil {
		return nil
	}
	t := m.Letters.t(c)
	return []any{"Role", t("people.role." + string(role)), "May", t("people.may." + string(role))}
}

// t says texts in the language of mails to a city's moderators.
func (l *Letters) t(c report.City) bots.T {
	lang := i18n.ForModerators(c.Language)
	return func(id string, data ...any) string { return l.Texts.T(lang, id, data...) }
}

const (
	// rulesToldEvery is how often moderators are mailed that the rules of their city were
	// changed.
	rulesToldEvery = time.Hour
	// maxToldRules bounds how many lines of rules such a mail has.
	maxToldRules = 40
)

// tellRules mails the others who has changed the rules and what, at most once an hour.
func (m *Cities) tellRules(ctx context.Context, before, now report.City) error {
	changed := append(changedLines(before.Triggers, now.Triggers), changedLines(before.Blocked, now.Blocked)...)
	if m.Letters == nil || len(changed) == 0 {
		return nil
	}
	told, err := m.DB.Count(ctx, m.Letters.limit("rules told", now, 1, rulesToldEvery))
	if err != nil || told != "" {
		return err
	}
	if more := len(changed) - maxToldRules; more > 0 {
		changed = append(changed[:maxToldRules], m.Letters.t(now)("people.mail.rules.more", "N", more))
	}
	return m.toOthers(ctx, now, "", "people.mail.rules", "Changed", strings.Join(changed, "\n"))
}

// changedLines lists the lines that were added to a text, with "+" before them, and those that
// were taken out, with "-".
func changedLines(before, now string) []string {
	var list []string
	for _, way := range []struct{ sign, in, notIn string }{{"+", now, before}, {"-", before, now}} {
		known := map[string]bool{"": true}
		for line := range strings.SplitSeq(way.notIn, "\n") {
			known[line] = true
		}
		for line := range strings.SplitSeq(way.in, "\n") {
			if !known[line] {
				known[line] = true
				list = append(list, fmt.Sprintf("%s %s", way.sign, line))
			}
		}
	}
	return list
}
