package supervisor

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

// sameLineEvery is how often the same line is written to a bot's log: a server
// that is down would fill it otherwise.
const sameLineEvery = time.Minute

// logWriter stores the lines of the bots' logs, which the moderators read,
// without making a bot wait for the database.
type logWriter struct {
	db    *db.DB
	texts *i18n.Catalogue
	lines chan botLine
	quit  chan struct{}
	done  chan struct{}
	same  gathered
}

// botLine is a line of a bot's log before it is put into the city's language.
type botLine struct {
	bot   report.Bot
	at    time.Time
	level slog.Level
	id    string // of the text
	err   error
	data  []any // that fills the text
}

func newLogWriter(d *db.DB, texts *i18n.Catalogue) *logWriter {
	return &logWriter{db: d, texts: texts, lines: make(chan botLine, 256), quit: make(chan struct{}), done: make(chan struct{})}
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
	line := db.LogLine{At: l.at, Level: l.level.String(), Text: l.say(w.speaker(l.bot.CityID))}
	// A line that cannot be stored still stands in the operator's log.
	_ = w.db.AddLog(context.Background(), l.bot.ID, line)
}

// say puts the line into words.
func (l botLine) say(t bots.T) string {
	if l.err == nil {
		return l.fill(t)
	}
	return l.fill(t, "Err", bots.Words(l.err, t))
}

// fill returns the text with its data, and more.
func (l botLine) fill(t bots.T, data ...any) string {
	for _, value := range l.data {
		if d, ok := value.(time.Duration); ok {
			value = inWords(d, t)
		}
		data = append(data, value)
	}
	return t(l.id, data...)
}

// sayInFull puts the line into words for the operator, with the whole error.
func (l botLine) sayInFull(t bots.T) string {
	if l.err == nil {
		return l.fill(t)
	}
	return l.fill(t, "Err", asSentence(bots.InFull(l.err, t)))
}

// asSentence ends words with a full stop, where they do not end with anything.
func asSentence(words string) string {
	if words == "" || strings.ContainsAny(words[len(words)-1:], ".!?") {
		return words
	}
	return words + "."
}

// speaker returns the texts in the language of a city's moderators, in English where that
// cannot be found out.
func (w *logWriter) speaker(cityID int64) bots.T {
	city, err := w.db.BriefCity(context.Background(), cityID)
	if err != nil {
		return w.speak("en")
	}
	return w.speak(i18n.ForModerators(city.Language))
}

func (w *logWriter) speak(language string) bots.T {
	return func(id string, data ...any) string { return w.texts.T(language, id, data...) }
}

// stop writes what is waiting and ends. What a bot that was left behind logs
// afterwards is dropped.
func (w *logWriter) stop() {
	close(w.quit)
	<-w.done
}

// handler returns a handler that writes to the operator's log, with the bot
// named, and to the bot's own. The message of a record that moderators are to
// read is the id of a text; its attributes fill it: "err" as {{.Err}}, in plain
// words, and "in" as {{.In}}, rounded. Other records are for the operator alone.
func (w *logWriter) handler(log *slog.Logger, b *report.Bot) slog.Handler {
	return &botHandler{all: log.Handler(), w: w, bot: b, last: &lastLines{}}
}

// botHandler is a slog.Handler that also keeps lines of level info and above. There is
// one for every bot, most of which are silent.
type botHandler struct {
	all   slog.Handler // of all bots
	own   slog.Handler // that names this one; nil until there is more to it than that
	w     *logWriter
	bot   *report.Bot
	last  *lastLines
	attrs []slog.Attr
}

// operator returns the handler of the operator's log that names the bot.
func (h *botHandler) operator() slog.Handler {
	if h.own != nil {
		return h.own
	}
	return h.all.WithAttrs([]slog.Attr{slog.Int64("bot", h.bot.ID), slog.String("network", h.bot.Network)})
}

// Enabled keeps info lines for the moderator also where the operator wants
// only warnings.
func (h *botHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.all.Enabled(ctx, level)
}

// Handle writes a record: to the operator in English, with the slug of the bot's city, and
// what many bots say of the same trouble as one line.
func (h *botHandler) Handle(ctx context.Context, rec slog.Record) error {
	english := h.w.speak("en")
	line, isText := h.line(rec), h.w.texts.Has(rec.Message)
	rec = inFull(rec, english)
	if isText {
		rec.Message = line.sayInFull(english)
		if rec.Level >= slog.LevelInfo {
			h.keep(line)
		}
	}
	if !h.all.Enabled(ctx, rec.Level) {
		return nil
	}
	if isText && rec.Level >= slog.LevelWarn {
		repeated, logged := h.w.same.add(h.state(line, english), h.bot.ID, rec.Time)
		if !logged {
			return nil
		}
		rec.AddAttrs(repeated...)
	}
	rec.AddAttrs(slog.String("city", h.w.db.Slug(ctx, h.bot.CityID)))
	return h.operator().Handle(ctx, rec)
}

// state is the trouble that a line is about: that of the whole network where the words for
// people are the same, which name the host.
func (h *botHandler) state(l botLine, t bots.T) state {
	s := state{network: h.bot.Network, id: l.id}
	if l.err != nil {
		s.words = bots.Words(l.err, t)
	}
	return s
}

// inFull returns a copy of a record whose errors are in words.
func inFull(rec slog.Record, t bots.T) slog.Record {
	full := slog.NewRecord(rec.Time, rec.Level, rec.Message, rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			a = slog.String(a.Key, bots.InFull(err, t))
		} else if a.Value.Kind() == slog.KindDuration {
			a = slog.Duration(a.Key, a.Value.Duration().Round(time.Millisecond))
		}
		full.AddAttrs(a)
		return true
	})
	return full
}

// line makes of a record what the bot's log keeps.
func (h *botHandler) line(rec slog.Record) botLine {
	l := botLine{bot: *h.bot, at: rec.Time, level: rec.Level, id: rec.Message}
	add := func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && a.Key == "err" {
			l.err = err
			return true
		}
		var value any = a.Value.String()
		if a.Value.Kind() == slog.KindDuration {
			value = a.Value.Duration()
		}
		l.data = append(l.data, strings.ToUpper(a.Key[:1])+a.Key[1:], value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	rec.Attrs(add)
	return l
}

// keep hands a line to the writer, unless the same was kept a moment ago.
func (h *botHandler) keep(l botLine) {
	key := l.id
	if l.err != nil {
		key += l.err.Error()
	}
	if !h.last.isNew(key, l.at) {
		return
	}
	select {
	case h.w.lines <- l:
	default: // the database is slower than the bots fail: drop the line
	}
}

func (h *botHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.own = h.operator().WithAttrs(attrs)
	c.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &c
}

func (h *botHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.own = h.operator().WithGroup(name)
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
	if l.at == nil || len(l.at) >= db.LogLines {
		l.at = make(map[string]time.Time)
	}
	l.at[text] = at
	return true
}
