package place

// table finds small numbers by hashes. Unlike a map, it may hold several for one hash,
// and a hash that it does not hold costs next to nothing.
type table struct {
	hashes []uint64 // 0 is an empty slot
	values []int32
	used   int
}

// newTable makes a table for about n hashes.
func newTable(n int) table {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return table{hashes: make([]uint64, size), values: make([]int32, size)}
}

// slot is where the search for a hash begins.
func (t *table) slot(hash uint64) int { return int(hash>>32) & (len(t.hashes) - 1) }

// find returns the first value of a hash.
func (t *table) find(hash uint64) (int32, bool) {
	for i := t.slot(hash); t.hashes[i] != 0; i = t.next(i) {
		if t.hashes[i] == hash {
			return t.values[i], true
		}
	}
	return 0, false
}

func (t *table) next(i int) int { return (i + 1) & (len(t.hashes) - 1) }

// put adds a value of a hash.
func (t *table) put(hash uint64, value int32) {
	if 4*t.used > 3*len(t.hashes) {
		t.grow()
	}
	i := t.slot(hash)
	for t.hashes[i] != 0 {
		i = t.next(i)
	}
	t.hashes[i], t.values[i] = hash, value
	t.used++
}

func (t *table) grow() {
	old := *t
	*t = newTable(len(old.hashes))
	for i, h := range old.hashes {
		if h != 0 {
			t.put(h, old.values[i])
		}
	}
}

// Words are hashed as polynomials, so that the hash of two words written together, or of
// a word without one of its letters, follows from the hashes of their parts.
const base = 0x9e3779b97f4a7c55

// step is the hash of a word with one more character.
func step(hash uint64, c rune) uint64 { return hash*base + uint64(c) + 1 }

// powers are those of base.
var powers = func() (p [maxWord + 1]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * base
	}
	return p
}()

// maxWord is the length, in characters, up to which words are found.
const maxWord = 60

// stir makes of a polynomial what a table can hold: spread, and never 0.
func stir(hash uint64) uint64 {
	hash ^= hash >> 29
	hash *= 0xbf58476d1ce4e5b9
	hash ^= hash >> 32
	return hash | 1
}
