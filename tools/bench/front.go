package main

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
)

// front puts TLS and HTTP/2 in front of a stand-in, as the real Bot API has
// them: thousands of polls share a few connections. Over HTTP/1.1 each has its
// own.
type front struct {
	url    string
	server *httptest.Server
	roots  string // file with the certificate to trust
}

// startFront starts one before h and writes its certificate to the file roots.
func startFront(h http.Handler, roots string) (*front, error) {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	// A program that is killed cuts its connections; nobody needs to read of
	// it.
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(roots, block, 0o644); err != nil {
		s.Close()
		return nil, err
	}
	return &front{s.URL, s, roots}, nil
}

// close ends every request. The stand-in must be closed before.
func (f *front) close() {
	f.server.CloseClientConnections()
	f.server.Close()
}
