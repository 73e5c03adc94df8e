package frontend

import (
	"net/http"
	"slices"
	"strings"

	"ticketfrei/manage"
)

// meanwhile is what a form knows of others who change the same: two people may have its page
// open.
type meanwhile struct {
	Seen   manage.Revision // of what was stored when the page was opened
	Stands []standing      // what somebody else has saved since; none: nobody has
}

// standing is a text as it is stored now.
type standing struct{ Label, Text string }

// seen returns what the form has kept of when its page was opened.
func seen(r *http.Request) meanwhile {
	return meanwhile{Seen: manage.Revision(r.PostFormValue("seen"))}
}

// add has the form show a text that is stored now, where another one was typed.
func (m *meanwhile) add(label, stored, typed string) {
	if strings.TrimSpace(stored) != strings.TrimSpace(typed) {
		m.Stands = append(m.Stands, standing{label, stored})
	}
}

// switched returns what a box of the form was switched to; nil where it was so when the page
// was opened. The field "was" names those that were on.
func switched(r *http.Request, name string) *bool {
	on := r.PostFormValue(name) != ""
	if was, ok := r.PostForm["was"]; ok && on == slices.Contains(strings.Fields(was[0]), name) {
		return nil
	}
	return &on
}
