package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"ticketfrei/db"
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
		about: "The last 50 lines of each bot are kept.", needs: []apikey.Right{apikey.Read, apikey.Bots}, takes: []string{"network", "level", "since", "limit"}}, a.listLogs)
}

func (a *API) listLogs(ctx context.Context, in *request) (*reply[logLines], error) {
	since, err := sinceOf(in.Since, a.Now(), city(ctx), a.Config.Reports.Zone)
	if err != nil {
		return nil, wrong("query.since", err.Error(), in.Since)
	}
	list, err := a.DB.BotLogs(ctx, db.LogFilter{CityID: city(ctx).ID, Network: in.Network, Level: strings.ToUpper(in.Level), Since: since, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	lines := make([]logLine, len(list))
	for i, l := range list {
		lines[i] = lineOf(l)
	}
	return answered(logLines{lines}, nil)
}

func lineOf(l db.CityLogLine) logLine {
	return logLine{l.At.UTC(), strings.ToLower(l.Level), l.Network, l.BotID, l.Text}
}
