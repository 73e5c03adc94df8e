package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// TestOrigins has the origins of pages that may use the API in a file and in the environment.
func TestOrigins(t *testing.T) {
	for _, tt := range []struct {
		name, file, env string
		want            config.Origins
		wrong           string
	}{
		{name: "none", want: nil},
		{name: "a list", file: `cors_origins = ["https://App.example.org/", "http://localhost:3000"]`, want: config.Origins{"https://app.example.org", "http://localhost:3000"}},
		{name: "a text", file: `cors_origins = "https://app.example.org, *"`, want: config.Origins{"https://app.example.org", "*"}},
		{name: "the environment", env: "*", want: config.Origins{"*"}},
		{name: "a path", env: "https://app.example.org/api", wrong: `"https://app.example.org/api" is no origin of a page`},
		{name: "no list", file: "cors_origins = true", wrong: "is true or false, not a list"},
		{name: "a number in it", file: "cors_origins = [1]", wrong: "has a number in its list"},
		{name: "nobody could use it", file: "requests = 0", wrong: "nobody could use the API"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := config.Source{Defaults: defaults(t)}
			if tt.file != "" {
				src.File = write(t, "[api]\n"+tt.file)
			}
			if tt.env != "" {
				src.Env = []string{"TICKETFREI_API_CORS_ORIGINS=" + tt.env}
			}
			cfg, err := config.Load(src)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Fatalf("the error is %v, want %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, cfg.API.CORSOrigins); diff != "" {
				t.Error(diff)
			}
		})
	}
}
