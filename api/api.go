// Package api is the API at /api/v1, for scripts and for pages of others. What it lets them
// do is what moderators do on the settings pages, by the same use cases.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/casing"
	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/stream"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// Path is where the API is served.
const Path = "/api/v1"

// Options is what the API needs. All of it is required.
type Options struct {
	Config  *config.Config
	DB      *db.DB
	Secrets *secret.Box
	Bus     *bus.Bus
	Hearer  bots.Hearer
	Cities  *manage.Cities // what moderators may do
	Texts   *i18n.Catalogue
	// Stream is the network of that name.
	Stream bots.Network
	Health Health
	// Room is that of event streams, which the pages share.
	Room    *clients.Room
	Version string // of the program
	Log     *slog.Logger
	Now     func() time.Time
}

// Health says how the program is.
type Health interface {
	// Ready says why the program cannot work at the moment; nil when it can.
	Ready(ctx context.Context) error
}

// API is the handler of all that is below Path. Close it in the end.
type API struct {
	Options
	streams  stream.Streams
	triggers stream.Triggers
	huma     huma.API
	mux      *chi.Mux
	handler  http.Handler
	limits   *limits
	answers  *answers
	events   *events
}

// New returns the API.
func New(o Options) (*API, error) {
	if o.Config == nil || o.DB == nil || o.Secrets == nil || o.Bus == nil || o.Hearer == nil || o.Cities == nil || o.Texts == nil ||
		o.Health == nil || o.Room == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("api: an option is missing")
	}
	network, ok := o.Stream.(*stream.Network)
	if !ok {
		return nil, errors.New("api: the network of streams is missing")
	}
	a := &API{Options: o, streams: network.Streams(), triggers: network.Triggers(), mux: chi.NewMux(), limits: newLimits(o.Config.API.Requests, o.Now), events: newEvents(o.Room)}
	a.answers = newAnswers(o.DB, o.Secrets)
	a.mux.NotFound(a.notFound)
	a.mux.MethodNotAllowed(a.notAllowed)
	a.huma = described{humachi.New(a.mux, description(o))}
	a.register()
	a.handler = a.recover(a.cors(a.identify(a.once(a.mux))))
	return a, nil
}

// The names of fields are what the OpenAPI document says: "Text" is not "text". Of both in one
// body, only one would be checked.
func init() { huma.ValidateStrictCasing = true } //nolint:gochecknoinits // huma has it once for all

// description is what the OpenAPI document says of all routes. What huma would load from
// elsewhere, or name by the Host header, is off.
func description(o Options) huma.Config {
	c := huma.DefaultConfig("Ticketfrei", "1")
	c.Info.Description = "What scripts and pages of others do with the cities of this server. " +
		"Where a route needs a right, a key with it is sent as Authorization: Bearer KEY."
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Servers = []*huma.Server{{URL: o.Config.Web.URL + Path}}
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	c.Transformers = []huma.Transformer{withoutSecrets, sayingHow}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{keyScheme: {Type: "http", Scheme: "bearer",
		Description: "A key of a city or of the operator: the settings pages and `ticketfrei key add` make them."}}
	return c
}

// schemaName is what the OpenAPI document calls a type: as clients know it.
func schemaName(t reflect.Type, hint string) string {
	name := casing.Camel(huma.DefaultSchemaNamer(t, hint))
	if short := strings.TrimSuffix(name, "Form"); short != "" {
		return short
	}
	return name
}

// register adds all routes.
func (a *API) register() {
	a.healthRoutes()
	a.cityRoutes()
	a.ruleRoutes()
	a.placeRoutes()
	a.botRoutes()
	a.reportRoutes()
	a.streamRoutes()
	a.triggerRoutes()
	a.eventRoutes()
	a.storeRoutes()
	a.logRoutes()
	a.roomRoutes()
	a.peopleRoutes()
}

// ServeHTTP answers a request. The path below Path is that of chi's route context.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	a.handler.ServeHTTP(w, r)
}

// Close ends the open event streams.
func (a *API) Close() { a.events.close() }
