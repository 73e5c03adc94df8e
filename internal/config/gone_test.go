package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// TestGoneAndEmpty has an operator's file and environment of an earlier version,
// in which a setting that is gone was left as it was.
func TestGoneAndEmpty(t *testing.T) {
	const env = "TICKETFREI_QUEUE_URL"
	line := func(source string) config.Error {
		return config.Error{Key: "queue.url", Source: source, Problem: "this setting is gone", Hint: "delete the line"}
	}
	variable := config.Error{Key: "queue.url", Source: env, Problem: "this setting is gone", Hint: "remove the variable"}
	tests := []struct {
		name string
		file string
		env  []string
		want []config.Error // Source "FILE" stands for the path
	}{
		{"file", "[web]\nlisten = ':80'\n[queue]\n# Empty: the built-in queue.\nurl = \"\"\n", nil, []config.Error{line("FILE:5")}},
		{"without the section's line", "queue.url = ''", nil, []config.Error{line("FILE:1")}},
		{"environment", "", []string{env + "="}, []config.Error{variable}},
		{"both", "queue = {url = ''}", []string{env + "="}, []config.Error{line("FILE:1"), variable}},
		{"a section with nothing in it", "[queue]", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.file)
			c, err := config.Load(config.Source{Defaults: defaults(t), File: path, Env: tt.env})
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Warnings {
				c.Warnings[i].Source = strings.Replace(c.Warnings[i].Source, path, "FILE", 1)
			}
			if diff := cmp.Diff(tt.want, c.Warnings); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGoneAndSet has the same set to something: nothing may look as if it counted.
func TestGoneAndSet(t *testing.T) {
	const env = "TICKETFREI_QUEUE_URL"
	refused := func(source string) config.Errors {
		return config.Errors{{Key: "queue.url", Source: source, Problem: "external queues are not supported: reports are kept in the database", Hint: "leave it out"}}
	}
	unknown := func(key, hint string) config.Errors {
		return config.Errors{{Key: key, Source: "FILE:1", Problem: "there is no such setting", Hint: hint}}
	}
	tests := []struct {
		name string
		file string
		env  []string
		want config.Errors
	}{
		{"file", "[queue]\nurl = 'nats://user:password@localhost'", nil, refused("FILE:2")},
		{"environment", "", []string{env + "=nats://user:password@localhost"}, refused(env)},
		{"a number", "queue.url = 7", nil, refused("FILE:1")},
		{"a list", "queue.url = ['']", nil, refused("FILE:1")},
		{"a section", "[queue.url]\na = 1", nil, refused("FILE:1")},
		{"another setting of its section", "queue.size = 7", nil, unknown("queue.size", "")},
		{"its section as a setting", "queue = ''", nil, unknown("queue", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.file)
			_, err := config.Load(config.Source{Defaults: defaults(t), File: path, Env: tt.env})
			got, ok := errors.AsType[config.Errors](err)
			if !ok {
				t.Fatalf("error is %v, want Errors", err)
			}
			if strings.Contains(err.Error(), "password") {
				t.Errorf("the error shows a password: %v", err)
			}
			for i := range got {
				got[i].Source = strings.Replace(got[i].Source, path, "FILE", 1)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSuccessors has settings of an earlier version that have another name and
// another form today: whatever they were set to is refused, with what to write.
func TestSuccessors(t *testing.T) {
	const env = "TICKETFREI_WEB_TRUST_PROXY"
	for source, src := range map[string]config.Source{
		"FILE:2": {File: write(t, "[web]\ntrust_proxy = true")},
		"FILE:1": {File: write(t, "web.trust_proxy = false")},
		env:      {Env: []string{env + "=true"}},
	} {
		src.Defaults = defaults(t)
		_, err := config.Load(src)
		got, ok := errors.AsType[config.Errors](err)
		if !ok || len(got) != 1 || got[0].Key != "web.trust_proxy" || strings.Replace(got[0].Source, src.File, "FILE", 1) != source && src.File != "" {
			t.Errorf("%s: error is %v", source, err)
			continue
		}
		for _, part := range []string{"web.trusted_proxies", `trusted_proxies = ["127.0.0.1", "::1"]`, "TICKETFREI_WEB_TRUSTED_PROXIES"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in %v", source, part, err)
			}
		}
	}
}
