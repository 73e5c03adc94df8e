package main

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
)

// front is TLS with HTTP/2 before a stand-in, as before the real Bot API: there
// thousands of polls share a few connections. Over HTTP/1.1 each had its own.
type front struct {
	url    string
	server *httptest.Server
	roots  string // file with the certificate, to be trusted
}

func startFront(h http.Handler, roots string) (*front, error) {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	// Whoever is killed cuts connections; nobody needs to read of it.
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(roots, block, 0o644); err != nil {
		s.Close()
		return nil, err
	}
	return &front{s.URL, s, roots}, nil
}

// close ends every request; what is behind must have ended its own.
func (f *front) close() {
	f.server.CloseClientConnections()
	f.server.Close()
}
