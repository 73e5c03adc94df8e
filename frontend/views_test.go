package frontend

import "testing"

// TestViewsHoldWhatTheyUse looks for what only settings pages use in a page of riders: a copy
// of everything in each view was two thirds of the program's memory.
func TestViewsHoldWhatTheyUse(t *testing.T) {
	p, err := builtInPages()
	if err != nil {
		t.Fatal(err)
	}
	if p.views["settings/rules.tmpl"].set.Lookup("settings-city") == nil {
		t.Error("the page of the rules lacks a part that it uses")
	}
	for name, v := range p.views {
		if n := len(v.set.Templates()); n > 40 {
			t.Errorf("%s has %d templates", name, n)
		}
	}
	if p.views["home.tmpl"].set.Lookup("settings-city") != nil {
		t.Error("the first page holds a part of settings pages")
	}
}
