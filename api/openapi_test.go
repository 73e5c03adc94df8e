package api_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// document is what is looked at of the OpenAPI document.
type document struct {
	OpenAPI    string
	Servers    []struct{ URL string }
	Paths      map[string]map[string]operation
	Components struct {
		Schemas         map[string]any
		SecuritySchemes map[string]struct{ Type, Scheme string }
	}
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string][]string
	Parameters                        []struct{ Name, Description string }
	RequestBody                       struct{ Content map[string]any }
	Responses                         map[string]struct {
		Description string
		Content     map[string]any
	}
}

// plainID is an id of an operation that every generator makes a name of.
var plainID = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)

// TestDocument looks at what the document says of every route.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	a := w.do("GET", "/openapi.json", "", nil).want(200)
	var d document
	a.into(&d)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || len(d.Servers) != 1 || d.Servers[0].URL != "http://localhost:8080/api/v1" || d.Components.SecuritySchemes["key"].Scheme != "bearer" {
		t.Errorf("%s %v %v", d.OpenAPI, d.Servers, d.Components.SecuritySchemes)
	}
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			t.Run(method+" "+path, func(t *testing.T) { op.check(t, path, ids) })
		}
	}
	for _, id := range []string{"list-reports", "post-report", "follow-events", "put-stream", "change-stream", "delete-stream", "test-stream", "try-filter",
		"get-places", "put-places", "get-rules", "put-rules", "list-bots", "list-logs", "get-stored", "put-stored", "delete-stored", "get-health"} {
		if !ids[id] {
			t.Errorf("there is no %s", id)
		}
	}
	if strings.Contains(a.body, "$schema") {
		t.Error("answers have a $schema")
	}
	for _, path := range []string{"/docs", "/schemas/City.json"} {
		w.do("GET", path, "", nil).want(404)
	}
}

func (op operation) check(t *testing.T, path string, ids map[string]bool) {
	if !plainID.MatchString(op.OperationID) || ids[op.OperationID] {
		t.Errorf("the id is %q", op.OperationID)
	}
	ids[op.OperationID] = true
	if op.Summary == "" || len(op.Tags) != 1 || len(op.Security) == 0 {
		t.Errorf("it is not described: %+v", op)
	}
	for _, p := range op.Parameters {
		if p.Description == "" && p.Name != "limit" {
			t.Errorf("%s is not described", p.Name)
		}
	}
	for _, name := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(path, -1) {
		found := false
		for _, p := range op.Parameters {
			found = found || p.Name == name[1]
		}
		if !found {
			t.Errorf("the parameter %s is missing", name[1])
		}
	}
	for status, r := range op.Responses {
		if status >= "4" {
			if _, ok := r.Content["application/problem+json"]; !ok {
				t.Errorf("%s is no problem", status)
			}
		}
	}
	for _, status := range []string{"401", "429", "500"} {
		if _, ok := op.Responses[status]; !ok {
			t.Errorf("%s is missing", status)
		}
	}
	if open := len(op.Security) == 2; open != !strings.Contains(op.Description, "Needs the right ") {
		t.Errorf("the rights are not named: %s", op.Description)
	}
}

// TestDocumentIsStable reads it twice.
func TestDocumentIsStable(t *testing.T) {
	w := newWorld(t)
	first, second := w.do("GET", "/openapi.json", "", nil), w.do("GET", "/openapi.json", "", nil)
	if first.body != second.body || !json.Valid([]byte(first.body)) {
		t.Error("it differs")
	}
}
