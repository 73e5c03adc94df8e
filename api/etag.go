package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/db"
	"ticketfrei/manage"
)

// IfMatch is the part of a request that changes something only where nobody else has.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what is to be changed, as it was read: where somebody else has changed it since, the answer is 412."`
}

// revision is the one that If-Match has; empty: none, or any.
func (m IfMatch) revision() manage.Revision {
	tag := untag(m.IfMatch)
	if tag == "*" {
		return ""
	}
	return manage.Revision(tag)
}

// seen is the revision that If-Match has, where revisions are numbers; otherwise
// where it has none, or any.
func (m IfMatch) seen(otherwise int64) (int64, error) {
	tag := m.revision()
	if tag == "" {
		return otherwise, nil
	}
	revision, err := strconv.ParseInt(string(tag), 10, 64)
	if err != nil || revision < 1 {
		return 0, db.ErrRevision
	}
	return revision, nil
}

// IfNew is the part of a request that stores something only where it is not there yet.
type IfNew struct {
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"*: only where there is none yet."`
}

// IfNoneMatch is the part of a request that reads something only where it was changed.
type IfNoneMatch struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what is known already: where it is still so, the answer is 304."`
}

// unchanged is the answer where the client has the revision already; nil: it has not.
func (m IfNoneMatch) unchanged(revision string) error {
	known := strings.Split(m.IfNoneMatch, ",")
	if revision == "" || !slices.ContainsFunc(known, func(tag string) bool { return untag(tag) == revision }) {
		return nil
	}
	return problem(http.StatusNotModified, "")
}

// etag is a revision as the header ETag has it.
func etag(revision string) string { return `"` + revision + `"` }

func untag(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}
