package frontend

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// sectionTimeout bounds how long one network may take to say what its
	// section shows.
	sectionTimeout = 3 * time.Second
	// logShown is how many lines of a bot's log the page shows.
	logShown = 20
)

// networksPage is what settings/networks.tmpl shows.
type networksPage struct{ Networks []networkCard }

func (s *Site) handleNetworks(w http.ResponseWriter, r *http.Request) error {
	return s.showNetworks(w, r, http.StatusOK, nil)
}

// showNetworks writes the page of the networks. given is what some networks' sections
// show in place of their Network.Settings.
func (s *Site) showNetworks(w http.ResponseWriter, r *http.Request, status int, given map[string]any) error {
	cards, err := s.networkCards(r, given)
	if err != nil {
		return err
	}
	return s.showDesk(w, r, status, pageNetworks, networksPage{cards})
}

// networkCard is one network on its page.
type networkCard struct {
	Name       string
	Anchor     string
	Title      string
	Blurb      string
	Bots       []botCard // the city's bots, oldest first
	Everywhere bool
	Section    template.HTML // its settings.tmpl
	Trouble    string        // why Section cannot be shown; empty if it can
}

// botCard is one of the city's bots on its network's card.
type botCard struct {
	report.Bot
	Address    string // where riders write to; empty if there is no address
	Recipients int    // -1 if the network has none or cannot count them
	CountID    string // text id of what says how many they are
	HintID     string // text id of what its state means
	Log        []db.LogLine
	Detachable bool // a moderator may disconnect it
}

// networkCards makes the cards of all networks. given is what some networks'
// sections show in place of their Network.Settings.
func (s *Site) networkCards(r *http.Request, given map[string]any) ([]networkCard, error) {
	list, err := s.DB.CityBots(r.Context(), s.City(r).ID)
	if err != nil {
		return nil, err
	}
	var cards []networkCard
	for _, n := range s.Networks {
		card := networkCard{Name: n.Name, Anchor: bots.SettingsAnchor(n.Name), Title: s.networkName(visitOf(r.Context()).lang, n.Name),
			Everywhere: n.Everywhere}
		if id := n.Name + ".blurb"; s.Texts.Has(id) {
			card.Blurb = s.T(r, id)
		}
		for _, b := range list {
			if b.Network != n.Name {
				continue
			}
			log, err := s.DB.Log(r.Context(), b.ID, logShown)
			if err != nil {
				return nil, err
			}
			shown := botCard{Bot: b, Recipients: -1, Log: log, Detachable: !n.Everywhere}
			shown.HintID = s.hintID(n.Name, shown.Shown())
			card.Bots = append(card.Bots, shown)
		}
		s.fillSection(r, n, &card, given)
		cards = append(cards, card)
	}
	return cards, nil
}

// fillSection asks the network for its part of the card. If the network fails,
// hangs or panics, only its own card shows it.
func (s *Site) fillSection(r *http.Request, n Network, card *networkCard, given map[string]any) {
	err := bots.Guard(func() error {
		ctx, cancel := context.WithTimeout(r.Context(), sectionTimeout)
		defer cancel()
		if err := s.fillBots(ctx, s.City(r), n, card.Bots); err != nil {
			return err
		}
		data, ok := given[n.Name]
		if !ok {
			var err error
			if data, err = n.Network.Settings(ctx, s.City(r), card.own()); err != nil {
				return err
			}
		}
		p := s.sectionPage(r, data)
		html, err := s.sectionOf(n.Name, p)
		card.Section = html
		return err
	})
	if err == nil {
		return
	}
	s.Log.Error("a network's settings failed", "network", n.Name, "city", s.City(r).Slug,
		"request", visitOf(r.Context()).id, "err", err)
	card.Trouble = s.plainWords(r, err)
}

// fillBots asks the network what it knows about the city's bots.
func (s *Site) fillBots(ctx context.Context, city report.City, n Network, cards []botCard) error {
	for i := range cards {
		count, err := n.CountRecipients(ctx, cards[i].Bot)
		if err != nil {
			return err
		}
		if cards[i].Recipients = count; count >= 0 {
			cards[i].CountID = s.countID(n.Name)
		}
		if len(cards) < 2 {
			continue
		}
		if cards[i].Address, _, err = n.Address(ctx, city, cards[i].Bot); err != nil {
			return err
		}
		if cards[i].Address == "" { // nothing tells it from the others but its number
			cards[i].Address = fmt.Sprint("#", cards[i].ID)
		}
	}
	return nil
}

// countID is the text id of what says how many recipients a bot of a network has: where
// they are no subscribers, the network has one.
func (s *Site) countID(network string) string {
	if id := network + ".recipients"; s.Texts.Has(id) {
		return id
	}
	return "settings.networks.recipients"
}

// hintID is the text id of what a state of a bot means: where the usual words do not hold,
// the network has its own.
func (s *Site) hintID(network string, state report.BotState) string {
	id := "state_hint." + string(state)
	if s.Texts.Has(network + "." + id) {
		return network + "." + id
	}
	return "settings." + id
}

// plainWords returns what a network's error says to the moderator: its own
// words if they are meant for people.
func (s *Site) plainWords(r *http.Request, err error) string {
	if e, ok := errors.AsType[*bots.PageError](err); ok {
		return s.T(r, e.ID)
	}
	if e, ok := errors.AsType[bots.Sayer](err); ok {
		return e.Say(func(id string, data ...any) string { return s.T(r, id, data...) })
	}
	if s.developing() {
		return err.Error()
	}
	return s.T(r, "settings.networks.settings_failed_unknown")
}

// sectionPage returns the root of a network's section. The page around it shows
// the flash.
func (s *Site) sectionPage(r *http.Request, data any) *page {
	v := visitOf(r.Context())
	p := s.blankPage(v.lang, "", data)
	p.City, p.Moderator, p.Cities, p.Role, p.Path = v.city, v.moderator, v.cities, v.role, r.URL.Path
	return p
}

// own returns the bots on the card.
func (c networkCard) own() []report.Bot {
	list := make([]report.Bot, len(c.Bots))
	for i, b := range c.Bots {
		list[i] = b.Bot
	}
	return list
}

// Several reports whether the city has more than one bot of the network.
func (c networkCard) Several() bool { return len(c.Bots) > 1 }

// Shown returns the state of the bot as the page names it.
func (c botCard) Shown() report.BotState {
	if !c.Enabled {
		return report.BotOff
	}
	switch c.State {
	case report.BotRunning, report.BotTrouble, report.BotAttention, report.BotOff:
		return c.State
	default:
		return report.BotStarting
	}
}

// HasRecipients reports whether Recipients is a number.
func (c botCard) HasRecipients() bool { return c.Recipients >= 0 }
