package bots

import (
	"context"
	"encoding/json"

	"ticketfrei/internal/report"
)

// Tasker is a Network whose bots look at reports before the censor does, where a city
// names it among its tasks.
type Tasker interface {
	// Task looks at r, which was read; r.Results are what the tasks before this one made
	// of it. ctx ends when the city's tasks have had their time: the report is judged
	// without what is missing.
	Task(ctx context.Context, b report.Bot, r report.Report) (TaskResult, error)
}

// TaskResult is what a task made of a report.
type TaskResult struct {
	// Results are a JSON value of at most 4 KiB; empty: nothing.
	Results json.RawMessage
	// Refuse says why the report is to be refused, for the moderators to read; empty: the
	// censor decides. No task can let pass what the censor refuses.
	Refuse string
	// Answer is a word to whoever wrote the report, where they can be answered; empty: none.
	Answer string
}

// Commander is a Network whose bots answer commands, which people write to any bot of
// the city that can answer.
type Commander interface {
	// Commands returns the words of the bot's commands, as "fahrplan" for "/fahrplan".
	Commands(ctx context.Context, b report.Bot) ([]string, error)
	// Command answers a command; an empty answer is none. ctx ends after SendTimeout.
	Command(ctx context.Context, b report.Bot, c Command) (answer string, err error)
}

// Command is what somebody has written to a bot that begins with "/" and a word.
type Command struct {
	Word     string // without the "/"
	Text     string // what follows it
	Reading  report.Reading
	Language string // of whoever wrote it, as "de"
}

// Speaker is a Network whose bots say how they are in words of their own, as "FIXED".
type Speaker interface {
	// Says returns what the bot said last; empty where it has said nothing.
	Says(b report.Bot) string
}

// Connector is a Network whose bots are connected by values of fields, without a page:
// by the API and the command line.
type Connector interface {
	// Fields are what Connect wants to know.
	Fields() []Field
	// Connect connects a bot of the city, or the one whose id is botID where that is not
	// 0, and switches it on. Values that do not fit are a FieldError; the credentials are
	// tried first where the network can.
	Connect(ctx context.Context, city report.City, botID int64, values map[string]string) (report.Bot, error)
}

// Field is something that is typed to connect a bot.
type Field struct {
	Name     string
	Label    string // text id
	Secret   bool   // it is sealed, and shown to nobody again
	Required bool
}

// FieldError is what is wrong with a field; the cause says it in words: see Say.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

func (e *FieldError) Unwrap() error { return e.Err }
