package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

var (
	seesBots    = []apikey.Right{apikey.Read, apikey.Bots}
	changesBots = []apikey.Right{apikey.Bots}
)

func (a *API) botRoutes() {
	const path, one, tag = "/cities/{city}/bots", "/cities/{city}/bots/{id}", "bots"
	add(a, route{id: "list-networks", method: http.MethodGet, path: "/networks", tag: tag, summary: "The networks of this server, and what connects a bot"}, a.listNetworks)
	add(a, route{id: "list-bots", method: http.MethodGet, path: path, tag: tag, summary: "The bots of a city, and how they are doing", needs: seesBots}, a.listBots)
	addBody(a, route{id: "connect-bot", method: http.MethodPost, path: path, tag: tag, summary: "Connect a bot", status: http.StatusCreated,
		about: "The values are those of the network's fields. They are tried first where the network can.", needs: changesBots, gives: []string{"Location"}, errors: []int{http.StatusConflict}}, a.connectBot)
	add(a, route{id: "get-bot", method: http.MethodGet, path: one, numbered: true, tag: tag, summary: "A bot, and how it is doing", needs: seesBots}, a.getBot)
	addBody(a, route{id: "change-bot", method: http.MethodPatch, path: one, numbered: true, tag: tag, summary: "Switch a bot on or off, or connect it by other values", needs: changesBots, errors: []int{http.StatusConflict}}, a.changeBot)
	add(a, route{id: "disconnect-bot", method: http.MethodDelete, path: one, numbered: true, tag: tag, summary: "Disconnect a bot, and delete what is stored of it",
		needs: changesBots, errors: []int{http.StatusConflict}}, a.disconnectBot)
	add(a, route{id: "count-subscribers", method: http.MethodGet, path: "/cities/{city}/subscribers", tag: tag, summary: "How many people a city's bots reach, by network", needs: seesBots}, a.countSubscribers)
}

type fieldForm struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Secret   bool   `json:"secret" doc:"It is sealed, and shown to nobody again."`
	Required bool   `json:"required"`
}

type networkForm struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Everywhere bool        `json:"everywhere" doc:"Every city has a bot of it from the start."`
	Fields     []fieldForm `json:"fields" nullable:"false" doc:"What connects a bot; none: it is connected on its page, or made by itself."`
}

type networkList struct {
	Networks []networkForm `json:"networks" nullable:"false"`
}

func (a *API) listNetworks(context.Context, *request) (*reply[networkList], error) {
	list := make([]networkForm, len(a.Cities.Networks))
	for i, n := range a.Cities.Networks {
		list[i] = networkForm{Name: n.Name, Title: a.say(n.Name + ".title"), Everywhere: n.Everywhere, Fields: []fieldForm{}}
		fields, err := n.Fields()
		if err != nil && !errors.Is(err, manage.ErrNoFields) {
			return nil, err
		}
		for _, f := range fields {
			list[i].Fields = append(list[i].Fields, fieldForm{f.Name, a.say(f.Label), f.Secret, f.Required})
		}
	}
	return answered(networkList{list}, nil)
}

// botForm is a bot as the API shows it.
type botForm struct {
	ID         int64           `json:"id"`
	Network    string          `json:"network"`
	Enabled    bool            `json:"enabled"`
	State      report.BotState `json:"state" enum:"starting,running,trouble,attention,off" doc:"attention: only a moderator can help."`
	Trouble    string          `json:"trouble,omitempty" doc:"What is wrong, in plain words."`
	Since      *time.Time      `json:"since,omitempty" doc:"When that was last so."`
	Limit      string          `json:"limit,omitempty" doc:"What it works without, in plain words."`
	Restarts   int             `json:"restarts" doc:"How often it was started again after an error."`
	Address    string          `json:"address,omitempty" doc:"Where people write to."`
	URL        string          `json:"url,omitempty" doc:"Of the address."`
	Recipients *int            `json:"recipients,omitempty" doc:"How many people it sends to; left out where it posts publicly."`
}

func formOfBot(b manage.Bot) botForm {
	f := botForm{ID: b.ID, Network: b.Network, Enabled: b.Enabled, State: b.State, Limit: b.Limit(), Restarts: b.Restarts, Address: b.Address, URL: b.URL}
	if !b.Enabled {
		f.State = report.BotOff
	}
	if f.State == report.BotTrouble || f.State == report.BotAttention {
		f.Trouble = b.LastError
		if at := b.ErrorAt.UTC(); !b.ErrorAt.IsZero() {
			f.Since = &at
		}
	}
	if b.Recipients >= 0 {
		f.Recipients = &b.Recipients
	}
	return f
}

type botList struct {
	Bots []botForm `json:"bots" nullable:"false"`
}

func (a *API) listBots(ctx context.Context, _ *request) (*reply[botList], error) {
	list, err := a.Cities.Bots(ctx, city(ctx))
	forms := make([]botForm, len(list))
	for i, b := range list {
		forms[i] = formOfBot(b)
	}
	return answered(botList{forms}, err)
}

// newBot is a bot that is connected.
type newBot struct {
	Network string            `json:"network" maxLength:"40" doc:"Its name." example:"telegram"`
	Values  map[string]string `json:"values,omitempty" doc:"By the names of the network's fields." example:"{\"token\":\"123:abc\"}"`
}

func (a *API) connectBot(ctx context.Context, _ *request, body *newBot) (*reply[botForm], error) {
	if _, err := a.Cities.Network(body.Network); err != nil {
		return nil, wrong("body.network", "there is no such network on this server: GET "+Path+"/networks has them", body.Network)
	}
	b, err := a.Cities.Connect(ctx, city(ctx), body.Network, 0, body.Values)
	if err != nil {
		return nil, err
	}
	c := city(ctx)
	return &reply[botForm]{Location: fmt.Sprintf("%s/cities/%s/bots/%d", Path, c.Slug, b.ID), Body: formOfBot(a.Cities.Described(ctx, c, b))}, nil
}

func (a *API) getBot(ctx context.Context, in *request) (*reply[botForm], error) {
	c := city(ctx)
	_, b, err := a.Cities.Bot(ctx, c.ID, in.number())
	if err != nil {
		return nil, err
	}
	return answered(formOfBot(a.Cities.Described(ctx, c, b)), nil)
}

// botPatch is what changes of a bot.
type botPatch struct {
	Enabled *bool             `json:"enabled,omitempty"`
	Values  map[string]string `json:"values,omitempty" doc:"All of the network's fields."`
}

func (a *API) changeBot(ctx context.Context, in *request, body *botPatch) (*reply[botForm], error) {
	n, b, err := a.Cities.Bot(ctx, city(ctx).ID, in.number())
	if err == nil && body.Values != nil {
		_, err = a.Cities.Connect(ctx, city(ctx), n.Name, b.ID, body.Values)
	}
	if err == nil && body.Enabled != nil {
		err = a.Cities.Enable(ctx, b, *body.Enabled)
	}
	if err != nil {
		return nil, err
	}
	return a.getBot(ctx, in)
}

func (a *API) disconnectBot(ctx context.Context, in *request) (*reply[none], error) {
	_, b, err := a.Cities.Bot(ctx, city(ctx).ID, in.number())
	if err != nil {
		return nil, err
	}
	return nil, a.Cities.Disconnect(ctx, b)
}

type subscriberCounts struct {
	Subscribers map[string]int `json:"subscribers" doc:"By network."`
	All         int            `json:"all"`
}

func (a *API) countSubscribers(ctx context.Context, _ *request) (*reply[subscriberCounts], error) {
	counts, err := a.Cities.Subscribers(ctx, city(ctx))
	all := 0
	for _, n := range counts {
		all += n
	}
	return answered(subscriberCounts{counts, all}, err)
}
