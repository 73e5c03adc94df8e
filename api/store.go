package api

import (
	"context"
	"net/http"
	"reflect"
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
	add(a, route{id: "list-store", method: http.MethodGet, path: "/cities/{city}/store", tag: tag, summary: "The keys of the store", about: about, needs: mayRead, takes: []string{"prefix"}}, a.listStore)
	add(a, route{id: "get-stored", method: http.MethodGet, path: path, tag: tag, summary: "A value of the store", needs: mayRead, takes: []string{ifNoneMatch}, gives: etags}, a.getStored)
	register(a, a.operation(route{id: "put-stored", method: http.MethodPut, path: path, tag: tag, summary: "Store a value", about: "With If-None-Match: * only where there is none yet.",
		needs: mayStore, takes: []string{ifMatch, ifNoneMatch}, gives: etags, body: db.MaxStoreValue, errors: []int{http.StatusConflict, http.StatusPreconditionFailed}}, reflect.TypeFor[[]byte](), reflect.TypeFor[none]()), a.putStored)
	add(a, route{id: "delete-stored", method: http.MethodDelete, path: path, tag: tag, summary: "Delete a value", needs: mayStore, takes: []string{ifMatch},
		errors: []int{http.StatusPreconditionFailed}}, a.deleteStored)
}

func (a *API) store(ctx context.Context) *db.Store {
	return a.DB.Store(a.Secrets, city(ctx).ID, storeOwner)
}

type storeKeys struct {
	Keys []string `json:"keys" nullable:"false"`
}

func (a *API) listStore(ctx context.Context, in *request) (*reply[storeKeys], error) {
	keys, err := a.store(ctx).List(ctx, in.Prefix)
	if keys == nil {
		keys = []string{}
	}
	return answered(storeKeys{keys}, err)
}

func (a *API) getStored(ctx context.Context, in *request) (*reply[[]byte], error) {
	value, revision, err := a.store(ctx).Get(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	tag := strconv.FormatInt(revision, 10)
	if err := in.unchanged(tag); err != nil {
		return nil, err
	}
	return &reply[[]byte]{ETag: etag(tag), Type: bytesType, Body: []byte(value)}, nil
}

func (a *API) putStored(ctx context.Context, in *request) (*answer, error) {
	expected, err := in.before(db.AnyRevision, 0, func() (int64, error) {
		_, revision, err := a.store(ctx).Get(ctx, in.Key)
		return revision, err
	})
	if err != nil {
		return nil, err
	}
	revision, err := a.store(ctx).Put(ctx, in.Key, string(in.RawBody), expected)
	if err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusNoContent, ETag: etag(strconv.FormatInt(revision, 10))}, nil
}

func (a *API) deleteStored(ctx context.Context, in *request) (*reply[none], error) {
	expected, err := in.seen(db.AnyRevision)
	if err != nil {
		return nil, err
	}
	return nil, a.store(ctx).Delete(ctx, in.Key, expected)
}
