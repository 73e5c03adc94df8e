package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// roomRoutes are for the operator: they are about all cities.
func (a *API) roomRoutes() {
	const tag = "server"
	read := []apikey.Right{apikey.Read}
	add(a, route{id: "get-status", method: http.MethodGet, path: "/status", tag: tag, summary: "How the server is doing, and what needs its operator", needs: read}, a.getStatus)
	add(a, route{id: "list-all-bots", method: http.MethodGet, path: "/bots", tag: tag, summary: "The bots of all cities, those in trouble first", needs: seesBots, takes: []string{"network"}}, a.listAllBots)
	add(a, route{id: "list-all-logs", method: http.MethodGet, path: "/logs", tag: tag, summary: "What the bots of all cities have logged, the newest first",
		about: "The last 50 lines of each bot are kept.", needs: seesBots, takes: []string{"network", "level", "since", "limit"}}, a.listAllLogs)
	add(a, route{id: "get-queue", method: http.MethodGet, path: "/queue", tag: tag, summary: "What waits to be sent, and for whom", needs: seesBots, takes: []string{"network"}}, a.getQueue)
	addBody(a, route{id: "retry-queue", method: http.MethodPost, path: "/queue/retry", tag: tag, summary: "Try at once what waits to be sent", needs: changesBots}, a.retryQueue)
	addBody(a, route{id: "drop-queue", method: http.MethodPost, path: "/queue/drop", tag: tag, summary: "Throw away what waits to be sent",
		about: "Nobody is sent it any more, but what is on its way at the moment.", needs: changesBots}, a.dropQueue)
}

type mailAway struct {
	Since time.Time `json:"since"`
	All   bool      `json:"all" doc:"All mails wait; otherwise those to some domains."`
	Says  string    `json:"says" doc:"What the other server says."`
}

type heldCertificate struct {
	For   string    `json:"for" enum:"pages,mail"`
	Until time.Time `json:"until"`
}

type lastBackup struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"`
}

type statusForm struct {
	OK           bool              `json:"ok" doc:"Nothing needs the operator."`
	Problems     []string          `json:"problems" nullable:"false" doc:"What needs the operator, in plain words."`
	Versions     []string          `json:"versions" nullable:"false" doc:"Of the processes that run."`
	Waiting      waitingForm       `json:"waiting"`
	MailAway     []mailAway        `json:"mail_away" nullable:"false" doc:"Empty: mails leave."`
	DiskFree     int64             `json:"disk_free_bytes,omitempty"`
	Certificates []heldCertificate `json:"certificates" nullable:"false" doc:"Those that the server holds."`
	Backup       *lastBackup       `json:"backup,omitempty" doc:"The last that is known."`
	Cities       map[string]int    `json:"cities" doc:"By state."`
	Bots         map[string]int    `json:"bots" doc:"By state."`
	Suspended    int               `json:"suspended_subscribers" doc:"To whom nothing is sent."`
}

type waitingForm struct {
	Reports    waitingKind `json:"reports" doc:"To be judged."`
	Deliveries waitingKind `json:"deliveries" doc:"To be sent: each of a report through a bot to up to 64 recipients."`
	Mails      waitingKind `json:"mails" doc:"Confirmations and the like."`
}

type waitingKind struct {
	Count  int        `json:"count"`
	Oldest *time.Time `json:"oldest,omitempty"`
}

func waitingOf(list []db.Waiting) (f waitingForm) {
	for _, w := range list {
		one := waitingKind{w.Count, timeOf(w.Oldest)}
		switch w.Kind {
		case "reports":
			f.Reports = one
		case "deliveries":
			f.Deliveries = one
		case "mails":
			f.Mails = one
		}
	}
	return f
}

// timeOf is a time that may not be there.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (a *API) getStatus(ctx context.Context, _ *request) (*reply[statusForm], error) {
	is, err := a.Cities.Status(ctx)
	if err != nil {
		return nil, err
	}
	f := statusForm{OK: len(is.Problems) == 0, Problems: []string{}, Versions: append([]string{}, is.Versions...), Waiting: waitingOf(is.Queue), MailAway: []mailAway{},
		DiskFree: is.Free, Certificates: []heldCertificate{}, Cities: map[string]int{}, Bots: map[string]int{}, Suspended: is.Suspended}
	for _, p := range is.Problems {
		f.Problems = append(f.Problems, p.Say(a.say))
	}
	for _, m := range is.Mail {
		f.MailAway = append(f.MailAway, mailAway(m))
	}
	for _, c := range is.Certificates {
		f.Certificates = append(f.Certificates, heldCertificate(c))
	}
	if is.Backup != nil {
		f.Backup = &lastBackup{is.Backup.At, is.Backup.Bytes}
	}
	for state, n := range is.Cities {
		f.Cities[string(state)] = n
	}
	for state, n := range is.Bots {
		f.Bots[string(state)] = n
	}
	return answered(f, nil)
}

type cityBot struct {
	City     string          `json:"city" doc:"The city's name in addresses."`
	ID       int64           `json:"id"`
	Network  string          `json:"network"`
	Enabled  bool            `json:"enabled"`
	State    report.BotState `json:"state" enum:"starting,running,trouble,attention,off"`
	Trouble  string          `json:"trouble,omitempty" doc:"What is wrong, in plain words."`
	Since    *time.Time      `json:"since,omitempty" doc:"When that was last so."`
	Restarts int             `json:"restarts"`
}

type cityBots struct {
	Bots []cityBot `json:"bots" nullable:"false"`
}

func (a *API) listAllBots(ctx context.Context, in *request) (*reply[cityBots], error) {
	list, err := a.Cities.EveryBot(ctx, manage.BotFilter{Network: in.Network})
	all := make([]cityBot, len(list))
	for i, b := range list {
		all[i] = cityBot{City: b.City.Slug, ID: b.ID, Network: b.Network, Enabled: b.Enabled, State: b.Now(), Restarts: b.Restarts}
		if b.InTrouble() {
			all[i].Trouble, all[i].Since = b.LastError, timeOf(b.ErrorAt)
		}
	}
	return answered(cityBots{all}, err)
}

type cityLogLine struct {
	logLine
	City string `json:"city" doc:"The city's name in addresses."`
}

type cityLogLines struct {
	Lines []cityLogLine `json:"lines" nullable:"false"`
}

func (a *API) listAllLogs(ctx context.Context, in *request) (*reply[cityLogLines], error) {
	since, err := sinceOf(in.Since, a.Now(), report.City{}, a.Config.Reports.Zone)
	if err != nil {
		return nil, wrong("query.since", err.Error(), in.Since)
	}
	list, err := a.Cities.Logs(ctx, manage.LogFilter{Network: in.Network, Level: in.Level, Since: since, Limit: in.Limit})
	lines := make([]cityLogLine, len(list))
	for i, l := range list {
		lines[i] = cityLogLine{lineOf(l), l.Slug}
	}
	return answered(cityLogLines{lines}, err)
}

type queuedBot struct {
	City       string          `json:"city" doc:"The city's name in addresses."`
	Bot        int64           `json:"bot" doc:"The bot's id."`
	Network    string          `json:"network"`
	State      report.BotState `json:"state" enum:"starting,running,trouble,attention,off"`
	Reports    int             `json:"reports"`
	Deliveries int             `json:"deliveries"`
	Oldest     time.Time       `json:"oldest"`
	Next       *time.Time      `json:"next,omitempty" doc:"When it is tried."`
	Why        string          `json:"why,omitempty" doc:"Why it waits, where the bot is in trouble."`
}

type queueForm struct {
	Waiting waitingForm `json:"waiting"`
	Bots    []queuedBot `json:"bots" nullable:"false"`
}

func (a *API) getQueue(ctx context.Context, in *request) (*reply[queueForm], error) {
	q, err := a.Cities.Queue(ctx, manage.QueueFilter{Network: in.Network})
	f := queueForm{waitingOf(q.All), make([]queuedBot, len(q.Bots))}
	for i, b := range q.Bots {
		f.Bots[i] = queuedBot{City: b.City.Slug, Bot: b.BotID, Network: b.Network, State: b.State, Reports: b.Reports, Deliveries: b.Fanouts,
			Oldest: b.Oldest.UTC(), Next: timeOf(b.Due), Why: b.Why}
	}
	return answered(f, err)
}

// queuePart is what of what waits is meant. What is left out does not matter.
type queuePart struct {
	City      string `json:"city,omitempty" maxLength:"40" doc:"Only what this city's bots send." example:"gotham"`
	Bot       int64  `json:"bot,omitempty" doc:"Only what this bot sends."`
	Network   string `json:"network,omitempty" maxLength:"40" doc:"Only what bots of this network send."`
	OlderThan int    `json:"older_than_seconds,omitempty" minimum:"0" maximum:"31536000" doc:"Only what is older."`
}

func (p queuePart) filter() manage.QueueFilter {
	return manage.QueueFilter{City: p.City, BotID: p.Bot, Network: p.Network, OlderThan: time.Duration(p.OlderThan) * time.Second}
}

type changedBots struct {
	Bots int `json:"bots" doc:"How many bots had something."`
}

func (a *API) retryQueue(ctx context.Context, _ *request, p *queuePart) (*reply[changedBots], error) {
	n, err := a.Cities.RetryQueue(ctx, p.filter())
	return answered(changedBots{n}, p.noCity(err))
}

func (a *API) dropQueue(ctx context.Context, _ *request, p *queuePart) (*reply[changedBots], error) {
	n, err := a.Cities.DropQueue(ctx, p.filter())
	return answered(changedBots{n}, p.noCity(err))
}

// noCity says that there is no such city, where err is that.
func (p queuePart) noCity(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return wrong("body.city", "there is no such city on this server", p.City)
	}
	return err
}
