package clients

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// native writes four bytes of an address as the kernel of this machine does.
func native(a, b, c, d byte) string {
	return fmt.Sprintf("%08X", binary.NativeEndian.Uint32([]byte{a, b, c, d}))
}

func TestGatewaysOfRoutes(t *testing.T) {
	routes := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t" + native(172, 17, 0, 1) + "\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth0\t" + native(172, 17, 0, 0) + "\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n" + // without a gateway
		"eth1\t00000000\t" + native(10, 0, 0, 1) + "\t0002\t0\t0\t0\t00000000\t0\t0\t0\n" + // down
		"torn\t000000"
	if got := fmt.Sprint(gateways4(routes)); got != "[172.17.0.1]" {
		t.Errorf("IPv4: %s", got)
	}
	const none = "00000000000000000000000000000000"
	routes = none + " 00 " + none + " 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n" +
		"fd000000000000000000000000000000 40 " + none + " 00 " + none + " 00000100 00000001 00000000 00000001     eth0\n" +
		none + " 00 " + none + " 00 " + none + " ffffffff 00000001 00000000 00200200       lo\n"
	if got := fmt.Sprint(gateways6(routes)); got != "[fd00::1]" {
		t.Errorf("IPv6: %s", got)
	}
}

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "localhost:80": true,
		":80": false, "0.0.0.0:80": false, "192.0.2.1:80": false, "mail.example.org:25": false, "": false,
	} {
		if _, got := loopback(listen); got != want {
			t.Errorf("%q: %t, want %t", listen, got, want)
		}
	}
}
