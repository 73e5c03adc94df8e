// Package freeport finds a port for a program that is still to be started.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Address returns an address of loopback at which nobody listens. Its port is below those
// that systems give to outgoing connections (from 32768 on Linux, from 49152 by RFC 6335):
// one of them could take it before whom it is for.
func Address() (string, error) {
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000))))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port between 20000 and 32000 is free on 127.0.0.1")
}
