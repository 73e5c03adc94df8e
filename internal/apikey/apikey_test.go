package apikey_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/apikey"
)

func TestKey(t *testing.T) {
	for slug, form := range map[string]string{"gotham": `^tf_gotham_[a-z2-7]{32}$`, "": `^tf_operator_[a-z2-7]{32}$`} {
		a, b := apikey.New(slug), apikey.New(slug)
		if !regexp.MustCompile(form).MatchString(a) || a == b || apikey.Hash(a) == apikey.Hash(b) || strings.Contains(apikey.Hash(a), a) {
			t.Errorf("%s and %s", a, b)
		}
	}
}

func TestMay(t *testing.T) {
	for _, tt := range []struct {
		key  apikey.Key
		any  []apikey.Right
		want bool
	}{
		{apikey.Key{CityID: 1, Rights: []apikey.Right{apikey.Read}}, []apikey.Right{apikey.Streams, apikey.Read}, true},
		{apikey.Key{CityID: 1, Rights: []apikey.Right{apikey.Read}}, []apikey.Right{apikey.Streams}, false},
		{apikey.Key{CityID: 1, Rights: []apikey.Right{apikey.All}}, []apikey.Right{apikey.Streams}, true},
		{apikey.Key{CityID: 1, Rights: []apikey.Right{apikey.All}}, []apikey.Right{apikey.Cities}, false},
		{apikey.Key{Rights: []apikey.Right{apikey.All}}, []apikey.Right{apikey.Cities}, true},
		{apikey.Key{Rights: []apikey.Right{apikey.Cities}}, []apikey.Right{apikey.Read}, false},
		{apikey.Key{}, nil, false},
	} {
		if got := tt.key.May(tt.any...); got != tt.want {
			t.Errorf("%v may %v: %t", tt.key.Rights, tt.any, got)
		}
	}
}

func TestExpiry(t *testing.T) {
	now := time.Date(2030, 1, 2, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "2030-01-31": time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC), "30d": now.AddDate(0, 0, 30), "12h": now.Add(12 * time.Hour),
	} {
		if got, err := apikey.Expiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "-3d", "2030-13-01", "3"} {
		if _, err := apikey.Expiry(text, now); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestCheck(t *testing.T) {
	now := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	read := []apikey.Right{apikey.Read}
	for _, tt := range []struct {
		key  apikey.Key
		says string
	}{
		{apikey.Key{CityID: 1, Rights: read}, ""},
		{apikey.Key{Rights: []apikey.Right{apikey.Cities}}, ""},
		{apikey.Key{CityID: 1}, "a key needs a right: one of read, report, streams"},
		{apikey.Key{CityID: 1, Rights: []apikey.Right{"write"}}, `"write" is no right`},
		{apikey.Key{CityID: 1, Rights: []apikey.Right{apikey.Cities}}, `"cities" is no right`},
		{apikey.Key{CityID: 1, Rights: read, Name: strings.Repeat("ä", 61)}, "at most 60 characters"},
		{apikey.Key{CityID: 1, Rights: read, Name: "a\nb"}, "one line"},
		{apikey.Key{CityID: 1, Rights: read, Expires: now}, "has passed"},
	} {
		err := tt.key.Check(now)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want %q", tt.key, err, tt.says)
		}
	}
}
