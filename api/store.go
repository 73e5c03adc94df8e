package api

import (
	"context"
	"net/http"
	"strconv"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
)

// storeOwner is whose values those of the API are in the store of a city.
const storeOwner = "api"

// mayStore are the rights of which one is needed for the store: what steers something must
// remember something.
var (
	mayRead  = []apikey.Right{apikey.Store, apikey.Read, apikey.Streams, apikey.Rules}
	mayStore = []apikey.Right{apikey.Store, apikey.Streams, apikey.Rules}
)

func (a *API) storeRoutes() {
	const path, tag = "/cities/{city}/store/{key}", "store"
	const about = "Values are up to 64 KiB of anything, sealed on disk; a city has room for 1,000. Those of outside programs are theirs alone."
	add(a, route{id: "list-store", method: http.MethodGet, path: "/cities/{city}/store", tag: tag, summary: "The keys of the store", about: about, needs: mayRead}, a.listStore)
	add(a, route{id: "get-stored", method: http.MethodGet, path: path, tag: tag, summary: "A value of the store", needs: mayRead}, a.getStored)
	add(a, route{id: "put-stored", method: http.MethodPut, path: path, tag: tag, summary: "Store a value", about: "With If-None-Match: * only where there is none yet.",
		needs: mayStore, status: http.StatusNoContent, body: db.MaxStoreValue, errors: []int{http.StatusConflict, http.StatusPreconditionFailed}}, a.putStored)
	add(a, route{id: "delete-stored", method: http.MethodDelete, path: path, tag: tag, summary: "Delete a value", needs: mayStore,
		errors: []int{http.StatusPreconditionFailed}}, a.deleteStored)
}

func (a *API) store(ctx context.Context) *db.Store {
	return a.DB.Store(a.Secrets, city(ctx).ID, storeOwner)
}

type storeKeys struct {
	Keys []string `json:"keys" nullable:"false"`
}

func (a *API) listStore(ctx context.Context, in *struct {
	InCity
	Prefix string `query:"prefix" maxLength:"200" doc:"Only keys that begin with it."`
}) (*struct{ Body storeKeys }, error) {
	keys, err := a.store(ctx).List(ctx, in.Prefix)
	if keys == nil {
		keys = []string{}
	}
	return &struct{ Body storeKeys }{storeKeys{keys}}, err
}

// InStore is a value's place.
type InStore struct {
	InCity
	Key string `path:"key" maxLength:"200" doc:"Any name without spaces." example:"position"`
}

type storedValue struct {
	ETag        string `header:"ETag" doc:"Its revision."`
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) getStored(ctx context.Context, in *struct {
	InStore
	IfNoneMatch
}) (*storedValue, error) {
	value, revision, err := a.store(ctx).Get(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	tag := strconv.FormatInt(revision, 10)
	if err := in.unchanged(tag); err != nil {
		return nil, err
	}
	return &storedValue{etag(tag), "application/octet-stream", []byte(value)}, nil
}

func (a *API) putStored(ctx context.Context, in *struct {
	InStore
	IfMatch
	IfNew
	RawBody []byte `contentType:"application/octet-stream"`
}) (*struct {
	ETag string `header:"ETag"`
}, error) {
	expected, err := in.seen(db.AnyRevision)
	if err == nil && in.IfNoneMatch != "" {
		expected = 0
	}
	if err != nil {
		return nil, err
	}
	revision, err := a.store(ctx).Put(ctx, in.Key, string(in.RawBody), expected)
	if err != nil {
		return nil, err
	}
	return &struct {
		ETag string `header:"ETag"`
	}{etag(strconv.FormatInt(revision, 10))}, nil
}

func (a *API) deleteStored(ctx context.Context, in *struct {
	InStore
	IfMatch
}) (*struct{}, error) {
	expected, err := in.seen(db.AnyRevision)
	if err != nil {
		return nil, err
	}
	return nil, a.store(ctx).Delete(ctx, in.Key, expected)
}
