package cage

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// systemPaths may be read by every program, as far as they are there: interpreters,
// libraries, certificates, and what names and times are looked up in.
var systemPaths = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/alternatives",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
	"/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/os-release", "/etc/passwd", "/etc/group",
	"/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/sys/devices/system/cpu",
}

// systemDevices may be read and written by every program.
var systemDevices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// resolvers are sockets and directories of sockets where names are looked up.
var resolvers = []string{"/run/systemd/resolve", "/run/nscd"}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath is where programs look for commands: where we do, but for what lies below the
// directory we happen to be in.
func searchPath() string {
	list := slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool { return !filepath.IsAbs(dir) })
	if len(list) == 0 {
		return defaultPath
	}
	return strings.Join(list, string(filepath.ListSeparator))
}

// addPaths collects what the program may read and write.
func (p *plan) addPaths(o Options) error {
	hidden := realPaths(o.Hidden)
	if shows(p.dir, hidden) {
		return fmt.Errorf("%s holds what no program may read: put the program into a directory of its own", p.dir)
	}
	p.spec.Write = append(p.spec.Write, p.dir)
	p.spec.NoTCP = !o.Network
	for _, path := range systemPaths {
		if shows(path, hidden) {
			return fmt.Errorf("the server keeps its data below %s, which programs must read: move the data directory", path)
		}
		p.allow(path)
	}
	p.spec.Device = append(p.spec.Device, systemDevices...)
	if o.Network {
		p.allow(resolvers...)
	}
	for _, dir := range p.installed(o) {
		if !shows(dir, hidden) {
			p.allow(dir)
		}
	}
	return p.addFiles(o.Files, hidden)
}

// addFiles adds what the operator names.
func (p *plan) addFiles(files, hidden []string) error {
	var wrong []error
	for _, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.dir, file)
		}
		if _, err := os.Stat(file); err != nil {
			wrong = append(wrong, fmt.Errorf("files: %w", err))
			continue
		}
		if shows(file, hidden) || lies(file, hidden) && !lies(file, realPaths([]string{p.dir})) {
			wrong = append(wrong, fmt.Errorf("files: %s would show the program the server's own data", file))
			continue
		}
		p.allow(file)
	}
	return errors.Join(wrong...)
}

// allow adds paths as far as they are there.
func (p *plan) allow(paths ...string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir() || info.Mode().IsRegular():
			p.spec.Read = append(p.spec.Read, path)
		default:
			p.spec.Device = append(p.spec.Device, path)
		}
	}
}

// shows tells whether one of the hidden paths lies at or below path.
func shows(path string, hidden []string) bool {
	actual := realPaths([]string{path})[0]
	return slices.ContainsFunc(hidden, func(h string) bool { return below(h, actual) })
}

// lies tells whether path is one of the directories or lies below one.
func lies(path string, dirs []string) bool {
	actual := realPaths([]string{path})[0]
	return slices.ContainsFunc(dirs, func(dir string) bool { return below(actual, dir) })
}

// below tells whether path is dir or lies in it.
func below(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// realPaths follows the links in paths, as far as they are there.
func realPaths(paths []string) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = path
		if abs, err := filepath.Abs(path); err == nil {
			list[i] = abs
		}
		if actual, err := filepath.EvalSymlinks(list[i]); err == nil {
			list[i] = actual
		}
	}
	return list
}

// argv finds the program to execute.
func argv(dir string, command []string) ([]string, error) {
	if len(command) == 0 || command[0] == "" {
		return nil, errors.New("command is empty")
	}
	path, err := find(dir, command[0])
	if err != nil {
		return nil, err
	}
	return append([]string{path}, command[1:]...), nil
}

// find returns the path of a command.
func find(dir, name string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, name)
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
		return path, nil
	}
	if strings.Contains(name, "/") {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("command: there is no file %s", path)
		case err != nil:
			return "", fmt.Errorf("command: %w", err)
		}
		return "", fmt.Errorf("command: %s may not be executed: chmod +x it, or name what runs it, as [\"sh\", %q]", path, name)
	}
	for _, dir := range filepath.SplitList(searchPath()) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	if err == nil && !info.IsDir() {
		return "", fmt.Errorf("command: %s may not be executed: chmod +x it, or name what runs it, as [\"sh\", %q]", path, name)
	}
	return "", fmt.Errorf("command: %s is not in PATH (%s), nor in %s: install it", name, searchPath(), dir)
}

// installed are the directories of what is called, outside of the system's: those in PATH,
// and where interpreters are installed with their libraries.
func (p *plan) installed(o Options) []string {
	list := filepath.SplitList(searchPath())
	for _, path := range append([]string{p.spec.Argv[0]}, p.called(o.Requires)...) {
		list = append(list, prefix(path))
		if actual, err := filepath.EvalSymlinks(path); err == nil {
			list = append(list, filepath.Dir(actual), prefix(actual))
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(dir string) bool { return dir == "" || dir == "/" })
}

// called finds the commands, and what is named in the first line of a script.
func (p *plan) called(requires []string) (paths []string) {
	for _, name := range append(shebang(p.spec.Argv[0]), requires...) {
		if path, err := find(p.dir, name); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// shebang returns what the first line of a script calls.
func shebang(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	line, err := bufio.NewReaderSize(file, 256).ReadSlice('\n')
	rest, is := strings.CutPrefix(string(line), "#!")
	if err != nil || !is {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(rest), func(word string) bool { return strings.HasPrefix(word, "-") })
}

// prefix returns what an interpreter is installed below, as /opt/python for
// /opt/python/bin/python3; empty where that is the system's, or the home of somebody.
func prefix(path string) string {
	bin := filepath.Dir(path)
	if base := filepath.Base(bin); base != "bin" && base != "sbin" && base != "shims" {
		return ""
	}
	dir := filepath.Dir(bin)
	home, _ := os.UserHomeDir()
	if dir == "/" || dir == home || dir == "/root" || filepath.Dir(dir) == "/home" || filepath.Base(dir) == ".local" {
		return ""
	}
	return dir
}
