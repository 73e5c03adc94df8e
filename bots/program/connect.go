package program

import (
	"context"
	"maps"
	"strings"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// The bounds of what is typed, in bytes.
const (
	maxValue  = 4000     // of one setting
	maxValues = 12 << 10 // of all: they are in one line with what else the program is told
)

// Fields are the settings of the program.
func (n *Network) Fields() []bots.Field {
	var list []bots.Field
	for _, s := range n.manifest.Settings {
		list = append(list, bots.Field{Name: s.Name, Label: n.manifest.Network + ".field_" + s.Name, Secret: s.Secret, Required: !s.Optional})
	}
	return list
}

// Connect gives the city's bot its settings, and makes it where there is none: a city has
// one bot of a program. What is not among the values stays as it is.
func (n *Network) Connect(ctx context.Context, city report.City, botID int64, values map[string]string) (report.Bot, error) {
	n.connecting.Lock()
	defer n.connecting.Unlock()
	botID, all, err := n.merged(ctx, city, botID, values)
	if err != nil {
		return report.Bot{}, err
	}
	if missing := n.manifest.missing(n.manifest.withDefaults(all)); missing != "" {
		return report.Bot{}, &bots.FieldError{Field: missing, Err: bots.Say(nil, "program.field.missing")}
	}
	b, err := n.host.DB.CreateBot(ctx, city.ID, n.manifest.Network, botID, func(tx *gorm.DB, b report.Bot) error {
		return n.save(tx, b.ID, all)
	})
	if err == nil {
		n.host.Notices.Changed(city.ID)
	}
	return b, err
}

// Set stores one setting of the city's bot. Where there is none yet, one is made that is
// switched off.
func (n *Network) Set(ctx context.Context, city report.City, name, setting string) error {
	n.connecting.Lock()
	defer n.connecting.Unlock()
	botID, all, err := n.merged(ctx, city, 0, map[string]string{name: setting})
	if err != nil {
		return err
	}
	off := botID == 0
	if !off {
		b, err := n.host.DB.Bot(ctx, botID)
		if err != nil {
			return err
		}
		off = !b.Enabled
	}
	_, err = n.host.DB.CreateBot(ctx, city.ID, n.manifest.Network, botID, func(tx *gorm.DB, b report.Bot) error {
		if err := n.save(tx, b.ID, all); err != nil || !off {
			return err
		}
		return tx.Exec("UPDATE bots SET enabled = FALSE, state = ? WHERE id = ?", string(report.BotOff), b.ID).Error
	})
	if err == nil {
		n.host.Notices.Changed(city.ID)
	}
	return err
}

// merged returns the city's bot, 0 where there is none, and its settings with other values.
func (n *Network) merged(ctx context.Context, city report.City, botID int64, values map[string]string) (int64, map[string]string, error) {
	if botID == 0 {
		own, err := n.host.DB.NetworkBots(ctx, city.ID, n.manifest.Network)
		if err != nil {
			return 0, nil, err
		}
		if len(own) > 0 {
			botID = own[0].ID
		}
	}
	all, err := n.typed(ctx, botID)
	if kind, _ := bots.KindOf(err); err != nil && kind != bots.KindRefused {
		return 0, nil, err
	}
	if all == nil { // they cannot be read: they are typed again
		all = map[string]string{}
	}
	size := 0
	for name, v := range values {
		if err := n.manifest.checkValue(name, v); err != nil {
			return 0, nil, &bots.FieldError{Field: name, Err: err}
		}
		all[name] = v
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return n.manifest.setting(name) == nil })
	for name, v := range all {
		if size += len(v); size > maxValues {
			return 0, nil, &bots.FieldError{Field: name, Err: bots.Say(nil, "program.field.long", "Max", maxValue)}
		}
	}
	return botID, all, nil
}

// checkValue says what is wrong with the value of a setting.
func (m *Manifest) checkValue(name, v string) error {
	switch {
	case m.setting(name) == nil:
		return bots.Say(nil, "program.field.unknown")
	case len(v) > maxValue:
		return bots.Say(nil, "program.field.long", "Max", maxValue)
	case strings.ContainsFunc(v, isControl):
		return bots.Say(nil, "program.field.lines")
	}
	return nil
}

// setting returns the setting of a name; nil where there is none.
func (m *Manifest) setting(name string) *Setting {
	for i := range m.Settings {
		if m.Settings[i].Name == name {
			return &m.Settings[i]
		}
	}
	return nil
}

// withDefaults returns the values with the defaults of those that are not there.
func (m *Manifest) withDefaults(values map[string]string) map[string]string {
	all := map[string]string{}
	for _, s := range m.Settings {
		all[s.Name] = s.Default
		if v, ok := values[s.Name]; ok {
			all[s.Name] = v
		}
	}
	return all
}

// Connectable is a program whose bots are connected by a command.
type Connectable interface {
	bots.Connector
	// Set stores one setting of the city's bot: see Network.Set.
	Set(ctx context.Context, city report.City, name, setting string) error
}

// Connectable returns the program for a command: host needs no more than Config, DB,
// Secrets, Notices, Log and Now.
func (m *Manifest) Connectable(host bots.Host) Connectable { return made(m, host) }
