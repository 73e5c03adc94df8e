package mailer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"ticketfrei/internal/config"
)

// maxPassword bounds what is read of mail.relay_password_file, in bytes.
const maxPassword = 4096

// secret returns the password of the relay. Where it stands in a file, that is read
// now, so that one that was changed is used by the next login.
func (r *relay) secret() (string, error) {
	if r.passwordFile == "" {
		return r.password, nil
	}
	return readPassword(r.passwordFile)
}

// CheckPassword says what is wrong with the file of mail.relay_password_file.
func CheckPassword(cfg config.Mail) error {
	if cfg.RelayPasswordFile == "" {
		return nil
	}
	_, err := readPassword(cfg.RelayPasswordFile)
	return err
}

// readPassword reads a password. Its errors hold nothing of it.
func readPassword(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", passwordError(path, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	password := strings.TrimRight(string(raw), "\r\n")
	switch {
	case err != nil:
		return "", passwordError(path, err)
	case password == "":
		return "", passwordError(path, errors.New("it is empty"))
	case len(raw) > maxPassword || strings.ContainsAny(password, "\r\n\x00"):
		return "", passwordError(path, errors.New("it holds more than one line"))
	}
	return password, nil
}

func passwordError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // without the path, which is said already
	}
	return fmt.Errorf("mail.relay_password_file: %s: %w; write the relay's password into it, alone, and let the user that runs ticketfrei (uid %d) read it",
		path, err, os.Getuid())
}
