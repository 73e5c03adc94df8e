package report_test

import (
	"os"
	"regexp"
	"testing"

	"ticketfrei/internal/report"
)

// TestReasonsAreAll finds every reason in the list of them, by which the metrics begin.
func TestReasonsAreAll(t *testing.T) {
	source, err := os.ReadFile("report.go")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, r := range report.Reasons() {
		there[string(r)] = true
	}
	consts := regexp.MustCompile(`(?m)^\tReason\w+\s+Reason = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(consts) != len(there) || len(consts) == 0 {
		t.Errorf("%d reasons, %d in the list", len(consts), len(there))
	}
	for _, c := range consts {
		if !there[c[1]] {
			t.Errorf("%s is not in the list", c[1])
		}
	}
}
