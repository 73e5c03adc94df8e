package frontend

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// partKeys is the part of the page of the people about keys of the API.
const partKeys = "keys"

// keyRoutes are the routes of the part.
func (s *Site) keyRoutes(r chi.Router) {
	r.Get("/", backTo(pagePeople, partKeys))
	r.Post("/", s.Handler(s.handleKeyAdd))
	r.Get("/remove", s.Handler(s.handleKeyRemoveAsk))
	r.Post("/remove", s.Handler(s.handleKeyRemove))
}

// keysPart is what the part shows.
type keysPart struct {
	Keys    []apikey.Key
	Rights  []apikey.Right // that there are
	Lives   []string       // after which a key may end; empty: never
	Address string         // of the API
	New     string         // a key that was just made; it is shown this once

	// As typed, and what is wrong with it.
	Name       string
	Chosen     []apikey.Right
	Life       string
	NameError  string
	RightError string
	Full       string
}

// Has tells whether a right is chosen.
func (p keysPart) Has(r apikey.Right) bool { return slices.Contains(p.Chosen, r) }

func (s *Site) keysPart(r *http.Request) (keysPart, error) {
	list, err := s.DB.APIKeys(r.Context(), s.City(r).ID)
	rights := apikey.OfCity()
	if !visitOf(r.Context()).role.May(report.Owner) { // see manage.AddKey
		rights = slices.DeleteFunc(rights, func(r apikey.Right) bool { return r == apikey.People })
	}
	return keysPart{Keys: list, Rights: rights, Lives: []string{"", "30d", "90d", "365d"}, Address: s.link("/api/v1")}, err
}

// handleKeyAdd makes a key. The page that answers has it, and no other: it is stored nowhere.
func (s *Site) handleKeyAdd(w http.ResponseWriter, r *http.Request) error {
	typed := keysPart{Name: strings.TrimSpace(r.PostFormValue("name")), Life: r.PostFormValue("life")}
	for _, right := range r.PostForm["right"] {
		typed.Chosen = append(typed.Chosen, apikey.Right(right))
	}
	key, err := s.addKey(r, &typed)
	if err != nil {
		return err
	}
	if key != "" {
		typed = keysPart{New: key}
	}
	return s.showPeople(w, r, statusOf(key != ""), func(p *peoplePage) {
		typed.Keys, typed.Rights, typed.Lives, typed.Address = p.Keys.Keys, p.Keys.Rights, p.Keys.Lives, p.Keys.Address
		p.Keys = typed
	})
}

// addKey stores the key that is typed and returns it; empty where something is wrong with it.
func (s *Site) addKey(r *http.Request, typed *keysPart) (string, error) {
	c, now := s.City(r), s.Now()
	k := apikey.Key{CityID: c.ID, Name: typed.Name, Rights: typed.Chosen}
	if len(k.Rights) == 0 {
		typed.RightError = s.T(r, "settings.keys.right_missing")
		return "", nil
	}
	if utf8.RuneCountInString(k.Name) > apikey.MaxName {
		typed.NameError = s.T(r, "settings.error.too_long", "Max", apikey.MaxName)
		return "", nil
	}
	var err error
	if k.Expires, err = apikey.Expiry(typed.Life, now); err == nil {
		err = k.Check(now)
	}
	if err != nil { // the form has nothing of the kind
		return "", badForm(err)
	}
	key, err := s.Cities.AddKey(r.Context(), k, c.Slug)
	if errors.Is(err, db.ErrTooMany) {
		typed.Full = s.T(r, "settings.keys.full", "Max", db.MaxAPIKeys)
		return "", nil
	}
	return key, err
}

// cityKey returns the key of this city with that id.
func (s *Site) cityKey(r *http.Request, id int64) (apikey.Key, error) {
	list, err := s.DB.APIKeys(r.Context(), s.City(r).ID)
	if err != nil {
		return apikey.Key{}, err
	}
	i := slices.IndexFunc(list, func(k apikey.Key) bool { return k.ID == id })
	if i < 0 {
		return apikey.Key{}, gone(db.ErrNotFound)
	}
	return list[i], nil
}

// handleKeyRemoveAsk shows what removing means, and the button for it.
func (s *Site) handleKeyRemoveAsk(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.URL.Query().Get("key"), 10, 64)
	if err != nil {
		return gone(err)
	}
	k, err := s.cityKey(r, id)
	if err != nil {
		return err
	}
	return s.ask(w, r, question{
		Title:  s.T(r, "settings.keys.remove_title", "Name", s.nameOfKey(r, k)),
		Lead:   s.T(r, "settings.keys.remove_lead"),
		Action: "/settings/keys/remove",
		Button: s.T(r, "settings.keys.remove_button"),
		Keep:   s.T(r, "settings.keys.remove_keep"),
		Back:   partPath(pagePeople, partKeys),
		Fields: []keptField{{"key", strconv.FormatInt(k.ID, 10)}},
	})
}

func (s *Site) nameOfKey(r *http.Request, k apikey.Key) string {
	if k.Name == "" {
		return s.T(r, "settings.keys.nameless")
	}
	return k.Name
}

func (s *Site) handleKeyRemove(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "key")
	if err != nil {
		return err
	}
	k, err := s.cityKey(r, id)
	if err == nil {
		err = s.Cities.RemoveKey(r.Context(), k)
	}
	if err != nil && !errors.Is(err, db.ErrNotFound) { // a second click: it has been done already
		return err
	}
	return s.saved(w, r, pagePeople, partKeys, s.T(r, "settings.keys.removed"))
}
