package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippet is a block of code in a guide.
var snippet = regexp.MustCompile("(?ms)^```(?:go|html|toml)\n(.*?)^```$")

// TestGuideShowsRealCode makes sure that every line of code in the guide stands
// in the contract, in the kit or in a network that was just begun.
func TestGuideShowsRealCode(t *testing.T) {
	guide, err := os.ReadFile(root + "/docs/ADDING-A-NETWORK.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	take := func(content []byte) {
		for line := range strings.Lines(string(content)) {
			known[strings.TrimSpace(line)] = true
		}
	}
	for _, kind := range kinds {
		files, err := networkFiles(kind, "matrix")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			take(f.content)
		}
	}
	for _, pattern := range []string{"/bots/*.go", "/bots/kit/*/*.go"} {
		contract, err := filepath.Glob(root + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range contract {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			take(content)
		}
	}
	snippets := snippet.FindAllStringSubmatch(string(guide), -1)
	if len(snippets) < 8 {
		t.Fatalf("found only %d snippets", len(snippets))
	}
	for _, s := range snippets {
		for line := range strings.Lines(s[1]) {
			if !known[strings.TrimSpace(line)] {
				t.Errorf("stands in the guide and nowhere else: %s", line)
			}
		}
	}
	if n := strings.Count(string(guide), "\n"); n > 200 {
		t.Errorf("the guide has %d lines: too long for one evening", n)
	}
}
