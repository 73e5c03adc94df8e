package stream

import (
	"encoding/json"
	"time"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// event is something that a stream is told.
type event struct {
	name   string
	id     string // of this telling of it to this stream
	report string // id of the report; empty where it is about none
	at     time.Time
	data   any
	// What chats show.
	heading string
	text    string
	read    report.Reading
	link    bool // to the report on the city page
}

// passed is that a report passed.
func passed(d report.Delivery, city report.City) event {
	r := d.Report
	return event{name: bus.ReportPassed, id: d.ID, report: r.ID, at: r.Received, data: r.Form(city.Slug, r.Ruled),
		heading: r.Heading(), text: r.Text, read: r.Reading, link: true}
}

// takenBack is that it was taken back. Its id is another one: whoever gets the same id twice
// passes over the second.
func (n *Network) takenBack(d report.Delivery, city report.City) event {
	r := d.Report
	return event{name: bus.ReportTakenBack, id: d.ID + ".taken_back", report: r.ID, at: n.host.Now(),
		data: r.Form(city.Slug, report.Verdict{Reason: report.ReasonTakenBack}), text: n.words(city, "stream.event.taken_back", "Text", r.Text)}
}

// happened is something else that happened in the city.
func (n *Network) happened(e bus.Event, id string, city report.City) event {
	return event{name: e.Name, id: id, at: e.Time, data: e.Payload, text: n.sentence(e, city)}
}

// sentence puts what happened into words, for people in a chat.
func (n *Network) sentence(e bus.Event, city report.City) string {
	var of struct {
		bus.BotState
		Text string `json:"text"`
	}
	_ = json.Unmarshal(e.Payload, &of) // what outside programs publish may be anything
	switch {
	case e.Name == bus.CityChanged:
		return n.words(city, "stream.event.city_changed", "City", city.Name)
	case e.Name == bus.ReportRefused:
		return n.words(city, "stream.event.refused", "Text", of.Text)
	case e.Name == bus.Bot+of.State:
		return n.words(city, "stream.event.bot", "Network", n.title(city, of.Network), "State", n.words(city, "stream.state."+of.State))
	case of.Text != "":
		return of.Text
	}
	return e.Name
}

// title is what a network is called.
func (n *Network) title(city report.City, network string) string {
	if id := network + ".title"; n.host.Texts.Has(id) {
		return n.words(city, id)
	}
	return network
}

// sample is what is sent to try a stream.
func (n *Network) sample(e *entry, id string, city report.City) event {
	text := n.words(city, "stream.event.test", "Name", e.row.Name, "City", city.Name)
	now := n.host.Now()
	return event{name: testName, id: id, report: testName, at: now, heading: n.words(city, "stream.event.test_heading"), text: text,
		data: report.Form{ID: testName, City: city.Slug, Time: now.UTC().Truncate(time.Second), Text: text}}
}

// testName is the name of the event that tries a stream.
const testName = "stream.test"

// words is a text in the language of a city, or in English: moderators read two.
func (n *Network) words(city report.City, id string, data ...any) string {
	return n.host.Texts.T(city.Language, id, data...)
}

// body is what programs get of an event.
type body struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Stream    string    `json:"stream,omitempty"`
	Data      any       `json:"data"`
}

func (e event) body() body {
	b := body{Type: e.name, Timestamp: e.at.UTC().Truncate(time.Second), Data: e.data}
	if raw, ok := e.data.(json.RawMessage); ok && len(raw) == 0 {
		b.Data = struct{}{}
	}
	return b
}
