package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxSecret bounds what is read of a file with a secret, in bytes.
const maxSecret = 4096

// ReadSecret reads a file that holds a secret alone, in one line. Its errors hold neither
// the secret nor the path.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	secret := strings.TrimRight(string(raw), "\r\n")
	switch {
	case err != nil:
		return "", withoutPath(err)
	case secret == "":
		return "", errors.New("it is empty")
	case len(raw) > maxSecret || strings.ContainsAny(secret, "\r\n\x00"):
		return "", errors.New("it holds more than one line")
	}
	return secret, nil
}

func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// readFiles fills in the settings that stand in files of their own.
func (s *settings) readFiles(c *Config) {
	s.readFile("secret", &c.Secret, c.SecretFile)
	s.readFile("database.url", &c.Database.URL, c.Database.URLFile)
}

// readFile reads the value of the setting key from a file, which the setting of the same name
// and "_file" names.
func (s *settings) readFile(key string, value *string, path string) {
	if path == "" {
		return
	}
	if *value != "" {
		s.fail(key+"_file", "is set, but "+key+" is too", "set one of them")
		return
	}
	secret, err := ReadSecret(path)
	if err != nil {
		s.fail(key+"_file", fmt.Sprintf("%s: %v", path, err),
			fmt.Sprintf("write what %s would be into it, alone, and let the user that runs ticketfrei (uid %d) read it", key, os.Getuid()))
		return
	}
	*value = secret
}
