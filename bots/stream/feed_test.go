package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/feeds"
	"ticketfrei/db"
)

// operator is a server with a feed at /feed.
type operator struct {
	*httptest.Server
	mu     sync.Mutex
	items  []string
	answer http.HandlerFunc // in place of the feed; nil: the feed
	asked  []http.Header
}

func newOperator(t *testing.T) *operator {
	o := &operator{}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, r.Header)
	answer, items := o.answer, strings.Join(o.items, "")
	o.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	tag := fmt.Sprintf(`"%d"`, len(items))
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("ETag", tag)
	fmt.Fprintf(w, `<rss version="2.0"><channel><title>x</title>%s</channel></rss>`, items)
}

// news adds an item to the feed, on top.
func (o *operator) news(id, title, summary string, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	date := ""
	if !at.IsZero() {
		date = "<pubDate>" + at.Format(time.RFC1123Z) + "</pubDate>"
	}
	item := fmt.Sprintf("<item><guid>%s</guid><title>%s</title><description>%s</description><category>U-Bahn</category>%s</item>", id, title, summary, date)
	o.items = slices.Insert(o.items, 0, item)
}

// says has it answer with something else; nil: with the feed.
func (o *operator) says(answer http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *operator) requests() []http.Header {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// reader is a city that reads a feed when the test says so.
type reader struct {
	*street
	operator *operator
	rests    chan time.Duration
	on       chan struct{}
	ended    chan error
	stop     context.CancelFunc
}

// reading has a city read a feed.
func reading(t *testing.T, want Trigger) *reader {
	s := newStreet(t)
	r := &reader{street: s, operator: newOperator(t), rests: make(chan time.Duration), on: make(chan struct{})}
	s.network.rest = func(ctx context.Context, d time.Duration) error {
		select {
		case r.rests <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-r.on:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	want.Name, want.Preset, want.Running = "vag", PresetFeed, true
	if want.URL == "" {
		want.URL = r.operator.URL + "/feed"
	}
	s.let(want)
	r.start(s.Inbox)
	return r
}

// start has the bot receive, as after a start of the program.
func (r *reader) start(hearer bots.Hearer) {
	r.t.Helper()
	b := r.Bots(r.city)[0]
	open, err := r.Open(b)
	must(r.t, err)
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	r.stop, r.ended = stop, ended
	r.t.Cleanup(stop)
	go func() {
		ended <- open.Receive(ctx, func(ctx context.Context, in bots.Incoming) error { return hearer.Hear(ctx, b, in) })
	}()
}

// rested waits until the feed rests, and returns for how long.
func (r *reader) rested() time.Duration {
	r.t.Helper()
	select {
	case d := <-r.rests:
		return d
	case err := <-r.ended:
		r.t.Fatalf("the bot has ended: %v", err)
	case <-time.After(20 * time.Second):
		r.t.Fatal("the feed is not read")
	}
	return 0
}

// goOn has a feed that rests be read.
func (r *reader) goOn() {
	r.t.Helper()
	select {
	case r.on <- struct{}{}:
	case <-time.After(20 * time.Second):
		r.t.Fatal("no feed rests")
	}
}

// read has the feed read once, and returns for how long it rests afterwards.
func (r *reader) read() time.Duration {
	r.t.Helper()
	r.goOn()
	return r.rested()
}

// begin reads the feed for the first time.
func (r *reader) begin() time.Duration {
	r.t.Helper()
	if d := r.rested(); d != 0 {
		r.t.Errorf("it is first read after %s", d)
	}
	return r.read()
}

// waited waits until the bot has ended by itself.
func (r *reader) waited() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(20 * time.Second):
		r.t.Fatal("the bot does not end")
	}
	return nil
}

// over ends the bot.
func (r *reader) over() error {
	r.t.Helper()
	r.stop()
	return r.waited()
}

func (r *reader) wants(texts ...string) {
	r.t.Helper()
	var got []string
	for _, in := range r.Inbox.All() {
		got = append(got, in.Text)
	}
	if diff := cmp.Diff(texts, got); diff != "" {
		r.t.Error(diff)
	}
}

func (r *reader) trigger() Trigger {
	r.t.Helper()
	got, err := r.triggers().Get(r.t.Context(), r.city.ID, "vag")
	must(r.t, err)
	return got
}

func TestNewsOfAnOperator(t *testing.T) {
	r := reading(t, Trigger{})
	r.operator.news("1", "alt", "", r.Now())
	r.begin()
	r.wants() // what stood there before is no news
	r.operator.news("2", "U1: Kontrolle", "&lt;p&gt;Am &lt;b&gt;Plärrer&lt;/b&gt;&lt;/p&gt;", r.Now())
	r.operator.news("3", "U2", "", time.Time{})
	r.read()
	r.wants("U1: Kontrolle\nAm Plärrer", "U2")
	r.read()
	r.wants("U1: Kontrolle\nAm Plärrer", "U2")
	asked := r.operator.requests()
	if len(asked) != 3 || asked[0].Get("If-None-Match") != "" || asked[2].Get("If-None-Match") == "" || asked[0].Get("User-Agent") != "Ticketfrei/3" {
		t.Errorf("asked %v", asked)
	}
	in := r.Inbox.All()[0]
	if in.Author != "vag" || in.Visibility != "public" || r.Now().Sub(in.Time) > time.Minute {
		t.Errorf("heard %+v", in)
	}
	if got := r.trigger(); got.Last == nil || !got.Last.OK || got.Trouble != "" || got.Address != "" {
		t.Errorf("shown as %+v", got)
	}
}

// After a restart nothing is read too early, nothing is told twice, and nothing is missed.
func TestAFeedAfterARestart(t *testing.T) {
	r := reading(t, Trigger{})
	r.operator.news("1", "alt", "", r.Now())
	r.begin()
	r.operator.news("2", "U1", "", r.Now())
	r.read()
	must(t, r.over())
	r.operator.news("3", "U2", "", r.Now())
	r.start(r.Inbox)
	if d := r.rested(); d < time.Minute || d > 3*time.Minute {
		t.Errorf("it is read after %s", d)
	}
	r.read()
	r.wants("U1", "U2")
}

// What has come while a feed was not read for long, and does not say since when, is no news.
func TestAFeedAfterALongTime(t *testing.T) {
	r := reading(t, Trigger{})
	r.begin()
	must(t, r.over())
	r.Clock.Move(r.network.host.Config.Reports.Expire + time.Hour)
	r.operator.news("1", "U1 of whenever", "", time.Time{})
	r.operator.news("2", "U2 of today", "", r.Now().Add(-time.Minute))
	r.start(r.Inbox)
	r.rested()
	r.read()
	r.wants("U2 of today")
	r.operator.news("3", "U3", "", time.Time{})
	r.read()
	r.wants("U2 of today", "U3")
}

// Where what is new cannot be stored, the bot says so and tells it later, the same way.
func TestAFeedThatIsNotHeard(t *testing.T) {
	r := reading(t, Trigger{})
	r.begin()
	must(t, r.over())
	r.operator.news("1", "U1", "", r.Now())
	r.operator.news("2", "U2", "", r.Now())
	full := errors.New("the disk is full")
	r.start(&failing{r.Inbox, full})
	r.rested()
	r.goOn()
	if err := r.waited(); !errors.Is(err, full) {
		t.Fatal(err)
	}
	r.start(r.Inbox)
	r.rested()
	r.read()
	r.wants("U1", "U2")
	for _, left := range []error{db.ErrPaused, fmt.Errorf("no: %w", bots.ErrMessage)} {
		must(t, r.over())
		r.operator.news(fmt.Sprint(left), "U3", "", r.Now())
		r.start(&failing{r.Inbox, left})
		r.rested()
		r.read() // it is left out for good
	}
	must(t, r.over())
	r.start(r.Inbox)
	r.rested()
	r.read()
	r.wants("U1", "U2")
}

func TestWhatIsWantedOfAFeed(t *testing.T) {
	r := reading(t, Trigger{Words: []string{" kontrolle", "PLÄRRER", ""}, When: `"U-Bahn" in categories and not (title contains "U3")`, Text: `title + " (" + published + ")"`})
	r.begin()
	at := r.Now().UTC().Truncate(time.Second)
	r.operator.news("1", "U1: Kontrollen", "", at)
	r.operator.news("2", "U2: Fahrrad", "", at)
	r.operator.news("3", "U3: Kontrolle", "", at)
	r.operator.news("4", "U2", "am Plärrer", at)
	r.operator.news("5", "U2: Kontrolle", "vorhin", at.Add(-r.Config.Reports.Expire-time.Minute))
	r.read()
	stamp := " (" + at.Format(time.RFC3339) + ")"
	r.wants("U1: Kontrollen"+stamp, "U2"+stamp)
	long := strings.Repeat("Kontrolle ", 300)
	r.operator.news("6", "lang", long, at)
	r.read()
	r.wants("U1: Kontrollen"+stamp, "U2"+stamp, "lang"+stamp)
}

func TestALongItemIsCut(t *testing.T) {
	r := reading(t, Trigger{})
	r.begin()
	r.operator.news("1", "U1", strings.Repeat("Kontrolle ", 300), r.Now())
	r.read()
	if text := r.Inbox.All()[0].Text; len([]rune(text)) > 1000 || !strings.HasSuffix(text, "…") {
		t.Errorf("%d characters", len([]rune(text)))
	}
}

// How long a feed rests.
func TestPaceOfAFeed(t *testing.T) {
	r := reading(t, Trigger{Every: 3})
	between := func(d, least time.Duration) {
		t.Helper()
		if d < least-5*time.Second || d > least+least/10+time.Second { // the clock goes meanwhile
			t.Errorf("it rests %s, want %s", d, least)
		}
	}
	between(r.begin(), 3*time.Minute)
	answer := func(status int, name, value string) {
		r.operator.says(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, value)
			w.WriteHeader(status)
			fmt.Fprint(w, `<rss version="2.0"><channel><ttl>30</ttl></channel></rss>`)
		})
	}
	answer(200, "Cache-Control", "max-age=60")
	between(r.read(), 30*time.Minute)
	answer(304, "Cache-Control", "max-age=600")
	between(r.read(), 10*time.Minute)
	answer(304, "Cache-Control", "max-age=999999")
	between(r.read(), time.Hour)
	answer(503, "Retry-After", "1200")
	between(r.read(), 20*time.Minute)
	answer(500, "X", "")
	for _, want := range []int{6, 12, 24, 48, 60, 60} {
		between(r.read(), time.Duration(want)*time.Minute)
	}
	r.operator.says(nil)
	between(r.read(), 3*time.Minute)
}

// One feed that hangs holds up nobody.
func TestAFeedThatHangs(t *testing.T) {
	r := reading(t, Trigger{})
	r.begin()
	r.operator.says(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	r.goOn() // it hangs from now on
	second := newOperator(t)
	must(t, r.over())
	other := NewTrigger(PresetFeed)
	other.Name, other.URL = "other", second.URL
	r.let(other)
	r.start(r.Inbox)
	r.rested()
	r.rested()
	r.goOn()
	r.goOn()
	r.rested() // of the other one
	second.news("1", "U1", "", r.Now())
	r.read()
	r.wants("U1")
	must(t, r.over())
}

func TestAFeedInTrouble(t *testing.T) {
	r := reading(t, Trigger{})
	r.begin()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	for says, answer := range map[string]http.HandlerFunc{
		"HTTP 404": status(404), "HTTP 401": status(401), "HTTP 500": status(500), "HTTP 429": status(429), "no feed": page("<html>x</html>"),
		"mistakes": page("<rss><channel><item>"), "1 MiB": page("<rss>" + strings.Repeat(" ", feeds.MaxBytes)),
		"circles": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(bots.LoopHeader, "feed") },
	} {
		r.operator.says(answer)
		r.read()
		got := r.trigger()
		if !strings.Contains(got.Trouble, says) || got.Paused || !got.Running || got.Last.OK {
			t.Errorf("%s: shown as %+v", says, got)
		}
	}
	r.operator.news("1", "U1", "", r.Now())
	r.operator.says(nil)
	r.read()
	if got := r.trigger(); got.Trouble != "" || !got.Last.OK {
		t.Errorf("shown as %+v", got)
	}
	r.wants("U1")
	r.operator.says(status(410))
	r.goOn()
	if err := r.waited(); err != nil {
		t.Fatal(err)
	}
	if got := r.trigger(); got.Running || !got.Paused || !strings.Contains(got.Trouble, "HTTP 410") {
		t.Errorf("shown as %+v", got)
	}
	m := r.Moderator(r.city)
	m.Post(inForm, filled(t, m.Get("/settings/stream/in/edit?trigger=vag", http.StatusOK), inForm), http.StatusOK).Shows("is saved")
	if got := r.trigger(); !got.Running || got.Paused || got.Trouble != "" {
		t.Errorf("shown as %+v", got)
	}
	r.operator.says(nil)
	r.operator.news("2", "U2", "", r.Now())
	r.start(r.Inbox)
	r.rested()
	r.read()
	r.wants("U1", "U2")
}

// Another address is another feed, whose old items are no news; other words are not.
func TestAFeedIsChanged(t *testing.T) {
	r := reading(t, Trigger{})
	r.operator.news("1", "alt", "", r.Now())
	r.begin()
	must(t, r.over())
	change := func(f func(*Trigger)) {
		t.Helper()
		before := r.Bots(r.city)[0].Version
		r.Clock.Move(time.Second)
		_, err := r.triggers().Change(t.Context(), r.city.ID, "vag", Any, func(t *Trigger) error { f(t); return nil })
		must(t, err)
		if r.Bots(r.city)[0].Version == before {
			t.Error("the bot is not made again")
		}
	}
	change(func(t *Trigger) { t.Words = []string{"U1"} })
	r.operator.news("2", "U1", "", r.Now())
	r.start(r.Inbox)
	r.rested()
	r.read()
	r.wants("U1")
	must(t, r.over())
	change(func(t *Trigger) { t.URL += "?all=1" })
	r.operator.news("3", "U1 again", "", r.Now())
	r.start(r.Inbox)
	r.begin()
	r.wants("U1")
}

// A city without feeds reads nothing.
func TestNothingToRead(t *testing.T) {
	s := newStreet(t)
	s.let(way("a", "bearer"))
	off := NewTrigger(PresetFeed)
	off.Name, off.URL, off.Running = "off", "https://operator.example", false
	s.let(off)
	open, err := s.Open(s.Bots(s.city)[0])
	must(t, err)
	must(t, open.Receive(t.Context(), nil))
}

// Not more is remembered of a feed than there is to be, and what it still has is not
// forgotten.
func TestWhatIsRemembered(t *testing.T) {
	seen := map[string]int64{}
	for i := range maxSeen {
		seen[fmt.Sprint(i)] = int64(i)
	}
	got := tooMuch(seen, []feeds.Item{{Key: "0"}, {Key: "new"}, {Key: "newer"}}, 2)
	if !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("forgotten are %q", got)
	}
	r := reading(t, Trigger{})
	r.begin()
	rows, err := r.network.triggerRows(t.Context(), r.Bots(r.city)[0].ID)
	must(t, err)
	must(t, r.network.remember(t.Context(), rows[0], []string{"a", "b"}, nil, r.Now()))
	must(t, r.network.remember(t.Context(), rows[0], []string{"b", "c"}, []string{"a"}, r.Now()))
	known, err := r.network.seen(t.Context(), rows[0].ID)
	must(t, err)
	if _, gone := known["a"]; gone || len(known) != 2 {
		t.Errorf("remembered are %v", known)
	}
}
