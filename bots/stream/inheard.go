package stream

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/internal/report"
)

// heard is what a mapping reads from a post.
type heard struct {
	Text string
	ID   string    // what tells it from others
	Time time.Time // zero: now
}

// sameWithin is for how long two posts with the same content are the same one, where
// nothing tells them apart: a sender that tries again does so within it, and something that
// happens again does so later.
const sameWithin = time.Hour

// read reads a post. The error is an *inbound.Refusal.
func (m mapping) read(post inbound.Message, now time.Time) (h heard, err error) {
	names, err := decode(post.Body)
	if err != nil {
		return h, err
	}
	unread := func(field string, err error, text string) error {
		if err != nil {
			text = err.Error()
		}
		return &inbound.Refusal{Status: http.StatusBadRequest, Where: field, Value: inbound.Cut(string(post.Body)),
			Text: "the expression " + field + " of the trigger does not fit the body: " + text}
	}
	if h.Text, err = m.text.String(names); err == nil {
		h.Text = strings.TrimSpace(h.Text)
	}
	if err != nil || h.Text == "" {
		return h, unread("text", err, "nothing was found to report")
	}
	if h.Time = post.Time; m.time != nil {
		if h.Time, err = m.time.Time(names); err != nil {
			return h, unread("time", err, "")
		}
	}
	if m.id != nil {
		if h.ID, err = m.id.String(names); err != nil || h.ID == "" {
			return h, unread("id", err, "it was not found")
		}
		h.ID = "id " + h.ID
	} else if h.ID = "sender " + post.ID; post.ID == "" {
		sum := sha256.Sum256(post.Body)
		h.ID = "body " + base64.RawURLEncoding.EncodeToString(sum[:]) + now.Truncate(sameWithin).Format(" 15 2006-01-02")
	}
	return h, nil
}

// decode reads JSON as expressions want it. Numbers that would lose digits are texts.
func decode(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	d.UseNumber()
	var body any
	err := d.Decode(&body)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return nil, &inbound.Refusal{Status: http.StatusBadRequest, Where: "body", Text: "the body is not JSON: " + err.Error()}
	}
	return map[string]any{"body": numbers(body)}, nil
}

// exact is up to which whole number all are float64.
const exact = 1 << 53

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if whole := !strings.ContainsAny(v.String(), ".eE"); err != nil || whole && math.Abs(f) >= exact {
			return v.String()
		}
		return f
	case map[string]any:
		for key, value := range v {
			v[key] = numbers(value)
		}
	case []any:
		for i, value := range v {
			v[i] = numbers(value)
		}
	}
	return v
}

// incoming is a post as it is heard.
func (r triggerRow) incoming(h heard) bots.Incoming {
	return bots.Incoming{ID: "in " + strconv.FormatInt(r.ID, 10) + " " + h.ID, Author: r.Name, Text: h.Text, Visibility: report.Public, Time: h.Time}
}
