package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// street is a city with two lines, the targets of its streams, and its bot.
type street struct {
	*kittest.Host
	t       *testing.T
	network *Network
	city    report.City
	targets *standin.Server
	out     *page
}

// page is a standard output.
type page struct {
	mu sync.Mutex
	bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Buffer.Write(b)
}

func (p *page) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(func(yield func(string) bool) {
		for line := range bytes.Lines(p.Bytes()) {
			if !yield(string(bytes.TrimSpace(line))) {
				return
			}
		}
	})
}

func newStreet(t *testing.T, settings ...string) *street {
	t.Helper()
	h := kittest.NewHost(t, Definition(), settings...)
	targets, err := standin.Start()
	must(t, err)
	s := &street{Host: h, t: t, network: h.Network.(*Network), city: h.AddCity("nuernberg", "de"), targets: targets, out: &page{}}
	s.network.stdout = s.out
	t.Cleanup(func() {
		must(t, targets.Close())
		if wrong := targets.Wrong(); len(wrong) > 0 {
			t.Errorf("messages that the real services would not take: %q", wrong)
		}
	})
	s.places("U1: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Plärrer, Rathenauplatz")
	return s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// places gives the city lines and stops.
func (s *street) places(text string) {
	s.t.Helper()
	dbtest.MustSavePlaces(s.t, s.DB, s.city.ID, text)
	s.Notices.Changed(s.city.ID)
}

func (s *street) streams() Streams { return s.network.Streams() }

// to is a stream of everything to a target.
func to(name, target string) Stream {
	s := Blank()
	s.Name, s.Target = name, target
	return s
}

// put stores a stream.
func (s *street) put(want Stream) Stored {
	s.t.Helper()
	stored, err := s.streams().Put(s.t.Context(), s.city.ID, want, Any)
	must(s.t, err)
	return stored
}

func (s *street) get(name string) Stream {
	s.t.Helper()
	got, err := s.streams().Get(s.t.Context(), s.city.ID, name)
	must(s.t, err)
	return got
}

// on is a report that was heard elsewhere, with what was read in it.
func (s *street) on(text string, read report.Reading) report.Report {
	r := s.Elsewhere(s.city, text)
	r.Network, r.Reading, r.Visibility = "telegram", read, report.Public
	return r
}

// send sends a report to all streams that want it, one after the other.
func (s *street) send(r report.Report) (sent []report.Delivery, receipts []report.Receipt, errs []error) {
	s.t.Helper()
	r.Ruled = report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	b := s.Bots(s.city)[0]
	open, err := s.Open(b)
	must(s.t, err)
	sent = s.Deliveries(b, r)
	for _, d := range sent {
		receipt, err := open.Send(s.t.Context(), d)
		receipts, errs = append(receipts, receipt), append(errs, err)
	}
	return sent, receipts, errs
}

// mustSend sends a report to one stream.
func (s *street) mustSend(r report.Report) (report.Delivery, report.Receipt) {
	s.t.Helper()
	sent, receipts, errs := s.send(r)
	if len(sent) != 1 || errs[0] != nil {
		s.t.Fatalf("sent %d times: %v", len(sent), errs)
	}
	return sent[0], receipts[0]
}

// got are the requests to a path, without the query.
func (s *street) got(path string) []kit.Request { return s.targets.Requests(path) }

// fields are the JSON object of a request.
func fields(tb testing.TB, body string) map[string]any {
	tb.Helper()
	var all map[string]any
	must(tb, json.Unmarshal([]byte(body), &all))
	return all
}

// wrongIn are the fields of an Invalid.
func wrongIn(err error) (names []string) {
	wrong, _ := errors.AsType[Invalid](err)
	for _, w := range wrong {
		names = append(names, w.Field)
	}
	return names
}

// inEnglish is what an error says to people.
func (s *street) inEnglish(err error) string { return bots.Words(err, s.network.english) }

var onU1 = report.Reading{Line: "U1", Stop: "Plärrer", Toward: "Fürth", People: 2, Lines: report.NewLines("U1")}
var onU2 = report.Reading{Line: "U2", Stop: "Plärrer", Lines: report.NewLines("U2")}

// refuse stores a report as one that did not pass.
func (s *street) refuse(r report.Report) {
	s.t.Helper()
	dbtest.MustSaveReport(s.t, s.DB, r, report.Verdict{Reason: report.ReasonNoTrigger})
}

func (s *street) german(id string, data ...any) string { return s.Texts.T("de", id, data...) }

// sendTo sends a report to one of the streams.
func (s *street) sendTo(name string, r report.Report) error {
	s.t.Helper()
	b := s.Bots(s.city)[0]
	open, err := s.Open(b)
	must(s.t, err)
	_, err = open.Send(s.t.Context(), report.NewDelivery(r, b, s.entry(name).row.ID))
	return err
}
