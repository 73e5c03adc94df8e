package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/db"
	"ticketfrei/manage"
)

// Names of parameters that routes take.
const (
	ifMatch        = "If-Match"
	ifNoneMatch    = "If-None-Match"
	idempotencyKey = "Idempotency-Key" // names a request: sent a second time, it has the effect of once
)

// request is all that routes read of a request: each takes its part of it, and refuses the
// rest. Its fields are exported for huma, which passes over what it cannot see.
type request struct {
	City string `path:"city" required:"false" maxLength:"40" doc:"The city's name in addresses." example:"gotham"`
	ID   string `path:"id" required:"false" maxLength:"100" doc:"Its id."`
	Name string `path:"name" required:"false" maxLength:"40" doc:"Its name."`
	Key  string `path:"key" required:"false" maxLength:"200" doc:"Any name without spaces." example:"position"`

	IfMatch        string `header:"If-Match" doc:"The ETag of what is to be changed, as it was read: where somebody else has changed it since, the answer is 412."`
	IfNoneMatch    string `header:"If-None-Match" doc:"The ETag of what is known already: where it is still so, the answer is 304."`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Any name for this request: sent a second time, it has the effect of once."`

	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Search  string `query:"search" maxLength:"60" doc:"Only those whose name or slug contains it."`
	Prefix  string `query:"prefix" maxLength:"200" doc:"Only keys that begin with it."`
	Since   string `query:"since" maxLength:"40" doc:"Only those since then: a time (RFC 3339), how long ago (90s, 15m, 2h, 3d), today or yesterday (from its beginning, in the city's time)." example:"2h"`
	Line    string `query:"line" maxLength:"100" doc:"Only those about this line." example:"U1"`
	State   string `query:"state" enum:"passed,refused,held,all" default:"passed" doc:"Those that passed, were refused or taken back, or wait for a moderator. All but passed need a key."`
	Network string `query:"network" maxLength:"40" doc:"Only those of this network."`
	Words   string `query:"words" maxLength:"200" doc:"Only those whose text has all of these words, or words with these in them. Umlauts and capital letters make no difference. Needs a key." example:"plarrer kontis"`
	Reason  string `query:"reason" maxLength:"40" doc:"Only those with this reason." example:"no_trigger"`
	Until   string `query:"until" maxLength:"40" doc:"Only those before then; as since." example:"1h"`
	After   string `query:"after" maxLength:"40" doc:"Only those after the ones of an answer before: what its next says."`
	Now     bool   `query:"now" doc:"At once, and for good."`
	Before  int64  `query:"before" minimum:"0" doc:"Only those before the one with this id."`
	Level   string `query:"level" enum:"info,warn,error" doc:"Only lines of this level, or worse."`

	// RawBody is the body, which is good by its schema. It is there until the answer is given.
	RawBody []byte
}

// number is the id of what has a number; 0, which nothing has, where it is none.
func (in *request) number() int64 {
	n, _ := strconv.ParseInt(in.ID, 10, 64)
	return n
}

// revision is the one that If-Match has; empty: none, or any.
func (in *request) revision() manage.Revision {
	tag := untag(in.IfMatch)
	if tag == "*" {
		return ""
	}
	return manage.Revision(tag)
}

// seen is the revision that If-Match has, where revisions are numbers; otherwise
// where it has none, or any.
func (in *request) seen(otherwise int64) (int64, error) {
	tag := in.revision()
	if tag == "" {
		return otherwise, nil
	}
	revision, err := strconv.ParseInt(string(tag), 10, 64)
	if err != nil || revision < 1 {
		return 0, db.ErrRevision
	}
	return revision, nil
}

// before is the revision that a PUT may take the place of: as seen, but absent where
// If-None-Match says that there must be none, and that of now where If-Match says that there
// must be one.
func (in *request) before(otherwise, absent int64, now func() (int64, error)) (int64, error) {
	switch {
	case in.IfNoneMatch != "" && in.IfMatch != "":
		return 0, wrong("header."+ifNoneMatch, "is never true with "+ifMatch+": leave one of them out", nil)
	case in.IfNoneMatch != "":
		return absent, nil
	case untag(in.IfMatch) == "*":
		revision, err := now()
		if errors.Is(err, db.ErrNotFound) {
			err = db.ErrRevision
		}
		return revision, err
	}
	return in.seen(otherwise)
}

// unchanged is the answer where the client has the revision already; nil: it has not.
func (in *request) unchanged(revision string) error {
	known := strings.Split(in.IfNoneMatch, ",")
	if revision == "" || !slices.ContainsFunc(known, func(tag string) bool { return untag(tag) == revision || untag(tag) == "*" }) {
		return nil
	}
	return problem(http.StatusNotModified, "")
}

// etags is what an answer gives that has a revision.
var etags = []string{"ETag"}

// etag is a revision as the header ETag has it.
func etag(revision string) string { return `"` + revision + `"` }

func untag(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}

// reply is what a route answers.
type reply[T any] struct {
	Status   int // 0: that of the route
	ETag     string
	Location string
	Type     string // of the content; empty: JSON
	Body     T
}

// answered is an answer that is its body.
func answered[T any](body T, err error) (*reply[T], error) { return &reply[T]{Body: body}, err }

// answer is a reply as huma takes it.
type answer struct {
	Status   int
	ETag     string `header:"ETag" hidden:"true"`
	Location string `header:"Location" hidden:"true"`
	Type     string `header:"Content-Type" hidden:"true"`
	Body     any
}

func (r *reply[T]) answer(status int) *answer {
	if r == nil {
		return nil
	}
	return &answer{cmp.Or(r.Status, status), r.ETag, r.Location, r.Type, r.Body}
}
