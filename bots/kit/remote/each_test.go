package remote_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/kit/remote"
)

// each returns the elements that Each finds in an answer; of what is longer than 20
// bytes the beginning and "…".
func each(t *testing.T, c *remote.Client) (got []string, err error) {
	t.Helper()
	err = c.Each(t.Context(), "/", nil, 20, func(element []byte, whole bool) error {
		text := string(element)
		if !whole {
			text += "…"
		}
		got = append(got, text)
		return nil
	})
	return got, err
}

func TestEach(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   []string
	}{
		"none":                {" [ ] ", nil},
		"one":                 {`[1]`, []string{"1"}},
		"several":             {"[{\"a\":[1,{}]},\n[],\"x\"]", []string{`{"a":[1,{}]}`, "\n[]", `"x"`}},
		"brackets in strings": {`["]}","\"],[","\\"]`, []string{`"]}"`, `"\"],["`, `"\\"`}},
		"twenty bytes":        {`["345678901234567890"]`, []string{`"345678901234567890"`}},
		"too long":            {`["3456789012345678901","]` + strings.Repeat(`\"],`, 9000) + `",2]`, []string{`"3456789012345678901…`, `"]\"],\"],\"],\"],\"…`, "2"}},
		"deep":                {"[" + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + ",2]", []string{strings.Repeat("[", 20) + "…", "2"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := each(t, serve(t, answers(http.StatusOK, tt.answer)))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("error %v, elements %s", err, diff)
			}
		})
	}
}

func TestEachOfNoArray(t *testing.T) {
	for answer, want := range map[string]remote.Trouble{
		"": remote.NotTheAPI, "{}": remote.NotTheAPI, "<html>": remote.NotTheAPI, "[": remote.Broken,
		"[1,": remote.Broken, `["`: remote.Broken, "[}]": remote.Broken,
	} {
		_, err := each(t, serve(t, answers(http.StatusOK, answer)))
		if e := problem(t, err); e.Trouble != want {
			t.Errorf("%q: %v, want %s", answer, err, want)
		}
	}
	_, err := each(t, serve(t, answers(http.StatusUnauthorized, `{"error":"no"}`)))
	if e := problem(t, err); e.Trouble != remote.Refused {
		t.Errorf("401: %v", err)
	}
	large := serve(t, answers(http.StatusOK, "["+strings.Repeat("1,", 1000)+"1]"))
	large.MaxAnswer = 1000
	if _, err := each(t, large); !remote.TooLarge(err) {
		t.Errorf("too large an answer: %v", err)
	}
}

func TestEachEndsWithTheErrorOfWhoReads(t *testing.T) {
	mine, n := errors.New("mine"), 0
	err := serve(t, answers(http.StatusOK, "[1,2]")).Each(t.Context(), "/", nil, 9, func([]byte, bool) error { n++; return mine })
	if !errors.Is(err, mine) || n != 1 {
		t.Errorf("%d elements, error %v", n, err)
	}
}

// What is a JSON array is read as encoding/json reads it.
func FuzzEach(f *testing.F) {
	for _, s := range []string{`[1,"a,]",{"b":[2]}]`, `[]`, `[[],[[]]]`, `["\\\""]`, `[}`, ` [ 1 , 2 ] x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var want []json.RawMessage
		if json.Unmarshal(answer, &want) != nil || want == nil {
			return
		}
		got, err := remote.Elements(answer, 1<<20)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d elements of %q, want %d: %v", len(got), answer, len(want), err)
		}
		for i := range want {
			if a, b := bytes.TrimSpace(got[i]), bytes.TrimSpace(want[i]); !bytes.Equal(a, b) {
				t.Errorf("element %d of %q is %q, want %q", i, answer, a, b)
			}
		}
	})
}
