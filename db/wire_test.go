package db_test

import (
	"slices"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/notice"
)

func TestMessagesSayWhatWasSaid(t *testing.T) {
	many := make([]notice.Notice, 3000)
	for i := range many {
		many[i] = notice.Notice{Kind: notice.Changed, ID: int64(1e12) + int64(i)}
	}
	for name, c := range map[string]struct {
		say, hear []notice.Notice
		message   string
	}{
		"nothing": {nil, nil, "me"},
		"each kind": {
			say:     []notice.Notice{{Kind: notice.Heard, ID: 5}, {Kind: notice.Changed, ID: 12}, {Kind: notice.Passed, ID: 3}, {Kind: notice.Changed, ID: 17}, {Kind: notice.Judged, ID: 9}, {Kind: notice.State, ID: 6}, {Kind: notice.Called, ID: 3}},
			hear:    []notice.Notice{{Kind: notice.Changed, ID: 12}, {Kind: notice.Changed, ID: 17}, {Kind: notice.Passed, ID: 3}, {Kind: notice.Judged, ID: 9}, {Kind: notice.Heard, ID: 5}, {Kind: notice.Called, ID: 3}, {Kind: notice.State, ID: 6}},
			message: "me c12,17 p3 j9 h5 b3 t6",
		},
		"all": {
			say:     []notice.Notice{{Kind: notice.Changed, ID: 12}, {Kind: notice.Changed, ID: notice.All}},
			hear:    []notice.Notice{{Kind: notice.Changed, ID: notice.All}},
			message: "me c0",
		},
		"the first shard is not all": {
			say:     []notice.Notice{{Kind: notice.Heard, ID: 0}, {Kind: notice.Heard, ID: 63}},
			hear:    []notice.Notice{{Kind: notice.Heard, ID: 0}, {Kind: notice.Heard, ID: 63}},
			message: "me h0,63",
		},
		"too much": {
			say:     append(many, notice.Notice{Kind: notice.Passed, ID: 3}),
			hear:    []notice.Notice{{Kind: notice.Changed, ID: notice.All}, {Kind: notice.Passed, ID: 3}},
			message: "me c0 p3",
		},
	} {
		message := db.Encode("me", c.say)
		if message != c.message {
			t.Errorf("%s: wrote %q", name, message)
		}
		if from, heard := db.Decode(message); from != "me" || !slices.Equal(heard, c.hear) {
			t.Errorf("%s: read %q, %v", name, from, heard)
		}
	}
}

// A later version may say other things beside those that this one knows.
func TestForeignMessages(t *testing.T) {
	for message, want := range map[string][]notice.Notice{
		"":               nil,
		"other":          nil,
		"other x5 c7":    {{Kind: notice.Changed, ID: 7}},
		"other c7,x,8 c": {{Kind: notice.Changed, ID: 7}, {Kind: notice.Changed, ID: 8}},
		"other c-3":      nil,
	} {
		if _, heard := db.Decode(message); !slices.Equal(heard, want) {
			t.Errorf("%q: %v", message, heard)
		}
	}
}

// PostgreSQL takes messages of less than 8,000 bytes: it gets as many ids as fit, of however
// many kinds they are.
func TestLongestMessage(t *testing.T) {
	kinds := []notice.Kind{notice.Changed, notice.Passed, notice.Judged, notice.Called, notice.State, notice.Spare}
	for n := range kinds {
		longest := 0
		for each := range int64(400) {
			var list []notice.Notice
			for _, kind := range kinds[:n+1] {
				for i := range each {
					list = append(list, notice.Notice{Kind: kind, ID: 1<<63 - 1 - i})
				}
			}
			for shard := range int64(db.Shards) {
				list = append(list, notice.Notice{Kind: notice.Heard, ID: shard})
			}
			longest = max(longest, len(db.Encode(strings.Repeat("n", 10), list)))
		}
		if longest < 3500 || longest >= 8000 {
			t.Errorf("%d kinds in %d bytes", n+1, longest)
		}
	}
}
