package telegram

import (
	"cmp"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/notice"
)

func TestModeSetting(t *testing.T) {
	t.Parallel()
	const own = "http://127.0.0.1:8081"
	tests := map[string]struct {
		mode, url string
		api       string // empty: Telegram's own
		private   bool
		wrong     string
		advice    string
		hint      string
		hooked    bool
	}{
		"poll":                  {mode: "poll", url: "http://localhost:8080"},
		"webhook":               {mode: "webhook", url: "https://tickets.example.org", hooked: true},
		"another port":          {mode: "webhook", url: "https://tickets.example.org:8443", hooked: true},
		"a mistake":             {mode: "push", url: "https://tickets.example.org", wrong: `"push" is not known`},
		"nothing":               {mode: "", url: "https://tickets.example.org", wrong: `"" is not known`},
		"without https":         {mode: "webhook", url: "http://tickets.example.org", advice: "https addresses only"},
		"a port that is none":   {mode: "webhook", url: "https://tickets.example.org:9443", advice: "443, 80, 88 and 8443 only, and web.url has 9443"},
		"not on the internet":   {mode: "webhook", url: "https://tickets.fritz.internal", advice: "from the internet"},
		"not this machine":      {mode: "webhook", url: "https://localhost", advice: "from the internet"},
		"a server of one's own": {mode: "webhook", url: "http://127.0.0.1:8080", api: own, private: true, hooked: true},
		"one that may not":      {mode: "webhook", url: "http://127.0.0.1:8080", api: own, advice: "https addresses only", hint: "network.allow_private"},
		"Telegram's own":        {mode: "webhook", url: "http://127.0.0.1:8080", private: true, advice: "https addresses only", hint: "set web.url to the https address"},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			c := &config.Config{Web: config.Web{URL: tt.url}, Network: config.Network{AllowPrivate: tt.private}}
			o := &options{API: cmp.Or(tt.api, "https://api.telegram.org"), Mode: tt.mode}
			wrong, advice := o.check(c)
			wantProblem(t, wrong, tt.wrong)
			wantProblem(t, advice, tt.advice)
			if len(advice) > 0 && !strings.Contains(advice[0].Hint, tt.hint) {
				t.Errorf("hint %q", advice[0].Hint)
			}
			d := must(open(bots.Host{Config: c, Notices: &notice.Board{}}, o))(t).(*driver)
			if hooked := d.hooks != nil; hooked != tt.hooked {
				t.Errorf("by webhook: %t", hooked)
			}
		})
	}
}

// wantProblem checks that there is one problem with that in it, with a hint how to mend
// it, or none.
func wantProblem(t *testing.T, list []config.Error, want string) {
	t.Helper()
	switch {
	case want == "" && len(list) == 0:
	case len(list) != 1 || want == "" || list[0].Key != "mode" || list[0].Hint == "" || !strings.Contains(list[0].Problem, want):
		t.Errorf("problems %v, want %q", list, want)
	}
}
