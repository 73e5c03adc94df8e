package web

import (
	"encoding/json"
	"slices"
	"time"

	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
	"ticketfrei/internal/webpush"
)

// message is what the service worker of the page gets: templates/static/sw.js. New
// versions add fields; phones may have an old worker for a day.
type message struct {
	Version int    `json:"v"`
	Title   string `json:"title,omitempty"`
	Body    string `json:"body,omitempty"`
	Tag     string `json:"tag,omitempty"` // the report's id
	URL     string `json:"url,omitempty"`
	Lang    string `json:"lang"`
	At      int64  `json:"at"` // when it was written, in milliseconds since 1970
	City    string `json:"city"`
	// What was read in it, for an all-clear to find what it answers.
	Clear  bool     `json:"clear,omitempty"`
	Stop   string   `json:"stop,omitempty"`
	Toward string   `json:"toward,omitempty"`
	Lines  []string `json:"lines,omitempty"`
	// What is said in place of 2 to mostTogether messages that come together: of its line
	// and of all.
	Many     []string `json:"many,omitempty"`
	ManyLine []string `json:"manyLine,omitempty"`
	Line     string   `json:"line,omitempty"`
	// Close is the id of a report that was taken back. Title says so.
	Close string `json:"close,omitempty"`
}

// mostTogether is up to how many messages are counted that come together.
const mostTogether = 10

// Words of a report in a notification: phones show less, and a message has room for 3,900
// bytes, of which a letter may take four.
var (
	words      = text.UTF16(300)
	fewerWords = text.UTF16(80)
)

// compose returns what a browser is sent of a report.
func (b *bot) compose(r report.Report, language string, length text.Limit) message {
	t := func(id string, data ...any) string { return b.network.host.Texts.T(language, id, data...) }
	m := message{Version: 1, Title: r.Heading(), Body: length.Fit(r.Text), Tag: r.ID,
		URL: "/city/" + b.city.Slug + "#report-" + r.ID, Lang: language, At: r.Time.UnixMilli(), City: b.city.Slug,
		Clear: r.Clear, Stop: r.Stop, Toward: r.Toward, Lines: r.Lines.List(), Line: r.Line}
	switch m.Title {
	case "✓":
		m.Title = "✓ " + b.city.Name
	case "":
		m.Title = b.city.Name
	}
	for n := 2; n <= mostTogether; n++ {
		m.Many = append(m.Many, t("web.push.many", "Count", n, "City", b.city.Name))
		if r.Line != "" {
			m.ManyLine = append(m.ManyLine, t("web.push.many_line", "Count", n, "Line", r.Line))
		}
	}
	return m
}

// composeShort is compose for a push service that wants short messages.
func (b *bot) composeShort(r report.Report, language string) message {
	m := b.compose(r, language, fewerWords)
	m.Many, m.ManyLine, m.Lines = nil, nil, nil
	return m
}

// composeEnd returns what a browser is sent of a report that was taken back.
func (b *bot) composeEnd(r report.Report, language string) message {
	return message{Version: 1, Title: b.network.host.Texts.T(language, "web.push.taken_back"), Tag: r.ID, Lang: language,
		URL: "/city/" + b.city.Slug, At: r.Time.UnixMilli(), City: b.city.Slug, Close: r.ID}
}

// encode writes a message, without its conveniences where it would be too long.
func (m message) encode() ([]byte, error) {
	raw, err := json.Marshal(m)
	if err != nil || len(raw) <= webpush.MaxText {
		return raw, err
	}
	m.Many, m.ManyLine, m.Lines = nil, nil, slices.Clone(m.Lines[:min(len(m.Lines), 5)])
	return json.Marshal(m)
}

// leastKept is how long a push service keeps a message for a browser that is away, at
// least.
const leastKept = time.Minute

// kept is how long a push service keeps what is sent of a report.
func (b *bot) kept(r report.Report) time.Duration {
	host := b.network.host
	return max(r.Time.Add(host.Config.Reports.Expire).Sub(host.Now()), leastKept)
}
