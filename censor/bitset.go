package censor

import (
	"encoding/binary"
	"math/bits"
)

// bitset is a set of small numbers.
type bitset []uint64

// newBitset returns an empty set that can hold the numbers below n.
func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) add(n uint32) { b[n/64] |= 1 << (n % 64) }

func (b bitset) clear() { clear(b) }

// appendTo appends the numbers of the set, ascending.
func (b bitset) appendTo(list []uint32) []uint32 {
	for i, word := range b {
		for ; word != 0; word &= word - 1 {
			list = append(list, uint32(i*64+bits.TrailingZeros64(word)))
		}
	}
	return list
}

// appendKey appends a key that differs for every set.
func (b bitset) appendKey(key []byte) []byte {
	for i, word := range b {
		if word != 0 {
			key = binary.LittleEndian.AppendUint32(key, uint32(i))
			key = binary.LittleEndian.AppendUint64(key, word)
		}
	}
	return key
}
