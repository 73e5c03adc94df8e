package manage

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// Moderators who came from another program have the hash that it made: Ticketfrei 2 by scrypt,
// Kibicara by Argon2 with settings of its own. What a hash asks for is bounded before anything
// is derived: a database that was handed over is nothing to trust.
const (
	maxHashMemory = 256 << 20 // bytes; Kibicara's take 100 MiB
	maxHashPasses = 16        // over that memory
	maxHashLanes  = 16
	maxHashLength = 1 << 10 // of the whole text
	minHashKey    = 16      // bytes: with fewer, another password may match
)

// ErrHash is about a stored hash that no password can be compared with.
var ErrHash = errors.New("hash is broken, of an unknown kind, or takes too much to compare with")

// storedHash is what a stored hash says.
type storedHash struct {
	salt, key []byte
	// cost is memory in KiB times passes over it, by which hashes of all kinds can be told apart
	// roughly.
	cost   uint64
	ours   bool
	derive func(password, salt []byte, length int) ([]byte, error)
}

// MatchPassword reports whether password is that of hash, which may be of another program. cheap
// tells that it took clearly less time than with a hash of ours. Where the error is ErrHash, no
// password ever is.
func MatchPassword(password, hash string) (ok, cheap bool, err error) {
	h, err := readHash(hash)
	if err != nil {
		return false, true, err
	}
	key, err := h.derive([]byte(password), h.salt, len(h.key))
	if err != nil {
		return false, true, fmt.Errorf("%w: %w", ErrHash, err)
	}
	ours := uint64(hashParams.Memory) * uint64(hashParams.Iterations)
	return subtle.ConstantTimeCompare(key, h.key) == 1, h.cost < ours/2, nil
}

// IsOwnHash tells whether a hash is as HashPassword makes them.
func IsOwnHash(hash string) bool {
	h, err := readHash(hash)
	return err == nil && h.ours
}

func readHash(hash string) (storedHash, error) {
	if len(hash) > maxHashLength {
		return storedHash{}, ErrHash
	}
	var h storedHash
	var err error
	kind, rest, _ := strings.Cut(strings.TrimPrefix(hash, "$"), "$")
	switch kind {
	case "argon2id":
		h, err = readArgon(rest, argon2.IDKey)
	case "argon2i":
		h, err = readArgon(rest, argon2.Key)
	case "s1":
		h, err = readScrypt(rest)
	case "7":
		h, err = readSodiumScrypt(rest)
	default:
		return h, ErrHash
	}
	if err != nil {
		return h, fmt.Errorf("%w: %w", ErrHash, err)
	}
	if len(h.key) < minHashKey {
		return h, ErrHash
	}
	h.ours = h.ours && kind == "argon2id"
	return h, nil
}

// readArgon reads what follows the kind: v=19$m=102400,t=2,p=8$salt$key.
func readArgon(rest string, derive func(password, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte) (storedHash, error) {
	// The library reads one kind alone, and the others are written alike.
	p, salt, key, err := argon2id.DecodeHash("$argon2id$" + rest)
	if err != nil {
		return storedHash{}, err
	}
	if p.Iterations < 1 || p.Iterations > maxHashPasses || p.Parallelism < 1 || p.Parallelism > maxHashLanes || p.Memory > maxHashMemory>>10 {
		return storedHash{}, errors.New("settings of Argon2 out of bounds")
	}
	return storedHash{salt: salt, key: key, cost: uint64(p.Memory) * uint64(p.Iterations), ours: *p == hashParams,
		derive: func(password, salt []byte, length int) ([]byte, error) {
			return derive(password, salt, p.Iterations, p.Memory, p.Parallelism, uint32(length)), nil
		}}, nil
}

// readScrypt reads what follows the kind: NNrrpp$salt$key, the numbers in hexadecimal digits.
func readScrypt(rest string) (storedHash, error) {
	part := strings.Split(rest, "$")
	if len(part) != 3 {
		return storedHash{}, errors.New("parts are missing")
	}
	n, err := hex.DecodeString(part[0])
	if err != nil || len(n) != 3 {
		return storedHash{}, errors.New("settings of scrypt cannot be read")
	}
	salt, err := base64.StdEncoding.DecodeString(part[1])
	if err != nil {
		return storedHash{}, err
	}
	key, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil {
		return storedHash{}, err
	}
	return scryptHash(int(n[0]), int(n[1]), int(n[2]), salt, key)
}

// readSodiumScrypt reads what follows the kind, as libsodium writes it: N, rrrrr, ppppp, the salt
// as it is, and $key. Numbers and key have six bits in each letter, the lowest first.
func readSodiumScrypt(rest string) (storedHash, error) {
	head, tail, _ := strings.Cut(rest, "$")
	if len(head) <= 11 {
		return storedHash{}, errors.New("settings of scrypt are missing")
	}
	n, errN := sodiumNumber(head[:1])
	r, errR := sodiumNumber(head[1:6])
	p, errP := sodiumNumber(head[6:11])
	key, errKey := sodiumBytes(tail)
	if err := errors.Join(errN, errR, errP, errKey); err != nil {
		return storedHash{}, err
	}
	return scryptHash(n, r, p, []byte(head[11:]), key)
}

const sodiumLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func sodiumNumber(s string) (n int, err error) {
	for i := range len(s) {
		bits := strings.IndexByte(sodiumLetters, s[i])
		if bits < 0 {
			return 0, errors.New("no number of scrypt")
		}
		n |= bits << (6 * i)
	}
	return n, nil
}

func sodiumBytes(s string) (b []byte, err error) {
	value, bits := 0, 0
	for i := range len(s) {
		six := strings.IndexByte(sodiumLetters, s[i])
		if six < 0 {
			return nil, errors.New("no key of scrypt")
		}
		value |= six << bits
		if bits += 6; bits >= 8 {
			b = append(b, byte(value))
			value, bits = value>>8, bits-8
		}
	}
	return b, nil
}

// scryptHash is a hash by scrypt with N = 2^log.
func scryptHash(log, r, p int, salt, key []byte) (storedHash, error) {
	if log < 1 || log > 17 || r < 1 || r > 16 || p < 1 || p > 4 {
		return storedHash{}, errors.New("settings of scrypt out of bounds")
	}
	// It goes over its memory twice: it fills and then mixes it.
	return storedHash{salt: salt, key: key, cost: 2 * uint64(128*r*p) << log >> 10,
		derive: func(password, salt []byte, length int) ([]byte, error) {
			return scrypt.Key(password, salt, 1<<log, r, p, length)
		}}, nil
}
