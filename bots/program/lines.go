package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ticketfrei/internal/report"
)

// The protocol: JSON objects, one a line, both ways.
const (
	protocol = 1
	maxLine  = 64 << 10 // bytes of a line, without its end
)

// The types of lines to the program.
const (
	toBegin   = "begin"   // protocol, city, settings, state, lines, stops
	toKept    = "kept"    // id: the report is on disk
	toSend    = "send"    // id, text, recipient, time
	toRetract = "retract" // id, receipt, recipient
	toTask    = "task"    // id, report, results
	toCommand = "command" // id, word, text, entities, language, from
	toRequest = "request" // id, method, path, query, body, content_type
	toAnswer  = "answer"  // to, text, outcome: for who wrote a report
	toEvent   = "event"   // name, payload, time, slug
	toTick    = "tick"    // time
	toValue   = "value"   // id, key, value, revision: of what was asked of the store
	toPing    = "ping"
	toCheck   = "check"
	toEnd     = "end"
	toUnknown = "unknown" // text: the type of the line; error, id
)

// The types of lines from the program.
const (
	fromReady     = "ready"     // protocol, can
	fromReport    = "report"    // id, author, text, time, visibility, from
	fromSent      = "sent"      // id, receipt
	fromFailed    = "failed"    // id, kind, after, error
	fromResult    = "result"    // id, results, verdict
	fromAnswer    = "answer"    // to, text; to a request also status, content_type
	fromState     = "state"     // value
	fromRecipient = "recipient" // id, on
	fromPublish   = "publish"   // name, payload
	fromPut       = "put"       // id, key, value, revision
	fromGet       = "get"       // id, key
	fromDelete    = "delete"    // id, key, revision
	fromLog       = "log"       // level, text
	fromStatus    = "status"    // status, job
	fromPong      = "pong"
	fromUnknown   = "unknown"
)

// cityForm is a city as programs get it.
type cityForm struct {
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Language string `json:"language"`
	Zone     string `json:"zone"` // empty: that of the machine
}

// begun is what a program is told at its beginning.
type begun struct {
	Protocol int               `json:"protocol"`
	City     cityForm          `json:"city"`
	Settings map[string]string `json:"settings"`
	State    json.RawMessage   `json:"state"` // null: none was stored
	Lines    []string          `json:"lines"`
	Stops    []string          `json:"stops"`
	Worker   int               `json:"worker"` // which of several it is, from 0
}

// receiptForm is a report.Receipt.
type receiptForm struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// toLine is a line to the program. The fields of its type are there also where they are
// empty: see complete.
type toLine struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	*begun
	To          string            `json:"to,omitempty"`
	Text        *string           `json:"text,omitempty"`
	Receipt     *receiptForm      `json:"receipt,omitempty"`
	Report      *report.Form      `json:"report,omitempty"`
	Results     json.RawMessage   `json:"results,omitempty"`
	Word        string            `json:"word,omitempty"`
	Entities    map[string]string `json:"entities,omitzero"`
	Language    string            `json:"language,omitempty"`
	From        string            `json:"from,omitempty"`
	Method      string            `json:"method,omitempty"`
	Path        *string           `json:"path,omitempty"`
	Query       *string           `json:"query,omitempty"`
	ContentType *string           `json:"content_type,omitempty"`
	Body        *string           `json:"body,omitempty"`
	Outcome     string            `json:"outcome,omitempty"`
	Name        string            `json:"name,omitempty"`
	Payload     json.RawMessage   `json:"payload,omitempty"`
	Slug        string            `json:"slug,omitempty"`
	Key         string            `json:"key,omitempty"`
	Value       json.RawMessage   `json:"value,omitempty"`
	Revision    *int64            `json:"revision,omitempty"`
	Error       string            `json:"error,omitempty"`
	Time        time.Time         `json:"time,omitzero"`
	Recipient   *string           `json:"recipient,omitempty"`
}

// fromLine is a line from the program.
type fromLine struct {
	Type        string          `json:"type"`
	ID          string          `json:"id"`
	Protocol    int             `json:"protocol"`
	Can         []string        `json:"can"`
	Author      string          `json:"author"`
	Text        string          `json:"text"`
	Time        string          `json:"time"`
	Visibility  string          `json:"visibility"`
	From        string          `json:"from"`
	To          string          `json:"to"`
	Receipt     json.RawMessage `json:"receipt"`
	Kind        string          `json:"kind"`
	After       float64         `json:"after"`
	Error       string          `json:"error"`
	Results     json.RawMessage `json:"results"`
	Verdict     *verdictForm    `json:"verdict"`
	Status      any             `json:"status"` // a word, or the number of an HTTP status
	ContentType string          `json:"content_type"`
	Job         string          `json:"job"`
	Value       json.RawMessage `json:"value"`
	On          *bool           `json:"on"`
	Name        string          `json:"name"`
	Payload     json.RawMessage `json:"payload"`
	Key         string          `json:"key"`
	Revision    *int64          `json:"revision"`
	Level       string          `json:"level"`

	said  string // before it: to who wrote the report of a task
	wrong string // with one of its fields; empty: nothing
}

// verdictForm is what a task says of a report.
type verdictForm struct {
	Refuse bool   `json:"refuse"`
	Reason string `json:"reason"`
}

var errLongLine = fmt.Errorf("a line to the program would have more than %d KiB", maxLine>>10)

// complete gives a line the fields of its type that are empty, so that a program need not
// ask whether they are there.
func (l *toLine) complete() {
	if l.begun != nil {
		b := *l.begun
		b.Settings, b.Lines, b.Stops = orEmpty(b.Settings), orNoNames(b.Lines), orNoNames(b.Stops)
		l.begun = &b
	}
	switch l.Type {
	case toSend, toRetract:
		l.Recipient = orNothing(l.Recipient)
	case toTask:
		l.Results = orJSON(l.Results, "{}")
	case toCommand:
		l.Entities = orEmpty(l.Entities)
	case toRequest:
		l.Query, l.ContentType, l.Body = orNothing(l.Query), orNothing(l.ContentType), orNothing(l.Body)
	case toEvent:
		l.Payload = orJSON(l.Payload, "null")
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func orNoNames(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func orNothing(s *string) *string {
	if s == nil {
		return text("")
	}
	return s
}

func orJSON(raw json.RawMessage, empty string) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage(empty)
	}
	return raw
}

var errLongValue = fmt.Errorf("with its value, a line would have more than %d KiB", maxLine>>10)

// fits is the error of a line that cannot be written.
func (l *toLine) fits() error {
	_, err := l.encode()
	return err
}

// encode returns the line as it is written. Signs of HTML stay as they are, for programs
// that are no more than a shell.
func (l *toLine) encode() ([]byte, error) {
	l.complete()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return nil, err
	}
	if b.Len()-1 > maxLine {
		return nil, errLongLine
	}
	return b.Bytes(), nil
}

// decode reads a line of the program. One that says its type and has a field that does not
// fit is no error.
func decode(raw []byte) (fromLine, error) {
	var l fromLine
	err := json.Unmarshal(raw, &l)
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed) && typed.Field == "":
		return l, errors.New("it is no JSON object")
	case errors.As(err, &typed):
		l.wrong = fmt.Sprintf("its field %s is a JSON %s", typed.Field, typed.Value)
		if l.Type == "" {
			return l, errors.New(l.wrong)
		}
	case err != nil:
		return l, fmt.Errorf("it is no JSON object: %w", err)
	case l.Type == "":
		return l, errors.New("it has no type")
	}
	return l, nil
}

// receipt reads the receipt of a line: {"id": …, "url": …}, or the id alone.
func (l *fromLine) receipt() (r report.Receipt) {
	var form receiptForm
	if json.Unmarshal(l.Receipt, &form.ID) != nil {
		form = receiptForm{}
		_ = json.Unmarshal(l.Receipt, &form) // what is none is no receipt
	}
	if !isWebsite(form.URL) {
		form.URL = ""
	}
	return report.Receipt{ID: cut(form.ID, maxID), URL: cut(form.URL, maxID)}
}

// maxID bounds ids that a program gives, in bytes.
const maxID = 1000

// text returns a pointer to a text that is written also where it is empty.
func text(s string) *string { return &s }

// cut returns a text without what is beyond its first n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
