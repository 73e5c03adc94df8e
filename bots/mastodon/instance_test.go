package mastodon

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseInstance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typed        string
		allowPrivate bool
		want         string
	}{
		{"mastodon.social", false, "https://mastodon.social"},
		{"  Mastodon.Social. ", false, "https://mastodon.social"},
		{"https://mastodon.social/@x", false, "https://mastodon.social"},
		{"@me@mastodon.social", false, "https://mastodon.social"},
		{"me@mastodon.social", false, "https://mastodon.social"},
		{"https://user:pw@mastodon.social/", false, "https://mastodon.social"},
		{"mastodon.social:8443", false, "https://mastodon.social:8443"},
		{"müllabfuhr.example", false, "https://xn--mllabfuhr-q9a.example"},
		{"http://mastodon.social", false, "https://mastodon.social"},
		{"http://127.0.0.1:4040", false, "https://127.0.0.1:4040"},
		{"http://127.0.0.1:4040", true, "http://127.0.0.1:4040"},
		{"127.0.0.1:4040", true, "http://127.0.0.1:4040"},
		{"mastodon.social", true, "https://mastodon.social"},
		{"[::1]:4040", true, "http://[::1]:4040"},
		{"", false, ""},
		{"@", false, ""},
		{"mastodon", false, ""},
		{"@name", false, ""},
		{"mastodon social", false, ""},
		{"mastodon.social?x=1", false, ""},
		{"javascript:alert(1)", false, ""},
		{"a..b", false, ""},
		{"a..", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			got, err := parseInstance(tt.typed, tt.allowPrivate)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("parseInstance = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func FuzzParseInstance(f *testing.F) {
	for _, s := range []string{"mastodon.social", "@me@mastodon.social", "http://[::1]:80/x", "ü.example:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		base, err := parseInstance(typed, false)
		if err != nil {
			return
		}
		// What came out goes in again as it is: it is stored and shown.
		if again, err := parseInstance(base, false); err != nil || again != base {
			t.Errorf("parseInstance(%q) = %q, read again as %q, %v", typed, base, again, err)
		}
	})
}

func TestInstanceInfo(t *testing.T) {
	t.Parallel()
	const base = "https://social.example.org"
	tests := []struct {
		name, answer string
		want         instance
	}{
		{"Mastodon 4", `{"domain":"example.org","configuration":{"urls":{"streaming":"wss://streaming.example.org"},"statuses":{"max_characters":1000}}}`,
			instance{domain: "example.org", streaming: "wss://streaming.example.org", length: 1000}},
		{"Mastodon 3", `{"uri":"social.example.org","urls":{"streaming_api":"wss://social.example.org"}}`,
			instance{domain: "social.example.org", streaming: "wss://social.example.org", length: 500}},
		{"Pleroma", `{"uri":"https://social.example.org","max_toot_chars":5000,"urls":{"streaming_api":"wss://social.example.org"}}`,
			instance{domain: "social.example.org", streaming: "wss://social.example.org", length: 5000}},
		{"token not in the clear", `{"uri":"x/@","urls":{"streaming_api":"ws://streaming.example.org"}}`,
			instance{domain: "social.example.org", streaming: "wss://streaming.example.org", length: 500}},
		{"nothing said", `{"uri":"example.org"}`,
			instance{domain: "example.org", streaming: "wss://social.example.org", length: 500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var info instanceInfo
			check(t, json.Unmarshal([]byte(tt.answer), &info))
			got := info.instance(base)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(instance{}), cmpopts.IgnoreFields(instance{}, "fetched", "scopes")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
