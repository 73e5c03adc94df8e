package program_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/slow"
)

// twoLines is a whole program.
const twoLines = "#!/bin/sh\ncat >> out; echo $$ >> pids\n"

func alive(pid string) bool {
	_, err := os.Stat("/proc/" + strings.TrimSpace(pid))
	return err == nil
}

func TestOnce(t *testing.T) {
	o := newOutside(t, "two", "can = [\"send\"]\nrun = \"once\"\n[[setting]]\nname = \"A\"\ndefault = \"b\"\n", twoLines)
	b, _ := o.work(nil)
	if _, err := o.send(b, "U1 Plärrer"); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`"type":"send"`, `"text":"U1 Plärrer"`, `"settings":{"A":"b"}`, `"slug":"leeds"`} {
		if !strings.Contains(o.file("out"), want) {
			t.Errorf("%s is not in %s", want, o.file("out"))
		}
	}
	if alive(o.file("pids")) {
		t.Error("the process is still there")
	}
}

func TestOnceAnswers(t *testing.T) {
	o := newOutside(t, "two", "can = [\"send\", \"receive\", \"task\"]\nrun = \"once\"\n[[command]]\nword = \"next\"\n", `#!/bin/sh
read -r line
case $line in
*'"type":"task"'*) echo '{"type":"result","results":{"line":"U1"}}' ;;
*'"type":"command"'*) echo '{"type":"answer","text":"in 5 minutes"}' ;;
*refuse*) echo '{"type":"failed","kind":"permanent","error":"no"}' ;;
*fail*) echo 'E! out of order' >&2; exit 3 ;;
*) echo '{"type":"report","id":"1","text":"U2"}'; echo '{"type":"sent","receipt":"r7"}' ;;
esac
`)
	b, _ := o.work(nil)
	if receipt, err := o.send(b, "U1"); err != nil || receipt.ID != "r7" {
		t.Errorf("sent %v, %v", receipt, err)
	}
	o.Inbox.WaitFor(t, "U2")
	if _, err := o.send(b, "refuse"); err == nil || err.Error() != "no" {
		t.Errorf("refused: %v", err)
	}
	if got, err := o.Network.(bots.Tasker).Task(t.Context(), o.bot, o.Elsewhere(o.city, "x")); err != nil || string(got.Results) != `{"line":"U1"}` {
		t.Errorf("a task: %s, %v", got.Results, err)
	}
	if said, err := o.Network.(bots.Commander).Command(t.Context(), o.bot, bots.Command{Word: "next"}); err != nil || said != "in 5 minutes" {
		t.Errorf("a command: %s, %v", said, err)
	}
	for n := 1; n <= 3; n++ {
		_, err := o.send(b, "fail")
		want := bots.KindTemporary
		if n == 3 {
			want = bots.KindPermanent
		}
		if kind, _ := bots.KindOf(err); kind != want {
			t.Errorf("%d: %v", n, err)
		}
	}
	if !strings.Contains(o.Lines.String(), "out of order") || !strings.Contains(o.Lines.String(), "level=ERROR") {
		t.Error("what it logged is not in the log")
	}
}

// TestHotSpare has a process wait for the next message.
func TestHotSpare(t *testing.T) {
	o := newOutside(t, "two", "can = [\"send\"]\nrun = \"once\"\nstart = \"hot\"\n", "#!/bin/sh\necho $$ >> started\ncat >> out\n")
	b, _ := o.work(nil)
	starts := func() []string { return strings.Fields(o.file("started")) }
	o.waitFor("a spare process", func() bool { return len(starts()) == 1 && alive(starts()[0]) })
	if _, err := o.send(b, "U1"); err != nil {
		t.Error(err)
	}
	o.waitFor("the next spare process", func() bool { return len(starts()) == 2 && !alive(starts()[0]) && alive(starts()[1]) })
}

// TestLazy has a process start with a message, work one by one, and end when it is idle.
func TestLazy(t *testing.T) {
	slow.Test(t, "waits until a program is idle")
	o := newOutside(t, "toy", "can = [\"send\"]\nstart = \"lazy\"\nidle = \"1s\"\n", toy)
	b, _ := o.work(nil)
	if o.file("starts") != "" {
		t.Error("it starts without a message")
	}
	for range 2 {
		if _, err := o.send(b, "U1"); err != nil {
			t.Error(err)
		}
	}
	pids := strings.Fields(o.file("starts"))
	if len(pids) != 1 || !alive(pids[0]) {
		t.Fatalf("started %v", pids)
	}
	began := time.Now()
	o.waitFor("it has ended", func() bool { return !alive(pids[0]) })
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
	if _, err := o.send(b, "U1"); err != nil {
		t.Error(err)
	}
	if n := len(strings.Fields(o.file("starts"))); n != 2 {
		t.Errorf("started %d times", n)
	}
}

// TestGroupDies has the children of a program end with it.
func TestGroupDies(t *testing.T) {
	o := newOutside(t, "fork", "can = [\"send\"]\n", `#!/bin/sh
sleep 100 & echo $! > child
read -r line; echo '{"type":"ready","protocol":1}'
while read -r line; do case $line in *crashme*) kill -9 $$ ;; esac; done
`)
	b, r := o.work(nil)
	_, _ = o.send(b, "crashme")
	_ = r.Ended()
	child := strings.TrimSpace(o.file("child"))
	if _, err := strconv.Atoi(child); err != nil {
		t.Fatal(err)
	}
	o.waitFor("the child has ended", func() bool {
		raw, _ := os.ReadFile("/proc/" + child + "/stat")
		return len(raw) == 0 || strings.Contains(string(raw), ") Z ")
	})
}
