package frontend

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// Who was second is told so, and that is no error of ours.
func TestConflictIsSaid(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	e := explain(fmt.Errorf("save city: %w", manage.ErrConflict))
	if e.Status != http.StatusConflict || !b.site.Texts.Has(e.ID) {
		t.Errorf("said is %+v", e)
	}
}

// TestTwoBrowsers has two moderators save the same part of their city. Nothing that one of them
// has saved is lost without a word.
func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	one, two := b.moderator("one@example.org"), b.moderator("two@example.org")
	c := b.city("nuernberg", "Nürnberg", one)
	if _, err := b.db.AddMember(t.Context(), c.ID, "two@example.org", report.Owner); err != nil {
		t.Fatal(err)
	}
	first, second := b.login(one.Email), b.login(two.Email)
	for _, tt := range []struct {
		path, form, part string
		others, own      string // what the others and we type
		field            string
		stored           func() string
	}{
		{"/settings/rules", "rules-form", "rules", "fremd", "eigen", "blocked", func() string { c, _ := b.db.City(t.Context(), c.ID); return c.Blocked }},
		{"/settings/texts", "texts-form", "texts", "Fremde Seite", "Eigene Seite", "page", func() string { c, _ := b.db.City(t.Context(), c.ID); return c.Page }},
		{"/settings/texts", "poster-form", "texts", "Fremdes Plakat", "Eigenes Plakat", "poster", func() string { c, _ := b.db.City(t.Context(), c.ID); return c.Poster }},
		{"/settings/texts", "answers-form", "answers", "Fremde Antwort", "Eigene Antwort", "answer.known", func() string {
			c, _ := b.db.City(t.Context(), c.ID)
			return c.AnswerTexts()["de"]["answer.known"]
		}},
		{"/settings/places", "places-form", "places", "U1: Plärrer", "U2: Rathenauplatz", "places", func() string { p, _ := b.db.Places(t.Context(), c.ID); return p }},
	} {
		t.Run(tt.form, func(t *testing.T) {
			page, other := first.get(tt.path), second.get(tt.path)
			second.post(other.action(tt.form), other.filled(tt.form, tt.field, tt.others)...).code(http.StatusSeeOther)
			refused := first.post(page.action(tt.form), page.filled(tt.form, tt.field, tt.own)...).want(http.StatusConflict, "")
			if got := tt.stored(); got != tt.others {
				t.Fatalf("stored %q, want what the other one has saved", got)
			}
			refused.says("meanwhile", tt.others)
			if sent := refused.filled(tt.form); sent[slices.Index(sent, tt.field)+1] != tt.own {
				t.Errorf("what was typed came back as %q", sent)
			}
			first.post(refused.action(tt.form), refused.filled(tt.form)...).code(http.StatusSeeOther)
			if got := tt.stored(); got != tt.own {
				t.Errorf("who has seen it saves %q, want %q", got, tt.own)
			}
		})
	}
	t.Run("switches", func(t *testing.T) {
		page, other := first.get("/settings/rules"), second.get("/settings/rules")
		second.post(other.action("hearing-form"), other.filled("hearing-form", "short", "yes")...)
		first.post(page.action("hearing-form"), page.filled("hearing-form", "no_links", "yes")...)
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil || !got.Short || !got.NoLinks {
			t.Errorf("short %v, no links %v: %v", got.Short, got.NoLinks, err)
		}
		page = first.get("/settings/rules")
		first.post(page.action("hearing-form"), page.filled("hearing-form", "no_links", "")...)
		if got, err = b.db.City(t.Context(), c.ID); err != nil || !got.Short || got.NoLinks {
			t.Errorf("after switching one off: short %v, no links %v: %v", got.Short, got.NoLinks, err)
		}
	})
}

// TestTheDeskStaysAtItsCity renames the city that is shown: the one that comes first by name now
// does not take its place.
func TestTheDeskStaysAtItsCity(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	m := b.moderator("one@example.org")
	c := b.city("ansbach", "Ansbach", m)
	b.city("berlin", "Berlin", m)
	w := b.login(m.Email)
	page := w.get("/settings/texts")
	w.post("/settings/texts", page.filled("texts-form", "name", "Zirndorf")...).want(http.StatusSeeOther, "/settings/texts#texts")
	if got := b.stored(c).Name; got != "Zirndorf" {
		t.Errorf("%s is renamed", got)
	}
	if got := w.get("/settings/texts").value("name"); got != "Zirndorf" {
		t.Errorf("the texts are those of %s", got)
	}
}
