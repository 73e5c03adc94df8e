package app

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestCommandsOfMovingIn runs what docs/MOVING.md tells whoever moves in to run.
func TestCommandsOfMovingIn(t *testing.T) {
	slow.Test(t, "runs a dozen commands")
	page, err := os.ReadFile("../docs/MOVING.md")
	if err != nil {
		t.Fatal(err)
	}
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	databases := map[string]string{"ticketfrei2": oldDatabase(t, someTicketfrei2), "kibicara": oldDatabase(t, someKibicara)}
	settings, home := map[string]string{"old.toml": "[web]\nhost = \"tf.example.org\"\n", "kibicara.conf": "secret = '" + strings.Repeat("0f", 32) + "'\n"}, t.TempDir()
	for name, text := range settings {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	imports := 0
	for _, block := range shellBlock.FindAllSubmatch(page, -1) {
		for line := range strings.Lines(string(block[1])) {
			args := strings.Fields(line)
			if args[0] != "ticketfrei" {
				continue
			}
			switch args = args[1:]; args[0] {
			case "serve", "dns", "doctor": // which a server of a test is not there for
				a.beside(0, args[0], "--help")
				continue
			case "import":
				imports++
				for i, arg := range args {
					if arg == "old.sqlite" {
						args[i] = databases[args[1]]
					} else if settings[arg] != "" {
						args[i] = filepath.Join(home, arg)
					}
				}
			}
			said := a.beside(0, args...)
			if tried := slices.Contains(args, "--dry-run"); args[0] == "import" && tried != strings.Contains(said, "Nothing was stored") {
				t.Errorf("%s says\n%s", line, said)
			}
		}
	}
	if imports != 4 {
		t.Errorf("%d imports", imports)
	}
	for _, city := range []string{"nuernberg", "leipzig-sued", "suedstadt", "hecht"} {
		a.becomes("/city/"+city, http.StatusOK)
	}
}
