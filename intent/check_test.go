package intent

import (
	"os"
	"slices"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
)

// mustSwallowNone says which reports would not have been passed on.
func mustSwallowNone(t *testing.T, results []Result, tried int) {
	t.Helper()
	reports := 0
	for _, r := range results {
		if r.Intent == Report {
			reports++
		}
		if r.Swallowed() {
			t.Errorf("%q would not be passed on: it is taken for %s (%.2f)", r.Text, r.Guess.Intent, r.Guess.Certainty)
		}
	}
	if reports < tried {
		t.Errorf("only %d reports were tried", reports)
	}
}

// mustAnswer says whether that part of the sentences of an intent is answered.
func mustAnswer(t *testing.T, results []Result, is Intent, part float64) {
	t.Helper()
	asked, answered := 0, 0
	for _, r := range results {
		if r.Intent != is {
			continue
		}
		if asked++; r.Answered() && r.Guess.Intent == is {
			answered++
		}
	}
	if asked == 0 || float64(answered) < part*float64(asked) {
		t.Errorf("%d of %d of %s are answered", answered, asked, is)
	}
	t.Logf("%d of %d of %s are answered", answered, asked, is)
}

// TestNoReportIsSwallowed tries sentences that were written apart from those that are
// learned, by people who think of reports that look like questions.
func TestNoReportIsSwallowed(t *testing.T) {
	results := New(BuiltIn()).Check(Fixed())
	mustSwallowNone(t, results, 400)
	mustAnswer(t, results, Where, .8)
	mustAnswer(t, results, Thanks, .8)
	mustKeep(t, results, .67)
}

// mustKeep says whether that part of the questions is kept from everybody.
func mustKeep(t *testing.T, results []Result, part float64) {
	t.Helper()
	asked, sure := 0, 0
	for _, r := range results {
		if r.Intent == Where {
			asked++
			if r.Guess.Sure() {
				sure++
			}
		}
	}
	if float64(sure) < part*float64(asked) {
		t.Errorf("%d of %d questions are not passed on", sure, asked)
	}
	t.Logf("%d of %d questions are not passed on", sure, asked)
}

// TestFirstSentences tries the first ones that were ever collected on what the others
// teach.
func TestFirstSentences(t *testing.T) {
	first, err := Read(os.DirFS("testdata/first"))
	if err != nil {
		t.Fatal(err)
	}
	others := slices.DeleteFunc(BuiltIn(), func(s Sentence) bool {
		return slices.ContainsFunc(first, func(f Sentence) bool { return strings.EqualFold(f.Text, s.Text) })
	})
	if len(first) != 169 || len(others) < 1500 {
		t.Fatalf("%d and %d sentences", len(first), len(others))
	}
	results := New(others).Check(first)
	mustSwallowNone(t, results, 46)
	mustAnswer(t, results, Where, .8)
	mustAnswer(t, results, Thanks, .8)
}

// TestCrossCheck tries each sentence that is learned on what the others teach.
func TestCrossCheck(t *testing.T) {
	slow.Test(t, "learns ten times")
	results := CrossCheck(BuiltIn())
	mustSwallowNone(t, results, 600)
	for _, is := range all[1:] {
		mustAnswer(t, results, is, .8)
	}
	needless := 0
	for _, r := range results {
		if r.Intent == Report && r.Answered() {
			needless++
			t.Logf("answered for nothing: %q", r.Text)
		}
	}
	t.Log(needless, "reports answered for nothing", Confusion(results, Sure))
}

// TestQuestionBesideReport writes questions and reports as one text, as who answers the
// own question does: none of them is a question alone.
func TestQuestionBesideReport(t *testing.T) {
	var questions, reports []string
	for _, s := range Fixed() {
		switch {
		case s.Intent == Where && len(questions) < 30:
			questions = append(questions, s.Text)
		case s.Intent == Report:
			reports = append(reports, s.Text)
		}
	}
	for i, report := range reports {
		q := questions[i%len(questions)]
		for _, text := range []string{q + ". " + report, report + ". " + q, report + "\n" + q, q + "\n" + report} {
			if g := learned().Recognize(text); g.Sure() {
				t.Errorf("%q would not be passed on", text)
			}
		}
	}
}
