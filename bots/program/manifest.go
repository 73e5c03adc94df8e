package program

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ticketfrei/internal/bus"
)

// File is the name of the file that makes a directory an outside program.
const File = "program.toml"

// What a program can. A command, a route or a schedule says so by being there.
const (
	canReceive    = "receive"
	canSend       = "send"
	canAnswer     = "answer"
	canRetract    = "retract"
	canRecipients = "recipients"
	canTask       = "task"
	canCommand    = "command"
	canRoute      = "route"
	canSchedule   = "schedule"
)

// abilities are all of them.
var abilities = []string{canReceive, canSend, canAnswer, canRetract, canRecipients, canTask, canCommand, canRoute, canSchedule}

// How a program runs and starts.
const (
	runStays  = "stays"
	runOnce   = "once"
	startHot  = "hot"
	startLazy = "lazy"
)

// scopeServer has a program hear the events of all cities.
const scopeServer = "server"

// Manifest is what program.toml says of an outside program.
type Manifest struct {
	Network string // the name of its directory
	Dir     string // absolute
	Enabled bool

	Name        Text
	Description Text // may be empty
	Version     string
	Author      string
	Website     string
	Labels      map[string]string

	Command   []string
	Can       []string // some of abilities
	Run       string
	Start     string
	Workers   int
	Answer    time.Duration // longest wait for one answer
	Idle      time.Duration
	Memory    int // MiB; 0: no limit
	Files     []string
	Internet  bool // "network" in the file
	Subscribe []bus.Pattern
	Scope     string
	Requires  []string
	Settings  []Setting
	Words     []Word // of commands
	Routes    []string
	Schedule  []Schedule

	ping pinging
}

// pinging says how it is found out whether a process lives.
type pinging struct {
	every   time.Duration
	timeout time.Duration // until it has answered, or read the ping at least
}

// Text is a text in the languages of moderators.
type Text struct{ En, De string }

// Setting is something that a moderator types for the program.
type Setting struct {
	Name    string
	Label   Text
	Hint    Text // may be empty
	Secret  bool
	Default string
	// Optional is set where it may stay empty: it has a default, be it empty.
	Optional bool
}

// Word is a command of riders.
type Word struct {
	Word     string
	Entities []string // some of entities
}

// entities are what a command may be given beside its text.
var entities = []string{"line", "stop", "toward"}

// Schedule says when the program is sent a tick: each Every, beginning at the start of the
// server or, where At is given, at that time of the city's day.
type Schedule struct {
	Every time.Duration
	At    time.Duration // since midnight; -1: none
}

// The bounds of what a manifest says.
const (
	maxWorkers = 16
	maxAnswer  = time.Minute
	// defaultAnswer is so short that what comes after a report that hangs is sent within ten
	// seconds.
	defaultAnswer = 5 * time.Second
	maxIdle       = time.Hour
	maxText       = 200 // bytes of a name or a label
	maxSettings   = 50
	maxRoutes     = 50
)

// can tells whether the program can do something.
func (m *Manifest) can(ability string) bool { return slices.Contains(m.Can, ability) }

// title is its name for the operator.
func (m *Manifest) title() string { return m.Name.En }

// HasLabels tells whether the program has these labels.
func (m *Manifest) HasLabels(labels map[string]string) bool {
	for name, s := range labels {
		if m.Labels[name] != s {
			return false
		}
	}
	return true
}

// LabelsText are the labels, as "kind=sms".
func (m *Manifest) LabelsText() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		list = append(list, name+"="+m.Labels[name])
	}
	return strings.Join(list, " ")
}

// Runs says how the program runs, in words.
func (m *Manifest) Runs() string {
	if !m.Enabled {
		return "switched off"
	}
	return m.Run + ", " + m.Start
}

var (
	settingName = regexp.MustCompile(`^([A-Z][A-Z0-9_]{0,39}|[a-z][a-z0-9_]{0,39})$`)
	commandWord = regexp.MustCompile(`^[\p{Ll}0-9_-]{1,32}$`)
	routePath   = regexp.MustCompile(`^[a-zA-Z0-9._~-]+(/[a-zA-Z0-9._~-]+)*$`)
	labelName   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	// builtInWords are commands of the bots themselves.
	builtInWords = []string{"start", "stop", "help"}
)

// executable returns the file that a command names: one of the program's directory, or
// one in PATH.
func (m *Manifest) executable() (string, error) {
	name := m.Command[0]
	if !filepath.IsAbs(name) {
		own := filepath.Join(m.Dir, name)
		if info, err := os.Stat(own); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return own, nil
		} else if strings.Contains(name, "/") && err == nil {
			return "", os.ErrPermission
		}
		if strings.Contains(name, "/") {
			return "", os.ErrNotExist
		}
	}
	return exec.LookPath(name)
}

// isWebsite tells whether a text is an address of a web site.
func isWebsite(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
