package censor_test

import (
	"errors"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

func compile(tb testing.TB, triggers, blocked string) *censor.Rules {
	tb.Helper()
	r, err := censor.Compile(triggers, blocked)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func passed(pattern string) report.Verdict {
	return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: pattern}
}

func held(reason report.Reason, detail string) report.Verdict {
	return report.Verdict{Reason: reason, Detail: detail}
}

func TestOrderOfReasons(t *testing.T) {
	rules := compile(t, "konti\n*", "Trottel")
	tests := []struct {
		name, text string
		want       report.Verdict
	}{
		{"empty", "", held(report.ReasonEmpty, "")},
		{"white space", " \n\t ", held(report.ReasonEmpty, "")},
		{"white space, too long", strings.Repeat(" ", censor.MaxLength+1), held(report.ReasonEmpty, "")},
		{"invisible", "\u200b\u00ad", held(report.ReasonEmpty, "")},
		{"too long, with a slur", "Kanake " + strings.Repeat("ä", censor.MaxLength), held(report.ReasonTooLong, "")},
		{"just short enough", strings.Repeat("ä", censor.MaxLength), passed("*")},
		{"slur, blocked word and trigger", "Konti, Trottel, Kanake", held(report.ReasonSlur, "Kanake")},
		{"blocked word and trigger", "Konti, TROTTEL!", held(report.ReasonBlocked, "Trottel")},
		{"trigger", "2 Kontis", passed("konti")},
		{"anything", "hello", passed("*")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, rules.Judge(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTriggers(t *testing.T) {
	tests := []struct {
		name, patterns string
		text           string
		want           string // the pattern that decides; empty for none
	}{
		{"no pattern", "", "U1 Kontis", ""},
		{"only comments", "# *\n\n  # konti", "konti", ""},
		{"plain", "konti", "Zwei KONTIS", "konti"},
		{"space around", "  \tkonti \r\n", "konti", "konti"},
		{"as written", "Ko(N)ti", "konti", "Ko(N)ti"},
		{"the first of many", "zzz\nu1\nkonti", "Konti U1", "u1"},
		{"the first, also when a later one ends before", "u1.*konti\nu1", "U1: Konti", "u1.*konti"},
		{"anything is the last resort", "*\nkonti", "Konti", "konti"},
		{"none", "zzz\nu2", "Konti U1", ""},
		{"sharp s in the pattern", "straße", "HAUPTSTRASSE", "straße"},
		{"sharp s in the text", "STRASSE", "Hauptstraße", "STRASSE"},
		{"sharp s repeated", "straß+e", "strasßse", "straß+e"},
		{"sharp s in a class", "stra[ßx]e", "Strasse", "stra[ßx]e"},
		{"class beside sharp s", "stra[ßx]e", "StraXe", "stra[ßx]e"},
		{"umlaut", "plärrer", "PLÄRRER", "plärrer"},
		{"umlaut typed with a separate accent", "pla\u0308rrer", "Plärrer", "pla\u0308rrer"},
		{"umlaut in a class", "pl[aä]rrer", "PLÄRRER", "pl[aä]rrer"},
		{"umlaut repeated", "ä+h", "ÄÄH", "ä+h"},
		{"umlaut is another letter", "plarrer", "Plärrer", ""},
		{"Turkish text", "istasyon", "İSTASYON", "istasyon"},
		{"Turkish pattern", "İstasyon", "istasyon", "İstasyon"},
		{"fullwidth text", `\bu\d`, "Ｕ１", `\bu\d`},
		{"fullwidth pattern", "Ｋｏｎｔｉ", "Konti", "Ｋｏｎｔｉ"},
		{"fullwidth brackets are no syntax", "（konti）+", "(konti)", "（konti）+"},
		{"upper-case range", "[A-Z]{3}9", "abc9", "[A-Z]{3}9"},
		{"case cannot be asked for", "(?-i)Konti", "KONTI", "(?-i)Konti"},
		{"case of a class cannot be asked for", "(?-i)[A-Z]onti", "konti", "(?-i)[A-Z]onti"},
		{"upper-case property", `\p{Lu}onti`, "konti", `\p{Lu}onti`},
		{"zero-width in the text", "konti", "k\u200bo\u200dn\u00adti", "konti"},
		{"zero-width in the pattern", "ko\u200bnti", "konti", "ko\u200bnti"},
		{"white space is one space", `u 1 konti`, "U\n1 \t\u00a0 Konti", `u 1 konti`},
		{"spaces of the pattern", `u   1`, "U 1", `u   1`},
		{"any white space", `u\s1`, "U\t1", `u\s1`},
		{"no white space", `u\S1`, "U 1", ""},
		{"newline in the pattern", `u\n1`, "U\n1", `u\n1`},
		{"dot matches across lines", `konti.*u1`, "Konti\nin der U1", `konti.*u1`},
		{"start", `^u1`, "\n U1", `^u1`},
		{"not at the start", `^u1`, "in U1", ""},
		{"start of a line is the start", `(?m)^u1`, "in\nU1", ""},
		{"end", `u1$`, "in U1\n", `u1$`},
		{"end not yet", `u1$`, "U1 an", ""},
		{"whole", `\Au1\z`, "U1", `\Au1\z`},
		{"word", `\bu1\b`, "in U1!", `\bu1\b`},
		{"part of a word", `\bu1\b`, "in U12", ""},
		{"word beginning with an umlaut", `\bübung\b`, "eine Übung.", `\bübung\b`},
		{"part of a word with umlauts", `\bber`, "über", ""},
		{"within a word", `\Bber`, "über", `\Bber`},
		{"before a combining mark that stays", `\bक\b`, "कि", ""},
		{"lazy and groups", `(?:u|s)(?P<line>\d+?)x`, "S12x", `(?:u|s)(?P<line>\d+?)x`},
		{"counted", `\d{3,4}`, "12 1234", `\d{3,4}`},
		{"counted too few", `\d{3,4}`, "12 34", ""},
		{"Cyrillic", `контрол`, "КОНТРОЛЬ", `контрол`},
		{"letter property", `u\pL`, "uß", `u\pL`},
		{"emoji", "👮", "👮‍♀️ U1", "👮"},
		{"empty match", "x*", "anything", "x*"},
		{"dot against what is not UTF-8", "u.1", "u\xff1", "u.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := held(report.ReasonNoTrigger, "")
			if tt.want != "" {
				want = passed(tt.want)
			}
			if diff := cmp.Diff(want, compile(t, tt.patterns, "").Judge(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	tests := []struct {
		name, blocked string
		text          string
		want          string // the entry that decides; empty for none
	}{
		{"whole word", "rad", "Ein RAD.", "rad"},
		{"not part of a word", "rad", "Fahrrad, Radweg, räder", ""},
		{"not beside an umlaut", "rad", "üradü", ""},
		{"not beside a digit", "rad", "rad1", ""},
		{"underscores and hyphens part words", "rad", "_rad-", "rad"},
		{"letters with marks that stay", "क", "कि", ""},
		{"as written", "  Fetter  Sack ", "fetter\nsack", "Fetter  Sack"},
		{"phrase", "fetter sack", "Ein fetter, Sack", "fetter sack"},
		{"phrase with a hyphen", "fetter-sack", "fetter Sack", "fetter-sack"},
		{"phrase not complete", "fetter sack", "ein fetter", ""},
		{"phrase in pieces", "fetter sack", "fetter alter Sack", ""},
		{"phrase begun twice", "a a b", "a a a b", "a a b"},
		{"shorter one first", "a b c\na b", "a b c", "a b"},
		{"sharp s", "scheiße", "SCHEISSE", "scheiße"},
		{"Turkish", "İspanyol", "ispanyol", "İspanyol"},
		{"fullwidth", "trottel", "Ｔｒｏｔｔｅｌ", "trottel"},
		{"zero-width inside", "trottel", "tr\u200bot\u200dt\u00adel", "trottel"},
		{"separate accent", "blöd", "blo\u0308d", "blöd"},
		{"struck through", "trottel", "t\u0336r\u0336o\u0336t\u0336t\u0336e\u0336l\u0336", "trottel"},
		{"symbols count", "c++", "c+", ""},
		{"symbols found", "c++", "in C++.", "c++"},
		{"emoji", "🐷", "ihr🐷!", "🐷"},
		{"emoji with skin tone", "🖕", "🖕🏽", "🖕"},
		{"hash is no comment", "#trottel", "#Trottel", "#trottel"},
		{"blank lines", "\n\n  \nx\n", "x", "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := passed("*")
			if tt.want != "" {
				want = held(report.ReasonBlocked, tt.want)
			}
			if diff := cmp.Diff(want, compile(t, "*", tt.blocked).Judge(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlurs(t *testing.T) {
	rules := compile(t, "*", "")
	for text, want := range map[string]string{
		"Kontrolle, ihr KANAKEN!":      "Kanaken",
		"ka\u200bna\u00adke":           "Kanake",
		"Du HURENSÖHNE":                "Hurensöhne",
		"Hurenso\u0308hne":             "Hurensöhne",
		"ｎｉｇｇｅｒ":                       "Nigger",
		"#sieg-heil":                   "Sieg Heil",
		"Juden, raus":                  "Juden raus",
		"Mohrenstraße U2 Kontis":       "",
		"Schwarzfahrer aufgepasst":     "",
		"Jüdenstraße, Judengasse":      "",
		"Jüdische Gemeinde, ein Jude":  "",
		"Abo vergessen":                "",
		"Behindertenaufzug kaputt":     "",
		"Kraut und Rüben":              "",
		"Nigeria, Niger, Montenegro":   "",
		"Río Negro, Coon Rapids":       "",
		"Van Dyke Street":              "",
		"Fagott im Zug":                "",
		"Schwulenzentrum":              "",
		"Scunthorpe, Cockfosters":      "",
		"Fidschi, Zwitter, Schwarze":   "",
		"Hurenweg? Fotografie, Mongol": "",
		"Krüppelwalmdach":              "",
	} {
		got := rules.Judge(text)
		if want == "" && !got.Passed || want != "" && (got.Reason != report.ReasonSlur || got.Detail != want) {
			t.Errorf("Judge(%q) = %+v, want %q", text, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	tests := []struct {
		text string
		want report.Reason
	}{
		{"U1 Plärrer 2 Kontis Richtung Fürth", report.ReasonTrigger},
		{"Kontrolleure in Zivil, Tram 6 am Hbf", report.ReasonTrigger},
		{"s-bahn gesundbrunnen wird kontrolliert", report.ReasonTrigger},
		{"Fahrkartenkontrolle Linie 4", report.ReasonTrigger},
		{"zwei blaue Westen in der 12er", report.ReasonTrigger},
		{"4 inspectors at Central Station", report.ReasonTrigger},
		{"ticket check, route 12", report.ReasonTrigger},
		{"plain-clothed, northbound platform 3", report.ReasonTrigger},
		{"Mohrenstraße: Kontis am Gleis", report.ReasonTrigger},
		{"Wer kommt heute mit ins Kino?", report.ReasonNoTrigger},
		{"Schöne Grüße aus Bremen", report.ReasonNoTrigger},
		{"Who wants to have dinner at eight?", report.ReasonNoTrigger},
		{"Kontis U1, ein Südländer und ein Türke", report.ReasonBlocked},
		{"Kontis U1, der eine türkisch aussehend", report.ReasonBlocked},
		{"Kontis am türkischen Markt, U8", report.ReasonTrigger},
		{"Inspectors on bus 3: black guy, brown jacket", report.ReasonBlocked},
		{"black jackets, bus 3", report.ReasonTrigger},
		{"Kontis U1, abknallen", report.ReasonBlocked},
	}
	for _, lang := range []string{"de", "en"} {
		rules := compile(t, censor.DefaultTriggers(lang), censor.DefaultBlocked(lang))
		for _, tt := range tests {
			if got := rules.Judge(tt.text); got.Reason != tt.want {
				t.Errorf("%s: %q: %+v, want %s", lang, tt.text, got, tt.want)
			}
		}
	}
}

// TestDefaultsOfOtherLanguages has sentences of riders, and of others, in the languages
// that a city can have beside German and English.
func TestDefaultsOfOtherLanguages(t *testing.T) {
	passed, held, blocked := report.ReasonTrigger, report.ReasonNoTrigger, report.ReasonBlocked
	for lang, sentences := range map[string]map[string]report.Reason{
		"tr": {
			"M1 Yenikapı, iki kontrolör": passed, "KONTROL VAR Taksim": passed, "Durakta bekliyorlar, sivil": passed,
			"34 numara, Beşiktaş yönüne": passed, "Otobüsteler": passed, "U1 Plärrer": passed, "Kontis am Hbf": passed,
			"Bugün hava çok güzel": held, "Akşam yemeğe geliyor musun?": held, "Trend renkler": held,
			"M1 kontrol, biri esmer": blocked,
		},
		"ar": {
			"مفتشان في الترام": passed, "يوجد تفتيش عند المحطة": passed, "بالمترو باتجاه المطار": passed, "خط 4 الآن": passed,
			"الخط ٢ انتبهوا": passed, "U1 Plärrer": passed, "Inspectors on line 4": passed,
			"صباح الخير للجميع": held, "هل تأتي إلى العشاء الليلة؟": held,
			"مفتش في الترام، أسمر البشرة": blocked,
		},
		"uk": {
			"Контролери в трамваї 5": passed, "двоє контролерів, Хрещатик": passed, "перевіряють квитки на Подолі": passed,
			"Вокзальна, у бік центру": passed, "лінія 2, двоє": passed, "маршрут 12": passed, "U1 Plärrer": passed,
			"Гарного дня всім": held, "Хто сьогодні йде в кіно?": held, "метрополія": held,
			"Контроль, один чорношкірий": blocked,
		},
		"fr": {
			"Contrôle ligne 4 à Châtelet": passed, "un controle au bout du quai": passed, "M12 direction Issy": passed,
			"des agents en civil à la gare": passed, "RER B": passed, "U1 Plärrer": passed,
			"Bonne journée à tout le monde": held, "Qui vient dîner ce soir ?": held,
			"Contrôle ligne 4, un mec noir": blocked,
		},
	} {
		rules, err := censor.Accept(censor.DefaultTriggers(lang), censor.DefaultBlocked(lang))
		if err != nil {
			t.Fatalf("%s: %v", lang, err)
		}
		for text, want := range sentences {
			if got := rules.Judge(text); got.Reason != want {
				t.Errorf("%s: %q: %+v, want %s", lang, text, got, want)
			}
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	long := strings.Repeat("ä", 200)
	type line struct {
		Field   string
		Line    int
		Pattern string
	}
	tests := []struct {
		name              string
		triggers, blocked string
		want              []line
		is                []error // nil: a *syntax.Error
	}{
		{"syntax", "ok\n\n# (\n  (konti\nx**\n[z-a]\n*\n", "", []line{{"triggers", 4, "(konti"}, {"triggers", 5, "x**"}, {"triggers", 6, "[z-a]"}}, []error{nil, nil, nil}},
		{"Perl only", `(?=x)` + "\r\n" + `(a)\1`, "", []line{{"triggers", 1, `(?=x)`}, {"triggers", 2, `(a)\1`}}, []error{nil, nil}},
		{"not UTF-8", "a\xff", "", []line{{"triggers", 1, "a\xff"}}, []error{nil}},
		{"too long", long + "\n" + long + "x", long + "\n" + long + "y", []line{{"triggers", 2, long + "…"}, {"blocked", 2, long + "…"}}, []error{censor.ErrTooLong, censor.ErrTooLong}},
		{"nested repetition", "((a{20}){20}){2}\n(?:a{1,25}){1,25}\n(?:.{500}){3}", "",
			[]line{{"triggers", 1, "((a{20}){20}){2}"}, {"triggers", 2, "(?:a{1,25}){1,25}"}, {"triggers", 3, "(?:.{500}){3}"}},
			[]error{censor.ErrTooComplex, censor.ErrTooComplex, nil}},
		{"repetition of a class that grows", `[ßﬀ-ﬆ]{200}`, "", []line{{"triggers", 1, `[ßﬀ-ﬆ]{200}`}}, []error{censor.ErrTooComplex}},
		{"too complex together", strings.Repeat("(?:abc){0,100}\n", 30), "", nil, []error{censor.ErrAllTooLong}},
		{"no word", "", "x\n...\n \u200b", []line{{"blocked", 2, "..."}, {"blocked", 3, "\u200b"}}, []error{censor.ErrNoWord, censor.ErrNoWord}},
		{"too many", strings.Repeat("x\n\n", 500) + "# y\nz", strings.Repeat("x\n", 499) + "y\nz\nz", []line{{"triggers", 1001, "# y"}, {"blocked", 501, "z"}}, []error{censor.ErrTooMany, censor.ErrTooMany}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := censor.Compile(tt.triggers, tt.blocked)
			if rules != nil {
				t.Error("there are rules beside the error")
			}
			got, ok := errors.AsType[censor.PatternErrors](err)
			if !ok {
				t.Fatalf("error is %v", err)
			}
			var lines []line
			for i, e := range got {
				lines = append(lines, line{e.Field, e.Line, e.Pattern})
				if i >= len(tt.is) {
					continue
				}
				if _, ok := errors.AsType[*syntax.Error](e); tt.is[i] == nil && !ok || tt.is[i] != nil && !errors.Is(e, tt.is[i]) {
					t.Errorf("%v, want %v", e, tt.is[i])
				}
			}
			if diff := cmp.Diff(tt.want, lines); tt.want != nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewCityHasTheRulesOfItsLanguage(t *testing.T) {
	want := report.City{Slug: "fuerth", Name: "Fürth", Language: "de",
		Triggers: censor.DefaultTriggers("de"), Blocked: censor.DefaultBlocked("de")}
	if diff := cmp.Diff(want, censor.NewCity("fuerth", "Fürth", "de")); diff != "" {
		t.Error(diff)
	}
	if want.Triggers == "" {
		t.Error("a new city lets nothing pass")
	}
}
