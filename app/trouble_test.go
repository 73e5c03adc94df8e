package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// mountSmall mounts a file system of that size on a new directory.
func mountSmall(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("needs the right to mount a file system (root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// environment returns settings for a program on free ports with its data in
// dir.
func environment(t *testing.T, dir string, box *mailbox) (env []string, web, incoming string) {
	t.Helper()
	addresses := make([]string, 2)
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"TICKETFREI_DATA=" + dir, "TICKETFREI_WEB_LISTEN=" + addresses[0], "TICKETFREI_WEB_URL=http://" + addresses[0],
		"TICKETFREI_MAIL_LISTEN=" + addresses[1], "TICKETFREI_MAIL_DOMAIN=tickets.example",
		"TICKETFREI_MAIL_RELAY=smtp://" + box.Addr}, addresses[0], addresses[1]
}

func mustAddCity(t *testing.T, binary string, env []string, slug string) {
	t.Helper()
	add := exec.CommandContext(t.Context(), binary, "city", "add", slug, "--email", "m@"+slug+".example", "--password", password)
	add.Env = append(os.Environ(), env...)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("city add: %v\n%s", err, out)
	}
}

// TestFullDisk fills the disk under a running server and makes room again.
func TestFullDisk(t *testing.T) {
	slow.Test(t, "builds the program and waits until it starts again by itself")
	dir := mountSmall(t, "32m")
	box := startMailbox(t)
	binary := buildProgram(t)
	env, web, incoming := environment(t, filepath.Join(dir, "data"), box)
	mustAddCity(t, binary, env, "nuernberg")
	startProgram(t, binary, env...)
	a := &app{T: t, url: "http://" + web, smtp: incoming}
	a.allowEverything("m@nuernberg.example")
	a.subscribe(box, "nuernberg", "one@riders.example")

	var accepted []string
	serial := 0
	send := func() error {
		serial++
		text := fmt.Sprintf("Report %d.", serial)
		err := a.send(fmt.Sprintf("r%d@x.example", serial), here, fmt.Sprintf("%d@x", serial), "", text+strings.Repeat(" Kontis", 500))
		if err == nil {
			accepted = append(accepted, text)
		}
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "fill"))
	refusals := 0
	for range 50 {
		err := send()
		if err == nil {
			continue // the last block was still free
		}
		refused, ok := errors.AsType[*textproto.Error](err)
		if !ok || refused.Code < 400 || refused.Code > 499 {
			t.Fatalf("with a full disk: %v, want a 4xx", err)
		}
		if refusals++; refusals == 5 {
			break
		}
	}
	if refusals < 5 {
		t.Fatalf("only %d mails were put off", refusals)
	}
	if err := os.Remove(filepath.Join(dir, "fill")); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "mails to be taken again", func() bool { return send() == nil })
	for _, text := range accepted {
		box.waitFor(t, "one@riders.example", text)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

func TestReadOnlyDataDirectory(t *testing.T) {
	dir := mountSmall(t, "8m")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "cannot be written to") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestDamagedDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ticketfrei.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "restore your last backup") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

// TestDamagedQueue damages every file of a queue that holds reports: the
// server says so, starts, and goes on with new ones.
func TestDamagedQueue(t *testing.T) {
	slow.Test(t, "builds the program and damages its files")
	dir := t.TempDir()
	box := startMailbox(t)
	binary := buildProgram(t)
	env, web, incoming := environment(t, dir, box)
	mustAddCity(t, binary, env, "nuernberg")
	p := startProgram(t, binary, env...)
	a := &app{T: t, url: "http://" + web, smtp: incoming}
	a.allowEverything("m@nuernberg.example")
	a.subscribe(box, "nuernberg", "one@riders.example")
	a.mustSend("x@x.example", here, "m1@x", "", "Before.")
	box.waitFor(t, "one@riders.example", "Before.")
	p.kill()

	damaged := 0
	err := filepath.WalkDir(filepath.Join(dir, "queue"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := len(data) / 3; i < len(data)/3+16 && i < len(data); i++ {
			data[i] ^= 0x5a
		}
		damaged++
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil || damaged == 0 {
		t.Fatalf("%d files damaged, %v", damaged, err)
	}
	began := time.Now()
	p = startProgram(t, binary, env...)
	a.mustSend("y@x.example", here, "m2@x", "", "After.")
	box.waitFor(t, "one@riders.example", "After.")
	t.Logf("%d files damaged, the next report arrived %s after the start", damaged, time.Since(began).Round(time.Millisecond))
	if !strings.Contains(p.log(), "damaged") {
		t.Errorf("the log does not say that the queue is damaged:\n%s", p.log())
	}
}
