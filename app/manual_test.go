package app

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"ticketfrei/bots/all"
)

// forOthers are pages for whoever works on the program.
var forOthers = []string{"ARCHITECTURE.md", "ENGINE.md", "TRANSLATING.md", "ADDING-A-NETWORK.md"}

// manuals are the files that tell operators what to type, and the texts of pages and mails.
func manuals(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"../README.md", "../SECURITY.md", "../docs/*.md", "../deploy/*", "../deploy/*/*", "../config.toml", "home/*", "../templates/*/*.toml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err != nil || info.IsDir() || slices.Contains(forOthers, filepath.Base(name)) {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(raw)
		}
	}
	return texts
}

var (
	inlineCode = regexp.MustCompile("`([^`\n]+(?:\n[^`\n]+)?)`")
	called     = regexp.MustCompile("(?:^|[\\s/(\"=`])ticketfrei +([a-z][^\n]*)")
	shellEnd   = regexp.MustCompile(` *(?:[|<>;#)]|&&|" *:| \|\| ).*`)
	argument   = regexp.MustCompile(`"[^"]*"|\S+`)
	number     = regexp.MustCompile(`^(?:ID|BOT|NUMBER|N)$`)
	// named are the errors of what is only named, and of placeholders.
	named = regexp.MustCompile(`^(?:missing |expected |.*must be one of|.*expected string value but got)`)
)

// typed are the command lines in a manual, without the program's name: after it, and in
// code the bare ones that begin as one of the commands does.
func typed(text string, commands []string) (lines []string) {
	add := func(line string) {
		first, _, _ := strings.Cut(line, " ")
		if slices.Contains(commands, first) {
			lines = append(lines, line)
		}
	}
	for _, m := range called.FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(m[1], "`")
		add(shellEnd.ReplaceAllString(line, ""))
	}
	for _, m := range inlineCode.FindAllStringSubmatch(text, -1) {
		add(shellEnd.ReplaceAllString(strings.Join(strings.Fields(m[1]), " "), ""))
	}
	return lines
}

// argumentsOf are the arguments of a command line of a manual, all of those that may be left
// out, too.
func argumentsOf(line string) (args []string) {
	for _, word := range argument.FindAllString(line, -1) {
		word = strings.Trim(word, `[]",.:`)
		switch {
		case word == "" || word == "…" || word == "|":
		case number.MatchString(word):
			args = append(args, "1")
		default:
			args = append(args, word)
		}
	}
	return args
}

// TestManualsNameCommandsThatThereAre parses every command line of the manuals, and looks whether
// every command is in one.
func TestManualsNameCommandsThatThereAre(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Name("ticketfrei"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range parser.Model.Children {
		names = append(names, n.Name)
	}
	all, found := "", 0 // everything that they say
	for file, text := range manuals(t) {
		lines := typed(text, names)
		found += len(lines)
		all += text
		for _, line := range lines {
			if _, err := parser.Parse(argumentsOf(line)); err != nil && !named.MatchString(err.Error()) {
				t.Errorf("%s: ticketfrei %s: %v", file, line, err)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d command lines were found", found)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if path := leaf.Path(); !strings.Contains(all, path) && !strings.Contains(all, "`"+leaf.Name+"`") {
			t.Errorf("no manual names the command %s", path)
		}
	}
}

// settingsOf are the names of all settings, as "web.url".
func settingsOf(t *testing.T) (names []string) {
	t.Helper()
	add := func(section, text string) {
		var table map[string]any
		if _, err := toml.Decode(text, &table); err != nil {
			t.Fatal(err)
		}
		for key, value := range table {
			if below, ok := value.(map[string]any); ok {
				for name := range below {
					names = append(names, key+"."+name)
				}
				continue
			}
			names = append(names, section+key)
		}
	}
	add("", string(builtIn(t)))
	for _, s := range sections(all.Networks()) {
		add(s.Name+".", s.Defaults)
	}
	return names
}

// otherVariables are those of the environment that are no settings.
var otherVariables = []string{"TICKETFREI_CONFIG", "TICKETFREI_PASSWORD", "TICKETFREI_BACKUP_PASSPHRASE", "TICKETFREI_SECTION_KEY", "TICKETFREI_PROGRAM"}

// TestManualsNameSettingsThatThereAre looks at every setting that the manuals name, and whether
// OPERATING.md has every setting in its table.
func TestManualsNameSettingsThatThereAre(t *testing.T) {
	names := settingsOf(t)
	var tables []string
	for _, name := range names {
		if section, _, ok := strings.Cut(name, "."); ok && !slices.Contains(tables, section) {
			tables = append(tables, section)
		}
	}
	setting := regexp.MustCompile("`((?:" + strings.Join(tables, "|") + `)\.[a-z_]+)(?: = [^` + "`" + `]*)?` + "`")
	variable := regexp.MustCompile(`TICKETFREI_[A-Z_]+[A-Z]`)
	files := regexp.MustCompile(`\.(?:go|js|md|db|toml|tmpl|css|svg|key|lock|py|sh)$`)
	texts := manuals(t)
	for file, text := range texts {
		for _, m := range setting.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(names, m[1]) && !files.MatchString(m[1]) {
				t.Errorf("%s: there is no setting %s", file, m[1])
			}
		}
		for _, name := range variable.FindAllString(text, -1) {
			section, key, ok := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "TICKETFREI_")), "_")
			if !slices.Contains(otherVariables, name) && !slices.Contains(names, section) && (!ok || !slices.Contains(names, section+"."+key) && !slices.Contains(names, section+"_"+key)) {
				t.Errorf("%s: there is no variable %s", file, name)
			}
		}
	}
	_, table, _ := strings.Cut(texts["../docs/OPERATING.md"], "| key | default | meaning |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := make(map[string]bool)
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 1 {
			for name := range strings.SplitSeq(cells[1], ",") {
				listed[strings.TrimSpace(name)] = true
			}
		}
	}
	for _, name := range names {
		if !listed[name] {
			t.Errorf("the table of docs/OPERATING.md lacks %s", name)
		}
	}
	if len(names) < 40 {
		t.Errorf("there are only %d settings", len(names))
	}
}

// cityByNumber is a line of the log that calls a city by its number.
var cityByNumber = regexp.MustCompile(`\.(?:Debug|Info|Warn|Error)\(.*"city", *[\w.()]*ID\b`)

// TestTheLogCallsCitiesByTheirSlugs looks for lines of the log with the number of a city, which
// no command and no page takes.
func TestTheLogCallsCitiesByTheirSlugs(t *testing.T) {
	err := filepath.WalkDir("..", func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(raw)) {
			if cityByNumber.MatchString(line) {
				t.Errorf("%s: %s", name, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
