package report_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/internal/report"
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
		{"Ukrainian", "Київ", "kyiv"},
		{"Ukrainian, several words", "Івано-Франківськ", "ivano-frankivsk"},
		{"Ukrainian, soft sign", "Львів", "lviv"},
		{"other Cyrillic", "Београд", "beograd"},
		{"Greek", "Αθήνα", "athina"},
		{"Arabic", "القاهرة", "alqahra"},
		{"Arabic, vowels", "عَمّان", "aman"},
		{"Arabic digits", "حي ٩", "hy-9"},
		{"Turkish", "İstanbul", "istanbul"},
		{"Turkish letters", "Şanlıurfa Çiğli", "sanliurfa-cigli"},
		{"Georgian", "თბილისი", "tbilisi"},
		{"Armenian", "Երևան", "erevan"},
		{"Hebrew", "חיפה", "hyfh"},
		{"Devanagari", "मुंबई", "mumbi"},
		{"Chinese", "東京", "dongjing"},
		{"Korean", "서울", "seoul"},
		{"two scripts", "Bozen قرية", "bozen-qrya"},
		{"no letters", "🚋 ☂", ""},
		{"empty", "", ""},
		{"cut at a word", "Verkehrsverbund der ganzen Region Nordwest", "verkehrsverbund-der-ganzen-region"},
		{"word ends at the limit", strings.Repeat("a", 40) + " b", strings.Repeat("a", 40)},
		{"one long word", strings.Repeat("x", 60), strings.Repeat("x", 40)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Slug(tt.in); got != tt.want {
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
		{"", report.ErrInvalid},
		{"a", report.ErrInvalid},
		{strings.Repeat("a", 41), report.ErrInvalid},
		{"Berlin", report.ErrInvalid},
		{"nürnberg", report.ErrInvalid},
		{"-a-", report.ErrInvalid},
		{"a--b", report.ErrInvalid},
		{"a b", report.ErrInvalid},
		{"a+b", report.ErrInvalid},
		{"ab\n", report.ErrInvalid},
		{"postmaster", report.ErrReserved},
		{"mailer-daemon", report.ErrReserved},
		{"no-reply", report.ErrReserved},
		{"ticketfrei", report.ErrReserved},
		{"settings", report.ErrReserved},
	}
	for _, tt := range tests {
		if err := report.CheckSlug(tt.slug); !errors.Is(err, tt.want) {
			t.Errorf("CheckSlug(%q) = %v, want %v", tt.slug, err, tt.want)
		}
	}
}

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"Nürnberg", "Frankfurt (Oder)", "--", "ﬃ", "İstanbul", "\xff", "ß\u0301", "Київ", "القاهرة", "מדריד"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		slug := report.Slug(name)
		if len(slug) >= 2 && errors.Is(report.CheckSlug(slug), report.ErrInvalid) {
			t.Errorf("Slug(%q) = %q, which is not valid", name, slug)
		}
		if again := report.Slug(slug); again != slug {
			t.Errorf("Slug(%q) = %q, and of that %q", name, slug, again)
		}
	})
}
