package cage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// plan is what becomes of Options on this machine.
type plan struct {
	spec       spec
	dir        string
	credential *syscall.Credential // nil: as we are
	warnings   []string
}

// spec is what the helper is told.
type spec struct {
	Argv   []string
	Read   []string // directories and files
	Write  []string // directories
	Device []string // also sockets
	Memory int      // MiB; 0: no bound
	Tasks  uint64   // of all that its user runs; 0: no bound
	NoTCP  bool     // there is no namespace to keep it from the network
}

// Check says what keeps a program from starting, in words for the operator, or else how
// far it is not caged on this machine.
func Check(o Options) (warnings []string, err error) {
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	return p.warnings, nil
}

func newPlan(o Options) (*plan, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	p := &plan{dir: dir}
	if p.warnings, err = admit(landlockVersion(), o); err != nil {
		return nil, err
	}
	if p.credential, err = credential(o.User); err != nil {
		return nil, err
	}
	p.spec = spec{Memory: o.Memory, Tasks: p.boundOfTasks()}
	if p.spec.Argv, err = argv(dir, o.Command); err != nil {
		return nil, err
	}
	return p, p.addPaths(o)
}

// landlockVersion returns what the kernel's Landlock can do; 0: there is none.
func landlockVersion() int {
	version, err := llsyscall.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return version
}

// The versions of Landlock that brought a thing.
const (
	versionRefer  = 2
	versionTCP    = 4
	versionScopes = 6
)

// admit refuses what cannot be caged, and warns of what is caged in part.
func admit(landlock int, o Options) (warnings []string, err error) {
	if landlock == 0 {
		if o.User == "" && !o.Trusted {
			return nil, errors.New("this kernel has no Landlock, or a container forbids it, so the program could read secret.key: " +
				"set programs.user to a user of its own (the server must run as root for that), or programs.trusted = true if you trust every program")
		}
		return []string{"this kernel has no Landlock, or a container forbids it: programs can read and write what their user can"}, nil
	}
	if landlock < versionTCP && !o.Network {
		warnings = append(warnings, "this kernel's Landlock cannot keep a program from the network; network = false holds only where there are network namespaces")
	}
	if landlock < versionScopes && o.User == "" {
		warnings = append(warnings, "this kernel's Landlock cannot keep a program from sending signals to the server: set programs.user")
	}
	return warnings, nil
}

// credential looks up who the program runs as.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	c, err := lookUp(name)
	if err != nil {
		return nil, fmt.Errorf("programs.user: %w", err)
	}
	if os.Geteuid() == int(c.Uid) {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("programs.user is %s, but only root can start programs as somebody else: start the server as root, or leave programs.user empty", name)
	}
	return c, nil
}

func lookUp(name string) (*syscall.Credential, error) {
	if id, group, both := strings.Cut(name, ":"); both || isNumber(id) {
		if !both {
			group = id
		}
		uid, err1 := strconv.ParseUint(id, 10, 32)
		gid, err2 := strconv.ParseUint(group, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%q is not a user: write a name, or numbers as 65534:65534", name)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %q on this machine", name)
	}
	c, err := lookUp(u.Uid + ":" + u.Gid)
	if err != nil {
		return nil, err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of %s: %w", name, err)
	}
	for _, group := range groups {
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(id))
		}
	}
	return c, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// uid is who the program runs as.
func (p *plan) uid() int {
	if p.credential != nil {
		return int(p.credential.Uid)
	}
	return os.Getuid()
}

// makeTemp makes the program's own directory for temporary files.
func (p *plan) makeTemp() (string, error) {
	temp, err := os.MkdirTemp("", "ticketfrei-program-")
	if err != nil {
		return "", fmt.Errorf("make a directory for temporary files: %w", err)
	}
	if p.credential != nil {
		if err := os.Chown(temp, int(p.credential.Uid), int(p.credential.Gid)); err != nil {
			return "", errors.Join(fmt.Errorf("make a directory for temporary files: %w", err), os.RemoveAll(temp))
		}
	}
	p.spec.Write = append(p.spec.Write, temp)
	return temp, nil
}

// namespaces are the flags to try, in order.
func (p *plan) namespaces() []uintptr {
	if !p.spec.NoTCP {
		return []uintptr{0}
	}
	if p.credential != nil {
		return []uintptr{unix.CLONE_NEWNET, 0}
	}
	return []uintptr{unix.CLONE_NEWNET, unix.CLONE_NEWUSER | unix.CLONE_NEWNET, 0}
}

// command makes the command that starts the helper: this program, whatever lies at its path
// by now.
func (p *plan) command(flags uintptr, temp string) *exec.Cmd {
	told := p.spec
	told.NoTCP = told.NoTCP && flags == 0
	raw, err := json.Marshal(told)
	if err != nil {
		panic(err) // texts and numbers
	}
	cmd := exec.Command("/proc/self/exe", Command, string(raw))
	cmd.Dir, cmd.Env = p.dir, p.environment(temp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: p.credential, Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// environment is all that a program knows of ours.
func (p *plan) environment(temp string) []string {
	language := os.Getenv("LANG")
	if language == "" {
		language = "C.UTF-8"
	}
	return []string{"PATH=" + searchPath(), "LANG=" + language, "HOME=" + p.dir, "TMPDIR=" + temp, "TICKETFREI_PROGRAM=1"}
}

// explain says what the operator can do about a helper that did not start.
func (p *plan) explain(err error, flags uintptr) error {
	switch info, statErr := os.Stat(p.dir); {
	case flags != 0:
		return errNoNamespace
	case statErr != nil:
		return fmt.Errorf("the directory of the program: %w", statErr)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", p.dir)
	case errors.Is(err, syscall.EACCES) && p.credential != nil:
		return fmt.Errorf("user %d of programs.user may not enter %s, or not execute the server's own file: %w", p.credential.Uid, p.dir, err)
	default:
		return fmt.Errorf("start the program: %w", err)
	}
}
