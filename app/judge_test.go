package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/textproto"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// dawdling is a network that does not say whom a bot sends to until open is closed:
// so long no report of its city is judged.
type dawdling struct {
	panicking // its pages
	open      <-chan struct{}
}

var _ bots.Recipients = dawdling{}

func dawdlingNetwork(open <-chan struct{}) bots.Definition {
	return bots.Definition{
		Name:       "dawdling",
		Everywhere: true,
		Files: fstest.MapFS{
			"settings.tmpl": {Data: []byte("<p>It dawdles.</p>")},
			"en.toml":       {Data: []byte("[dawdling]\ntitle = \"Dawdling\"\nblurb = \"Dawdles.\"\n")},
			"de.toml":       {Data: []byte("[dawdling]\ntitle = \"Trödelei\"\nblurb = \"Trödelt.\"\n")},
		},
		New: func(bots.Host) (bots.Network, error) { return dawdling{open: open}, nil },
	}
}

func (dawdling) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) {
	return silentBot{}, nil
}

func (d dawdling) Recipients(context.Context, report.Bot, report.Report) ([]int64, error) {
	<-d.open
	return nil, nil
}

func (dawdling) RemoveRecipient(context.Context, report.Bot, int64) error { return nil }
func (dawdling) CountRecipients(context.Context, report.Bot) (int, error) { return 0, nil }

// silentBot hears nothing and sends nothing.
type silentBot struct{}

func (silentBot) Receive(context.Context, func(context.Context, bots.Incoming) error) error {
	return nil
}

func (silentBot) Send(context.Context, report.Delivery) (report.Receipt, error) {
	return report.Receipt{}, nil
}

// closed is a channel that is closed already.
func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// TestHeardBeforeAKill kills a program that has acknowledged reports and judged
// none of them. The next one judges them in the order in which they came: the first
// ten pass, and the others are held.
func TestHeardBeforeAKill(t *testing.T) {
	const place = "TEST_HEARD_BEFORE_A_KILL" // data directory of the program that is killed
	if dir := os.Getenv(place); dir != "" {
		judgeNothing(t, dir)
		return
	}
	slow.Test(t, "kills the program")
	box, dir := startMailbox(t), t.TempDir()
	a := startApp(t, dir, box, dawdlingNetwork(closed()))
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	a.stop()

	p := startItself(t, place+"="+dir)
	for n := 1; n <= 8; n++ {
		for _, author := range []string{"anna", "bert"} {
			text := fmt.Sprintf("Kontis %d am %splatz", n, author)
			p.mustSend(author+"@riders.example", here, fmt.Sprintf("%s-%d@x", author, n), "", text)
		}
	}
	p.stop()
	if n := len(box.to(t, "one@riders.example", "Kontis")); n > 0 {
		t.Fatalf("%d reports were relayed before they were judged", n)
	}

	definitions := append(all.Networks(), dawdlingNetwork(closed()))
	a = runApp(t, appConfig(t, dir, box, definitions, "TICKETFREI_BRAKES_CITY=10"), definitions)
	a.mustSend("anna@riders.example", here, "anna-1@x", "", "Kontis 1 am annaplatz") // her server is unsure
	a.settled()
	b := a.login("moderator@nuernberg.example")
	for n := 1; n <= 8; n++ {
		for _, author := range []string{"anna", "bert"} {
			text := fmt.Sprintf("Kontis %d am %splatz", n, author)
			want := 1
			if n > 5 {
				want = 0
			}
			if got := len(box.to(t, "one@riders.example", text)); got != want {
				t.Errorf("%q came %d times, want %d", text, got, want)
			}
			if held := b.listed("refused", text); want == 0 != strings.Contains(held, "too many reports") {
				t.Errorf("the page says of %q: %q", text, held)
			}
		}
	}
}

// judgeNothing runs a program that judges nothing until it is killed. It says where
// it takes mails.
func judgeNothing(t *testing.T, dir string) {
	definitions := append(all.Networks(), dawdlingNetwork(nil))
	cfg := appConfig(t, dir, startMailbox(t), definitions)
	fmt.Printf("mail %s\n", runApp(t, cfg, definitions).smtp)
	select {}
}

// startItself runs the test that calls it in a process of its own with more
// environment, and returns the program that runs there; stop kills it.
func startItself(t *testing.T, env string) *app {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd}
	t.Cleanup(p.kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "mail "); ok {
			return &app{T: t, smtp: address, stop: p.kill}
		}
	}
	t.Fatal("the process does not say where it takes mails")
	return nil
}

// TestBacklog fills what may wait to be judged: the next mail is put off, and taken
// when there is room.
func TestBacklog(t *testing.T) {
	box, open := startMailbox(t), make(chan struct{})
	definitions := append(all.Networks(), dawdlingNetwork(open))
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_REPORTS_BACKLOG=3"), definitions)
	release := sync.OnceFunc(func() { close(open) })
	t.Cleanup(release)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example")

	send := func(n int) error {
		return a.send(fmt.Sprintf("r%d@riders.example", n), here, fmt.Sprintf("%d@x", n), "", fmt.Sprintf("Kontis %d", n))
	}
	for n := range 3 {
		if err := send(n); err != nil {
			t.Fatalf("mail %d: %v", n, err)
		}
	}
	if answer, ok := errors.AsType[*textproto.Error](send(3)); !ok || answer.Code != 451 {
		t.Errorf("one too many: %v, want 451", answer)
	}
	release()
	waitUntil(t, "room for the mail that was put off", func() bool { return send(3) == nil })
	a.settled()
	for n := range 4 {
		if got := len(box.to(t, "one@riders.example", fmt.Sprintf("Kontis %d", n))); got != 1 {
			t.Errorf("report %d came %d times, want once", n, got)
		}
	}
}
