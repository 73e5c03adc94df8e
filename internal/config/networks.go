package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Networks is a setting that lists networks and single addresses: in a file
// ["10.0.0.0/8", "2001:db8::1"], in the environment "10.0.0.0/8, 2001:db8::1".
type Networks []netip.Prefix

// Contains tells whether the address is in one of the networks.
func (n Networks) Contains(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// How a list is written in a file, and in the environment.
const (
	hintNetworks     = `write a list of addresses and networks, such as ["10.0.0.0/8", "2001:db8::1"]`
	hintNetworksText = `write addresses and networks with commas between them, such as 10.0.0.0/8,2001:db8::1`
)

// setNetworks sets the field to the networks in a list. The hint says how to write one.
func (f *field) setNetworks(list []string, hint string) *problem {
	var networks Networks
	for _, text := range list {
		p, err := parseNetwork(text)
		if err != nil {
			return &problem{fmt.Sprintf("%q %s", text, err), hint}
		}
		networks = append(networks, p)
	}
	*f.value.Addr().Interface().(*Networks) = networks
	return nil
}

// setNetworksTOML does the same with a value read from TOML.
func (f *field) setNetworksTOML(value any) *problem {
	list, ok := value.([]any)
	if !ok {
		return &problem{"is " + nameOf(value) + ", not a list", hintNetworks}
	}
	texts := make([]string, len(list))
	for i := range list {
		if texts[i], ok = list[i].(string); !ok {
			return &problem{"has " + nameOf(list[i]) + " in its list", hintNetworks}
		}
	}
	return f.setNetworks(texts, hintNetworks)
}

// setNetworksText does the same with the value of an environment variable.
func (f *field) setNetworksText(text string) *problem {
	if strings.TrimSpace(text) == "" {
		return f.setNetworks(nil, hintNetworksText)
	}
	return f.setNetworks(strings.Split(text, ","), hintNetworksText)
}

// parseNetwork reads an address or a network. Everybody is no network: whoever is
// in such a list is believed.
func parseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, errors.New("is neither an address nor a network")
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("is an IPv4 network in the form of IPv6")
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, errors.New("is every address there is")
	}
	return p.Masked(), nil
}

// shownNetworks is the form in which networks are printed.
func shownNetworks(n Networks) []string {
	texts := []string{}
	for _, p := range n {
		if p.IsSingleIP() {
			texts = append(texts, p.Addr().String())
			continue
		}
		texts = append(texts, p.String())
	}
	return texts
}
