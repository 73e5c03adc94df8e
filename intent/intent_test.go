package intent

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// learned is what has learned from the sentences that are built in.
var learned = sync.OnceValue(func() *Recognizer { return New(BuiltIn()) })

// TestTaken says what texts are taken for, and how surely.
func TestTaken(t *testing.T) {
	const sure, doubt, report = "sure", "doubt", "report"
	for text, want := range map[string]string{
		"Wo sind gerade Kontis?":                 "where sure",
		"wo sind gerade kontis":                  "where sure",
		"WO SIND GERADE KONTIS???":               "where sure",
		"Ist am Plärrer eine Kontrolle?":         "where sure",
		"Ist am Plaerrer eine Kontrolle?":        "where sure",
		"Hallo! Ist in der U1 gerade Kontrolle?": "where sure",
		"Are there inspectors on the U1?":        "where sure",
		"/wo U1":                                 "where sure",
		"Danke für die Warnung!":                 "thanks sure",
		"🙏":                                      "thanks sure",
		"Thanks for the warning ❤️":              "thanks sure",
		"Stop":                                   "unsubscribe sure",
		"Hilfe":                                  "help sure",
		"Weiß jemand ob am Plärrer kontrolliert wird":      "where sure",
		"where are the controllers":                        "where sure",
		"Ist Schoppershof frei?":                           "where sure",
		"U2 frei?":                                         "where sure",
		"U2 frei":                                          report,
		"Hat wer Kontis gesehen":                           "where sure",
		"any inspectors on the 149 bus?":                   "where sure",
		"Muss gleich nach Fürth, ist in der U1 Kontrolle?": "where sure",
		"Ist grad ne Kontrolle am Hbf, Höhe Aufzug":        report,
		"Wo sind sie Kontis am Plärrer":                    "where doubt",
		"danke, das hat mir 60 Euro gespart":               "thanks sure",
		"danke, 60 Leute am Hbf":                           "thanks doubt",
		"Danke, noch hier":                                 "thanks doubt",
		"Kontrolle am Plärrer?":                            "where doubt",
		"Danke, U1 ist frei":                               "thanks doubt",
		"! Wo sind gerade Kontis?":                         report,
		"！Wo sind gerade Kontis?":                          report,
		"Wo die U1 hält stehen 2 Kontis":                   report,
		"🚨🚨":                                               report,
		"":                                                 report,
		"U1":                                               report,
		strings.Repeat("Wo sind gerade Kontis? ", 20):      report,
	} {
		g := learned().Recognize(text)
		got := report
		switch {
		case g.Sure():
			got = string(g.Intent) + " " + sure
		case g.Doubtful():
			got = string(g.Intent) + " " + doubt
		}
		if got != want {
			t.Errorf("%q: %s (%s %.2f), want %s", text, got, g.Intent, g.Certainty, want)
		}
	}
}

// TestLearningIsTheSameEachTime has two learn from the same.
func TestLearningIsTheSameEachTime(t *testing.T) {
	other := New(BuiltIn())
	for _, s := range Fixed() {
		if a, b := learned().Recognize(s.Text), other.Recognize(s.Text); a.Intent != b.Intent || a.Certainty != b.Certainty {
			t.Errorf("%q: %v and %v", s.Text, a, b)
		}
	}
}

// TestRead reads an operator's sentences, and says of each file that cannot be used what
// is wrong with it.
func TestRead(t *testing.T) {
	list, err := Read(fstest.MapFS{
		"where/de.txt":  {Data: []byte("\uFEFF# so fragen sie hier\r\n\r\nwo sind die schwarzkappler\r\n")},
		"thanks/fr.txt": {Data: []byte("merci bien")},
		"README.md":     {Data: []byte("for us")},
		".git/HEAD":     {Data: []byte("ref")},
		"where/de.txt~": {Data: []byte("wo waren sie")},
	})
	if err != nil || len(list) != 2 || list[1] != (Sentence{"wo sind die schwarzkappler", Where}) {
		t.Errorf("read %v, %v", list, err)
	}
	_, err = Read(fstest.MapFS{
		"where/de.txt":   {Data: []byte("gut\nPl\xe4rrer\n")},
		"wo/de.txt":      {Data: []byte("wo")},
		"help/de.txt":    {Data: []byte(strings.Repeat("so lang ", 50))},
		"thanks.txt":     {Data: []byte("danke")},
		"report/de.txt":  {Data: []byte(strings.Repeat("U1\n", maxFile/3+1))},
		"where/de.text":  {Data: []byte("wo")},
		"where/DE.TXT":   {Data: []byte("wo")},
		"thanks/de.md":   {Data: []byte("danke")},
		"Help/de.txt":    {Data: []byte("hilfe")},
		"report/a/b.txt": {Data: []byte("U1")},
		"DE.TXT":         {Data: []byte("wo")},
	})
	for _, want := range []string{"where/de.txt:2: this is not UTF-8", "wo: there is no such intent", "help/de.txt:1: this sentence is longer than 300",
		"thanks.txt: sentences stand in a directory", "report/de.txt: the file is longer than 1 MB",
		"where/de.text is not read: its name must end in .txt", "where/DE.TXT is not read: its name must end in .txt",
		"thanks/de.md is not read: its name must end in .txt", "Help: there is no such intent", "report/a is not read: sentences stand in report itself",
		"DE.TXT: sentences stand in a directory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if list, err := Read(fstest.MapFS{}); err != nil || len(list) != 0 {
		t.Errorf("read %v, %v of nothing", list, err)
	}
}

// TestOperatorTeaches has an operator's sentences change what is recognised.
func TestOperatorTeaches(t *testing.T) {
	const said = "baba und tschau cocco"
	if g := learned().Recognize(said); g.Sure() {
		t.Fatalf("taken for %s already", g.Intent)
	}
	taught := New(append(BuiltIn(), Sentence{said, Thanks}, Sentence{"tschau cocco", Thanks}, Sentence{"baba", Thanks}))
	if g := taught.Recognize(said); g.Intent != Thanks || !g.Sure() {
		t.Errorf("taken for %s %.2f", g.Intent, g.Certainty)
	}
}

// TestUnreadIsNamed has files beside the sentences that hold none.
func TestUnreadIsNamed(t *testing.T) {
	got := Unread(fstest.MapFS{"where/de.txt": {}, "where/de.txt~": {}, "where/.keep": {}, "README.md": {}, ".git/HEAD": {}, "wo/x": {}})
	if want := []string{".git", "README.md", "where/.keep", "where/de.txt~"}; !slices.Equal(got, want) {
		t.Errorf("%q is not read, want %q", got, want)
	}
}

// TestOperatorTeachesWordForWord has sentences in words of the city's own be what they
// were taught as, however they are spelled, but for those that are reports, too.
func TestOperatorTeachesWordForWord(t *testing.T) {
	builtIn := append(BuiltIn(), Sentence{"Blaujacken Richtung Thon?", Report})
	own := []Sentence{
		{"Wo stehen die Blaujacken?", Where}, {"Gibts Blaujacken unterwegs?", Where}, {"Jemand Blaujacken gesehen?", Where},
		{"Blaujacken irgendwo", Where}, {"Blaujacken am Plärrer?", Where}, {"Blaujacken Richtung Thon?", Where}, {"...", Where},
		{"Blaujacken weg?", Where}, {"Blaujacken weg", Report}, {"Wo sind gerade Kontis?", Report}, {"Passt", Thanks},
	}
	taught := New(builtIn, own...)
	for text, want := range map[string]Intent{
		"Wo stehen die Blaujacken?": Where, "wo  stehen DIE Blau\u00adjacken ?": Where, "Gibts Blaujacken unterwegs??": Where,
		"Jemand Blaujacken gesehen?": Where, "Blaujacken irgendwo": Where, "Blaujacken irgendwo?": Where, "Blaujacken am Plaerrer?": Where,
		"passt": Thanks, "Passt.": Thanks,
		"Blaujacken irgendwo!": Report, "🚨 Blaujacken irgendwo": Report, "! Wo stehen die Blaujacken?": Report,
		"Blaujacken am Plärrer": Report, "Blaujacken Richtung Thon?": Report, "Blaujacken weg?": Report, "Wo sind gerade Kontis?": Report, "": Report,
	} {
		g := taught.Recognize(text)
		if got := g.Intent; want != Report && (got != want || g.Certainty != 1) || want == Report && g.Sure() {
			t.Errorf("%q: %s %.2f, want %s", text, got, g.Certainty, want)
		}
	}
}

// TestFormIsTold has a guess say what was learned of a text whose form may be a report's.
func TestFormIsTold(t *testing.T) {
	if g := learned().Recognize("Kontrolle am Plärrer?"); g.Learned < g.Certainty || g.Sure() {
		t.Errorf("%+v", g)
	}
	taught := New(append(BuiltIn(), Sentence{"Wo stehen die Blaujacken?", Where}))
	if g := taught.Recognize("Wo stehen die Blaujacken?"); g.Sure() || g.Learned < Sure {
		t.Errorf("%+v", g)
	}
}

func FuzzRecognize(f *testing.F) {
	for _, s := range Fixed() {
		f.Add(s.Text)
	}
	f.Add("u\u0301\u200b1 \xff ؟")
	f.Fuzz(func(t *testing.T, text string) {
		g := learned().Recognize(text)
		if g.Certainty < 0 || g.Certainty > 1.000001 || g.Sure() && g.Doubtful() {
			t.Errorf("%+v", g)
		}
		if utf8.RuneCountInString(text) > longest && g.Intent != Report {
			t.Errorf("%d characters are a question", utf8.RuneCountInString(text))
		}
		if insists := learned().Recognize("!" + text); insists.Intent != Report {
			t.Errorf("%q with ! is no report", text)
		}
	})
}
