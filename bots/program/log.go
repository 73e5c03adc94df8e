package program

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"

	"ticketfrei/bots"
)

// How many lines of its log, and of how it is, a process may write: what is more is left out.
const (
	logRate  = 10 // a second
	logBurst = 100
)

// readLog hands the lines of a log to note, until it ends. A line begins with its level, as
// "E! the modem is gone".
func readLog(r io.Reader, limit *rate.Limiter, note func(slog.Level, string)) {
	lost := false
	lines := bufio.NewReaderSize(r, 4096)
	for {
		raw, rest, err := lines.ReadLine()
		line := string(bytes.TrimSpace(raw)) // before the rest is read in its place
		for rest && err == nil {
			_, rest, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
		if line == "" {
			continue
		}
		if limit.Allow() {
			lost = false
			note(levelOf(line))
		} else if !lost {
			lost = true
			note(slog.LevelWarn, "…")
		}
	}
}

// levels are how lines of a log begin.
var levels = map[string]slog.Level{"E!": slog.LevelError, "W!": slog.LevelWarn, "I!": slog.LevelInfo, "D!": slog.LevelDebug}

// levelOf splits the level off a line.
func levelOf(line string) (slog.Level, string) {
	if len(line) > 2 {
		if level, ok := levels[line[:2]]; ok {
			return level, strings.TrimSpace(line[2:])
		}
	}
	return slog.LevelInfo, line
}

// levelNames are the levels of a line log.
var levelNames = map[string]slog.Level{"error": slog.LevelError, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "info": slog.LevelInfo, "": slog.LevelInfo, "debug": slog.LevelDebug}

// logWords writes a program's words to the log of a bot, for its moderators to read.
func logWords(log *slog.Logger, level slog.Level, s string) {
	log.Log(context.Background(), level, "program.log.says", "err", bots.Sayer(words(s)))
}
