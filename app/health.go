package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"ticketfrei/bots/all"
)

type healthCommand struct{ settingsFlags }

// Run asks the server that runs with the same settings whether it can work. It
// is the health check of the container image, which holds no other program.
func (cmd *healthCommand) Run(c *console) error {
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(cfg.Web.Listen)
	if err != nil {
		return fmt.Errorf("setting web.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s", strings.TrimSpace(string(text)))
	}
	_, err = fmt.Fprintln(c.stdout, "ready")
	return err
}
