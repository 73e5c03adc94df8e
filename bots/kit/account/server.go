package account

import (
	"net/url"
	"strings"
)

// Server reads what people type as the address of a server into a field:
// "chat.example", "https://Chat.example/". It returns the URL without a slash at
// the end. One without TLS is only taken where plain is set. The error is one of
// Wrong.
func Server(field, typed string, plain bool) (string, error) {
	typed = strings.TrimSpace(typed)
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := url.Parse(typed)
	secure := err == nil && (u.Scheme == "https" || u.Scheme == "http" && plain)
	if !secure || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", Wrong(field, "kit.account.bad_server")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// Webhook reads a whole address that people paste into a field, as of a webhook:
// "https://chat.example/hooks/42". It returns the URL of the server that it is on, and
// the address. One without TLS is only taken where plain is set. The error is one of
// Wrong.
func Webhook(field, typed string, plain bool) (server, address string, err error) {
	address = strings.TrimSpace(typed)
	u, err := url.Parse(address)
	secure := err == nil && (u.Scheme == "https" || u.Scheme == "http" && plain)
	if !secure || u.Hostname() == "" || u.User != nil {
		return "", "", Wrong(field, "kit.account.bad_webhook")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), address, nil
}
