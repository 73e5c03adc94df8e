package filter_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
)

// TestDocs holds docs/FILTERS.md to what there is: it names every attribute, and its
// examples are filters.
func TestDocs(t *testing.T) {
	raw, err := os.ReadFile("../docs/FILTERS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range filter.Attributes() {
		if !strings.Contains(string(raw), "`"+name+"`") {
			t.Errorf("%s is not there", name)
		}
	}
	blocks := strings.Split(string(raw), "```")
	var spec filter.Spec
	if err := json.Unmarshal([]byte(strings.TrimPrefix(blocks[1], "json")), &spec); err != nil {
		t.Fatal(err)
	}
	specs := []filter.Spec{spec}
	for line := range strings.Lines(strings.TrimSpace(blocks[3])) {
		specs = append(specs, filter.Spec{When: line})
	}
	if len(specs) < 10 {
		t.Fatalf("only %d examples", len(specs))
	}
	for _, s := range specs {
		if _, err := filter.Compile(s, filtertest.MustCity(t)); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
