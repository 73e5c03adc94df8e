package bots

import (
	"context"
	"io"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Site is what the frontend gives the pages of a network.
type Site interface {
	// Handler adapts h: an error that it returns is logged and answered with
	// an error page; one made with PageError is shown in its own words.
	Handler(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc

	// City returns the city the request is about: of the moderator who is
	// logged in below /settings, of the page below /city/{slug}.
	City(r *http.Request) report.City

	// ClientIP returns the visitor's address, for rate limits; behind a
	// reverse proxy (web.trusted_proxies), what the proxy says.
	ClientIP(r *http.Request) string

	// ClientNetwork returns the network that the visitor is counted by; the zero Prefix
	// where everybody comes from one address, as behind a gateway.
	ClientNetwork(r *http.Request) netip.Prefix

	// T returns the text id in the language of the page, filled with data
	// (alternating names and values).
	T(r *http.Request, id string, data ...any) string

	// Language returns the language of the page, as "de".
	Language(r *http.Request) string

	// Page writes a page of the network: template name (as "subscribe.tmpl")
	// of its Files within the layout of the city's pages. The template sees
	// data as .Data.
	Page(w http.ResponseWriter, r *http.Request, status int, network, name, title string, data any) error

	// CityPage writes the page of the city that the request is about, with what became
	// of the visitor's report on top.
	CityPage(w http.ResponseWriter, r *http.Request, status int, said Said) error

	// Settings writes the page of the networks with data in place of what
	// Network.Settings returns: an invalid form comes back with what was
	// typed and what is wrong.
	Settings(w http.ResponseWriter, r *http.Request, status int, network string, data any) error

	// Saved redirects to the network's section of that page, which says text
	// once.
	Saved(w http.ResponseWriter, r *http.Request, network, text string) error

	// Parts reads a posted form field by field, its files included, and hands each
	// to take, which reads what it needs. It is for routes of an Uploader. The error
	// is an *http.MaxBytesError where the form has more than limit bytes, or a
	// PageError.
	Parts(w http.ResponseWriter, r *http.Request, limit int64, take func(field string, content io.Reader) error) error

	// Connect makes a bot of the network for the city, or takes the one whose id
	// is botID where that is not 0, and switches it on. save stores its
	// credentials in the network's tables, in the same transaction; where save
	// fails nothing has changed. The bot starts at once, with what is stored now.
	// The error is db.ErrNotFound where botID is no bot of this city and network.
	Connect(ctx context.Context, city report.City, network string, botID int64, save func(tx *gorm.DB, b report.Bot) error) (report.Bot, error)
}

// Said is what became of a report that a visitor wrote on the city page.
type Said struct {
	Answer
	Draft string // stays in the field; empty where it was passed on
}

// What can become of a report on the city page besides the outcomes of an Answer.
const (
	OutcomeReceived Outcome = "received" // taken in, and not judged yet; or not passed on, and they are not told why
	OutcomeRefused  Outcome = "refused"  // not taken in; Text says why
)

// OnCityPage is a Network with a part of its own on the city page: the file city.tmpl of
// its Files.
type OnCityPage interface {
	// CityPart returns the data of the part, which its template sees as .Data.Own beside
	// .Data.Said: see Site.CityPage. The page is the same for everybody, and kept for a
	// moment. It is asked only of a bot that is switched on.
	CityPart(ctx context.Context, city report.City, b report.Bot) (any, error)
}

// Uploader is a network with forms that hold files.
type Uploader interface {
	// UploadRoutes adds what SettingsRoutes does, but routes that read their forms
	// with Site.Parts.
	UploadRoutes(r chi.Router, s Site)
}

// SettingsPath is where moderators find the card of a network.
func SettingsPath(network string) string { return "/settings/networks#" + SettingsAnchor(network) }

// SettingsAnchor is the id of the network's card on that page.
func SettingsAnchor(network string) string { return "network-" + network }

// PageError is an error whose text a visitor may read.
type PageError struct {
	Status int    // HTTP status, as 404
	ID     string // text id of what to tell the visitor
	// Title is the text id of the heading, for a link of ours that does not hold: the page
	// then has neither number nor search. Empty for the usual heading.
	Title string
	Err   error // the cause, for the log; may be nil
}

func (e *PageError) Error() string {
	if e.Err != nil {
		return e.ID + ": " + e.Err.Error()
	}
	return e.ID
}

func (e *PageError) Unwrap() error { return e.Err }
