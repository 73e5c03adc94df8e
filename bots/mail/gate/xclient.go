package gate

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// said is what a relay says of its client.
type said struct {
	withAddr bool
	addr     netip.Addr // the zero Addr where the relay does not know it
}

// attributes are those that may be named; all but the address are of no use here.
var attributes = []string{"ADDR", "HELO", "NAME", "PORT", "PROTO", "LOGIN", "DESTADDR", "DESTPORT", "REVERSE_NAME"}

var errAttribute = errors.New("bad XCLIENT attribute")

// parseXCLIENT reads the attributes of the command XCLIENT (Postfix,
// XCLIENT_README): NAME=value …, with values in xtext (RFC 3461 §4).
func parseXCLIENT(args string) (s said, err error) {
	pairs := strings.Fields(args)
	if len(pairs) == 0 {
		return said{}, errAttribute
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.ToUpper(name)
		text, err := xtext(value)
		if err != nil || !ok || !slices.Contains(attributes, name) {
			return said{}, errAttribute
		}
		if name == "ADDR" {
			s.withAddr = true
			if s.addr, err = parseAddr(text); err != nil {
				return said{}, err
			}
		}
	}
	return s, nil
}

// isUnknown tells whether a value says that there is none.
func isUnknown(value string) bool {
	return strings.EqualFold(value, "[UNAVAILABLE]") || strings.EqualFold(value, "[TEMPUNAVAIL]")
}

func parseAddr(value string) (netip.Addr, error) {
	if isUnknown(value) {
		return netip.Addr{}, nil
	}
	const prefix = "IPV6:"
	if len(value) > len(prefix) && strings.EqualFold(value[:len(prefix)], prefix) {
		value = value[len(prefix):]
	}
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, errAttribute
	}
	return addr.Unmap(), nil
}

// xtext decodes a value: a byte may be written as + and two hexadecimal digits.
func xtext(value string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(value, "+")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", errAttribute
		}
		n, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", errAttribute
		}
		b.WriteByte(byte(n))
		value = after[2:]
	}
}
