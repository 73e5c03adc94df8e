package frontend

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"ticketfrei/bots"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/valid"
)

const (
	// maxForm bounds the body of a visitor's post, in bytes. maxSettingsForm
	// bounds a moderator's: a long text takes six bytes for every umlaut.
	maxForm         = 64 << 10
	maxSettingsForm = 512 << 10
	// drained is how many times as much of a form that is too large is thrown away.
	drained = 64
)

// policy allows a page to load what is in templates/static and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "

// onlyHTTPS tells browsers to come by https for half a year. It speaks for this
// host alone, and an operator who gives https up has it behind them in that time.
const onlyHTTPS = "max-age=15552000"

// securityHeaders sets the headers that tell browsers to be careful.
func (s *Site) securityHeaders(next http.Handler) http.Handler {
	forms := "'self'"
	https := strings.HasPrefix(s.Config.Web.URL, "https://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if https {
			h.Set("Strict-Transport-Security", onlyHTTPS)
		}
		h.Set("Content-Security-Policy", policy+forms)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// allowRedirects lets the forms of the settings lead to other sites. Browsers
// apply form-action to redirects too, and connecting an account means being
// sent to its network.
func (s *Site) allowRedirects(next http.Handler) http.Handler {
	forms := "'self' https:"
	if s.Config.Network.AllowPrivate {
		forms += " http:"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy+forms)
		next.ServeHTTP(w, r)
	})
}

// takeForms bounds the request's body and reads a posted form before a handler
// asks for its fields, which are valid text: what is checked, shown again and keyed is
// what is stored. If the form is too large or broken, its fields are empty, which must
// not look like an empty form.
func (s *Site) takeForms(limit int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
			body := r.Body
			r.Body = http.MaxBytesReader(w, body, limit)
			if r.Method == http.MethodPost {
				if err := r.ParseForm(); err != nil {
					_, _ = io.CopyN(io.Discard, body, drained*limit) // else many browsers read no answer
					return badForm(err)
				}
				makeValid(r.PostForm)
				makeValid(r.Form)
			}
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

func makeValid(form url.Values) {
	for _, values := range form {
		for i, v := range values {
			values[i] = valid.Text(v)
		}
	}
}

// sameOrigin refuses forms that another site made the browser send. A request
// without the browser's headers about the origin is let through: it does not
// come from a browser but, for example, from a mail program's one-click
// unsubscribe.
func (s *Site) sameOrigin() (func(http.Handler) http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	// Behind a proxy that changes the Host header, the browser's origin is the
	// public address.
	if err := protection.AddTrustedOrigin(originOf(s.Config.Web.URL)); err != nil {
		return nil, err
	}
	if s.API != nil { // there, nothing but the key in a header says who asks
		protection.AddInsecureBypassPattern("/api/v1/")
	}
	for _, n := range s.Networks {
		if _, ok := n.Network.(bots.CityHooked); ok { // no cookie counts there
			protection.AddInsecureBypassPattern("/city/{slug}/" + n.Name + "/" + bots.InPath + "/")
		}
	}
	protection.SetDenyHandler(s.refuse(http.StatusForbidden, "error.cross_origin"))
	return protection.Handler, nil
}

// everybody is how many visitors are reckoned with who come from one address, where
// that is a gateway's.
const everybody = 50

// limitPosts lets one address post n times in a while; one that stands for everybody
// that many times more. Further posts get an error page. Looking at the form is free.
func (s *Site) limitPosts(n int, while time.Duration) func(http.Handler) http.Handler {
	limit := func(n int) func(http.Handler) http.Handler {
		return httprate.LimitBy(n, while,
			func(r *http.Request) (string, error) { return s.ClientIP(r), nil },
			httprate.WithLimitHandler(s.refuse(http.StatusTooManyRequests, "error.too_many")))
	}
	one, all := limit(n), limit(n*everybody)
	return func(next http.Handler) http.Handler {
		one, all := one(next), all(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			processes := s.DB.LivingProcesses()
			switch {
			case r.Method != http.MethodPost:
				next.ServeHTTP(w, r)
			case s.ClientNetwork(r).IsValid():
				one.ServeHTTP(w, clients.LimitRequest(r, n, processes))
			default:
				all.ServeHTTP(w, clients.LimitRequest(r, n*everybody, processes))
			}
		})
	}
}

// accessLog logs every request at debug level. It logs the route, which names
// the parts of a path but not the token in it.
func (s *Site) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		seen := &seenWriter{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		s.Log.Debug("request", "request", visitOf(r.Context()).id, "method", r.Method, "route", routeOf(r),
			"status", seen.status, "bytes", seen.bytes, "took", time.Since(start))
	})
}

// seenWriter remembers what was answered. chi has one too, in a package that brings all of
// net/http/pprof into the program.
type seenWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *seenWriter) WriteHeader(status int) {
	if w.status < http.StatusOK { // or an interim answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// routeOf returns the route that a request took, such as "/city/{slug}".
func routeOf(r *http.Request) string {
	if rctx := chi.RouteContext(r.Context()); rctx != nil {
		return rctx.RoutePattern()
	}
	return ""
}
