package program

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// card is what settings.tmpl shows.
type card struct {
	Network   string
	Program   *Manifest
	Labels    []label
	Connected bool
	Processes int // of all cities
	Status    status
	Fields    []shownField
	Error     string
}

type label struct{ Name, Text string }

// shownField is a setting as it is shown: its texts are text ids.
type shownField struct {
	Setting
	ID, LabelID, HintID string // HintID is empty where there is none
	Value               string // of a secret: always empty
	Stored              bool   // a secret is there already
	Error               string // in words
}

// Open tells whether the form is to be seen at once.
func (c *card) Open() bool {
	return !c.Connected || c.Error != "" || slices.ContainsFunc(c.Fields, func(f shownField) bool { return f.Error != "" })
}

// Settings returns what settings.tmpl shows.
func (n *Network) Settings(ctx context.Context, _ report.City, own []report.Bot) (any, error) {
	return n.card(ctx, own)
}

func (n *Network) card(ctx context.Context, own []report.Bot) (*card, error) {
	c := &card{Network: n.manifest.Network, Program: n.manifest, Connected: len(own) > 0, Processes: n.counts.all()}
	for _, name := range slices.Sorted(maps.Keys(n.manifest.Labels)) {
		c.Labels = append(c.Labels, label{name, n.manifest.Labels[name]})
	}
	var values map[string]string
	if len(own) > 0 {
		n.mu.Lock()
		c.Status = n.status[own[0].ID]
		n.mu.Unlock()
		var err error
		// What cannot be read any more is typed again.
		if values, err = n.typed(ctx, own[0].ID); err != nil && !errors.Is(err, errSealed) {
			return nil, err
		}
	}
	c.Fields = n.fields(values)
	return c, nil
}

func (n *Network) fields(values map[string]string) []shownField {
	all := n.manifest.withDefaults(values)
	var list []shownField
	for _, s := range n.manifest.Settings {
		f := shownField{Setting: s, ID: n.manifest.Network + "-" + s.Name, LabelID: n.manifest.Network + ".field_" + s.Name, Value: all[s.Name]}
		if s.Hint.En != "" {
			f.HintID = n.manifest.Network + ".hint_" + s.Name
		}
		if s.Secret {
			f.Value, f.Stored = "", values[s.Name] != ""
		}
		list = append(list, f)
	}
	return list
}

// pages are the forms of the network, with the site around them.
type pages struct {
	*Network
	site bots.Site
}

// SettingsRoutes adds the form of the card.
func (n *Network) SettingsRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	r.Post("/connect", site.Handler(p.handleConnect))
}

// formPrefix begins the names of the fields of the form.
const formPrefix = "set_"

// handleConnect connects the program with what was typed. A secret that was left empty stays
// as it is.
func (p *pages) handleConnect(w http.ResponseWriter, r *http.Request) error {
	city, typed := p.site.City(r), map[string]string{}
	for _, s := range p.manifest.Settings {
		v := strings.TrimSpace(r.PostFormValue(formPrefix + s.Name))
		if v != "" || !s.Secret {
			typed[s.Name] = v
		}
	}
	_, err := p.Connect(r.Context(), city, 0, typed)
	if wrong, ok := errors.AsType[*bots.FieldError](err); ok {
		return p.refuse(w, r, typed, wrong)
	}
	if err != nil {
		return err
	}
	return p.site.Saved(w, r, p.manifest.Network, p.site.T(r, "program.connected"))
}

// refuse shows the form as it was typed, with what is wrong.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, typed map[string]string, wrong *bots.FieldError) error {
	own, err := p.host.DB.NetworkBots(r.Context(), p.site.City(r).ID, p.manifest.Network)
	if err != nil {
		return err
	}
	c, err := p.card(r.Context(), own)
	if err != nil {
		return err
	}
	said := bots.Words(wrong.Err, func(id string, data ...any) string { return p.site.T(r, id, data...) })
	for i := range c.Fields {
		f := &c.Fields[i]
		if !f.Secret {
			f.Value = typed[f.Name]
		}
		if f.Name == wrong.Field {
			f.Error = said
		}
	}
	return p.site.Settings(w, r, http.StatusUnprocessableEntity, p.manifest.Network, c)
}
