package city_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/censor"
	"ticketfrei/city"
	"ticketfrei/report"
)

func TestSlug(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Berlin", "berlin"},
		{"umlauts", "Nürnberg", "nuernberg"},
		{"upper case umlauts", "ÄÖÜ", "aeoeue"},
		{"sharp s", "Gießen", "giessen"},
		{"capital sharp s", "GIEẞEN", "giessen"},
		{"umlaut in two characters", "Nu\u0308rnberg", "nuernberg"},
		{"accents", "Besançon à l’été", "besancon-a-lete"},
		{"letters without a decomposition", "Łódź Ørsted", "lodz-orsted"},
		{"spaces and punctuation", "  Frankfurt (Oder) / Słubice ", "frankfurt-oder-slubice"},
		{"digits", "Bezirk 9", "bezirk-9"},
		{"wide letters", "Ｂｅｒｌｉｎ", "berlin"},
		{"no ASCII", "Київ", ""},
		{"empty", "", ""},
		{"cut at a word", "Verkehrsverbund der ganzen Region Nordwest", "verkehrsverbund-der-ganzen-region"},
		{"word ends at the limit", strings.Repeat("a", 40) + " b", strings.Repeat("a", 40)},
		{"one long word", strings.Repeat("x", 60), strings.Repeat("x", 40)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := city.Slug(tt.in); got != tt.want {
				t.Errorf("Slug(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCheckSlug(t *testing.T) {
	tests := []struct {
		slug string
		want error
	}{
		{"nuernberg", nil},
		{"bezirk-9", nil},
		{"ab", nil},
		{strings.Repeat("a", 40), nil},
		{"", city.ErrInvalid},
		{"a", city.ErrInvalid},
		{strings.Repeat("a", 41), city.ErrInvalid},
		{"Berlin", city.ErrInvalid},
		{"nürnberg", city.ErrInvalid},
		{"-a-", city.ErrInvalid},
		{"a--b", city.ErrInvalid},
		{"a b", city.ErrInvalid},
		{"a+b", city.ErrInvalid},
		{"ab\n", city.ErrInvalid},
		{"postmaster", city.ErrReserved},
		{"mailer-daemon", city.ErrReserved},
		{"no-reply", city.ErrReserved},
		{"ticketfrei", city.ErrReserved},
		{"settings", city.ErrReserved},
	}
	for _, tt := range tests {
		if err := city.CheckSlug(tt.slug); !errors.Is(err, tt.want) {
			t.Errorf("CheckSlug(%q) = %v, want %v", tt.slug, err, tt.want)
		}
	}
}

func TestNewCityHasTheRulesOfItsLanguage(t *testing.T) {
	want := report.City{Slug: "fuerth", Name: "Fürth", Language: "de",
		Triggers: censor.DefaultTriggers("de"), Blocked: censor.DefaultBlocked("de")}
	if diff := cmp.Diff(want, city.New("fuerth", "Fürth", "de")); diff != "" {
		t.Error(diff)
	}
	if want.Triggers == "" {
		t.Error("a new city lets nothing pass")
	}
}

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"Nürnberg", "Frankfurt (Oder)", "--", "ﬃ", "İstanbul", "\xff", "ß\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		slug := city.Slug(name)
		if len(slug) >= 2 && errors.Is(city.CheckSlug(slug), city.ErrInvalid) {
			t.Errorf("Slug(%q) = %q, which is not valid", name, slug)
		}
		if again := city.Slug(slug); again != slug {
			t.Errorf("Slug(%q) = %q, and of that %q", name, slug, again)
		}
	})
}
