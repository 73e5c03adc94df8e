package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// sameLineEvery is how often the same line is written to a bot's log: a server
// that is down would fill it otherwise.
const sameLineEvery = time.Minute

// logWriter stores the lines of the bots' logs, which the moderators read,
// without making a bot wait for the database.
type logWriter struct {
	db    *db.DB
	lines chan botLine
	quit  chan struct{}
	done  chan struct{}
}

type botLine struct {
	botID int64
	line  db.LogLine
}

func newLogWriter(d *db.DB) *logWriter {
	return &logWriter{db: d, lines: make(chan botLine, 256), quit: make(chan struct{}), done: make(chan struct{})}
}

func (w *logWriter) start() { go w.run() }

func (w *logWriter) run() {
	defer close(w.done)
	for {
		select {
		case l := <-w.lines:
			w.write(l)
		case <-w.quit:
			for len(w.lines) > 0 {
				w.write(<-w.lines)
			}
			return
		}
	}
}

func (w *logWriter) write(l botLine) {
	// A line that cannot be stored still stands in the operator's log.
	_ = w.db.AddLog(context.Background(), l.botID, l.line)
}

// stop writes what is waiting and ends. What a bot that was left behind logs
// afterwards is dropped.
func (w *logWriter) stop() {
	close(w.quit)
	<-w.done
}

// handler returns a handler that writes to the operator's log, with the bot
// named, and to the bot's own.
func (w *logWriter) handler(log *slog.Logger, b report.Bot) slog.Handler {
	return &botHandler{
		Handler: log.With("bot", b.ID, "network", b.Network, "city", b.CityID).Handler(),
		w:       w, botID: b.ID, last: &lastLines{at: make(map[string]time.Time)},
	}
}

// botHandler is a slog.Handler that also keeps lines of level info and above.
type botHandler struct {
	slog.Handler
	w     *logWriter
	botID int64
	last  *lastLines
	attrs []slog.Attr
}

// Enabled keeps info lines for the moderator also where the operator wants
// only warnings.
func (h *botHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.Handler.Enabled(ctx, level)
}

func (h *botHandler) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= slog.LevelInfo {
		h.keep(rec)
	}
	if !h.Handler.Enabled(ctx, rec.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, rec)
}

func (h *botHandler) keep(rec slog.Record) {
	text := rec.Message
	var details []string
	add := func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
		} else {
			details = append(details, fmt.Sprintf("%s %v", a.Key, a.Value))
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	rec.Attrs(add)
	if !h.last.isNew(text, rec.Time) {
		return
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	select {
	case h.w.lines <- botLine{h.botID, db.LogLine{At: rec.Time, Level: rec.Level.String(), Text: text}}:
	default: // the database is slower than the bots fail: drop the line
	}
}

func (h *botHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithAttrs(attrs)
	c.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &c
}

func (h *botHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.Handler = h.Handler.WithGroup(name)
	return &c
}

// lastLines remembers when a line was last kept.
type lastLines struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (l *lastLines) isNew(text string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.at[text]; ok && at.Sub(last) < sameLineEvery {
		return false
	}
	if len(l.at) >= db.LogLines {
		clear(l.at)
	}
	l.at[text] = at
	return true
}
