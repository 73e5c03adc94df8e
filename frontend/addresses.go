package frontend

import (
	"context"
	"html/template"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// address is where riders write to.
type address struct {
	Network string // name of its directory
	Title   string // name for people
	Text    string
	URL     template.URL
	Page    string // label of the link to the network's public page; empty if it has none
	Visible string // where the network shows who wrote; at its first address alone, empty where it does not
}

// cityText returns the markdown of a city's page: the moderator's, or the
// default in a language.
func (s *Site) cityText(c report.City, lang string, where []address) string {
	if c.Page != "" {
		return c.Page
	}
	if len(where) == 0 {
		return s.Texts.T(lang, "city.default_text_quiet", "City", c.Name)
	}
	texts := make([]string, len(where))
	for i, a := range where {
		texts[i] = a.Text
	}
	or := "** " + s.Texts.T(lang, "city.or") + " **"
	return s.Texts.T(lang, "city.default_text", "City", c.Name, "Addresses", strings.Join(texts, or))
}

// defaultPage returns the markdown for a city whose moderator has not written a
// page, with the city's addresses filled in.
func (s *Site) defaultPage(ctx context.Context, c report.City) (string, error) {
	all, err := s.DB.CityBots(ctx, c.ID)
	if err != nil {
		return "", err
	}
	c.Page = ""
	return s.cityText(c, c.Language, s.addresses(ctx, c, all, c.Language)), nil
}

// addresses returns where riders can write to of all bots of the city, in words of a
// language. A network that cannot say at the moment is left out.
func (s *Site) addresses(ctx context.Context, c report.City, all []report.Bot, lang string) []address {
	var list []address
	for _, n := range s.Networks {
		addressed, ok := n.Network.(bots.Addressed)
		if !ok {
			continue
		}
		visible := s.optional(lang, n.Name+".visible")
		for _, b := range all {
			if b.Network != n.Name || !b.Enabled {
				continue
			}
			text, url, err := addressed.Address(ctx, c, b)
			if err != nil {
				s.Log.Warn("the city page lacks the address of a bot", "bot", b.ID, "network", n.Name, "err", err)
				continue
			}
			if text == "" { // its network has not told yet what it is called
				continue
			}
			list = append(list, address{Network: n.Name, Title: s.networkName(lang, n.Name), Text: text, URL: template.URL(url),
				Page: s.optional(lang, n.Name+".public_page"), Visible: visible})
			visible = ""
		}
	}
	return list
}

// optional returns a text that a network may have; empty where it has not.
func (s *Site) optional(lang, id string) string {
	if !s.Texts.Has(id) {
		return ""
	}
	return s.Texts.T(lang, id)
}

// networkName returns what people call the network of that directory. A report
// may be from a network that this program no longer has.
func (s *Site) networkName(lang, name string) string {
	if id := name + ".title"; s.Texts.Has(id) {
		return s.Texts.T(lang, id)
	}
	return name
}

// way is a way to follow a city.
type way struct {
	Title string
	Name  string // of the bot, where the city has several of its network
	URL   template.URL
}

// ways returns the ways to follow the page's city by its bots: the pages of networks that
// have one, and then the addresses of the others.
func (s *Site) ways(p *page, all []report.Bot, where []address) []way {
	var pages, others []way
	for _, n := range s.Networks {
		on := slices.ContainsFunc(all, func(b report.Bot) bool { return b.Network == n.Name && b.Enabled })
		if label := s.optional(p.Lang, n.Name+".public_page"); on && label != "" {
			pages = append(pages, way{label, "", template.URL(p.Link("/city/" + p.City.Slug + "/" + n.Name))}) //nolint:gosec // ours
		}
	}
	count := map[string]int{}
	for _, a := range where {
		count[a.Network]++
	}
	for _, a := range where {
		if a.Page != "" {
			continue
		}
		w := way{Title: a.Title, URL: a.URL}
		if count[a.Network] > 1 {
			w.Name = a.Text
		}
		others = append(others, w)
	}
	return append(pages, others...)
}
