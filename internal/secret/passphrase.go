package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// ErrPassphrase is the error of Unlock where the passphrase is another, or the data was
// changed.
var ErrPassphrase = errors.New("the passphrase is another one, or the file was changed")

// What it costs to try a passphrase: RFC 9106, 4, the second choice.
const (
	passphraseTime    = 3
	passphraseMemory  = 64 << 10 // KiB
	passphraseThreads = 4
	passphraseSalt    = 16 // bytes
)

// Lock seals data for a file that is read elsewhere, under a passphrase.
func Lock(passphrase string, data []byte) ([]byte, error) {
	salt := make([]byte, passphraseSalt)
	rand.Read(salt)
	aead, err := passphraseKey(passphrase, salt)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return aead.Seal(append(salt, nonce...), nonce, data, nil), nil
}

// Unlock returns the data that Lock has sealed, or ErrPassphrase.
func Unlock(passphrase string, locked []byte) ([]byte, error) {
	if len(locked) < passphraseSalt+chacha20poly1305.NonceSizeX {
		return nil, ErrPassphrase
	}
	aead, err := passphraseKey(passphrase, locked[:passphraseSalt])
	if err != nil {
		return nil, err
	}
	rest := locked[passphraseSalt:]
	data, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], nil)
	if err != nil {
		return nil, ErrPassphrase
	}
	return data, nil
}

func passphraseKey(passphrase string, salt []byte) (cipher.AEAD, error) {
	aead, err := chacha20poly1305.NewX(argon2.IDKey([]byte(passphrase), salt, passphraseTime, passphraseMemory, passphraseThreads, keySize))
	if err != nil {
		return nil, fmt.Errorf("key of a passphrase: %w", err)
	}
	return aead, nil
}
