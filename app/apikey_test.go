package app

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// keyCommandIn runs "key" on a data directory.
func keyCommandIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("TICKETFREI_DATA", dir)
	var out, errs bytes.Buffer
	code = runCommand(t.Context(), t, &out, &errs, append([]string{"key"}, args...)...)
	return code, out.String(), errs.String()
}

// TestAPIKeyBesideTheServer makes a key while a server runs, posts a report with it from
// another site's page, and removes it.
func TestAPIKeyBesideTheServer(t *testing.T) {
	dir := t.TempDir()
	a := startApp(t, dir, startMailbox(t))
	city := a.addCity("gotham", "kontis", "")
	code, key, stderr := keyCommandIn(t, dir, "add", "gotham", "--right", "report", "--right", "read", "--name", "a script")
	if code != 0 || stderr != "" || !strings.HasPrefix(key, "tf_gotham_") || strings.Count(key, "\n") != 1 {
		t.Fatalf("exit code %d: %q %q", code, key, stderr)
	}
	post := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/api/v1/cities/gotham/reports", strings.NewReader(`{"text":"Kontis in der U1"}`))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Authorization": "Bearer " + strings.TrimSpace(key), "Content-Type": "application/json",
			"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post(); got != http.StatusAccepted {
		t.Fatalf("status %d", got)
	}
	a.settled()
	if got := a.passed(city); len(got) != 1 {
		t.Errorf("%v has passed", got)
	}
	if _, list, _ := keyCommandIn(t, dir, "list"); !strings.Contains(list, "gotham  report, read") || !strings.Contains(list, "a script") || strings.Contains(list, strings.TrimSpace(key)) {
		t.Errorf("the list is:\n%s", list)
	}
	for _, method := range []string{"BREW", "get", http.MethodTrace} { // some that the router knows, and others
		req, err := http.NewRequestWithContext(t.Context(), method, a.url+"/api/v1/cities/gotham/reports", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if h := resp.Header; resp.StatusCode != http.StatusMethodNotAllowed || h.Get("Content-Type") != "application/problem+json" || h.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d %v", method, resp.StatusCode, h)
		}
	}
	if code, _, stderr := keyCommandIn(t, dir, "remove", "1"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if got := post(); got != http.StatusUnauthorized {
		t.Errorf("status %d", got)
	}
}

// TestAPIKeyCommands has them called rightly and wrongly.
func TestAPIKeyCommands(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	mustBegin(t, dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "gotham", "--email", "m@gotham.example"); code != 0 {
		t.Fatal(out.String())
	}
	for _, tt := range []struct {
		name, args     string
		code           int
		stdout, stderr string
	}{
		{"no keys", "list", 0, "", "There are no keys of the API yet"},
		{"no city", "add nowhere --right read", 1, "", "there is no city nowhere (see ticketfrei city list)"},
		{"nobody's", "add --right read", 2, "", "say whose key it is"},
		{"everybody's", "add gotham --operator --right read", 2, "", "say whose key it is"},
		{"no right", "add gotham", 2, "", "a key needs a right: one of read, report, streams"},
		{"an unknown right", "add gotham --right write", 2, "", `"write" is no right of such a key`},
		{"a right of the operator", "add gotham --right cities", 2, "", `"cities" is no right`},
		{"an odd end", "add gotham --right read --expires soon", 2, "", `"soon" is neither a date`},
		{"an end that has passed", "add gotham --right read --expires 2001-01-01", 2, "", "which has passed (see ticketfrei key add"},
		{"an end", "add gotham --right streams --expires 90d", 0, "tf_gotham_", ""},
		{"the operator's", "add --operator --right cities", 0, "tf_operator_", ""},
		{"the list", "list", 0, "(operator)", ""},
		{"the list of a city", "list gotham", 0, "streams", ""},
		{"no number", "remove gotham", 2, "", `"gotham" is no number of a key`},
		{"no key", "remove 77", 1, "", "there is no key 77"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := keyCommandIn(t, dir, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}
