package account

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"rsc.io/qr"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Card is what the partial "account" shows of a network's section.
type Card struct {
	Network   string
	Accounts  []Shown        // connected, in the order of the city's bots
	Answering []ShownAnswers // of the accounts that hear; in the same order
	Waiting   *Shown         // checked, waits to be confirmed; nil where none does
	Fields    []ShownField
	Error     string // what is wrong beside the fields, in words
}

// Shown is an account as it is shown.
type Shown struct {
	ID     string // Account.Remote
	BotID  int64
	Server string
	Handle string
	Name   string
	URL    string
	QR     template.URL // picture of URL, for posters; empty where there is none
}

// ShownField is a field as it is shown: its texts are text ids.
type ShownField struct {
	Field
	Label   string
	Hint    string // empty where there is none
	Example string // empty where there is none
	Value   string
	Error   string // in words
}

// Open tells whether the form is to be seen at once.
func (c *Card) Open() bool { return len(c.Accounts) == 0 || c.Error != "" || c.Wrong() }

// Wrong tells whether something is wrong with a field.
func (c *Card) Wrong() bool {
	return slices.ContainsFunc(c.Fields, func(f ShownField) bool { return f.Error != "" })
}

// Host is the server of the first account, as people know it; empty where there
// is none.
func (c *Card) Host() string {
	if len(c.Accounts) == 0 {
		return ""
	}
	_, host, _ := strings.Cut(c.Accounts[0].Server, "://")
	return host
}

// Typed returns the value of a field.
func (c *Card) Typed(field string) string {
	for _, f := range c.Fields {
		if f.Name == field {
			return f.Value
		}
	}
	return ""
}

// fill puts in what was typed, and what is wrong with one field.
func (c *Card) fill(typed Typed, field, words string) {
	for i := range c.Fields {
		c.Fields[i].Value = typed[c.Fields[i].Name]
		if c.Fields[i].Name == field {
			c.Fields[i].Error = words
		}
	}
}

// card makes the card of a city.
func (p *Pages) card(ctx context.Context, city report.City, own []report.Bot) (*Card, error) {
	c := &Card{Network: p.Network, Fields: p.fields()}
	for _, b := range own {
		a, err := p.Store.Account(ctx, b.ID)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil && !errors.Is(err, ErrSealed) {
			return nil, err
		}
		shown, err := show(a)
		if err != nil {
			return nil, err
		}
		c.Accounts = append(c.Accounts, *shown)
		if len(p.Answering.Choices) > 0 {
			c.Answering = append(c.Answering, p.shownAnswers(b, shown.Handle))
		}
	}
	l, err := p.Store.Waiting(ctx, city.ID)
	if errors.Is(err, db.ErrNotFound) {
		return c, nil
	}
	if err == nil {
		c.Waiting, err = show(l.Account)
	}
	return c, err
}

func (p *Pages) fields() []ShownField {
	optional := func(id string) string {
		if p.Host.Texts.Has(id) {
			return id
		}
		return ""
	}
	var list []ShownField
	for _, f := range p.Fields {
		f.ID = cmp.Or(f.ID, p.Network+"-"+f.Name)
		list = append(list, ShownField{Field: f, Label: p.Network + ".field." + f.Name,
			Hint: optional(p.Network + ".hint." + f.Name), Example: optional(p.Network + ".example." + f.Name)})
	}
	return list
}

func show(a Account) (*Shown, error) {
	s := &Shown{ID: a.Remote, BotID: a.BotID, Server: a.Server, Handle: cmp.Or(a.Handle, a.Remote), Name: a.Name, URL: a.URL}
	if a.URL == "" || len(a.URL) > longestCode {
		return s, nil
	}
	var err error
	s.QR, err = qrCode(a.URL)
	return s, err
}

// longestCode is how long a link may be that has a code, in bytes: longer ones make
// codes that no phone reads, and then none at all. Links come from strangers' servers.
const longestCode = 500

// qrCode draws the picture of a link, as the source of an image.
func qrCode(link string) (template.URL, error) {
	code, err := qr.Encode(link, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw the code of a link: %w", err)
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())), nil
}
