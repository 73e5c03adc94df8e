package censor_test

import (
	"strings"
	"testing"

	"ticketfrei/censor"
	"ticketfrei/internal/report"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	rules := mustCompile(t, "*", "").With(censor.Limits{NoLinks: true})
	for _, text := range []string{"see https://example.org/x", "HTTP://EXAMPLE.ORG", "www.example.org", "Kontis: t.me/kontis", "(bit.ly/2x3)", "mehr auf vgn.de!",
		"ｗｗｗ．example．org", "example.org.", "https://10.0.0.1:8080/", "münchen.de/kontrolle?a=b"} {
		if v := rules.Judge(text); v.Passed || v.Reason != report.ReasonLink {
			t.Errorf("%s: %+v, want that it has a link", text, v)
		}
	}
	for _, text := range []string{"2 Kontis U1 Plärrer.Richtung Fürth", "12.30 Uhr", "12.30/12.45 Uhr", "U1/U2 Hbf", "Hbf.at the moment", "3 inspectors.to Fürth", "post@example.org",
		"u.a. am Hbf.", "ca. 5/6 Kontis", "...", "1.2.3", "S-Bahn 2.0/neu"} {
		if v := rules.Judge(text); !v.Passed {
			t.Errorf("%s: %+v, want that it passes", text, v)
		}
	}
	if v := mustCompile(t, "*", "").Judge("https://example.org"); !v.Passed {
		t.Errorf("without the limit: %+v", v)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	rules := mustCompile(t, "*", "spam").With(censor.Limits{Short: true})
	fits := strings.Repeat("ü", report.ShortChars)
	for text, want := range map[string]report.Reason{fits: report.ReasonTrigger, "  " + fits + "\n": report.ReasonTrigger, fits + "x": report.ReasonLong, fits + " spam": report.ReasonBlocked} {
		if v := rules.Judge(text); v.Reason != want {
			t.Errorf("%d characters: %+v, want %s", len([]rune(text)), v, want)
		}
	}
}

func TestBlockedPatterns(t *testing.T) {
	t.Parallel()
	rules := mustCompile(t, "kontis?\nspam", "/spam+ers?/\nRad\n/\\bü\\d+/")
	for text, want := range map[string]report.Verdict{
		"Kontis und SPAMMER": {Reason: report.ReasonBlocked, Detail: "/spam+ers?/"},
		"kontis Ü18":         {Reason: report.ReasonBlocked, Detail: `/\bü\d+/`},
		"kontis mit Rad":     {Reason: report.ReasonBlocked, Detail: "Rad"},
		"kontis spam":        {Passed: true, Reason: report.ReasonTrigger, Detail: "kontis?"},
		"spam":               {Passed: true, Reason: report.ReasonTrigger, Detail: "spam"},
		"hallo":              {Reason: report.ReasonNoTrigger},
	} {
		if v := rules.Judge(text); v != want {
			t.Errorf("%s: %+v, want %+v", text, v, want)
		}
	}
	_, err := censor.Accept("x\n(a", "good\n/(b/\n/b/")
	if err == nil || !strings.Contains(err.Error(), "triggers, line 2") || !strings.Contains(err.Error(), `blocked, line 2: "/(b/"`) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("the error is %v", err)
	}
	_, err = censor.Accept("fine", strings.Repeat("/"+strings.Repeat("x?", 90)+"/\n", 40))
	if err == nil || !strings.Contains(err.Error(), "blocked, line") {
		t.Errorf("what is too expensive: %v", err)
	}
}

func mustCompile(t *testing.T, triggers, blocked string) *censor.Rules {
	t.Helper()
	rules, err := censor.Compile(triggers, blocked)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
