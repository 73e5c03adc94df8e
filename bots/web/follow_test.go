package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"ticketfrei/internal/report"
)

// TestQuietByDefault has the hours be chosen already that moderators wish.
func TestQuietByDefault(t *testing.T) {
	t.Parallel()
	p := newPocket(t)
	page := func() string {
		t.Helper()
		w := httptest.NewRecorder()
		p.Site.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/city/"+p.city.Slug+"/web/", nil))
		return w.Body.String()
	}
	if body := page(); !strings.Contains(body, `name="quiet">`) || !strings.Contains(body, `<option value="22" selected>`) {
		t.Errorf("the page is %s", body)
	}
	_, err := p.DB.ChangeCity(t.Context(), p.city.ID, func(c *report.City) error {
		c.Defaults = report.SubscriptionDefaults{Quiet: &report.QuietTime{From: 20, To: 5}}.Stored()
		return nil
	})
	must(t, err)
	for _, want := range []string{`name="quiet" checked>`, `<option value="20" selected>`, `<option value="5" selected>`} {
		if body := page(); !strings.Contains(body, want) {
			t.Errorf("%s is missing: %s", want, body)
		}
	}
}
