package program

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/scrub"
)

// maxWords bounds what a program says for people to read, in bytes.
const maxWords = 500

// spoken are a program's own words, for moderators to read.
type spoken string

// words takes out of what a program says what leads to people.
func words(s string) spoken {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(cut(s, maxWords), "�"), isControl), " ")
	return spoken(scrub.People(s))
}

func (s spoken) Error() string { return string(s) }

// Say returns the words: a program speaks one language.
func (s spoken) Say(bots.T) string { return string(s) }

var _ bots.Sayer = spoken("")

// What ends a process, or keeps it from working.
var (
	errGarbage    = errors.New("the program wrote a line that is none of the protocol")
	errLong       = bots.Say(fmt.Errorf("the program wrote a line longer than %d KiB", maxLine>>10), "program.error.long")
	errNotRunning = bots.Say(errors.New("the program is not running"), "program.error.not_running")
	errStopped    = bots.Say(errors.New("the program does not answer"), "program.error.no_answer")
	errClosed     = bots.Say(errors.New("the program closed its output"), "program.error.closed")
	errNotReady   = bots.Say(fmt.Errorf("the program was not ready within %s", readyTimeout), "program.error.not_ready", "Seconds", int(readyTimeout.Seconds()))
	errSealed     = bots.Say(errors.New("the settings were stored with another secret key"), "program.error.sealed")
	errIncomplete = bots.Say(errors.New("a setting is missing"), "program.error.incomplete")
	errOver       = bots.Say(errors.New("the program has ended and said that there is nothing more to do"), "program.error.over")
)

// errStart is that the program could not be started. Only the operator can mend that.
func errStart(err error) error {
	return bots.Say(fmt.Errorf("start the program: %w", err), "program.error.start")
}

// errLine is that the program wrote a line that cannot be read. What stands in it may be
// somebody's: it is not repeated.
func errLine(err error) error {
	return bots.Say(fmt.Errorf("%w: %w", errGarbage, err), "program.error.garbage")
}

// errHangs is that the program did not answer in time.
func errHangs(wait time.Duration) error {
	return bots.Say(fmt.Errorf("the program did not answer within %s", wait), "program.error.hangs", "Seconds", wait.Round(time.Second/10).Seconds())
}

// errPoison is that the program ended each time while it had the same in hand.
func errPoison(n int) error {
	return bots.Say(fmt.Errorf("the program ended %d times while it sent this report", n), "program.error.poison", "Count", n)
}

// errEnded says how a program ended by itself.
func errEnded(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return bots.Say(fmt.Errorf("the program was ended by a signal: %s", status.Signal()), "program.error.signal", "Signal", status.Signal().String())
		}
		return bots.Say(fmt.Errorf("the program ended with exit code %d", exit.ExitCode()), "program.error.exit", "Code", exit.ExitCode())
	}
	if err == nil {
		return bots.Say(errors.New("the program ended"), "program.error.ended")
	}
	return bots.Say(fmt.Errorf("the program was ended: %w", err), "program.error.overuse")
}
