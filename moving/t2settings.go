package moving

import (
	"fmt"
	"net"
	"strings"

	"github.com/BurntSushi/toml"
)

// t2Host returns the host of the pages from the settings of a Ticketfrei 2; empty where they
// have none that is a name. Mail to its cities went to it.
func t2Host(path string) (string, error) {
	var settings struct {
		Web struct {
			Host string
			URL  string
		}
		Database struct {
			Path string `toml:"db_path"`
		}
	}
	if _, err := toml.DecodeFile(path, &settings); err != nil {
		return "", fmt.Errorf("settings of Ticketfrei 2: %w", err)
	}
	if settings.Web.Host == "" && settings.Database.Path == "" && settings.Web.URL != "" {
		return "", fmt.Errorf("%s has settings of this program, and --config is the file of Ticketfrei 2: name ours with --settings", path)
	}
	host := strings.ToLower(strings.TrimSuffix(settings.Web.Host, "."))
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return "", nil
	}
	return host, nil
}
