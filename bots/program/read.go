package program

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
	"ticketfrei/internal/naming"
)

// nameForm is what the directory of a program is called: also the network, and the
// beginning of its tables, texts and routes.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,19}$`)

// usualDir is the directory that need not be there.
const usualDir = "programs"

// Load reads the programs in a directory, also those that are not enabled, by name. taken
// are the names of other networks. Errors are of type config.Errors and hold everything
// that is wrong. Without the directory there are no programs, unless it is one that
// somebody chose.
func Load(dir string, taken []string) ([]*Manifest, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) && dir == usualDir {
		return nil, nil
	}
	if err != nil {
		return nil, config.Errors{{Key: "programs.dir", Problem: err.Error(), Hint: "make the directory, or leave the setting out"}}
	}
	var list []*Manifest
	var errs config.Errors
	for _, e := range entries {
		m, wrong := read(dir, e.Name(), taken)
		errs = append(errs, wrong...)
		if m != nil {
			list = append(list, m)
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return list, nil
}

// read reads the program in a directory; nil where there is none.
func read(dir, name string, taken []string) (*Manifest, config.Errors) {
	path := filepath.Join(dir, name, File)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || isNoDirectory(err) {
		return nil, nil
	}
	f := &file{name: path}
	if err != nil {
		f.fail(0, "", "", "cannot be read: %v", err)
		return nil, f.errors()
	}
	whole, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		f.fail(0, "", "", "%v", err)
		return nil, f.errors()
	}
	m := &Manifest{Network: name, Dir: whole, ping: pinging{pingEvery, pongTimeout}}
	t := f.parse(commandTables.ReplaceAllString(string(raw), "$1[[commands]]"))
	if len(f.errs) > 0 {
		return nil, f.errors()
	}
	m.read(t)
	if m.Enabled {
		f.checkName(name, taken)
	}
	return m, f.errors()
}

// commandTables are the tables of commands. TOML knows no table of the name that a value
// has, so they are read under another one.
var commandTables = regexp.MustCompile(`(?m)^([ \t]*)\[\[[ \t]*command[ \t]*\]\]`)

func isNoDirectory(err error) bool {
	var wrong *fs.PathError
	return errors.As(err, &wrong) && strings.Contains(wrong.Err.Error(), "not a directory")
}

func (f *file) checkName(name string, taken []string) {
	const hint = "give the directory another name: 2 to 20 lower case letters a to z and digits, beginning with a letter"
	switch {
	case !nameForm.MatchString(name):
		f.fail(0, "", hint, "the network cannot be called %q", name)
	case slices.Contains(taken, name):
		f.fail(0, "", hint, "there is a network %s already", name)
	default:
		if err := naming.Check(name); err != nil {
			f.fail(0, "", hint, "%v", err)
		}
	}
}

// read takes everything out of the file.
func (m *Manifest) read(t *table) {
	m.Enabled = t.flag("enabled", true)
	m.readAbout(t)
	m.readWork(t)
	m.readCage(t)
	for _, row := range t.tables("setting", maxSettings) {
		m.readSetting(row)
	}
	for _, row := range t.tables("commands", maxSettings) {
		row.prefix = "command."
		m.readCommand(row)
	}
	for _, row := range t.tables("route", maxRoutes) {
		m.readRoute(row)
	}
	for _, row := range t.tables("schedule", maxRoutes) {
		m.readSchedule(row)
	}
	m.check(t)
	t.end()
}

func (m *Manifest) readAbout(t *table) {
	var line int
	if m.Name, line = t.words("name"); line == 0 || m.Name.En == "" {
		t.fail(line, "name", `write what moderators read, as name = "Signal"`, "is missing")
	}
	m.Description, _ = t.words("description")
	m.Version, _ = t.text("version")
	m.Author, _ = t.text("author")
	if m.Website, line = t.text("website"); m.Website != "" && !isWebsite(m.Website) {
		t.fail(line, "website", `write it as "https://example.org"`, "%q is no address of a web site", m.Website)
	}
	labels, line := value[map[string]any](t, "labels", nil, `write labels = {kind = "sms"}`)
	for name, v := range labels {
		s, ok := v.(string)
		if !ok || !labelName.MatchString(name) || len(s) > maxText || strings.ContainsFunc(s, isControl) {
			t.fail(line, "labels."+name, `write labels = {kind = "sms"}`, "is no label with a text")
			continue
		}
		if m.Labels == nil {
			m.Labels = map[string]string{}
		}
		m.Labels[name] = s
	}
}

func (m *Manifest) readWork(t *table) {
	var line int
	if m.Command, line = t.list("command"); len(m.Command) == 0 {
		t.fail(line, "command", `write the program and its arguments, as command = ["python3", "signal.py"]`, "is missing")
	} else if _, err := m.executable(); err != nil && m.Enabled {
		t.fail(line, "command", "write a file of the directory that may be executed (chmod +x), or a program in PATH", "%s cannot be run: %v", m.Command[0], plain(err))
	}
	m.readCan(t)
	m.Run = t.choice("run", runStays, runOnce)
	m.Workers = t.number("workers", 1, 1, maxWorkers)
	starts := []string{startHot, startLazy}
	if m.Run == runOnce && m.Workers == 1 {
		starts = []string{startLazy, startHot} // a script that does not wait for its message works
	}
	m.Start = t.choice("start", starts...)
	m.Answer, _ = t.duration("answer", defaultAnswer, 100*time.Millisecond, maxAnswer)
	m.Idle, _ = t.duration("idle", 30*time.Second, time.Second, maxIdle)
	m.Scope = t.choice("scope", "city", scopeServer)
	patterns, line := t.list("subscribe")
	for _, s := range patterns {
		if err := bus.Pattern(s).Check(); err != nil {
			t.fail(line, "subscribe", "", "%v", err)
		}
		m.Subscribe = append(m.Subscribe, bus.Pattern(s))
	}
}

// plain is an error without the words of the package that it comes from.
func plain(err error) error {
	var missing *exec.Error
	if errors.As(err, &missing) {
		return missing.Err
	}
	return err
}

func (m *Manifest) readCan(t *table) {
	list, line := t.list("can")
	for _, ability := range list {
		if !slices.Contains(abilities, ability) {
			t.fail(line, "can", didYouMean(ability, abilities), "%q is nothing that a program can: it is one of %s", ability, strings.Join(abilities, ", "))
		}
		if !m.can(ability) {
			m.Can = append(m.Can, ability)
		}
	}
}

func (m *Manifest) readCage(t *table) {
	m.Memory = t.number("memory", 256, 0, 1<<20)
	m.Files, _ = t.list("files")
	m.Internet = t.flag("network", true)
	var line int
	m.Requires, line = t.list("requires")
	for _, name := range m.Requires {
		if _, err := exec.LookPath(name); err != nil && m.Enabled {
			t.fail(line, "requires", "install it, or take the program out of the directory", "%s cannot be run: %v", name, plain(err))
		}
	}
}

func (m *Manifest) readSetting(t *table) {
	defer t.end()
	name, line := t.text("name")
	if !settingName.MatchString(name) {
		t.fail(max(line, t.line), t.prefix+"name", "write it as PHONE_NUMBER or phone_number", "%q is no name of a setting", name)
	}
	if slices.ContainsFunc(m.Settings, func(s Setting) bool { return s.Name == name }) {
		t.fail(line, t.prefix+"name", "", "there are two settings %s", name)
	}
	s := Setting{Name: name, Secret: t.flag("secret", false)}
	if s.Label, line = t.words("label"); line == 0 {
		s.Label = Text{name, name}
	}
	s.Hint, _ = t.words("hint")
	s.Default, line = t.text("default")
	s.Optional = line > 0
	m.Settings = append(m.Settings, s)
}

func (m *Manifest) readCommand(t *table) {
	defer t.end()
	word, line := t.text("word")
	switch {
	case !commandWord.MatchString(word):
		t.fail(max(line, t.line), t.prefix+"word", "write lower case letters, digits, _ and -, as \"fahrplan\"", "%q is no word of a command", word)
	case slices.Contains(builtInWords, word):
		t.fail(line, t.prefix+"word", "write another word", "the bots themselves answer /%s", word)
	case slices.ContainsFunc(m.Words, func(w Word) bool { return w.Word == word }):
		t.fail(line, t.prefix+"word", "", "there are two commands /%s", word)
	}
	list, line := t.list("entities")
	for _, e := range list {
		if !slices.Contains(entities, e) {
			t.fail(line, t.prefix+"entities", "write some of "+strings.Join(entities, ", "), "%q is not known", e)
		}
	}
	m.Words = append(m.Words, Word{word, list})
}

func (m *Manifest) readRoute(t *table) {
	defer t.end()
	path, line := t.text("path")
	if !routePath.MatchString(path) || strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "/./") {
		t.fail(max(line, t.line), t.prefix+"path", `write it without a "/" at its ends, as "status" or "lines/next"`, "%q is no path", path)
		return
	}
	if slices.Contains(m.Routes, path) {
		t.fail(line, t.prefix+"path", "", "there are two routes %s", path)
		return
	}
	m.Routes = append(m.Routes, path)
}

func (m *Manifest) readSchedule(t *table) {
	defer t.end()
	s := Schedule{At: -1}
	every, everyLine := t.duration("every", 24*time.Hour, time.Second, 30*24*time.Hour)
	at, atLine := t.text("at")
	if everyLine == 0 && atLine == 0 {
		t.fail(t.line, "schedule", `write every = "15m", or at = "04:00"`, "says no time")
	}
	if s.Every = every; atLine > 0 {
		clock, err := time.Parse("15:04", at)
		if err != nil {
			t.fail(atLine, t.prefix+"at", `write a time of the day, as "04:00"`, "%q is no time of the day", at)
			return
		}
		s.At = clock.Sub(clock.Truncate(24 * time.Hour))
	}
	m.Schedule = append(m.Schedule, s)
}

// check says what does not fit together.
func (m *Manifest) check(t *table) {
	for ability, is := range map[string]bool{canCommand: len(m.Words) > 0, canRoute: len(m.Routes) > 0, canSchedule: len(m.Schedule) > 0} {
		switch {
		case is && !m.can(ability):
			m.Can = append(m.Can, ability)
		case !is && m.can(ability):
			t.fail(0, "can", "write a table [["+ability+"]], or leave it out", "says %s, and there is none", ability)
		}
	}
	for _, ability := range []string{canRetract, canRecipients} {
		if m.can(ability) && !m.can(canSend) {
			t.fail(0, "can", "", "says %s, which needs send too", ability)
		}
	}
	if len(m.Can) == 0 && len(m.Subscribe) == 0 {
		t.fail(0, "can", `write what the program can, as can = ["receive", "send"]`, "is missing")
	}
	if m.Start == startLazy && m.Run == runStays && m.can(canReceive) {
		t.fail(0, "start", `leave it out`, "is lazy, but the program receives: nothing would start it")
	}
	if m.Start == startLazy && m.Workers > 1 {
		t.fail(0, "workers", "leave it out, or start", "is above 1, but the program is lazy: one works at a time")
	}
	slices.SortFunc(m.Can, func(a, b string) int { return slices.Index(abilities, a) - slices.Index(abilities, b) })
}
