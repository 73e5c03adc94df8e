package remote

import (
	"bufio"
	"bytes"
	"slices"
)

// Elements reads a JSON array as Each does.
func Elements(answer []byte, longest int) (list [][]byte, err error) {
	a := array{in: bufio.NewReader(bytes.NewReader(answer)), longest: longest}
	for more, err := a.begin(); more || err != nil; {
		if err == nil {
			more, err = a.next()
		}
		if err != nil {
			return nil, err
		}
		list = append(list, slices.Clone(a.element))
	}
	return list, nil
}
