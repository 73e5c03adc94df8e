package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommandsOfTheDocs holds every command that documents and texts name to the command
// line: somebody types it at night, as it stands there.
func TestCommandsOfTheDocs(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range docsWithCommands(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range commandsIn(file, string(text)) {
			count++
			if isCommand(parser.Model.Node, words) {
				continue // named, without what it needs
			}
			if _, err := parser.Parse(words); err != nil {
				t.Errorf("%s: ticketfrei %s: %v", file, strings.Join(words, " "), err)
			}
		}
	}
	if count < 80 {
		t.Errorf("%d commands were found", count)
	}
}

// docsWithCommands are the files that operators and moderators read.
func docsWithCommands(t *testing.T) (files []string) {
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{"testdata", "decisions", ".git"}, e.Name()):
			return fs.SkipDir
		case slices.Contains([]string{".md", ".toml", ".yml", ".yaml", ".service"}, filepath.Ext(path)) && e.Name() != "CHANGELOG.md":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	// commandLine is a command as far as its line, its code or its sentence goes.
	commandLine = regexp.MustCompile("(?m)(?:^|[`\"(]|: |\\./|-u ticketfrei | /)\\s*(?:#\\s*)?ticketfrei ([a-z][a-z-]*(?: [^`\n]*)?)")
	// commandEnd ends what is typed: a note, a pipe, a redirection, a list.
	commandEnd = regexp.MustCompile(`\s+#.*|\s*[|;<>)&].*|",.*|[".,:]+$`)
	// placeholder stands for a number.
	placeholder = regexp.MustCompile(`^(ID|NUMBER)$`)
	// commandWord is a word, or what stands between quotes.
	commandWord = regexp.MustCompile(`"[^"]*"|\S+`)
)

// commandsIn are the commands that a text names, by their words. In a document they stand
// between backticks, or in a block of code.
func commandsIn(file, text string) (commands [][]string) {
	if filepath.Ext(file) == ".md" {
		text = codeOf(text)
	}
	text = strings.NewReplacer("[", "", "]", "", "{{", "", "}}", "").Replace(text)
	for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
		var words []string
		for _, word := range commandWord.FindAllString(commandEnd.ReplaceAllString(m[1], ""), -1) {
			words = append(words, placeholder.ReplaceAllString(strings.Trim(word, `"`), "3"))
		}
		if !slices.Contains(words, "…") {
			commands = append(commands, words)
		}
	}
	return commands
}

// codeOf is what a document shows as code, a line for each.
func codeOf(text string) string {
	var b strings.Builder
	for i, block := range strings.Split(text, "```") {
		if i%2 == 1 {
			b.WriteString(strings.ReplaceAll(block, "`", "") + "\n")
			continue
		}
		for j, span := range strings.Split(block, "`") {
			if j%2 == 1 {
				b.WriteString(strings.Join(strings.Fields(span), " ") + "\n")
			}
		}
		for line := range strings.Lines(block) {
			if strings.HasPrefix(line, "    ") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// isCommand reports whether words are the name of a command and no more.
func isCommand(node *kong.Node, words []string) bool {
	for _, word := range words {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word })
		if i < 0 {
			return false
		}
		node = node.Children[i]
	}
	return true
}
