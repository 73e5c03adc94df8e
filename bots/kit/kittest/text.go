package kittest

import (
	"strings"
	"unicode/utf8"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// textChecks are about what becomes of a text on its way out.
var textChecks = []check{
	{"text: a long one is cut at a word", cutLong},
	{"text: umlauts and lines", umlauts},
	{"text: from right to left", rightToLeft},
	{"text: an emoji of several is not torn", family},
	{"text: markup is no markup", markup},
	{"text: nobody is called, and no command is offered", calm},
}

// reader has somebody subscribe where the network has subscribers, so that a report
// is one delivery.
func (s *scene) reader(b report.Bot) {
	s.Helper()
	if _, ok := s.Network.(bots.Recipients); ok {
		r, _ := s.receive(b)
		s.subscribe("reader")
		_ = r.Stop()
	}
}

// passOn sends a text of another network, and returns what the account wrote.
func (s *scene) passOn(text string) string {
	s.Helper()
	b := s.connect()
	s.reader(b)
	before := len(s.texts(s.account))
	s.send(s.mustOpen(b), b, s.Elsewhere(s.city, text))
	got := s.texts(s.account)
	if len(got) != before+1 {
		s.Fatalf("the account wrote %s", brief(got))
	}
	return got[before]
}

func (s *scene) wantSame(text string) {
	s.Helper()
	if got := s.passOn(text); got != text {
		s.Errorf("%q became %q", text, got)
	}
}

// longText is longer than any service takes.
const longText = 100_000

func cutLong(s *scene) {
	word := "Kontrolle "
	got := s.passOn(strings.Repeat(word, longText/len(word)))
	rest, cut := strings.CutSuffix(got, "…")
	if !cut || strings.Trim(rest+" ", " ") != strings.TrimSpace(strings.Repeat(word, strings.Count(rest, "Kontrolle"))) {
		s.Errorf("cut to %d characters that end with %q", utf8.RuneCountInString(got), got[max(0, len(got)-60):])
	}
	if n := utf8.RuneCountInString(got); n < s.least() {
		s.Errorf("only %d characters are left, want at least %d", n, s.least())
	}
}

// limit is how long a message may be; none where the network leaves that to its
// driver.
func (s *scene) limit() text.Limit {
	if n, ok := s.Network.(interface{ Limit() text.Limit }); ok {
		return n.Limit()
	}
	return text.Limit{}
}

// least is how many characters are to be left of a text that is cut: half of what has
// room, and no more than 200.
func (s *scene) least() int {
	return min(200, utf8.RuneCountInString(s.limit().Fit(strings.Repeat("x", longText)))/2)
}

func umlauts(s *scene)     { s.wantSame("Straßenbahn Ölmühle, Fürth: ñ ł 2×\nnoch eine Zeile") }
func rightToLeft(s *scene) { s.wantSame("مفتشون في U1، فورت") }

// calm reads what an app would make of a text.
func calm(s *scene) {
	got := s.passOn("@anna and @bert@social.example: U1, /stop")
	for _, call := range []string{"@anna", "@bert", "/stop"} {
		if strings.Contains(got, call) {
			s.Errorf("posted %q", got)
		}
	}
	if !text.Same(got, "@anna and @bert@social.example: U1, /stop") {
		s.Errorf("posted %q", got)
	}
}

func markup(s *scene) { s.wantSame("<b>U1</b> & *Plärrer* _2_ `x` [a](b)") }

func family(s *scene) {
	const family = "👨\u200d👩\u200d👧\u200d👦"
	got := strings.TrimSuffix(s.passOn("U1 "+strings.Repeat(family, longText/len(family))), "…")
	if n := strings.Count(got, family); got != "U1 "+strings.Repeat(family, n) {
		s.Errorf("torn: …%q", got[max(0, len(got)-60):])
	}
}
