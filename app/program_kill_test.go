package app

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/slow"
)

// counting says numbered reports, several at a time, and begins behind the last that was
// kept. The number of that stands in the store, too.
const counting = `#!/bin/sh
say() { next=$((next + 1)); printf '{"type":"report","id":"%s","author":"a","text":"U1 number %s."}\n' "$next" "$next"; }
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  case $line in
  '{"type":"begin"'*)
    next=$(cat cursor || echo 0)
    echo '{"type":"ready"}'; echo '{"type":"get","id":"begin","key":"last"}'
    say; say; say; say; say; say; say; say ;;
  '{"type":"kept"'*) echo "$id" > new; mv new cursor; printf '{"type":"put","id":"put","key":"last","value":%s}\n' "$id"; say ;;
  '{"type":"value"'*) printf '%s\n' "$line" >> values ;;
  '{"type":"ping"'*) echo '{"type":"pong"}' ;;
  '{"type":"end"'*) exit 0 ;;
  esac
done
`

// TestKilledServerAndPrograms kills the server while a program reports without end: what was
// kept is there, what was said twice is one report, and so is what was stored.
func TestKilledServerAndPrograms(t *testing.T) {
	slow.Test(t, "kills the server again and again")
	t.Parallel()
	const rounds = 4
	data, dir, binary := t.TempDir(), t.TempDir(), buildProgram(t)
	outsideProgram(t, dir, "count", `can = ["receive"]`, counting)
	env, _ := environment(t, data, startMailbox(t))
	env = append(append(env, unbraked...), "TICKETFREI_PROGRAMS_DIR="+dir)
	mustAddCity(t, binary, env, "nuernberg")
	p := startProgram(t, binary, env...)
	enable := exec.CommandContext(t.Context(), binary, "program", "enable", "count", "nuernberg")
	enable.Env = append(os.Environ(), env...)
	if out, err := enable.CombinedOutput(); err != nil {
		t.Fatalf("enable: %v\n%s", err, out)
	}
	file := func(name string) string {
		raw, _ := os.ReadFile(filepath.Join(dir, "count", name))
		return string(raw)
	}
	begun := func() int { return strings.Count(file("values"), `"id":"begin"`) }
	for round := range rounds {
		waitUntil(t, "the program", func() bool { return begun() > round })
		before := file("cursor")
		waitUntil(t, "reports", func() bool { return file("cursor") != before })
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // the kill comes at any time
		p.kill()
		p = startProgram(t, binary, env...)
	}
	waitUntil(t, "the last start", func() bool { return begun() > rounds })
	p.stop()
	wantCounted(t, data, file("cursor"))
	wantStored(t, file("values"))
}

// wantCounted wants each report that was kept to be there once.
func wantCounted(t *testing.T, data, cursor string) {
	t.Helper()
	kept, err := strconv.Atoi(strings.TrimSpace(cursor))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), data, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var all, different, known int
	err = d.ReadRow(t.Context(), `SELECT count(*), count(DISTINCT text), count(DISTINCT CASE WHEN CAST(substr(text, 11) AS INTEGER) <= ? THEN text END)
		FROM reports WHERE text LIKE 'U1 number %'`, kept).Scan(&all, &different, &known)
	if err != nil || all != different || known != kept || kept == 0 {
		t.Errorf("%d reports, %d different ones; of %d that were kept, %d are there; %v", all, different, kept, known, err)
	}
	t.Logf("%d reports were kept, each is there once", kept)
}

// wantStored wants each value that the program read at its beginning to be the last that it
// knew to be stored, or one behind that.
func wantStored(t *testing.T, values string) {
	t.Helper()
	last := 0
	for line := range strings.Lines(values) {
		var l struct {
			ID    string `json:"id"`
			Value int    `json:"value"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			continue // the program was killed while it wrote
		}
		if l.ID == "begin" && l.Value < last {
			t.Errorf("stored was %d, and after a kill there is %d", last, l.Value)
		}
		last = l.Value
	}
}
