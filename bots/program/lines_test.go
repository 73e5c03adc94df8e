package program

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/report"
)

// FuzzLine has no line of a program do more than be refused.
func FuzzLine(f *testing.F) {
	for _, line := range []string{`{"type":"ready","protocol":1,"can":["send"]}`, `{"type":"sent","id":"1","receipt":{"id":"r","url":"https://a.example"}}`,
		`{"type":"failed","id":"1","kind":"later","after":1e400}`, `{"type":1}`, `[]`, `null`, `{"type":"sent","receipt":"r7"}`, "{\"type\":\"log\",\"text\":\"\xff\"}"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := decode(raw)
		if err != nil {
			return
		}
		if l.Type == "" {
			t.Error("a line without a type")
		}
		r := l.receipt()
		if len(r.ID) > maxID || r.URL != "" && !strings.HasPrefix(strings.ToLower(r.URL), "http") {
			t.Errorf("receipt %+v", r)
		}
		if said := string(words(l.Error)); strings.ContainsFunc(said, isControl) {
			t.Errorf("words %q", said)
		}
		_ = failure(l).Error()
	})
}

func TestLinesToPrograms(t *testing.T) {
	for want, l := range map[string]toLine{
		`{"type":"send","id":"1","text":"<b> & \"ü\"","time":"2026-11-27T08:15:00Z","recipient":""}`:                                                         {Type: toSend, ID: "1", Text: text(`<b> & "ü"`), Time: time.Date(2026, 11, 27, 8, 15, 0, 0, time.UTC)},
		`{"type":"begin","protocol":1,"city":{"slug":"a","name":"b","language":"c","zone":"d"},"settings":{},"state":null,"lines":[],"stops":[],"worker":0}`: {Type: toBegin, begun: &begun{Protocol: 1, City: cityForm{"a", "b", "c", "d"}}},
		`{"type":"retract","id":"1","receipt":{"id":"r","url":""},"recipient":"+49"}`:                                                                        {Type: toRetract, ID: "1", Receipt: &receiptForm{ID: "r"}, Recipient: text("+49")},
		`{"type":"command","id":"1","text":"","word":"w","entities":{}}`:                                                                                     {Type: toCommand, ID: "1", Text: text(""), Word: "w"},
		`{"type":"request","id":"1","method":"GET","path":"p","query":"","content_type":"","body":""}`:                                                       {Type: toRequest, ID: "1", Method: "GET", Path: text("p")},
		`{"type":"task","id":"1","results":{}}`:                                                                                                              {Type: toTask, ID: "1"},
		`{"type":"event","name":"a.b","payload":null}`:                                                                                                       {Type: toEvent, Name: "a.b"},
		`{"type":"end"}`: {Type: toEnd},
		`{"type":"value","id":"1","key":"k","value":null,"revision":0}`: {Type: toValue, ID: "1", Key: "k", Value: json.RawMessage("null"), Revision: new(int64)},
	} {
		if raw, err := l.encode(); err != nil || string(raw) != want+"\n" {
			t.Errorf("written as %s, %v, want %s", raw, err, want)
		}
	}
	long := toLine{Type: toSend, Text: text(strings.Repeat("x", maxLine))}
	if _, err := long.encode(); err == nil {
		t.Error("a line longer than 64 KiB is written")
	}
}

// TestLinesFromPrograms has what is wrong with a line be said without what stands in it.
func TestLinesFromPrograms(t *testing.T) {
	for line, want := range map[string]string{
		`no JSON`: "it is no JSON object", `["type"]`: "it is no JSON object", `{}`: "it has no type", `{"type":1}`: "its field type is a JSON number",
	} {
		if _, err := decode([]byte(line)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", line, err)
		}
	}
	for line, want := range map[string]string{
		`{"type":"report","id":1}`: "its field id is a JSON number", `{"type":"report","text":{"secret":1}}`: "its field text is a JSON object", `{"type":"pong"}`: "",
	} {
		if l, err := decode([]byte(line)); err != nil || l.wrong != want {
			t.Errorf("%s: %q, %v", line, l.wrong, err)
		}
	}
	for raw, want := range map[string]report.Receipt{
		`{"id":"r","url":"https://a.example/1"}`: {ID: "r", URL: "https://a.example/1"}, `"r"`: {ID: "r"}, `{"id":"r","url":"javascript:alert(1)"}`: {ID: "r"}, `7`: {},
	} {
		if got := (&fromLine{Receipt: json.RawMessage(raw)}).receipt(); got != want {
			t.Errorf("%s is %+v", raw, got)
		}
	}
}
