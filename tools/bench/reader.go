package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reader fetches pages over one connection that it keeps open. It does as
// little as a client can: the processor time it uses is lost to the program.
type reader struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func newReader(addr string) (*reader, error) {
	conn, err := net.DialTimeout("tcp", addr, riderTimeout)
	if err != nil {
		return nil, err
	}
	return &reader{addr: addr, conn: conn, in: bufio.NewReaderSize(conn, 32<<10)}, nil
}

func (r *reader) close() { r.conn.Close() }

// request is a GET of path.
func (r *reader) request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + r.addr + "\r\n\r\n")
}

// get sends a request and returns the page, which is valid until the next call.
func (r *reader) get(request []byte) ([]byte, error) {
	if err := r.conn.SetDeadline(time.Now().Add(riderTimeout)); err != nil {
		return nil, err
	}
	if _, err := r.conn.Write(request); err != nil {
		return nil, err
	}
	length, err := r.head()
	if err != nil {
		return nil, err
	}
	if length < 0 {
		return r.chunks()
	}
	if cap(r.body) < length {
		r.body = make([]byte, length)
	}
	r.body = r.body[:length]
	_, err = io.ReadFull(r.in, r.body)
	return r.body, err
}

// head reads status and headers and returns the length of the body; -1 if it
// comes in chunks.
func (r *reader) head() (int, error) {
	status, err := r.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("answered %q", bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := r.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return length, nil
		}
		const name = "Content-Length:"
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
}

// chunks reads a body that comes in chunks (RFC 9112, 7.1).
func (r *reader) chunks() ([]byte, error) {
	r.body = r.body[:0]
	for {
		line, err := r.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return nil, err
		}
		at := len(r.body)
		r.body = append(r.body, make([]byte, n+2)...)
		if _, err := io.ReadFull(r.in, r.body[at:]); err != nil {
			return nil, err
		}
		r.body = r.body[:at+int(n)]
		if n == 0 {
			return r.body, nil
		}
	}
}

// getOnce fetches one page with the ordinary client.
func getOnce(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return string(body), err
}
