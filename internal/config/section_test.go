package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// A network looks at its settings when all of them are read, and says what is wrong
// with them as the program does.
func TestNetworkChecksItsSettings(t *testing.T) {
	load := func(env ...string) (*config.Config, error) {
		target, sections := telegramSection()
		sections[0].Check = func(c *config.Config) (wrong, advice []config.Error) {
			if target.Workers < 1 {
				wrong = append(wrong, config.Error{Key: "workers", Problem: "is too few", Hint: "write 1 or more"})
			}
			if target.Quiet && strings.HasPrefix(c.Web.URL, "http:") {
				advice = append(advice, config.Error{Key: "quiet", Problem: "needs https", Hint: "set web.url"})
			}
			return wrong, advice
		}
		return config.Load(config.Source{Defaults: defaults(t), Sections: sections, Env: env})
	}
	if c, err := load(); err != nil || len(c.Warnings) != 0 {
		t.Errorf("the defaults: %v, %v", c.Warnings, err)
	}
	c, err := load("TICKETFREI_TELEGRAM_QUIET=true")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]config.Error{{Key: "telegram.quiet", Source: "TICKETFREI_TELEGRAM_QUIET", Problem: "needs https", Hint: "set web.url"}}, c.Warnings); diff != "" {
		t.Error(diff)
	}
	_, err = load("TICKETFREI_TELEGRAM_WORKERS=0", "TICKETFREI_LOG_LEVEL=loud")
	wrong, _ := errors.AsType[config.Errors](err)
	if len(wrong) != 2 || !strings.Contains(err.Error(), "TICKETFREI_TELEGRAM_WORKERS: telegram.workers: is too few; write 1 or more") {
		t.Errorf("errors %v", err)
	}
}
