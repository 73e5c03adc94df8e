package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// connections is how many connections are open between the program and the stand-ins of
// Mastodon and Telegram, whoever has opened them.
func (w *world) connections() (int, error) {
	ports := map[string]bool{}
	for _, address := range []string{w.mastodon.URL, w.botAPI.url, "http://" + w.program.web} {
		u, err := url.Parse(address)
		if err != nil {
			return 0, err
		}
		ports[u.Port()] = true
	}
	return established(ports)
}

// established counts the TCP connections of this machine to one of the ports, as
// /proc/net/tcp lists them (proc(5)).
func established(ports map[string]bool) (n int, err error) {
	const state = "01"
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("count connections: %w", err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) > 3 && fields[3] == state && ports[portOf(fields[2])] {
				n++
			}
		}
		f.Close()
	}
	return n, nil
}

// portOf is the port of an address as "0100007F:1F90".
func portOf(address string) string {
	_, hex, _ := strings.Cut(address, ":")
	port, _ := strconv.ParseUint(hex, 16, 16)
	return strconv.FormatUint(port, 10)
}
