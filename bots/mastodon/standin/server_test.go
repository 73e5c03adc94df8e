package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tomnomnom/linkheader"
)

// get asks the server as account a and returns the ids in the answer.
func get(t *testing.T, a *Account, url string) (ids []string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list []struct{ Status struct{ Content string } }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		_, text, _ := strings.Cut(strings.TrimSuffix(n.Status.Content, "</p>"), "</span></a></span> ")
		ids = append(ids, text)
	}
	return ids, resp.Header
}

// Pages follow docs.joinmastodon.org/api/guidelines/#pagination.
func TestNotificationPages(t *testing.T) {
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	a := s.AddAccount("bot")
	for i := range 7 {
		a.Mention("rider@example.org", fmt.Sprint(i), "public")
		a.Follow("rider@example.org")
	}
	base := s.URL + "/api/v1/notifications?types[]=mention"
	first, header := get(t, a, base+"&limit=3")
	links := linkheader.Parse(header.Get("Link"))
	older, _ := get(t, a, links.FilterByRel("next")[0].URL)
	newer, _ := get(t, a, links.FilterByRel("prev")[0].URL)
	id := a.notifications[2].id // of mention 1
	after, _ := get(t, a, base+"&limit=3&min_id="+id)
	since, _ := get(t, a, base+"&limit=3&since_id="+id)
	got := map[string][]string{"first": first, "older": older, "newer": newer, "min_id": after, "since_id": since}
	want := map[string][]string{"first": {"6", "5", "4"}, "older": {"3", "2", "1"}, "newer": nil,
		"min_id": {"4", "3", "2"}, "since_id": {"6", "5", "4"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestMentionsIn(t *testing.T) {
	for text, want := range map[string][]string{
		"@a hi @B@example.org.": {"a", "b@example.org"},
		"mail a@example.org":    nil,
		"@\u2060a":              nil,
	} {
		if diff := cmp.Diff(want, mentionsIn(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
