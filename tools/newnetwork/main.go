// Newnetwork begins a new network: it writes bots/NAME and brings the list of
// networks up to date.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"ticketfrei/internal/naming"
	"ticketfrei/tools/newnetwork/scaffold"
)

// commands is the command line.
type commands struct {
	Name string `arg:"" help:"Name of the network: lower case letters and digits, as matrix."`
	Kind string `default:"post" enum:"chat,post,send" help:"What it is: chat (people talk to a bot, chats subscribe), post (one account that everybody can follow), send (only posts, hears nothing)."`
}

// The exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the command line args and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cmd commands
	exited := false
	parser, err := kong.New(&cmd, kong.Name("newnetwork"),
		kong.Description("Begins a new network: writes bots/NAME, and lists it."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }))
	if err != nil {
		fmt.Fprintln(stderr, "newnetwork:", err)
		return exitError
	}
	_, err = parser.Parse(args)
	if exited {
		return exitOK // --help
	}
	if err == nil {
		err = naming.Check(cmd.Name)
	}
	if err != nil {
		fmt.Fprintln(stderr, "newnetwork:", err)
		return exitUsage
	}
	if err := cmd.write(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "newnetwork:", err)
		return exitError
	}
	return exitOK
}

// listOfNetworks is the file that go generate writes.
const listOfNetworks = "bots/all/all.go"

// write writes the directory of the network, made from the scaffold, and brings
// the list of networks up to date. Where something fails, everything is as it
// was before.
func (cmd *commands) write(ctx context.Context, stdout io.Writer) error {
	if err := checkSourceTree(); err != nil {
		return err
	}
	dir := filepath.Join("bots", cmd.Name)
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already; choose another name", dir)
	}
	files, err := networkFiles(cmd.Kind, cmd.Name)
	if err != nil {
		return err
	}
	if err := writeWhole(dir, files); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	if err := generateList(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return cmd.tell(stdout, files)
}

// checkSourceTree makes sure that the working directory is the project's root.
func checkSourceTree() error {
	where := errors.New("run this in the root of Ticketfrei's source, where go.mod and bots/ are")
	mod, err := os.ReadFile("go.mod")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no go.mod here: %w", where)
	}
	if err != nil {
		return err
	}
	module := ""
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "module" {
			module = strings.Trim(fields[1], `"`)
			break
		}
	}
	if module != "ticketfrei" {
		return fmt.Errorf("go.mod is that of the module %q: %w", module, where)
	}
	if info, err := os.Stat("bots"); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory bots here: %w", where)
	}
	return nil
}

// newFile is a file of the new network; its name is below the directory.
type newFile struct {
	name    string
	content []byte
}

// networkFiles returns the files of the scaffold of a kind with the network's name
// in place of the scaffold's, in order of their names.
func networkFiles(kind, name string) ([]newFile, error) {
	source, err := fs.Sub(scaffold.Source, kind)
	if err != nil {
		return nil, fmt.Errorf("make the files: %w", err)
	}
	title := strings.ToUpper(name[:1]) + name[1:]
	rename := strings.NewReplacer("tools/newnetwork/scaffold/"+kind, "bots/"+name, naming.Scaffold, name, "Scaffold", title)
	var files []newFile
	err = fs.WalkDir(source, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(source, file)
		if err != nil {
			return err
		}
		content := []byte(rename.Replace(string(raw)))
		if path.Ext(file) == ".go" {
			// Names of another length are aligned and sorted in another way.
			if content, err = format.Source(content); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		files = append(files, newFile{file, content})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make the files: %w", err)
	}
	return files, nil
}

// writeWhole makes the directory with all files in it, or not at all.
func writeWhole(dir string, files []newFile) error {
	// Beside dir, so that it can be renamed, and one level down, where go
	// generate does not look for networks.
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	whole := filepath.Join(temp, filepath.Base(dir))
	for _, f := range files {
		target := filepath.Join(whole, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, f.content, 0o644); err != nil {
			return err
		}
	}
	return os.Rename(whole, dir)
}

// generateList runs go generate; where it fails, the list is put back.
func generateList(ctx context.Context) error {
	before, err := os.ReadFile(listOfNetworks)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "generate", "./...")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("go generate: %w\n%s", err, bytes.TrimSpace(out))
	if after, readErr := os.ReadFile(listOfNetworks); readErr == nil && bytes.Equal(before, after) {
		return err
	}
	return errors.Join(err, os.WriteFile(listOfNetworks, before, 0o644))
}

// tell says what was written and what to do next.
func (cmd *commands) tell(stdout io.Writer, files []newFile) error {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "wrote bots/%s/%s\n", cmd.Name, f.name)
	}
	fmt.Fprintf(&b, `wrote %[2]s

The network %[1]s speaks a toy API for now, explained in bots/%[1]s/bot.go.
Next:

  go test ./bots/%[1]s/...   it passes as it is
  go run . demo              look at it: /demo/%[1]s

Then put the real API in place of the toy: docs/ADDING-A-NETWORK.md
`, cmd.Name, listOfNetworks)
	_, err := fmt.Fprint(stdout, b.String())
	return err
}
