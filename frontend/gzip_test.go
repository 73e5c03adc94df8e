package frontend

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestEveryPageIsCompressed(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	for _, tt := range []struct{ method, path, form string }{
		{"GET", "/", ""},
		{"GET", "/register", ""},
		{"GET", "/login", ""},
		{"GET", "/password/sent", ""},
		{"GET", "/city/nuernberg", ""},
		{"GET", "/city/nuernberg/mail", ""},
		{"GET", "/city/atlantis", ""},
		{"GET", "/confirm/wrong", ""},
		{"POST", "/register", "email=nobody&city="},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			plain, page := tn.request(tt.method, tt.path, tt.form)
			resp, packed := tn.request(tt.method, tt.path, tt.form, "Accept-Encoding", "gzip")
			if resp.StatusCode != plain.StatusCode || resp.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
				t.Fatalf("status %d, encoded as %q", resp.StatusCode, resp.Header.Get("Content-Encoding"))
			}
			for _, r := range []*http.Response{plain, resp} {
				if !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept-Encoding") {
					t.Errorf("Vary is %q", r.Header.Values("Vary"))
				}
			}
			z, err := gzip.NewReader(strings.NewReader(packed.body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(z); err != nil || string(body) != page.body {
				t.Errorf("unpacked it is something else (%v)", err)
			}
			if len(packed.body) >= len(page.body) {
				t.Errorf("%d bytes of %d", len(packed.body), len(page.body))
			}
		})
	}
}

// TestLengthOfAPageTellsNothing asks for the same page again and again.
func TestLengthOfAPageTellsNothing(t *testing.T) {
	tn := newTown(t)
	lengths := map[int64]bool{}
	for range 20 {
		resp, _ := tn.request(http.MethodGet, "/login?next=/settings", "", "Accept-Encoding", "gzip")
		lengths[resp.ContentLength] = true
	}
	if len(lengths) < 5 {
		t.Errorf("it has the lengths %v alone", lengths)
	}
}

func TestStreamsAndSmallAnswersAreNotCompressed(t *testing.T) {
	tn := newTown(t)
	resp, _ := tn.request(http.MethodGet, "/healthz", "", "Accept-Encoding", "gzip")
	if resp.Header.Get("Content-Encoding") != "" {
		t.Error("a small answer is compressed")
	}
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tn.url+"/city/nuernberg/live", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	stream, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(stream.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("the stream has the headers %v", stream.Header)
	}
}
