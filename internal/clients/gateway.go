package clients

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// IsGateway tells whether everybody may come from that address: it is this
// machine's own, where a proxy may stand, or that of the default gateway, as which
// the proxy of a container's host appears.
func IsGateway(addr netip.Addr) bool {
	addr = plain(addr)
	return addr.IsLoopback() || slices.Contains(gateways(), addr)
}

// Behind is the gateway that everybody comes from who reaches an address to listen
// at, as far as that can be told beforehand: this machine, or the gateway of the
// container that the program runs in.
func Behind(listen string) (gateway netip.Addr, ok bool) {
	if addr, ok := loopback(listen); ok {
		return addr, true
	}
	if len(gateways()) == 0 || !inContainer() {
		return netip.Addr{}, false
	}
	return gateways()[0], true
}

// loopback is the address to listen at where only this machine reaches it.
func loopback(listen string) (addr netip.Addr, ok bool) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return netip.Addr{}, false
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	addr, err = netip.ParseAddr(host)
	return addr, err == nil && addr.IsLoopback()
}

// inContainer looks for the marks that Docker, Podman and Kubernetes leave.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv", "/var/run/secrets/kubernetes.io"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	groups, _ := os.ReadFile("/proc/1/cgroup")
	return bytes.Contains(groups, []byte("docker")) || bytes.Contains(groups, []byte("kubepods"))
}

// gateways are those that the routes name, as the program found them at first.
var gateways = sync.OnceValue(func() []netip.Addr {
	routes4, _ := os.ReadFile("/proc/net/route")
	routes6, _ := os.ReadFile("/proc/net/ipv6_route")
	return append(gateways4(string(routes4)), gateways6(string(routes6))...)
})

// routeIsUp and routeHasGateway are flags of a route (Linux, route.h).
const (
	routeIsUp       = 1
	routeHasGateway = 2
)

// gateways4 reads the gateways of the default routes in the form of
// /proc/net/route: interface, destination, gateway, flags …, with addresses as the
// machine's own integers.
func gateways4(routes string) (list []netip.Addr) {
	for line := range strings.Lines(routes) {
		f := strings.Fields(line)
		if len(f) < 4 || f[1] != "00000000" || !isGatewayRoute(f[3]) {
			continue
		}
		if raw, err := strconv.ParseUint(f[2], 16, 32); err == nil {
			list = append(list, netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, uint32(raw)))))
		}
	}
	return list
}

// gateways6 does so in the form of /proc/net/ipv6_route: destination, its length,
// source, its length, gateway, metric, references, uses, flags, interface.
func gateways6(routes string) (list []netip.Addr) {
	for line := range strings.Lines(routes) {
		f := strings.Fields(line)
		if len(f) < 9 || f[1] != "00" || !isGatewayRoute(f[8]) {
			continue
		}
		if raw, err := hex.DecodeString(f[4]); err == nil && len(raw) == 16 {
			list = append(list, netip.AddrFrom16([16]byte(raw)))
		}
	}
	return list
}

func isGatewayRoute(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&routeIsUp != 0 && n&routeHasGateway != 0
}
