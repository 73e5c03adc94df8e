package manage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// ErrNoFields is the answer to connecting a bot of a network whose bots are not connected
// by values: every city has one, or it is connected on its page.
var ErrNoFields = errors.New("bots of this network are not connected by values of fields")

// Fields returns what Connect wants to know of a bot of the network; ErrNoFields where it
// cannot be asked.
func (n Network) Fields() ([]bots.Field, error) {
	c, ok := n.Network.(bots.Connector)
	if !ok {
		return nil, ErrNoFields
	}
	return c.Fields(), nil
}

// Connect connects a bot of the network to a city by the values of its fields, or gives
// the bot whose id is botID others where that is not 0. What is wrong with a value stands
// at "values.NAME".
func (m *Cities) Connect(ctx context.Context, c report.City, network string, botID int64, values map[string]string) (report.Bot, error) {
	n, err := m.Network(network)
	if err != nil {
		return report.Bot{}, err
	}
	fields, err := n.Fields()
	if err != nil {
		return report.Bot{}, err
	}
	if err := checkValues(fields, values); err != nil {
		return report.Bot{}, err
	}
	var b report.Bot
	err = bots.Guard(func() (err error) {
		b, err = n.Network.(bots.Connector).Connect(ctx, c, botID, values)
		return err
	})
	return b, m.did(ctx, c.ID, "bot.connected", n.Name, ofValues(err))
}

// checkValues finds values that no field wants, and fields that want one.
func checkValues(fields []bots.Field, values map[string]string) error {
	var wrong problems
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
		if f.Required && strings.TrimSpace(values[f.Name]) == "" {
			wrong.add("values."+f.Name, "settings.error.required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			wrong.add("values."+name, "settings.error.no_field", "Fields", strings.Join(names, ", "))
		}
	}
	return wrong.err()
}

// ofValues is what a network has said of the values, where it has.
func ofValues(err error) error {
	s, ok := errors.AsType[bots.Sayer](err)
	if !ok {
		return err
	}
	field := "values"
	if f, ok := errors.AsType[*bots.FieldError](err); ok {
		field += "." + f.Field
	}
	return &Invalid{[]Problem{{Field: field, said: s}}}
}
