package filter_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
)

const body = `{"id":12345678,"alert":{"title":"U1 Kontrolle","tags":["a","b"],"text":null},"stop":"Plärrer","at":"2026-05-17T19:30:00Z","seconds":1779046200,"millis":1779046200500,"live":true}`

func TestValues(t *testing.T) {
	names := map[string]any{}
	var decoded any
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatal(err)
	}
	names["body"] = decoded
	for source, want := range map[string]string{
		`body.alert.title + " " + body.stop`: "U1 Kontrolle Plärrer", `body.id`: "12345678", `string(body.id) + "!"`: "12345678!", `body["stop"]`: "Plärrer",
		`body.alert.tags[1]`: "b", `body.alert.text`: "", `body.alert.text ?? body.stop`: "Plärrer", `body.none`: "", `body.live ? trim(" yes ") : "no"`: "yes",
		`lower(body.stop)`: "plärrer", `body?.none?.deep`: "", `body.stop matches "^Pl" ? "here" : "there"`: "here", `len(body.alert.tags)`: "2", `"fixed"`: "fixed",
	} {
		v, err := filter.CompileValue("text", source, filter.Body)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, err := v.String(names); err != nil || got != want {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{
		`body.none.title`: "cannot fetch title from <nil> (1:11)", `body.alert`: `this is no text: {"tags":["a","b"],"text":null`, `body.live`: "this is no text: true", `body.id + body.stop`: "invalid operation",
	} {
		v, err := filter.CompileValue("text", source, filter.Body)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, err := v.String(names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
}

func TestTimes(t *testing.T) {
	names := map[string]any{}
	var decoded any
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatal(err)
	}
	names["body"] = decoded
	for source, want := range map[string]time.Time{
		"body.at": filtertest.Written, "body.seconds": filtertest.Written, "body.millis": filtertest.Written.Add(500 * time.Millisecond), `"Sun, 17 May 2026 21:30:00 +0200"`: filtertest.Written, "body.none": {}, "1779046200": filtertest.Written,
	} {
		v, err := filter.CompileValue("time", source, filter.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Time(names); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", source, got, err)
		}
	}
	for _, source := range []string{"body.stop", "body.alert", "5", "body.id * body.id * body.id"} {
		v, err := filter.CompileValue("time", source, filter.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Time(names); err == nil || !strings.Contains(err.Error(), "this is no time") {
			t.Errorf("%s: %v, %v", source, got, err)
		}
	}
}

func TestRefusedValues(t *testing.T) {
	for source, want := range map[string]string{
		`boddy.title`: `text: unknown name "boddy"; it is one of body; did you mean "body"? (1:1)`, `lowr(body.title)`: `did you mean "lower"?`, `near("Plärrer", 1)`: `unknown name "near"`,
		`map(body.tags, #)`: "map(…) is not allowed", `body.tags[body.n]`: "needs fixed values", `author.known`: `unknown name "author"`, ``: "unexpected token EOF",
		`any(body.a, any(body.b, # == 1)) ? "" : ""`: "it may take too long", `body.text matches "` + strings.Repeat("(a|b)", 12) + `" ? "" : ""`: "it may take too long",
	} {
		if _, err := filter.CompileValue("text", source, filter.Body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}
