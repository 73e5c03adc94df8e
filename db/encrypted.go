package db

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unencrypted returns the other machines that the URL of a server allows to be reached
// without encryption, as "sslmode=prefer" does, which is what a URL that says nothing means.
func Unencrypted(url string) []string {
	config, err := serverConfig(url)
	if err != nil {
		return nil // OpenServer says so
	}
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	var hosts []string
	for _, way := range ways {
		if way.TLSConfig == nil && !isHere(way.Host) && !slices.Contains(hosts, way.Host) {
			hosts = append(hosts, way.Host)
		}
	}
	return hosts
}

// isHere tells whether a host, or the directory of a socket, is on this machine.
func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@")
}
