package mailer

import (
	"fmt"
	"os"

	"ticketfrei/internal/config"
)

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
	password, err := config.ReadSecret(path)
	if err != nil {
		return "", fmt.Errorf("mail.relay_password_file: %s: %w; write the relay's password into it, alone, and let the user that runs ticketfrei (uid %d) read it",
			path, err, os.Getuid())
	}
	return password, nil
}
