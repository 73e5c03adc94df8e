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

// networkCard is one network on the settings page.
type networkCard struct {
	Name       string
	Anchor     string
	Title      string
	Blurb      string
	Bot        *report.Bot // nil while the city has none
	Everywhere bool
	Recipients int // -1 where the network has none or cannot count them
	Log        []db.LogLine
	Section    template.HTML // its settings.tmpl
	Trouble    string        // why Section cannot be shown; empty where it can
}

// cardAnchor is the anchor of a network's card.
func cardAnchor(network string) string { return "network-" + network }

// networkCards makes the cards of all networks. given is what the sections of
// single networks show in place of their Network.Settings.
func (s *Site) networkCards(r *http.Request, given map[string]any) ([]networkCard, error) {
	list, err := s.DB.CityBots(r.Context(), s.City(r).ID)
	if err != nil {
		return nil, err
	}
	byNetwork := map[string]*report.Bot{}
	for i := range list {
		byNetwork[list[i].Network] = &list[i]
	}
	var cards []networkCard
	for _, n := range s.networks {
		card := networkCard{Name: n.Name, Anchor: cardAnchor(n.Name), Title: s.networkName(visitOf(r.Context()).lang, n.Name),
			Bot: byNetwork[n.Name], Everywhere: n.Everywhere, Recipients: -1}
		if id := n.Name + ".blurb"; s.Texts.Has(id) {
			card.Blurb = s.T(r, id)
		}
		if card.Bot != nil {
			if card.Log, err = s.DB.Log(r.Context(), card.Bot.ID, logShown); err != nil {
				return nil, err
			}
		}
		s.fillSection(r, n, &card, given)
		cards = append(cards, card)
	}
	return cards, nil
}

// fillSection asks the network for its part of the card. A network that fails,
// hangs or panics shows so on its own card and nowhere else.
func (s *Site) fillSection(r *http.Request, n Network, card *networkCard, given map[string]any) {
	err := guard(func() error {
		ctx, cancel := context.WithTimeout(r.Context(), sectionTimeout)
		defer cancel()
		if rec, ok := n.Network.(bots.Recipients); ok && card.Bot != nil {
			count, err := rec.CountRecipients(ctx, *card.Bot)
			if err != nil {
				return err
			}
			card.Recipients = count
		}
		data, ok := given[n.Name]
		if !ok {
			var err error
			if data, err = n.Network.Settings(ctx, s.City(r), card.Bot); err != nil {
				return err
			}
		}
		p := s.sectionPage(r, data)
		p.Bot = card.Bot
		html, err := s.sectionOf(n.Name, p)
		card.Section = html
		return err
	})
	if err == nil {
		return
	}
	s.Log.Error("a network's settings failed", "network", n.Name, "city", s.City(r).ID,
		"request", visitOf(r.Context()).id, "err", err)
	card.Trouble = s.plainWords(r, err)
}

// plainWords is what an error of a network says to the moderator: its own
// words where they are meant for people.
func (s *Site) plainWords(r *http.Request, err error) string {
	if e, ok := errors.AsType[*bots.PageError](err); ok {
		return s.T(r, e.ID)
	}
	if e, ok := errors.AsType[*bots.Error](err); ok {
		return e.Error()
	}
	return s.T(r, "settings.networks.settings_failed_unknown")
}

// sectionPage is the root of a network's section. The message to be shown once
// is left to the page around it.
func (s *Site) sectionPage(r *http.Request, data any) *page {
	v := visitOf(r.Context())
	p := s.blankPage(v.lang, "", data)
	p.City, p.Moderator, p.Cities, p.Path = v.city, v.moderator, v.cities, r.URL.Path
	return p
}

// guard turns a panic of f into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// State is the state of the card's bot; the empty one where there is no bot.
func (c networkCard) State() report.BotState {
	if c.Bot == nil {
		return ""
	}
	if !c.Bot.Enabled {
		return report.BotOff
	}
	switch c.Bot.State {
	case report.BotRunning, report.BotTrouble, report.BotAttention, report.BotOff:
		return c.Bot.State
	default:
		return report.BotStarting
	}
}

// HasRecipients tells whether Recipients is a number.
func (c networkCard) HasRecipients() bool { return c.Recipients >= 0 }

// CanDisconnect tells whether there is something to disconnect.
func (c networkCard) CanDisconnect() bool { return c.Bot != nil && !c.Everywhere }
