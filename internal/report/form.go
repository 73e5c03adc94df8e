package report

import (
	"encoding/json"
	"time"
)

// Form is a report as others get it, as JSON: the API, streams, outside programs and
// events. Nothing in it leads to whoever wrote it.
type Form struct {
	ID      string    `json:"id"`
	City    string    `json:"city,omitempty"` // slug
	Time    time.Time `json:"time"`
	Network string    `json:"network,omitempty"` // that it was heard on; empty for a private one
	Text    string    `json:"text"`
	Line    string    `json:"line,omitempty"`
	Stop    string    `json:"stop,omitempty"`
	Toward  string    `json:"toward,omitempty"`
	Lines   []string  `json:"lines,omitempty"`
	People  int       `json:"people,omitempty"`
	Clear   bool      `json:"clear,omitempty"`
	// Results are what the city's tasks made of it, by program.
	Results json.RawMessage `json:"results,omitempty"`
	Reason  Reason          `json:"reason,omitempty"` // why it passed or did not
}

// Form returns the report as others get it. slug is that of its city.
func (r Report) Form(slug string, v Verdict) Form {
	f := Form{ID: r.ID, City: slug, Time: r.Time.UTC().Truncate(time.Second), Text: r.Text, Line: r.Line, Stop: r.Stop, Toward: r.Toward,
		Lines: r.Lines.List(), People: r.People, Clear: r.Clear, Reason: v.Reason}
	if r.Visibility == Public {
		f.Network = r.Network
	}
	if r.Results != "" {
		f.Results = json.RawMessage(r.Results)
	}
	return f
}
