// Package secret holds the program's one secret key and what is made with it:
// encryption of tokens and passwords at rest, the tokens in links, and the hashes
// that stand for the authors of reports.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// keySize is the size of the secret key in bytes.
const keySize = 32

// FileName is the name of the key's file in the data directory.
const FileName = "secret.key"

// Box encrypts, signs and hashes. It is safe for use by many goroutines.
type Box struct {
	aead   cipher.AEAD
	sign   []byte // of the tokens of earlier versions
	author []byte
	token  cipher.AEAD  // of what tokens hold
	nonce  []byte       // of what tokens begin with
	marks  cipher.Block // of what follows it
}

// Open returns the Box for a key of 64 hexadecimal digits. If key is empty, it
// uses the key file in dir, which it creates (mode 0600) if there is none.
func Open(dir, key string) (*Box, error) {
	box, err := Read(dir, key)
	if !errors.Is(err, fs.ErrNotExist) {
		return box, err
	}
	raw, err := makeKey(filepath.Join(dir, FileName))
	if err != nil {
		return nil, err
	}
	return New(raw)
}

// Read is like Open, but makes no file: the error is fs.ErrNotExist if there is none.
func Read(dir, key string) (*Box, error) {
	if key != "" {
		raw, err := decodeKey(key)
		if err != nil {
			return nil, fmt.Errorf("setting secret: %w", err)
		}
		return New(raw)
	}
	raw, err := readKey(filepath.Join(dir, FileName))
	if err != nil {
		return nil, err
	}
	return New(raw)
}

// New returns the Box for a key of 32 bytes.
func New(key []byte) (*Box, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the secret key has %d bytes, it must have %d", len(key), keySize)
	}
	var derived [6][]byte
	for i, use := range []string{"encrypt", "sign", "author", "token", "nonce", "mark"} {
		k, err := hkdf.Key(sha256.New, key, nil, "ticketfrei "+use, keySize)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		derived[i] = k
	}
	aead, err := chacha20poly1305.NewX(derived[0])
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	token, err := chacha20poly1305.NewX(derived[3])
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	marks, err := aes.NewCipher(derived[5])
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return &Box{aead: aead, sign: derived[1], author: derived[2], token: token, nonce: derived[4], marks: marks}, nil
}

func decodeKey(s string) ([]byte, error) {
	raw, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(raw) != keySize {
		return nil, errors.New("the key must be 64 hexadecimal digits (openssl rand -hex 32)")
	}
	return raw, nil
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("secret key: %s can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	raw, err := decodeKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("secret key: %s: %w; restore it from your backup", path, err)
	}
	return raw, nil
}

// makeKey writes a new key. If two processes do so at once, both get the key of
// the first: the file is linked into place as a whole and never replaced.
func makeKey(path string) ([]byte, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), FileName+".*")
	if err != nil {
		return nil, fmt.Errorf("make secret key: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	raw := make([]byte, keySize)
	rand.Read(raw)
	if _, err := fmt.Fprintln(tmp, hex.EncodeToString(raw)); err != nil {
		return nil, fmt.Errorf("make secret key: %w", err)
	}
	if err := tmp.Sync(); err != nil {
		return nil, fmt.Errorf("make secret key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make secret key: %w", err)
	}
	return readKey(path)
}

// Seal encrypts text for storing. place names where it is stored, such as
// "mastodon_accounts.token:17". Only Open with the same place decrypts it, so
// that a sealed value cannot be moved to another row.
func (b *Box) Seal(place, text string) string {
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(text)+b.aead.Overhead())
	rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(b.aead.Seal(nonce, nonce, []byte(text), []byte(place)))
}

// Open decrypts what Seal made for the same place.
func (b *Box) Open(place, sealed string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < b.aead.NonceSize() {
		return "", fmt.Errorf("decrypt %s: not an encrypted value", place)
	}
	n := b.aead.NonceSize()
	text, err := b.aead.Open(nil, raw[:n], raw[n:], []byte(place))
	if err != nil {
		return "", fmt.Errorf("decrypt %s: it was encrypted with another secret key; restore the key it was made with", place)
	}
	return string(text), nil
}

// Hash returns the keyed hash of parts for one use: 22 characters of A-Z, a-z,
// 0-9, "-" and "_". The same parts always give the same; without the key nobody can
// find them by trying.
func (b *Box) Hash(use string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(b.mac(b.author, append([]string{use}, parts...)...)[:16])
}

// Author returns the keyed hash that stands for who writes to or reads a city's
// bots of one network: see Hash. That of the same address in another city is
// another, so that nobody is seen to be in both.
func (b *Box) Author(cityID int64, network, address string) string {
	return b.AuthorOf(cityID, b.Hash(network, address))
}

// AuthorOf returns Author for the hash that stood for it in all cities before.
func (b *Box) AuthorOf(cityID int64, former string) string {
	return b.Hash("author", strconv.FormatInt(cityID, 10), former)
}

// Unverified returns what stands for an author in whose name anybody can write, or for
// a report whose id anybody can choose.
func (b *Box) Unverified(known string) string { return b.Hash("unverified", known) }

// ReportID derives the id of a report from the network, the bot and the network's
// own id of the message: see Hash. A message that is seen twice is therefore one
// report.
func (b *Box) ReportID(network string, botID int64, messageID string) string {
	return b.Hash("report", network, strconv.FormatInt(botID, 10), messageID)
}

// mac authenticates parts, each with its length, under key.
func (b *Box) mac(key []byte, parts ...string) []byte {
	var all []byte
	for _, p := range parts {
		all = append(strconv.AppendInt(all, int64(len(p)), 10), ':')
		all = append(all, p...)
	}
	h := hmac.New(sha256.New, key)
	h.Write(all)
	return h.Sum(nil)
}

// Key returns 32 bytes for one use that only who has the key can derive. The same parts
// always give the same.
func (b *Box) Key(use string, parts ...string) []byte {
	return b.mac(b.author, append([]string{"key", use}, parts...)...)
}
