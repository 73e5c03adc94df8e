package frontend

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
)

// called is a letterbox that a service calls.
type called struct{ *letterbox }

var _ bots.Hooked = called{}

func (called) HookRoutes(r chi.Router) {
	r.Post("/{who}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusNoContent)
	})
	r.Post("/{who}/panic", func(http.ResponseWriter, *http.Request) { panic("on fire") })
}

func newCalledTown(t *testing.T) *town {
	t.Helper()
	return newTown(t, func(o *Options) {
		o.Cities.Networks[0].Network = called{o.Cities.Networks[0].Network.(*letterbox)}
		o.Config.Web.TrustedProxies = config.Networks{netip.MustParsePrefix("127.0.0.1/32")}
	})
}

// Services call without what browsers send, with long bodies, through a proxy.
func TestServicesCall(t *testing.T) {
	tn := newCalledTown(t)
	resp, _ := tn.request(http.MethodPost, "/hook/mail/sesame", strings.Repeat("x", 2*maxForm),
		"X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https", "Authorization", "vapid t=x")
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("X-Length") != strconv.Itoa(2*maxForm) {
		t.Errorf("status %d, %s bytes", resp.StatusCode, resp.Header.Get("X-Length"))
	}
	if cookie := resp.Header.Get("Set-Cookie"); cookie != "" {
		t.Errorf("a session was begun: %s", cookie)
	}
}

// What only the service knows is not logged, whatever becomes of the request.
func TestCallsAreLoggedWithoutTheirPath(t *testing.T) {
	tn := newCalledTown(t)
	for _, path := range []string{"/hook/mail/sesame", "/hook/mail/sesame/open", "/hook/mail/sesame/panic", "/hook/mail/sesame?sesame=1", "/hook/none/sesame"} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			tn.request(method, path, "")
		}
	}
	log := tn.log.String()
	if strings.Contains(log, "sesame") {
		t.Errorf("logged:\n%s", log)
	}
	if !strings.Contains(log, "/hook/mail") {
		t.Errorf("the network is not named:\n%s", log)
	}
}
