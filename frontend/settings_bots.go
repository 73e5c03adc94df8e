package frontend

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// botRoutes are the switches of one network's card.
func (s *Site) botRoutes(r chi.Router) {
	r.Post("/enable", s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return s.handleSwitch(w, r, true)
	}))
	r.Post("/disable", s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return s.handleSwitch(w, r, false)
	}))
	r.Get("/disconnect", s.Handler(s.handleDisconnectAsk))
	r.Post("/disconnect", s.Handler(s.handleDisconnect))
}

// requestedBot returns the network in the URL and the bot on it that is meant.
func (s *Site) requestedBot(r *http.Request) (Network, report.Bot, error) {
	n, err := s.Cities.Network(chi.URLParam(r, "network"))
	if err != nil {
		return Network{}, report.Bot{}, gone(err)
	}
	b, err := s.findBot(r, n.Name)
	if errors.Is(err, db.ErrNotFound) {
		return Network{}, report.Bot{}, gone(err)
	}
	return n, b, err
}

// findBot returns the bot of the form's field bot_id. Without that field it is
// the city's first bot on the network.
func (s *Site) findBot(r *http.Request, network string) (report.Bot, error) {
	field := r.FormValue("bot_id")
	if field == "" {
		return s.DB.FindBot(r.Context(), s.City(r).ID, network)
	}
	id, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return report.Bot{}, db.ErrNotFound
	}
	return s.DB.CityBot(r.Context(), s.City(r).ID, network, id)
}

func (s *Site) handleSwitch(w http.ResponseWriter, r *http.Request, on bool) error {
	n, b, err := s.requestedBot(r)
	if err != nil {
		return err
	}
	if err := s.Cities.Enable(r.Context(), b, on); err != nil {
		return err
	}
	id := "settings.networks.disabled"
	if on {
		id = "settings.networks.enabled"
	}
	return s.Saved(w, r, n.Name, s.T(r, id, "Network", s.botName(r, n, b)))
}

// botName is what a sentence calls the bot: its network, and its account where
// the city has several of the network.
func (s *Site) botName(r *http.Request, n Network, b report.Bot) string {
	network := s.networkName(visitOf(r.Context()).lang, n.Name)
	own, err := s.DB.NetworkBots(r.Context(), b.CityID, n.Name)
	if err == nil && len(own) < 2 {
		return network
	}
	account := ""
	if err == nil {
		err = bots.Guard(func() (err error) {
			account, _, err = n.Address(r.Context(), s.City(r), b)
			return err
		})
	}
	if err != nil {
		s.Log.Warn("a bot cannot be called by its account", "network", n.Name, "bot", b.ID, "err", err)
	}
	if account == "" {
		return network
	}
	return s.T(r, "settings.networks.account", "Network", network, "Account", account)
}

// handleDisconnectAsk shows what disconnecting means, and the button for it.
func (s *Site) handleDisconnectAsk(w http.ResponseWriter, r *http.Request) error {
	n, b, err := s.detachable(r)
	if err != nil {
		return err
	}
	title := s.botName(r, n, b)
	lead := s.T(r, "settings.networks.disconnect_lead", "Network", title, "City", s.City(r).Name)
	if id := n.Name + ".disconnect"; s.Texts.Has(id) { // what else is deleted
		lead += " " + s.T(r, id)
	}
	return s.ask(w, r, question{
		Title:  s.T(r, "settings.networks.disconnect_title", "Network", title),
		Lead:   lead,
		Action: "/settings/bots/" + n.Name + "/disconnect",
		Button: s.T(r, "settings.networks.disconnect_button"),
		Keep:   s.T(r, "settings.networks.disconnect_keep"),
		Back:   bots.SettingsPath(n.Name),
		Fields: []keptField{{"bot_id", strconv.FormatInt(b.ID, 10)}},
	})
}

// detachable is requestedBot for the networks that not every city has.
func (s *Site) detachable(r *http.Request) (Network, report.Bot, error) {
	n, b, err := s.requestedBot(r)
	if err == nil && n.Everywhere {
		err = &bots.PageError{Status: http.StatusConflict, ID: "settings.networks.always"}
	}
	return n, b, err
}

func (s *Site) handleDisconnect(w http.ResponseWriter, r *http.Request) error {
	n, b, err := s.detachable(r)
	if err != nil {
		return err
	}
	title := s.botName(r, n, b) // as long as it has an account
	err = s.Cities.Disconnect(r.Context(), b)
	if failed, ok := errors.AsType[*manage.ForgetError](err); ok {
		s.Log.Error("a network did not forget a bot", "network", n.Name, "bot", b.ID, "err", failed.Err)
		return s.Saved(w, r, n.Name, s.T(r, "settings.networks.disconnect_failed", "Network", title))
	}
	if err != nil {
		return err
	}
	return s.Saved(w, r, n.Name, s.T(r, "settings.networks.disconnected", "Network", title))
}

// question is a page that asks before doing something that cannot be undone.
type question struct {
	Title  string
	Lead   string
	Action string // where the button posts to
	Button string
	Keep   string      // text of the link back
	Back   string      // where that link leads
	Quote  string      // report that it is about; empty: none
	Fields []keptField // hidden ones
}

func (s *Site) ask(w http.ResponseWriter, r *http.Request, q question) error {
	return s.render(w, r, http.StatusOK, "settings/ask.tmpl", q.Title, q)
}
