package manage

import (
	"fmt"

	"github.com/alexedwards/argon2id"
)

const (
	// MinPassword is the shortest password, in characters; MaxPassword the
	// longest, in bytes.
	MinPassword = 10
	MaxPassword = 256
)

// hashParams are the second of the equivalent settings for Argon2id in the
// OWASP password storage cheat sheet (m=19 MiB, t=2, p=1). A small server can
// afford several of them at a time.
var hashParams = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// HashPassword hashes a password for storing (argon2id).
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, &hashParams)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
