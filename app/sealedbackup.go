package app

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// passphraseFlags say under which passphrase a backup is.
type passphraseFlags struct {
	PassphraseFile string `help:"File with the passphrase under which database and key are one file; or set TICKETFREI_BACKUP_PASSPHRASE." placeholder:"FILE" type:"path"`
}

// minPassphrase is how long a passphrase must be, in bytes.
const minPassphrase = 12

// passphrase returns it; empty: there is none.
func (f passphraseFlags) passphrase() (string, error) {
	text, isSet := os.LookupEnv("TICKETFREI_BACKUP_PASSPHRASE")
	if f.PassphraseFile != "" {
		raw, err := os.ReadFile(f.PassphraseFile)
		if err != nil {
			return "", fmt.Errorf("the passphrase: %w", err)
		}
		text, isSet = string(raw), true
	}
	if text = strings.TrimSpace(text); isSet && len(text) < minPassphrase {
		return "", fmt.Errorf("the passphrase is too short: at least %d characters", minPassphrase)
	}
	return text, nil
}

// ageMagic is what a file begins with that age has written.
const ageMagic = "age-encryption.org/v1\n"

// sealBackup writes database and key as a tar under a passphrase, as the program age reads it.
func sealBackup(w io.Writer, passphrase string, database *os.File, key []byte) error {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("seal backup: %w", err)
	}
	sealed, err := age.Encrypt(w, recipient)
	if err != nil {
		return fmt.Errorf("seal backup: %w", err)
	}
	info, err := database.Stat()
	if err != nil {
		return err
	}
	t := tar.NewWriter(sealed)
	add := func(name string, size int64, r io.Reader) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: info.ModTime()}); err != nil {
			return err
		}
		_, err := io.Copy(t, r)
		return err
	}
	err = errors.Join(add(secret.FileName, int64(len(key)), strings.NewReader(string(key))), add(db.FileName, info.Size(), database), t.Close(), sealed.Close())
	if err != nil {
		return fmt.Errorf("seal backup: %w", err)
	}
	return nil
}

// errPassphrase is a passphrase under which a backup is not.
var errPassphrase = errors.New("the backup is under another passphrase")

// openBackup calls each with the files of a backup under a passphrase.
func openBackup(r io.Reader, passphrase string, each func(name string, r io.Reader) error) error {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	plain, err := age.Decrypt(r, identity)
	if errors.As(err, new(*age.NoIdentityMatchError)) {
		return errPassphrase
	}
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	t := tar.NewReader(plain)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the backup is damaged: %w", err)
		}
		if err := each(h.Name, t); err != nil {
			return err
		}
	}
}
