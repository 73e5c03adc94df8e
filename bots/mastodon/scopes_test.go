package mastodon

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// standByOAuth is stand for an account that was connected on the instance's own page.
func (w *world) standByOAuth() (*standing, *kittest.Inbox) {
	w.t.Helper()
	return w.standAs(w.connectByOAuth())
}

func (w *world) connectByOAuth() report.Bot {
	w.t.Helper()
	w.do("GET", w.authorize("authorize"), nil)
	if status, _ := w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}}); status != http.StatusSeeOther {
		w.t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	return must(w.db.FindBot(w.ctx, w.city.ID, name))(w.t)
}

func TestScopesFitTheSoftware(t *testing.T) {
	t.Parallel()
	granular, streaming, whole := granularScopes, streamingScopes, wholeScopes
	for _, c := range []struct{ version, source, want string }{
		{"4.3.0", "https://github.com/mastodon/mastodon", granular},
		{"4.4.0-beta.1+glitch", "https://github.com/glitch-soc/mastodon", granular},
		{"3.5.3", "", granular},
		{"", "", granular},
		{"0.19.1 git-58b3d5f", "", streaming},
		{"0.20.0-rc1+git-1a2b3c4", "https://codeberg.org/superseriousbusiness/gotosocial", streaming},
		{"1.0.0", "https://codeberg.org/superseriousbusiness/gotosocial", streaming},
		{"2.7.2 (compatible; Pleroma 2.9.0)", "", whole},
		{"2.7.2 (compatible; Akkoma 3.13.3)", "", whole},
		{"3.5.3 (compatible; Pixelfed 0.12.5)", "https://github.com/pixelfed/pixelfed", whole},
		{"2.8.0 (compatible; Friendica 2024.12)", "", whole},
		{"4.2.1 (compatible; Iceshrimp 2023.12.9)", "", whole},
	} {
		info := instanceInfo{Version: c.version, SourceURL: c.source}
		if got := info.scopes(); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.version, c.source, got, c.want)
		}
		if d := (&driver{mode: modePush}); d.scopes(info.instance("https://x.example")) != c.want+" push" {
			t.Errorf("%s %s: lacks push", c.version, c.source)
		}
	}
}

func TestScopesFollowTheInstance(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"4.3.0": granularScopes, "0.19.1": streamingScopes, "3.5.3 (compatible; Pixelfed 0.12.5)": wholeScopes} {
		w := newWorld(t, standin.Options{Version: version})
		_, location := w.do("POST", "/settings/mastodon/connect", url.Values{"instance": {w.server.URL}})
		if got := must(url.Parse(location))(t).Query().Get("scope"); got != want {
			t.Errorf("%s is asked for %q, want %q", version, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{"read write": true, "write:statuses": true, "read:accounts,write:statuses": true,
		"read": false, "read write:notifications": false, "": false, "rewrite": false} {
		if got := covers(list, writeScope); got != want {
			t.Errorf("covers(%q) = %v", list, got)
		}
	}
}

// What servers answer to a token that may not do what was asked.
var narrow = map[string]fault.Fault{
	"Mastodon":   fault.Status(http.StatusForbidden, `{"error":"This action is outside the authorized scopes"}`),
	"GoToSocial": fault.Status(http.StatusForbidden, `{"error":"Forbidden: token has insufficient scope permission"}`),
	"Pleroma":    fault.Status(http.StatusForbidden, `{"error":"Insufficient permissions: write:statuses."}`),
	"RFC 6750":   fault.Status(http.StatusUnauthorized, `{"error":"insufficient_scope","error_description":"more is needed"}`),
}

func TestTokenThatMayNotPostIsRefusedWhenConnected(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, w *world) {
		t.Helper()
		if got := w.wrong("token"); got != w.says("mastodon.error.scopes", "Scope", writeScope) || !strings.Contains(got, "write:statuses") {
			t.Errorf("says %q", got)
		}
		if w.card().Waiting != nil || len(w.account.Statuses()) > 0 {
			t.Error("it waits to be confirmed, or something was posted")
		}
	}
	for name, scopes := range map[string][]string{"reads": {"read"}, "reads and notifies": {"read", "write:notifications"}, "profile": {"read:accounts"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			w.account.Allow(scopes...)
			w.do("POST", "/settings/mastodon/token", w.login())
			refused(t, w)
		})
	}
	for name, answer := range narrow {
		t.Run("as answered by "+name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			w.server.Fail("/api/v1/statuses", -1, answer)
			w.do("POST", "/settings/mastodon/token", w.login())
			refused(t, w)
		})
	}
}

// A firewall, and a server that does not know such a status in its own way, say nothing
// about the token.
func TestProbeIsNoHindrance(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fault.Fault{
		"404":          fault.Status(http.StatusNotFound, `{"error":"Record not found"}`),
		"not its own":  fault.Status(http.StatusForbidden, `{"error":"Can't delete this post"}`),
		"405":          fault.Status(http.StatusMethodNotAllowed, ""),
		"a firewall":   fault.HTML(http.StatusForbidden),
		"done, so far": fault.Status(http.StatusOK, `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			w.server.Fail("/api/v1/statuses", -1, answer)
			w.connect()
		})
	}
}

func TestLoginThatGrantsLessIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	back := w.authorize("authorize")
	w.server.Fail("/oauth/token", 1, fault.Status(http.StatusOK, `{"access_token":"x","token_type":"Bearer","scope":"read","created_at":1}`))
	w.do("GET", back, nil)
	if got := w.site.Shown.Error; got != w.says("mastodon.error.scopes", "Scope", writeScope) {
		t.Errorf("says %q", got)
	}
}

func TestMissingScopesAtWorkNeedAttention(t *testing.T) {
	t.Parallel()
	for name, answer := range narrow {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			b := w.load(row)
			w.server.Fail("/api/v1/statuses", -1, answer)
			_, err := b.Send(w.ctx, delivery(row, report.Private, "text"))
			kittest.WantKind(t, err, bots.KindRefused)
			if said := w.words(err); !strings.Contains(said, "write:statuses") || !strings.Contains(said, "Verbinde das Konto noch einmal") {
				t.Errorf("says %q", said)
			}
		})
	}
	t.Run("seen before it posts", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		b := w.load(w.connect())
		w.account.Allow("read")
		kittest.WantKind(t, b.Check(w.ctx), bots.KindRefused)
	})
	t.Run("only the policy cannot be set", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		b := w.load(w.connect())
		w.account.Allow("read", "write:statuses")
		check(t, b.Check(w.ctx))
	})
}

func TestOldTokenIsRevokedWhenConnectedAgain(t *testing.T) {
	t.Parallel()
	t.Run("made by a login", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		row := w.connectByOAuth()
		tokens := w.account.Tokens()
		if again := w.connectByOAuth(); again.ID != row.ID {
			t.Fatalf("bot %d has become bot %d", row.ID, again.ID)
		}
		w.until("the old token to be deleted", func() bool { return w.account.Tokens() == tokens })
		check(t, w.load(row).Check(w.ctx))
	})
	t.Run("made by a login for other scopes", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		w.connectByOAuth()
		tokens := w.account.Tokens()
		w.driver.mode = modePush
		row := w.connectByOAuth()
		w.until("the old token to be deleted", func() bool { return w.account.Tokens() == tokens })
		check(t, w.load(row).Check(w.ctx))
	})
	t.Run("pasted", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		w.connect()
		tokens := w.account.Tokens()
		row := w.connectByOAuth()
		if got := w.account.Tokens(); got != tokens+1 {
			t.Errorf("%d tokens of %d: a pasted one is its owner's", got, tokens+1)
		}
		check(t, w.load(row).Check(w.ctx))
	})
	t.Run("and cannot be", func(t *testing.T) {
		w := newWorld(t, standin.Options{})
		w.connectByOAuth()
		w.server.Fail("/oauth/revoke", -1, fault.HTML(http.StatusServiceUnavailable))
		row := w.connectByOAuth()
		check(t, w.load(row).Check(w.ctx))
	})
}
