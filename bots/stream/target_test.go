package stream

import (
	"net/url"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
)

// What targets are taken for.
func TestKinds(t *testing.T) {
	n := kittest.NewHost(t, Definition(), "TICKETFREI_STREAM_DISCORD=http://127.0.0.1:8070, discord.com", "TICKETFREI_STREAM_SLACK=").Network.(*Network)
	for target, want := range map[string]string{
		"https://discord.com/api/webhooks/123/abc":              KindDiscord,
		"https://DISCORD.com:443/api/v10/webhooks/123/a_b-c":    KindDiscord,
		"https://discord.com/api/webhooks/123/abc?thread_id=17": KindDiscord,
		"http://127.0.0.1:9070/api/webhooks/123/abc":            KindDiscord,
		"https://hooks.slack.com/services/T1/B2/c3":             KindSlack,
		"https://chat.example.org/hooks/abc":                    KindWebhook,
		"http://hooks.example.org":                              KindWebhook,
		"https://hooks.example.org/api/webhooks/in":             KindWebhook,
		"https://discord.com/api/webhooks/abc":                  "",
		"https://discord.com./channels/1/2":                     "",
		"http://127.0.0.1:8070/in":                              "",
		"https://hooks.slack.com/triggers/1":                    KindWebhook, // no host of Slack here
	} {
		to, err := n.parse(target)
		if to.kind != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", target, to.kind, err)
		}
	}
}

// Targets are this server however its address is written.
func TestOwnTargets(t *testing.T) {
	n := kittest.NewHost(t, Definition()).Network.(*Network)
	n.host.Config.Web.URL, n.host.Config.Web.Listen = "https://tickets.example", "127.0.0.1:8080"
	for target, own := range map[string]bool{
		"https://tickets.example/city/x/stream/in/y": true, "https://TICKETS.example.:443": true, "http://127.0.0.1:8080/": true,
		"http://localhost:8080/in": true, "http://[::ffff:127.0.0.1]:8080/": true, "http://0.0.0.0:8080/": true, "http://LOCALHOST.:8080": true,
		"https://other.example/": false, "http://127.0.0.1:8081/": false, "https://tickets.example:8443/": false,
	} {
		u, err := url.Parse(target)
		must(t, err)
		if n.isOwn(u) != own {
			t.Errorf("%s: %t", target, !own)
		}
	}
}

// FuzzTarget holds that whatever is typed is read or refused in words, and that what is
// shown of it is its host and four characters.
func FuzzTarget(f *testing.F) {
	n := kittest.NewHost(f, Definition()).Network.(*Network)
	for _, seed := range []string{"https://discord.com/api/webhooks/1/abc", "stdout:", "http://[::1]:8080/x?y#z", "https://a:b@c/d", "https://ex.org/%zz", "//x", "https://x.org:99999/abcdefghijklm"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := n.parse(strings.TrimSpace(text))
		if err != nil {
			if bots.Words(err, n.english) == n.english("bots.error.internal") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if to.url == nil {
			return
		}
		if shown := Shown(text); len(shown) > len(to.url.Host)+len("/…")+4*shownTail {
			t.Errorf("%q is shown as %q", text, shown)
		}
	})
}
