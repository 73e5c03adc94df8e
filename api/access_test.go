package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// TestKeys has keys that hold, and others.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	other := dbtest.MustCreateCity(t, w.db, "metropolis")
	reads, reports := w.key(apikey.Read), w.key(apikey.Report)
	expired := apikey.New("gotham")
	k := must(w.db.AddAPIKey(t.Context(), apikey.Key{CityID: w.city.ID, Rights: []apikey.Right{apikey.All}, Expires: w.clock().Add(time.Hour)}, apikey.Hash(expired)))(t)
	w.do("GET", "/cities/gotham/bots", expired, nil).want(200)
	w.pass(time.Hour)
	for _, tt := range []struct {
		name, key, path string
		status          int
		says            string
	}{
		{"none", "", "/cities/gotham/bots", 401, "this needs a key with the right read or bots"},
		{"one that is none", "tf_gotham_abc", "/cities/gotham/bots", 401, "there is no such key"},
		{"one that is none, where none is needed", "tf_gotham_abc", "/cities/gotham", 401, "there is no such key"},
		{"an expired one", expired, "/cities/gotham/bots", 401, "the key has expired"},
		{"one without the right", reports, "/cities/gotham/bots", 403, "this needs the right read or bots, which the key has not: it has report"},
		{"one of another city", reads, "/cities/metropolis/bots", 403, "this key is of the city gotham, not of metropolis"},
		{"one of a city for all", w.key(apikey.All), "/cities", 403, "this needs a key of the operator"},
		{"a city that is not there", reads, "/cities/nowhere/bots", 404, `there is no city "nowhere" on this server`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.do("GET", tt.path, tt.key, nil)
			a.t = t
			a.problem(tt.status, tt.says, "")
			if challenge := a.header.Get("WWW-Authenticate"); (tt.status == 401) != strings.HasPrefix(challenge, `Bearer realm="ticketfrei"`) {
				t.Errorf("the challenge is %q", challenge)
			}
		})
	}
	w.do("GET", "/cities/gotham/bots", "", nil, "Authorization", "Basic YTpi").problem(401, "Authorization: Bearer KEY", "")
	w.do("GET", "/cities/metropolis/bots", w.key(apikey.Cities, apikey.Read), nil).want(200)
	if err := w.db.RemoveAPIKey(t.Context(), other.ID, k.ID); err == nil {
		t.Error("a city has removed the key of another")
	}
	w.do("DELETE", "/cities/metropolis", w.key(apikey.All), nil).problem(403, "this key is of the city gotham", "")
	w.do("DELETE", "/cities/gotham", w.key(apikey.All), nil).problem(403, "this needs the right cities", "")
}

// TestKeyIsUsed has it told when a key was used last, which is stored once a minute.
func TestKeyIsUsed(t *testing.T) {
	w := newWorld(t)
	key, first := w.key(apikey.Read), w.clock()
	for range 3 {
		w.do("GET", "/cities/gotham/bots", key, nil).want(200)
		w.pass(25 * time.Second)
	}
	if got := must(w.db.APIKeys(t.Context(), w.city.ID))(t)[0].Used; !got.Equal(first) {
		t.Errorf("used %s, want %s", got, first)
	}
	w.do("GET", "/cities/gotham/bots", key, nil).want(200)
	if got := must(w.db.APIKeys(t.Context(), w.city.ID))(t)[0].Used; !got.Equal(first.Add(75 * time.Second)) {
		t.Errorf("used %s, want %s", got, first.Add(75*time.Second))
	}
}

// TestLimits has a key and a client ask more often than they may.
func TestLimits(t *testing.T) {
	w := newWorld(t, "TICKETFREI_API_REQUESTS=3")
	one, other := w.key(apikey.Read), w.key(apikey.Read)
	for i, left := range []string{"2", "1", "0"} {
		a := w.do("GET", "/cities/gotham/bots", one, nil).want(200)
		if got := a.header.Get("RateLimit-Remaining"); got != left || a.header.Get("RateLimit-Limit") != "3" || a.header.Get("RateLimit-Policy") != "3;w=60" {
			t.Errorf("request %d: %v", i, a.header)
		}
	}
	w.pass(20 * time.Second)
	a := w.do("GET", "/cities/gotham/bots", one, nil)
	a.problem(429, "more than 3 requests in a minute", "")
	if a.header.Get("Retry-After") != "40" || a.header.Get("RateLimit-Reset") != "40" {
		t.Errorf("retry after %s", a.header.Get("Retry-After"))
	}
	w.do("GET", "/cities/gotham/bots", other, nil).want(200)
	for range 3 { // whoever tries keys out is counted too
		w.do("GET", "/cities/gotham", "tf_gotham_guess", nil).want(401)
	}
	w.do("GET", "/cities/gotham", "", nil).want(429)
	w.do("GET", "/cities/gotham", "", nil, "X-Forwarded-For", "198.51.100.2").want(200)
	w.pass(40 * time.Second)
	w.do("GET", "/cities/gotham/bots", one, nil).want(200)
}

// TestWhatIsNotThere has routes, methods, bodies and parameters that there are not.
func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.All)
	w.do("GET", "/nothing", "", nil).problem(404, "there is no such route", "")
	w.do("GET", "", "", nil).problem(404, "there is no such route", "")
	a := w.do("DELETE", "/cities/gotham/reports", key, nil)
	a.problem(405, "this route knows no DELETE: only GET, HEAD, POST", "")
	if got := a.header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("allowed is %q", got)
	}
	const reports = "/cities/gotham/reports"
	w.do("POST", reports, key, "").problem(400, "request body is required", "")
	w.do("POST", reports, key, `{"text":`).problem(400, "", "body")
	w.do("POST", reports, key, `{"text":"a","txet":"b"}`).problem(422, "unexpected property", "body.txet")
	w.do("POST", reports, key, `{"text":7}`).problem(422, "expected string", "body.text")
	w.do("POST", reports, key, `{}`).problem(422, "expected required property text", "body")
	w.do("POST", reports, key, `{"text":" "}`).problem(422, "is empty", "body.text")
	w.do("POST", reports, key, `text=a`, "Content-Type", "application/x-www-form-urlencoded").problem(415, "with the header Content-Type: application/json", "body")
	w.do("POST", reports, key, `{"text":"`+strings.Repeat("a", 1<<20)+`"}`).problem(413, "", "")
	w.do("GET", reports+"?sinze=1h", "", nil).problem(422, "unknown query parameter", "query.sinze")
	w.do("GET", reports+"?since=soon", "", nil).problem(422, "is neither a time", "query.since")
	w.do("GET", reports+"?limit=0", "", nil).problem(422, "", "query.limit")
	w.do("GET", "/cities/gotham/reports/nothing", "", nil).problem(404, "", "")
	w.do("GET", "/cities/gotham/bots/x", key, nil).problem(404, "", "")
	if a := w.do("HEAD", "/cities/gotham", "", nil); a.status != 200 && a.status != 405 {
		t.Errorf("HEAD: %d", a.status)
	}
}

// TestSecretsAreNotSaidAgain has what is sent with a mistake in it.
func TestSecretsAreNotSaidAgain(t *testing.T) {
	w := newWorld(t)
	a := w.do("POST", "/cities", w.key(apikey.Cities), map[string]any{"name": "Oz", "email": "a@example.org", "password": []string{"hunter2"}, "oops": 1})
	a.problem(422, "unexpected property", "body.oops")
	if strings.Contains(a.body, "hunter2") {
		t.Errorf("the answer says what was sent: %s", a.body)
	}
}

// TestCORS has pages of others ask.
func TestCORS(t *testing.T) {
	w := newWorld(t, "TICKETFREI_API_CORS_ORIGINS=https://app.example.org")
	open := newWorld(t, "TICKETFREI_API_CORS_ORIGINS=*")
	none := newWorld(t)
	for _, tt := range []struct {
		name                   string
		w                      *world
		origin, method, header string
		allowed, methods       string
	}{
		{"nobody", none, "https://app.example.org", "GET", "", "", ""},
		{"who is listed", w, "https://app.example.org", "PUT", "authorization", "https://app.example.org", "GET, HEAD, POST, PUT, PATCH, DELETE"},
		{"somebody else", w, "https://evil.example", "PUT", "", "", ""},
		{"anybody", open, "https://evil.example", "GET", "", "*", "GET, HEAD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := tt.w.do("OPTIONS", "/cities/gotham/reports", "", nil, "Origin", tt.origin, "Access-Control-Request-Method", tt.method, "Access-Control-Request-Headers", tt.header)
			got := tt.w.do("GET", "/cities/gotham/reports", "", nil, "Origin", tt.origin)
			if asked.header.Get("Access-Control-Allow-Origin") != tt.allowed || asked.header.Get("Access-Control-Allow-Methods") != tt.methods ||
				got.header.Get("Access-Control-Allow-Origin") != tt.allowed {
				t.Errorf("asked: %v, got: %v", asked.header, got.header)
			}
		})
	}
	a := open.do("GET", "/cities/gotham/bots", open.key(apikey.Read), nil, "Origin", "https://evil.example")
	if a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page of anybody may use a key")
	}
}

// TestHealth asks a program that works, and one that does not.
func TestHealth(t *testing.T) {
	w := newWorld(t)
	var h struct{ Status, Version string }
	w.do("GET", "/health", "", nil).want(200).into(&h)
	if h.Status != "ok" || h.Version != "test" {
		t.Errorf("%+v", h)
	}
	w.sick = fmt.Errorf("the disk /var/lib/ticketfrei is full")
	a := w.do("GET", "/health", "", nil)
	a.problem(503, "the server cannot work at the moment", "")
	if strings.Contains(a.body, "/var/lib") {
		t.Error("everybody reads where the data is")
	}
}

// TestOncePerIdempotencyKey sends requests a second time.
func TestOncePerIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	key, other := w.key(apikey.All), w.key(apikey.All)
	first := w.post(key, "Kontis am Plärrer", "Idempotency-Key", "a b/c")
	again := w.do("POST", "/cities/gotham/reports", key, map[string]string{"text": "Kontis am Plärrer"}, "Idempotency-Key", "a b/c").want(202)
	if again.header.Get("Idempotency-Replayed") != "true" || !strings.Contains(again.body, first.ID) || again.header.Get("Location") != "/api/v1/cities/gotham/reports/"+first.ID {
		t.Errorf("%v %s", again.header, again.body)
	}
	w.do("POST", "/cities/gotham/reports", key, map[string]string{"text": "another"}, "Idempotency-Key", "a b/c").problem(422, "was used before", "header.Idempotency-Key")
	if r := w.post(other, "Kontis am Bahnhof", "Idempotency-Key", "a b/c"); r.ID == first.ID {
		t.Error("two keys have one report")
	}
	// What was refused is tried again, and what another route was answered is not told.
	w.do("PUT", "/cities/gotham/streams/x", key, `{"target":"ftp://x"}`, "Idempotency-Key", "s").want(422)
	made := w.do("PUT", "/cities/gotham/streams/x", key, `{"target":"http://127.0.0.1:9/x"}`, "Idempotency-Key", "s").want(201)
	same := w.do("PUT", "/cities/gotham/streams/x", key, `{"target":"http://127.0.0.1:9/x"}`, "Idempotency-Key", "s").want(201)
	if made.body != same.body || !strings.Contains(made.body, "whsec_") || made.header.Get("ETag") != same.header.Get("ETag") {
		t.Errorf("%s, then %s", made.body, same.body)
	}
	w.do("POST", "/cities/gotham/reports", key, map[string]string{"text": "a"}, "Idempotency-Key", strings.Repeat("x", 201)).problem(422, "", "header.Idempotency-Key")
	w.pass(25 * time.Hour)
	w.do("PUT", "/cities/gotham/streams/x", key, `{"target":"http://127.0.0.1:9/x"}`, "Idempotency-Key", "s").want(200)
}

// TestAnswerThatCannotBeKept has a request be answered by what was done, also where that cannot
// be kept for a second time: else a script would do it again.
func TestAnswerThatCannotBeKept(t *testing.T) {
	w := newWorld(t)
	statement := "CREATE TRIGGER filled BEFORE INSERT ON api_answers BEGIN SELECT RAISE(FAIL, 'full'); END"
	if w.db.OnServer() { // where it is claimed, before anything is done
		statement = `CREATE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'full'; END$$;
			CREATE TRIGGER filled BEFORE INSERT ON api_answers FOR EACH ROW WHEN (NEW.answer <> '') EXECUTE FUNCTION filled()`
	}
	err := w.db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement).Error })
	if err != nil {
		t.Fatal(err)
	}
	w.do("PUT", "/cities/gotham/streams/x", w.key(apikey.All), `{"target":"http://127.0.0.1:9/x"}`, "Idempotency-Key", "s").want(201)
}

// TestOneOfManyAtOnce sends one request many times at once.
func TestOneOfManyAtOnce(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Cities)
	bodies := make(chan string, 8)
	for range cap(bodies) {
		go func() {
			a := w.do(http.MethodPost, "/cities", key, `{"name":"Oz","email":"a@example.org","language":"en"}`, "Idempotency-Key", "oz")
			bodies <- fmt.Sprint(a.status, a.body)
		}()
	}
	first := <-bodies
	for range cap(bodies) - 1 {
		if next := <-bodies; next != first || !strings.HasPrefix(first, "201") {
			t.Errorf("%s and %s", first, next)
		}
	}
}

// TestNothingLeadsToWhoWrote reads all that the API says of reports.
func TestNothingLeadsToWhoWrote(t *testing.T) {
	w := newWorld(t)
	b := must(w.db.CreateBot(t.Context(), w.city.ID, "toy", 0, nothing))(t)
	in := bots.Incoming{ID: "the-id", KeepID: true, Author: "the-author", Text: "Kontis", Visibility: report.Private}
	if err := w.hearing.Hear(t.Context(), b, in); err != nil {
		t.Fatal(err)
	}
	r := report.Report{CityID: b.CityID, BotID: b.ID, Network: b.Network}
	bots.KeyReport(dbtest.MustMakeBox(t), &r, in)
	w.judged(r.ID)
	for _, key := range []string{"", w.key(apikey.All)} {
		for _, path := range []string{"/cities/gotham/reports", "/cities/gotham/reports/" + r.ID} {
			a := w.do("GET", path, key, nil).want(200)
			if strings.Contains(a.body, "the-author") || strings.Contains(a.body, "the-id") || strings.Contains(a.body, r.Author) || strings.Contains(a.body, "toy") {
				t.Errorf("%s says %s", path, a.body)
			}
			if key == "" && (strings.Contains(a.body, "detail") || strings.Contains(a.body, "trigger")) {
				t.Errorf("everybody reads why it passed: %s", a.body)
			}
		}
	}
}

// TestNothingIsPassedOver has requests that say something which would change what comes of
// them, where nobody looks at it.
func TestNothingIsPassedOver(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.All)
	const reports = "/cities/gotham/reports"
	w.do("POST", reports, key, `{"Text":"U1"}`).problem(422, "unexpected property", "body.Text")
	w.do("POST", reports, key, `{"text":"U1","TEXT":"`+strings.Repeat("a", 6000)+`"}`).problem(422, "unexpected property", "body.TEXT")
	w.do("POST", reports, key, "\x1f\x8b", "Content-Encoding", "gzip").problem(415, "must not be compressed", "")
	w.do("PUT", "/cities/gotham/store/x", key, "\x1f\x8b", "Content-Encoding", "gzip").want(415)
	w.do("GET", reports+"?line=U1&limit=1&limit=2", "", nil).problem(422, "more than once", "query.limit")
	for _, query := range []string{"?%zz", "?line=U1;limit=1", "?limit=%"} {
		w.do("GET", reports+query, "", nil).problem(400, "cannot be read", "")
	}
	w.do("POST", reports, key, `{"text":"U1 kontis"}`, "If-Match", `"a"`).problem(422, "leave it out", "header.If-Match")
	w.do("PUT", "/cities/gotham/rules", key, `{"triggers":["a"],"blocked":[]}`, "If-None-Match", "*").problem(422, "leave it out", "header.If-None-Match")
}

// TestBodiesAreNotSaidAgain has bodies that cannot be read, with a secret in them.
func TestBodiesAreNotSaidAgain(t *testing.T) {
	w := newWorld(t)
	operator := w.key(apikey.Cities)
	for _, body := range []string{`{"name":"Oz","password":"correct horse"`, `{"name":"` + strings.Repeat("correct horse ", 100) + `"}`} {
		if a := w.do("POST", "/cities", operator, body); a.status < 400 || strings.Contains(a.body, "correct horse") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := w.do("POST", "/cities", operator, `password=correct+horse`, "Content-Type", "text/plain").want(415); strings.Contains(a.body, "horse") {
		t.Errorf("%s", a.body)
	}
}
