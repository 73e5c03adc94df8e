package app

import (
	"fmt"
	"time"

	"ticketfrei/api"
	"ticketfrei/internal/i18n"
	"ticketfrei/relay"
)

// openAPI makes the API. Its event streams share the room of the pages'.
func (s *server) openAPI(hearing *relay.Hearing, texts *i18n.Catalogue) error {
	var err error
	s.api, err = api.New(api.Options{
		Config: s.cfg, DB: s.db, Secrets: s.secrets, Bus: &s.bus, Hearer: hearing, Cities: s.cities, Texts: texts, Health: s,
		Stream: s.networks["stream"], Room: s.streams, Version: version(), Log: s.log, Now: time.Now,
	})
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	s.onClose(s.api.Close)
	return nil
}
