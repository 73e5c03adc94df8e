package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// asUser is what to do where this user may not do what the program does.
const asUser = "run the doctor as the user that runs ticketfrei, or make that user the owner"

// directory looks at who else can read what the program keeps.
func (d *doctor) directory(context.Context) []Result {
	dir := d.Config.Data
	what := "data directory " + dir
	if _, err := os.Stat(dir); err != nil {
		return []Result{{Wrong, what, err.Error(), fmt.Sprintf("create it for the user that runs ticketfrei (uid %d), or choose another with the setting data", os.Getuid())}}
	}
	for _, path := range []string{filepath.Join(dir, secret.FileName), filepath.Join(dir, db.FileName), dir} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return []Result{{Wrong, what, err.Error(), asUser}}
		}
		if info.Mode().Perm()&0o077 != 0 {
			return []Result{{Warning, what, "others on this machine can read " + path, "chmod go= " + path}}
		}
	}
	const writable = 2 // access(2): W_OK
	if err := syscall.Access(dir, writable); err != nil {
		return []Result{{Wrong, what, fmt.Sprintf("uid %d cannot write to it: %v", os.Getuid(), err), asUser}}
	}
	return []Result{{OK, what, "it is there, and nobody else can read it", ""}}
}

// roomy is how many times what must be free is enough for a while.
const roomy = 10

// disk looks at the room for the database.
func (d *doctor) disk(context.Context) []Result {
	if d.Config.Database.URL != "" { // it is on the disk of its server
		return nil
	}
	what := "disk of " + d.Config.Data
	free, need, err := db.Room(d.Config.Data)
	text := fmt.Sprintf("%d MB are free", free>>20)
	switch {
	case err != nil:
		return []Result{{Warning, what, err.Error(), ""}}
	case free < need:
		return []Result{{Wrong, what, fmt.Sprintf("%s, and below %d MB nothing new is stored", text, need>>20), "make room"}}
	case free < roomy*need:
		return []Result{{Warning, what, fmt.Sprintf("%s; below %d MB nothing new is stored", text, need>>20), "make room"}}
	}
	return []Result{{OK, what, text, ""}}
}

// Ready asks the program that listens at an address of this machine whether it can
// work.
func Ready(ctx context.Context, listen string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/readyz", nil)
	if err != nil {
		return err
	}
	local := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialLocal(ctx, listen)
	}}
	resp, err := (&http.Client{Transport: local}).Do(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s", strings.TrimSpace(string(text)))
	}
	return nil
}

// server asks the program on this machine.
func (d *doctor) server(ctx context.Context) []Result {
	what := "the program at " + d.Config.Web.Listen
	err := Ready(ctx, d.Config.Web.Listen)
	switch {
	case !d.running():
		return []Result{{Warning, what, "it does not run", `start it ("ticketfrei serve") and look again`}}
	case err != nil:
		return []Result{{Wrong, what, err.Error(), "look into the log"}}
	}
	return []Result{{OK, what, "it runs and can work", ""}}
}

// How far the clock may be off.
const (
	clockWarning = 30 * time.Second
	clockWrong   = 5 * time.Minute
)

const setClock = "have the system set it: timedatectl set-ntp true, or install chrony (in a container: on the machine around it)"

// clock compares this machine's clock with those of others that are asked anyway, and
// asks the system whether something keeps it right.
func (d *doctor) clock(ctx context.Context) []Result {
	const what = "clock"
	sources := []string{d.Config.Web.URL + "/healthz"}
	if d.Config.Web.ACME != "" {
		sources = append(sources, d.Config.Web.ACMEDirectory)
	}
	compared := ""
	for _, source := range sources {
		off, err := d.offset(ctx, source)
		if err != nil {
			continue
		}
		if off > clockWarning {
			return []Result{wrongClock(off, source)}
		}
		compared = source
	}
	kept, known := clockIsKept()
	switch {
	case compared == d.Config.Web.ACMEDirectory && compared != "":
		return []Result{{OK, what, "it agrees with that of " + compared, ""}}
	case known && kept:
		return []Result{{OK, what, "the system keeps it right", ""}}
	case compared != "":
		return []Result{{OK, what, "it agrees with that of " + compared + ", which may be this machine; whether something keeps it right is not seen (timedatectl says so)", ""}}
	}
	return []Result{{Warning, what, "whether something keeps it right is not known", setClock}}
}

func wrongClock(off time.Duration, source string) Result {
	r := Result{Warning, "clock", fmt.Sprintf("it is %s off that of %s", off.Round(time.Second), source), setClock}
	if off > clockWrong {
		r.Level = Wrong
		r.Found += ": links end too early or late, and signatures and certificates are refused"
	}
	return r
}

// offset is how far the clock is from that of a server, about.
func (d *doctor) offset(ctx context.Context, url string) (time.Duration, error) {
	before := d.Now()
	resp, err := d.get(ctx, url)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, err
	}
	return (before.Add(d.Now().Sub(before) / 2).Sub(date)).Abs(), nil
}
