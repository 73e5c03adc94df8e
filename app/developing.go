package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

type devCommand struct {
	NoBuild bool `help:"Do not build the program again when its Go sources change."`
	Verbose bool `short:"v" help:"Write everything to the log."`
	// With these a program that was built goes on where the one before was.
	Resume string `hidden:""`
	Listen string `hidden:""`
}

// devAddress is where the pages are, if nobody else listens there.
const devAddress = "127.0.0.1:8080"

// homeConfig is the file of settings in a home.
const homeConfig = "config.toml"

// Run serves the demo from the files in the working directory, and again as they change.
func (cmd *devCommand) Run(c *console) error {
	d := &developing{devCommand: cmd, console: c, dev: frontend.NewDev(), listen: cmd.Listen, dir: cmd.Resume}
	if err := d.findPlace(); err != nil {
		return err
	}
	if cmd.Resume != "" {
		return d.resume()
	}
	var err error
	if d.dir, err = os.MkdirTemp("", "ticketfrei-dev-"); err != nil {
		return err
	}
	return errors.Join(d.begin(), os.RemoveAll(d.dir))
}

// developing is a demo that follows the files in the working directory.
type developing struct {
	*devCommand
	*console
	dev    *frontend.Dev
	tree   sourceTree // empty in a home
	config string     // the settings of a home; empty in the source
	// programs is the directory of the outside programs, once it is known.
	programs string
	dir      string // of the data
	listen   string // address of the pages, once it is chosen
	shown    bool   // the demo's own report was sent

	mu     sync.Mutex
	end    context.CancelFunc // ends what runs: a server, or what shows that none does
	missed bool               // something has changed while nothing ran that could be ended
	away   bool               // a program that was built serves, and follows the files
	built  string             // the program that is to go on; empty: this one
	server *server            // nil while none runs
	wrong  map[kind]error     // what is broken beside the server that runs
}

// kind is what kind of files is broken: what mends one does not mend another.
type kind int

const (
	theStart kind = iota // no server runs
	settingsFiles
	siteLooks
	programFiles
	sources
)

// findPlace tells whether the working directory is the program's source or a home.
func (d *developing) findPlace() error {
	if module, err := os.ReadFile("go.mod"); err == nil && strings.HasPrefix(string(module), "module ticketfrei\n") {
		d.tree, d.shown = ".", d.Resume != ""
		return nil
	}
	if _, err := os.Stat(homeConfig); err == nil {
		d.config, d.shown = homeConfig, d.Resume != ""
		return nil
	}
	return &usageError{fmt.Errorf("dev serves what is in the working directory: go to the root of Ticketfrei's source, or to a home with a %s; ticketfrei new home DIR makes one", homeConfig)}
}

// run has serve serve again and again, until the console's context ends or a program was built
// that is to go on. Where it fails, that is shown until something changes.
func (d *developing) run(serve func() error) (built string, err error) {
	ctx, stop := context.WithCancel(d.ctx)
	defer stop()
	if err := watch(ctx, d.log(), d.watched(), d.changed); err != nil {
		return "", err
	}
	for d.ctx.Err() == nil && built == "" {
		if err := serve(); err != nil && d.ctx.Err() == nil {
			fmt.Fprintln(d.stderr, "Waiting for a change.")
			d.showBroken(err)
		}
		d.mu.Lock()
		built, d.built = d.built, ""
		d.mu.Unlock()
	}
	return built, nil
}

// watched are the directories whose files are followed.
func (d *developing) watched() []string {
	if d.tree != "" {
		return []string{"."}
	}
	dirs := []string{"."}
	if cfg, _, err := d.settings(); err == nil && cfg.Web.Templates != "" {
		dirs = append(dirs, cfg.Web.Templates)
	}
	if d.programs != "" {
		dirs = append(dirs, d.programs)
	}
	return dirs
}

func (d *developing) log() *slog.Logger {
	level := slog.LevelWarn
	if d.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(d.stderr, &slog.HandlerOptions{Level: level}))
}

// settings are those of the demo, with what the home changes, and the networks, outside
// programs among them.
func (d *developing) settings() (*config.Config, []bots.Definition, error) {
	definitions := all.Networks()
	cfg, err := demoConfig(d.defaults, d.config, d.dir, definitions)
	if err != nil {
		return nil, nil, err
	}
	if d.listen != "" {
		cfg.Web.URL = strings.Replace(cfg.Web.URL, portOf(cfg.Web.Listen), portOf(d.listen), 1)
		cfg.Web.Listen = d.listen
	}
	d.programs = filepath.Clean(cfg.Programs.Dir)
	more, _, err := programs.Definitions(cfg, definitions)
	return cfg, append(definitions, more...), err
}

func portOf(address string) string { return address[strings.LastIndex(address, ":"):] }

// serve serves until something changes for which another server is needed.
func (d *developing) serve() error {
	cfg, definitions, err := d.settings()
	if err != nil {
		return err
	}
	d.listen = cfg.Web.Listen
	files := siteFiles{d.tree, cfg.Web.Templates}
	if err := errors.Join(files.check(definitions)...); err != nil {
		return err
	}
	s, err := newServer(d.ctx, cfg, definitions, d.log(), mode{demo: true, source: d.tree, dev: d.dev, undo: manage.UndoFor})
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(d.ctx)
	defer stop()
	d.runs(stop, s)
	defer d.runs(nil, nil)
	demo := &demo{console: d.with(ctx), server: s, smtp: s.addresses["mail"]}
	if err := demo.prepare(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	d.dev.Changed(nil)
	err = d.welcome(demo)
	if err != nil {
		stop()
	}
	return errors.Join(err, <-ended)
}

// welcome says where everything is, and sends a report through it the first time.
func (d *developing) welcome(demo *demo) error {
	if d.shown {
		fmt.Fprintf(d.stdout, "%s  serving again: %s\n", time.Now().Format(time.TimeOnly), demo.server.cfg.Web.URL)
		return nil
	}
	d.shown = true
	demo.welcome()
	return demo.show()
}

// runs notes which server runs, and how it is ended.
func (d *developing) runs(end context.CancelFunc, s *server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end, d.server, d.wrong = end, s, map[kind]error{}
	if end != nil && (d.missed || d.built != "") {
		d.missed = false
		end()
	}
}

// changed follows a change of files.
func (d *developing) changed(paths []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.away:
		return
	case d.tree != "" && !d.NoBuild && slices.ContainsFunc(paths, d.isSource):
		d.build()
		return
	case d.server == nil: // what is broken may be mended now
	case slices.ContainsFunc(paths, d.needsServer):
		if _, _, err := d.settings(); err != nil {
			d.tell(settingsFiles, err) // the server that runs stays
			return
		}
	case !slices.ContainsFunc(paths, func(path string) bool { return !d.isProgram(path) }):
		d.restart(paths)
		return
	default:
		d.reload()
		return
	}
	d.stop()
}

// stop ends what runs, or has it end as soon as it does. d.mu is held.
func (d *developing) stop() {
	if d.missed = d.end == nil; !d.missed {
		d.end()
	}
}

// needsServer tells whether a file is only read when a server starts: the settings, and
// what makes a program a network.
func (d *developing) needsServer(path string) bool {
	return path == d.config || d.isProgram(path) && (filepath.Base(path) == "program.toml" || filepath.Dir(path) == d.programs)
}

// isProgram tells whether a file belongs to an outside program.
func (d *developing) isProgram(path string) bool {
	return strings.HasPrefix(path, d.programs+string(filepath.Separator))
}

// restart starts the outside programs again whose files have changed. d.mu is held.
func (d *developing) restart(paths []string) {
	changed := map[string]bool{}
	for _, path := range paths {
		if name, _, _ := strings.Cut(strings.TrimPrefix(path, d.programs+string(filepath.Separator)), string(filepath.Separator)); !isWritten(path) {
			changed[name] = true
		}
	}
	if len(changed) == 0 {
		return
	}
	d.tell(programFiles, d.server.restartBots(d.ctx, func(b report.Bot) bool { return changed[b.Network] }))
}

// restartBots starts the bots again that are chosen, as after a change of their settings.
func (s *server) restartBots(ctx context.Context, chosen func(report.Bot) bool) error {
	list, err := s.db.EnabledBots(ctx)
	for _, b := range list {
		if !chosen(b) || err != nil {
			continue
		}
		if err = s.db.EnableBot(ctx, b.ID, true); err == nil {
			s.notices.Changed(b.CityID)
		}
	}
	return err
}

// isWritten tells whether a file looks like one that a program writes and nobody edits.
func isWritten(path string) bool {
	info, err := os.Stat(path)
	switch filepath.Ext(path) {
	case ".log", ".db", ".sqlite", ".pid", ".lock", ".tmp":
		return true
	case "":
		return err == nil && !info.IsDir() && info.Mode()&0o111 == 0
	}
	return false
}

// reload has the site look as the files are now, and the browsers show it. d.mu is held.
func (d *developing) reload() {
	files := siteFiles{d.tree, d.server.cfg.Web.Templates}
	err := errors.Join(files.strangers(d.server.definitions)...)
	if err == nil {
		err = d.server.site.Reload()
	}
	d.tell(siteLooks, err)
}

// tell has the browsers show what is there now, and what is broken: also what was before,
// and was not mended. d.mu is held.
func (d *developing) tell(of kind, err error) {
	if err != nil {
		fmt.Fprintln(d.stderr, err)
	}
	d.wrong[of] = err
	var all []error
	for k := theStart; k <= sources; k++ {
		all = append(all, d.wrong[k])
	}
	d.dev.Changed(errors.Join(all...))
}

// showBroken shows in the browser what keeps a server from starting, until something changes.
func (d *developing) showBroken(err error) {
	ctx, stop := context.WithCancel(d.ctx)
	defer stop()
	d.runs(stop, nil)
	defer d.runs(nil, nil)
	defer d.dev.Changed(nil)
	d.mu.Lock()
	d.tell(theStart, err)
	d.mu.Unlock()
	if d.listen == "" {
		if d.listen, _ = freeAddress(devAddress); d.listen == "" {
			<-ctx.Done()
			return
		}
	}
	fmt.Fprintf(d.stderr, "It is shown at http://%s too.\n", d.listen)
	srv := &http.Server{Addr: d.listen, Handler: d.dev.Broken(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(d.stderr, err)
		<-ctx.Done()
	}
}
