package clients_test

import (
	"net"
	"net/netip"
	"testing"

	"ticketfrei/internal/clients"
)

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":           "192.0.2.7/32",
		"::ffff:192.0.2.7":    "192.0.2.7/32",
		"2001:db8:1:2:3:4::5": "2001:db8:1:2::/64",
		"fe80::1%eth0":        "fe80::/64",
		"10.0.0.1":            "10.0.0.1/32",
	} {
		if got := clients.Network(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s is counted as %s, want %s", address, got, want)
		}
	}
	if clients.Network(netip.Addr{}).IsValid() {
		t.Error("nobody has a network")
	}
}

func TestAddrOf(t *testing.T) {
	l, err := net.Listen("tcp", "[::]:0") // takes IPv4 in the form of IPv6
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	client, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := clients.AddrOf(c); got != netip.MustParseAddr("127.0.0.1") || !clients.IsGateway(got) {
		t.Errorf("got %s", got)
	}
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	if clients.AddrOf(one).IsValid() {
		t.Error("a pipe has an address")
	}
}
