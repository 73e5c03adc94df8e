// Package apikey says what keys of the API look like and what they may do.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Right is something that a key may do. Every right lets its holder read what it lets them
// change.
type Right string

// The rights.
const (
	Read     Right = "read"     // read what moderators see
	Report   Right = "report"   // post reports
	Streams  Right = "streams"  // change streams and what is let in
	Rules    Right = "rules"    // change rules, lines and stops
	City     Right = "city"     // change name, texts, language, and what is heard; stop the city
	Bots     Right = "bots"     // connect, switch and disconnect bots
	Moderate Right = "moderate" // take reports back, let them through, throw them away
	Store    Right = "store"    // keep values
	All      Right = "all"      // all of these
	People   Right = "people"   // invite and remove moderators, and change what they may do; not in All of a city's key
	Cities   Right = "cities"   // add and delete cities; only of the operator
)

// OfCity are the rights that a key of a city may have, in the order in which they are shown.
func OfCity() []Right {
	return []Right{Read, Report, Streams, Rules, City, Bots, Moderate, Store, All, People}
}

// OfOperator are the rights that a key of the operator may have: those of the first kind
// hold for every city.
func OfOperator() []Right { return append(OfCity(), Cities) }

// Key says whose a key is and what it may do. The key itself is stored nowhere.
type Key struct {
	ID     int64
	CityID int64 // 0: the operator's
	// Slug is the city's, and stands in the key; empty: the operator's.
	Slug    string
	Name    string
	MadeBy  int64 // id of the moderator who has made it; 0: the operator, or not known
	Rights  []Right
	Created time.Time
	Used    time.Time // about when it was used last; zero: never
	Expires time.Time // zero: never
}

// May tells whether the key has one of the rights.
func (k Key) May(rights ...Right) bool {
	all := slices.Contains(k.Rights, All)
	return slices.ContainsFunc(rights, func(r Right) bool {
		return slices.Contains(k.Rights, r) || all && (r != Cities && r != People || k.CityID == 0)
	})
}

// Expired tells whether the key holds no longer.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// Of tells whether the key is for a city.
func (k Key) Of(cityID int64) bool { return k.CityID == 0 || k.CityID == cityID }

// MaxName is how long the name of a key may be, in characters.
const MaxName = 60

// Check says what is wrong with the name or the rights of a key, or its expiry.
func (k Key) Check(now time.Time) error {
	switch {
	case len(k.Rights) == 0:
		return fmt.Errorf("a key needs a right: one of %s", Join(k.grantable()))
	case utf8.RuneCountInString(k.Name) > MaxName || strings.ContainsFunc(k.Name, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("the name of a key is one line of at most %d characters", MaxName)
	case k.Expired(now):
		return fmt.Errorf("the key would end at %s, which has passed", k.Expires.UTC().Format(time.RFC3339))
	}
	for _, r := range k.Rights {
		if !slices.Contains(k.grantable(), r) {
			return fmt.Errorf("%q is no right of such a key: one of %s", r, Join(k.grantable()))
		}
	}
	return nil
}

func (k Key) grantable() []Right {
	if k.CityID == 0 {
		return OfOperator()
	}
	return OfCity()
}

// Join lists rights, as "read, report".
func Join(rights []Right) string {
	var b strings.Builder
	for i, r := range rights {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(r))
	}
	return b.String()
}

// New makes a key of the city with that slug, or of the operator where it is empty.
func New(slug string) string {
	if slug == "" {
		slug = "operator"
	}
	random := make([]byte, 20) // 32 letters and digits
	_, _ = rand.Read(random)   // never fails
	return "tf_" + slug + "_" + strings.ToLower(base32.StdEncoding.EncodeToString(random))
}

// Hash is what is stored of a key. It has no salt: nobody tries out 160 random bits.
func Hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Expiry reads when a key ends: a date, as "2030-12-31", to whose end it holds; or a time
// from now in days or hours, as "90d" or "12h". Empty: never.
func Expiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if date, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return date.AddDate(0, 0, 1), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, int(n)), nil
		}
	}
	after, err := time.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date such as 2030-12-31 nor a time from now such as 90d or 12h", text)
	}
	return now.Add(after), nil
}
