package relay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

const (
	// maxRefusal is how much of why one of them refuses it is kept, in characters.
	maxRefusal = 200
	// maxLooking is how many reports of a city are looked at at a time, those that are
	// not waited for any more among them.
	maxLooking = batchSize
	// sameTaskLine is how often the log of a bot says the same of its task.
	sameTaskLine = time.Minute
)

// task is a bot that looks at reports before the rules do.
type task struct {
	bot    report.Bot
	tasker bots.Tasker
}

// tasksOf returns the tasks of a city in their order: those that are named, are able to,
// and are switched on.
func tasksOf(named string, enabled []report.Bot, networks map[string]bots.Network) (list []task) {
	for _, name := range strings.Fields(named) {
		i := slices.IndexFunc(enabled, func(b report.Bot) bool { return b.Network == name })
		tasker, ok := networks[name].(bots.Tasker)
		if i >= 0 && ok {
			list = append(list, task{enabled[i], tasker})
		}
	}
	return list
}

// Tasks have the outside programs of cities look at reports before the censor does.
type Tasks struct {
	DB       *db.DB
	Networks map[string]bots.Network // by name
	Texts    *i18n.Catalogue
	Wait     time.Duration // how long the tasks of a city may take for a report
	Log      *slog.Logger
	Now      func() time.Time

	mu    sync.Mutex
	rooms map[int64]*room // by city; there is one while something of the city is looked at
	said  map[said]time.Time
}

// room is where the reports of a city are looked at.
type room struct {
	places chan struct{} // holds one for each that is looked at
	users  int           // those who are in it, or wait for a place
}

// said is something that stands in the log of a bot.
type said struct {
	botID  int64
	textID string
}

// of returns the tasks of a city.
func (t *Tasks) of(ctx context.Context, c report.City) ([]task, error) {
	list, err := t.DB.CityBots(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(b report.Bot) bool { return !b.Enabled })
	return tasksOf(c.Tasks, list, t.Networks), nil
}

// look has the tasks of a city look at reports, all at the same time, and returns when
// they have, or when their time is over: then the reports have what is there. ctx ends
// it, too.
func (t *Tasks) look(ctx context.Context, c *city, batch []db.Heard) {
	ctx, done := context.WithTimeout(ctx, t.Wait)
	defer done()
	looks := make([]*looking, len(batch))
	for i, h := range batch {
		looks[i] = &looking{report: *h.Report, ended: make(chan struct{})}
		go t.run(ctx, c, looks[i])
	}
	for i, l := range looks {
		select {
		case <-l.ended:
		case <-ctx.Done():
		}
		l.stop(&batch[i])
		if late := l.late(); late != nil && !errors.Is(ctx.Err(), context.Canceled) {
			t.note(ctx, c, *late, "relay.task.late", t.Wait)
		}
	}
}

// run has the tasks look at one report, one after the other, until one refuses it.
func (t *Tasks) run(ctx context.Context, c *city, l *looking) {
	defer close(l.ended)
	r := t.enter(l.report.CityID)
	defer t.leave(l.report.CityID, r)
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		l.at(&c.tasks[0].bot)
		return
	}
	for _, next := range c.tasks {
		if !l.at(&next.bot) || ctx.Err() != nil {
			return
		}
		result, err := ask(ctx, next, l.report)
		if err == nil {
			err = l.add(next.bot.Network, result)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return // it was not late for nothing
		case err != nil:
			t.note(ctx, c, next.bot, "relay.task.failed", err)
		}
		if result.Refuse != "" { // also where its results do not fit
			break
		}
	}
	l.at(nil)
}

// ask has a task look at a report. A panic is an error: it is that of one task.
func ask(ctx context.Context, t task, r report.Report) (result bots.TaskResult, err error) {
	defer recovered(&err)
	return t.tasker.Task(ctx, t.bot, r)
}

// enter returns the room in which reports of a city are looked at.
func (t *Tasks) enter(cityID int64) *room {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rooms == nil {
		t.rooms = make(map[int64]*room)
	}
	r := t.rooms[cityID]
	if r == nil {
		r = &room{places: make(chan struct{}, maxLooking)}
		t.rooms[cityID] = r
	}
	r.users++
	return r
}

// leave leaves the room of a city. Whoever is the last one closes it.
func (t *Tasks) leave(cityID int64, r *room) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.users--; r.users == 0 {
		delete(t.rooms, cityID)
	}
}

// note writes to the log of a bot, which its moderators read, and to the operator's: the
// same once a minute. what fills the text: how long one has waited, or an error.
func (t *Tasks) note(ctx context.Context, c *city, b report.Bot, textID string, what any) {
	if !t.isNew(said{b.ID, textID}) {
		return
	}
	speak := func(language string) bots.T {
		return func(id string, data ...any) string { return t.Texts.T(language, id, data...) }
	}
	line, english := speak(i18n.ForModerators(c.language)), speak("en")
	text, full := "", ""
	switch what := what.(type) {
	case error:
		text, full = line(textID, "Err", bots.Words(what, line)), english(textID, "Err", bots.InFull(what, english))
	case time.Duration:
		wait := strconv.FormatFloat(what.Seconds(), 'f', -1, 64)
		text, full = line(textID, "Seconds", wait), english(textID, "Seconds", wait)
	}
	t.Log.Warn(full, "bot", b.ID, "network", b.Network, "city", c.slug)
	err := t.DB.AddLog(context.WithoutCancel(ctx), b.ID, db.LogLine{At: t.Now(), Level: slog.LevelWarn.String(), Text: text})
	if err != nil {
		t.Log.Error("a line of a bot's log could not be stored", "bot", b.ID, "err", err)
	}
}

// isNew tells whether something was not said a moment ago.
func (t *Tasks) isNew(s said) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	if last, ok := t.said[s]; ok && now.Sub(last) < sameTaskLine {
		return false
	}
	if t.said == nil || len(t.said) >= maxAsking {
		t.said = make(map[said]time.Time)
	}
	t.said[s] = now
	return true
}

// looking is a report while tasks look at it.
type looking struct {
	report report.Report // of who runs the tasks
	ended  chan struct{}

	mu      sync.Mutex
	over    bool // nobody waits for it any more
	by      *report.Bot
	results string
	refusal string
	answer  string
}

// at notes who looks at the report now; nil: nobody does any more. It is false where
// nobody waits for it.
func (l *looking) at(b *report.Bot) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.by = b
	}
	return !l.over
}

// add adds what a task has made of the report to what the tasks before it have.
func (l *looking) add(name string, r bots.TaskResult) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.refusal = cut(printable(r.Refuse), maxRefusal)
		l.answer = shortened(joined(l.answer, printable(r.Answer)), maxCommandAnswer)
	}
	var compact bytes.Buffer
	if len(r.Results) > report.MaxResults {
		return bots.Say(fmt.Errorf("the results have %d bytes, and may have %d", len(r.Results), report.MaxResults), "relay.task.too_long")
	}
	if len(r.Results) == 0 {
		return nil
	}
	if err := json.Compact(&compact, r.Results); err != nil {
		return bots.Say(fmt.Errorf("the results are no JSON: %w", err), "relay.task.no_json")
	}
	if next := strconv.Quote(name) + ":" + compact.String() + "}"; !l.over {
		l.results = strings.TrimSuffix(cmp.Or(l.results, "{}"), "}")
		if l.results != "{" {
			l.results += ","
		}
		l.results += next
		l.report.Results = l.results
	}
	return nil
}

// stop ends the waiting, and notes what is there.
func (l *looking) stop(h *db.Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	h.Report.Results, h.TaskRefusal, h.TaskAnswer = l.results, l.refusal, l.answer
}

// joined are two texts, one below the other; either may be empty.
func joined(first, second string) string {
	return strings.TrimSpace(strings.TrimSpace(first) + "\n\n" + strings.TrimSpace(second))
}

// late is who was looking at the report when the waiting ended; nil: nobody.
func (l *looking) late() *report.Bot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by
}
