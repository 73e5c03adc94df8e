package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"ticketfrei/internal/apikey"
)

type logLine struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level" enum:"info,warn,error"`
	Network string    `json:"network"`
	Bot     int64     `json:"bot" doc:"The bot's id."`
	Text    string    `json:"text"`
}

type logLines struct {
	Lines []logLine `json:"lines" nullable:"false"`
}

func (a *API) logRoutes() {
	add(a, route{id: "list-logs", method: http.MethodGet, path: "/cities/{city}/logs", tag: "bots", summary: "What the city's bots have logged, the newest first",
		about: "The last 50 lines of each bot are kept.", needs: []apikey.Right{apikey.Read, apikey.Bots}}, a.listLogs)
}

func (a *API) listLogs(ctx context.Context, in *struct {
	InCity
	Network string `query:"network" maxLength:"40" doc:"Only bots of this network."`
	Level   string `query:"level" enum:"info,warn,error" doc:"Only lines of this level."`
	Since   string `query:"since" maxLength:"40" doc:"Only lines since then: see the reports." example:"1h"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}) (*struct{ Body logLines }, error) {
	since, err := sinceOf(in.Since, a.Now(), city(ctx), a.Config.Reports.Zone)
	if err != nil {
		return nil, wrong("query.since", err.Error(), in.Since)
	}
	list, err := a.DB.CityLog(ctx, city(ctx).ID, in.Network, strings.ToUpper(in.Level), since, in.Limit)
	if err != nil {
		return nil, err
	}
	lines := make([]logLine, len(list))
	for i, l := range list {
		lines[i] = logLine{l.At.UTC(), strings.ToLower(l.Level), l.Network, l.BotID, l.Text}
	}
	return &struct{ Body logLines }{logLines{lines}}, nil
}
