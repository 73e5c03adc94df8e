package manage

import (
	"strings"
	"testing"
	"time"
)

// TestUmlautsMakeNothingStrong has words that are known, as people without umlauts on
// their keyboard write them, and one that nobody can guess.
func TestUmlautsMakeNothingStrong(t *testing.T) {
	for password, want := range map[string]string{
		"nürnberg12": "form.password.weak", "nuernberg12": "form.password.weak", "Strassenbahn1": "form.password.weak",
		"Thueringen1": "form.password.weak", "zwoelf Kontis im Regen": "",
	} {
		if got := CheckPassword(password, "rider@example.org", "Thüringen"); got != want {
			t.Errorf("%s: %q, want %q", password, got, want)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("zwölf Kontis im Regen", "rider@example.org", "Fürth")
	f.Add(strings.Repeat("Passwort1qwertz", 20), "", "")
	f.Fuzz(func(t *testing.T, password, email, city string) {
		began := time.Now()
		CheckPassword(password, email, city)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%q took %s", password, took)
		}
	})
}
