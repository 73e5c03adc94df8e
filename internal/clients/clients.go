// Package clients tells the clients of the servers apart: which network one is of,
// and which addresses stand for everybody. It bounds how many are there at once.
package clients

import (
	"net"
	"net/netip"
)

// Network is what a client is counted by: its IPv4 address, or the /64 of its IPv6
// address, which is the least that one subscriber gets. It is the zero Prefix for
// the zero Addr.
func Network(addr netip.Addr) netip.Prefix {
	addr = plain(addr)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, _ := addr.Prefix(bits)
	return network
}

// AddrOf returns the address of a connection's other side; the zero Addr where it
// has none.
func AddrOf(c net.Conn) netip.Addr {
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return plain(remote.AddrPort().Addr())
}

// plain returns the one form that an address is compared in.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
