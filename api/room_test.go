package api_test

import (
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
)

// TestOperatorSeesAll has a key of the operator see bots, logs, queue and status of all cities,
// and one of a city none of them.
func TestOperatorSeesAll(t *testing.T) {
	w := newWorld(t)
	operator, city := w.key(apikey.Cities, apikey.Bots, apikey.Read), w.key(apikey.All)
	for _, path := range []string{"/status", "/bots", "/logs", "/queue"} {
		w.do("GET", path, "", nil).want(401)
		w.do("GET", path, city, nil).problem(403, "a key of the operator", "")
		w.do("GET", path, operator, nil).want(200)
	}
	w.do("POST", "/queue/drop", city, `{}`).problem(403, "a key of the operator", "")
	w.do("POST", "/queue/drop", w.key(apikey.Cities, apikey.Read), `{}`).want(403)
	var dropped struct{ Bots int }
	w.do("POST", "/queue/drop", operator, `{"city":"gotham","older_than_seconds":60}`).want(200).into(&dropped)
	if dropped.Bots != 0 {
		t.Errorf("%d bots had something", dropped.Bots)
	}
	w.do("POST", "/queue/retry", operator, `{"city":"nowhere"}`).problem(422, "no such city", "body.city")
	b, _, err := w.db.FirstBot(t.Context(), w.city.ID, "toy")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.AddLog(t.Context(), b.ID, db.LogLine{At: time.Now(), Level: "ERROR", Text: "an error"}); err != nil {
		t.Fatal(err)
	}
	if a := w.do("GET", "/logs?level=warn", operator, nil).want(200); !strings.Contains(a.body, "an error") || !strings.Contains(a.body, `"city":"gotham"`) {
		t.Errorf("the logs are %s", a.body)
	}
	var is struct {
		OK       bool
		Problems []string
		Cities   map[string]int
	}
	w.do("GET", "/status", operator, nil).want(200).into(&is)
	if is.Cities["on"] == 0 || is.OK != (len(is.Problems) == 0) {
		t.Errorf("the status is %+v", is)
	}
}
