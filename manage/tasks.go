package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// MaxTasks is how many programs may look at a report one after the other.
const MaxTasks = 8

// Tasks are the outside programs that look at a city's reports before the censor does, in
// their order.
type Tasks []string

// TasksOf returns the tasks of a city.
func TasksOf(c report.City) Tasks { return strings.Fields(c.Tasks) }

// Revision is for SaveTasks.
func (t Tasks) Revision() Revision { return revisionOf(t...) }

// Taskers returns the names of the networks that can be tasks of a city: it has a bot on
// each of them.
func (m *Cities) Taskers(ctx context.Context, cityID int64) ([]string, error) {
	list, err := m.DB.CityBots(ctx, cityID)
	var names []string
	for _, n := range m.Networks {
		if _, ok := n.Network.(bots.Tasker); ok && slices.ContainsFunc(list, func(b report.Bot) bool { return b.Network == n.Name }) {
			names = append(names, n.Name)
		}
	}
	return names, err
}

// SaveTasks stores the tasks of a city.
func (m *Cities) SaveTasks(ctx context.Context, cityID int64, t Tasks, seen Revision) error {
	able, err := m.Taskers(ctx, cityID)
	if err != nil {
		return err
	}
	if err := t.check(able); err != nil {
		return err
	}
	var before string
	c, err := m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
		before = c.Tasks
		err := seen.of(TasksOf(*c).Revision())
		c.Tasks = strings.Join(t, "\n")
		return err
	})
	if err != nil || c.Tasks == before {
		return m.changed(cityID, err)
	}
	return m.did(ctx, cityID, "tasks.saved", strings.Join(t, ", "), nil)
}

func (t Tasks) check(able []string) error {
	var wrong problems
	if len(t) > MaxTasks {
		wrong.add("tasks", "settings.error.task_many", "Max", MaxTasks)
	}
	for i, name := range t {
		id := ""
		switch {
		case !slices.Contains(able, name):
			id = "settings.error.task_unknown"
		case slices.Contains(t[:i], name):
			id = "settings.error.task_twice"
		}
		if id != "" {
			wrong = append(wrong, Problem{Field: fmt.Sprintf("tasks[%d]", i), Value: name, TextID: id, Data: []any{"Name", name}})
		}
	}
	return wrong.err()
}
